"""The figures of the last audit as metrics."""

import json

from flask.testing import FlaskClient
from sqlalchemy import text

from contracts.database import Database
from tests.webapp.metrics.scraping import scrape

FIGURES = {
    "consistent": False,
    "stalled_thoughts": 2,
    "findings": {"stalled": 2, "order": 0},
    "partitions": [
        {"partition": 1, "first": 0, "end": 9, "committed": 7, "lag": 2, "records": {"completed": 7, "waiting": 2}}
    ],
}


def test_the_metrics_show_the_figures_of_the_last_audit(client: FlaskClient, database: Database) -> None:
    assert not [name for name in scrape(client) if name.startswith("thoughts_audit")]
    insert = text("INSERT INTO audits (at, figures) VALUES (now() - interval '1 min', CAST(:figures AS jsonb))")
    database.rows(insert, figures=json.dumps(FIGURES))
    metrics = scrape(client)
    assert metrics["thoughts_audit_age_seconds"] >= 60
    assert metrics["thoughts_audit_consistent"] == 0
    assert metrics["thoughts_audit_stalled_thoughts"] == 2
    assert metrics['thoughts_audit_findings{kind="stalled"}'] == 2
    assert metrics['thoughts_audit_lag{partition="1"}'] == 2
    assert metrics['thoughts_audit_committed{partition="1"}'] == 7
    assert metrics['thoughts_audit_records{partition="1",state="waiting"}'] == 2


def test_missing_figures_of_another_release_are_left_out(client: FlaskClient, database: Database) -> None:
    incomplete = {
        "consistent": True,
        "partitions": [{"partition": 1, "end": 9}, {"first": 0, "records": {"completed": 7}}],
    }
    insert = text("INSERT INTO audits (figures) VALUES (CAST(:figures AS jsonb))")
    database.rows(insert, figures=json.dumps(incomplete))
    metrics = scrape(client)
    assert (metrics["thoughts_audit_consistent"], metrics['thoughts_audit_end{partition="1"}']) == (1, 9)
