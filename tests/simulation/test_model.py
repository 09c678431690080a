"""The simulated PostgreSQL compared with PostgreSQL: the same statements with the same parameters return the same rows.

Without this the histories would prove only the model. Both execute several hundred random statements of one seed.
"""

import pytest

from contracts.database import Database
from tests.simulation.model_comparison import ModelAndPostgres

STATEMENTS = 400


@pytest.mark.parametrize("seed", range(4))
def test_the_simulated_postgresql_returns_and_stores_the_same_rows_as_postgresql(database: Database, seed: int) -> None:
    both = ModelAndPostgres(database, seed)
    for _ in range(STATEMENTS):
        both.step()
