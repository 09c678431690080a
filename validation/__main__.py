"""The entry point of `python -m validation`."""

from contracts import cli
from validation.commands import validate

if __name__ == "__main__":
    raise SystemExit(cli.run(validate, "python -m validation"))
