"""`python -m tests.faults --rounds 20 --seed 1`: faults at random under load, and a table of what came of them."""

from tests.faults.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
