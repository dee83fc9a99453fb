"""Old majors of a contract read as the newest one, so that old bytes and old rows stay of use.

Here: the SQL of each step. Not here: the expressions, which the older contract states.
"""

from __future__ import annotations

from itertools import pairwise

from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.sql_text import quoted

TECHNICAL_COLUMNS = ("delivery_sequence", "record_number")


def upcast_sql(relation: str, sent: Contract, catalogue: Catalogue) -> str:
    """A query over rows of one major, in the columns of the newest.

    Args:
        relation: query with the lake columns of `sent` and the technical ones.
        sent: contract in force when the rows were sent.
        catalogue: all majors.
    """
    majors = catalogue.majors(sent.key)
    steps = majors[majors.index(sent) :]
    for older, newer in pairwise(steps):
        relation = f"select {_columns(older, newer)} from ({relation}) as older"
    return relation


def _columns(older: Contract, newer: Contract) -> str:
    values = [
        f"{older.upcast.get(c.name, quoted(c.name))} as {quoted(c.name)}"
        for c in newer.lake_columns
    ]
    return ", ".join([*values, *TECHNICAL_COLUMNS])


def lake_column_names(contract: Contract) -> list[str]:
    """Names of a staging table's columns, in order."""
    return [*(c.name for c in contract.lake_columns), *TECHNICAL_COLUMNS]
