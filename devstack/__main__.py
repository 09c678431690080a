"""Entry point of `python -m devstack`."""

import os

from devstack.clean_start import ensure_clean_start

if __name__ == "__main__":
    ensure_clean_start()
    from contracts import cli
    from devstack.cli import devstack
    from devstack.spec import child_environment

    child_environment.clean(os.environ)
    os.umask(0o022)  # the person's may lock PostgreSQL's account out; what is private is created so
    raise SystemExit(cli.run(devstack, "python -m devstack"))
