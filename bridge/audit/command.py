"""`python -m bridge audit`: 0 when everything adds up, 1 when something does not, 2 when a store could not be asked."""

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
"""A page of users may be long; nobody waits for these statements but who asked."""

UNAVAILABLE: Final = 2


def audit(settings: Settings, *, as_json: bool) -> int:
    """Look at everything and say what was found."""
    engine = make_engine(settings.database_url, "audit", statement_seconds=STATEMENT_SECONDS, connections=1)
    audit = Audit(settings, Database(engine), whole=True)
    try:
        figures = audit.run()
    except SQLAlchemyError as away:
        return _report_unavailable(f"PostgreSQL did not answer: {describe_error(away)}")
    except KafkaException as away:
        return _report_unavailable(f"Kafka did not answer: {away.args[0].str()}")
    finally:
        audit.close()
        engine.dispose()
    for line in [json.dumps(figures)] if as_json else report(figures):
        sys.stdout.write(f"{line}\n")
    return 0 if figures["adds_up"] else 1


def _report_unavailable(line: str) -> int:
    sys.stderr.write(f"{line}. Nothing was audited.\n")
    return UNAVAILABLE
