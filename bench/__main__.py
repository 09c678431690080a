"""`python -m bench ratio|dispatch|live`: measurements on a stack of their own."""

from bench.commands import run

if __name__ == "__main__":
    run()
