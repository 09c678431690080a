"""The entry point of `python -m notes`."""

from notes.commands import notes

if __name__ == "__main__":
    notes.main(prog_name="python -m notes")
