"""The entry point of `python -m training`."""

from training.commands import training

if __name__ == "__main__":
    training.main(prog_name="python -m training")
