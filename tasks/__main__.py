"""`python -m tasks batch` asks the bridges to work off everything that is waiting, now rather than tonight."""

import argparse

from sqlalchemy.exc import SQLAlchemyError

from contracts.settings import load_settings_or_exit
from tasks.worker import make_ledger


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tasks", description=__doc__)
    parser.add_argument("command", choices=["batch"])
    parser.parse_args()
    settings = load_settings_or_exit()
    if settings.takes_from_kafka:
        raise SystemExit("No batch is needed: KAFKA_MODE is on, thoughts are analysed as they come.")
    try:
        asked = make_ledger(settings).request_batch()
    except SQLAlchemyError as away:
        raise SystemExit(f"PostgreSQL did not answer: {str(getattr(away, 'orig', away)).splitlines()[0]}") from None
    print("A batch is asked for." if asked else "A batch is asked for already.")  # noqa: T201  a command answers


if __name__ == "__main__":
    main()
