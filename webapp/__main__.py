"""The entry point of `python -m webapp`."""

from contracts import cli
from webapp.commands import webapp

if __name__ == "__main__":
    raise SystemExit(cli.run(webapp, "python -m webapp"))
