"""The payment ledger's tables: what each column means, and what leaves with a person.

Here: definitions. Not here: what is written into them (`tests/spec/test_settlement.py`).
"""

from __future__ import annotations

import duckdb
import pytest

from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES, columns_of
from dagster_project.lake.ledger_dictionary import MEANINGS, ledger_rows

TABLES = PAYMENT_TABLES | FROZEN_TABLES


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_read_as_the_database_reads_them(table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create table made ({TABLES[table]})")
        described = connection.execute("describe made").fetchall()
    assert [(name, kind.lower()) for name, kind in columns_of(TABLES[table])] == [
        (name, kind.lower()) for name, kind, *_ in described
    ]


def test_every_column_has_one_meaning_and_one_type_and_no_meaning_is_idle() -> None:
    rows = ledger_rows()
    types = {(row.column, row.sql_type) for row in rows}
    assert {row.column for row in rows} == MEANINGS.keys()
    assert len(types) == len(MEANINGS)


def test_persons_are_in_no_table_that_is_published() -> None:
    named = {t for t, definition in TABLES.items() if "person_id" in dict(columns_of(definition))}
    assert named == {"frozen_list", "frozen_change", "frozen_act", "frozen_act_change"}
    assert named.isdisjoint(PAYMENT_TABLES)
