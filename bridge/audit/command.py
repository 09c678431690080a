"""Runs `python -m bridge audit`: exit status 0 consistent, 1 inconsistent, 2 PostgreSQL or Kafka unavailable."""

import json
import sys
from typing import Final

from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from bridge.audit.audit import Audit
from bridge.audit.report import report
from contracts.database import Database, describe_error, make_engine
from contracts.settings import Settings

STATEMENT_SECONDS: Final = 60.0
"""A statement about a page of users may take long; only the person who ran the command waits for it."""

UNAVAILABLE: Final = 2
"""The exit status when a store could not be read."""


def audit(settings: Settings, *, as_json: bool) -> int:
    """Audit everything, print the report and return the exit status."""
    engine = make_engine(settings.database_url, "audit", statement_seconds=STATEMENT_SECONDS, connections=1)
    audit = Audit(settings, Database(engine), whole=True)
    try:
        figures = audit.run()
    except SQLAlchemyError as error:
        return _report_unavailable(f"PostgreSQL is unavailable: {describe_error(error)}")
    except KafkaException as error:
        return _report_unavailable(f"Kafka is unavailable, or a topic is missing: {error.args[0].str()}")
    finally:
        audit.close()
        engine.dispose()
    for line in [json.dumps(figures)] if as_json else report(figures):
        sys.stdout.write(f"{line}\n")
    return 0 if figures["consistent"] else 1


def _report_unavailable(line: str) -> int:
    sys.stderr.write(f"{line}. Nothing was audited; fix this and run the audit again.\n")
    return UNAVAILABLE
