"""Runs `python -m bridge audit`: exit status 0 consistent, 1 inconsistent, 3 PostgreSQL or Kafka unavailable."""

from typing import Final

from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge import console
from bridge.audit.audit import Audit
from bridge.audit.report import report
from contracts.database import describe_error
from contracts.settings import Settings

UNAVAILABLE: Final = 3
"""The exit status when a store could not be read. 2 stands for wrong arguments, as in all commands."""


def audit(settings: Settings, *, as_json: bool) -> int:
    """Audit everything, print the report and return the exit status."""
    with console.command_database(settings) as database:
        audit = Audit(settings, database, whole=True)
        try:
            figures = audit.run()
        except SQLAlchemyError as error:
            return _report_unavailable(f"PostgreSQL is unavailable: {describe_error(error)}")
        except KafkaException as error:
            return _report_unavailable(f"Kafka is unavailable, or a topic is missing: {error.args[0].str()}")
        finally:
            audit.close()
    if as_json:
        console.write_json(figures)
    else:
        console.write(report(figures))
    return 0 if figures["consistent"] else 1


def _report_unavailable(line: str) -> int:
    console.print_stderr(f"{line}. Nothing was audited; fix this and run the audit again.")
    return UNAVAILABLE
