"""Working tables of a settlement: `settle.<name>`, in memory, made by files in `sql/settlement`.

A settlement and its recompute differ in where these tables come from, the lake as it stands or the
frozen inputs, and in nothing after that.

Here: running a query into a working table, with values bound by name. Not here: which query when
(`freezing`, `reckoning`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from dagster_project.lake.connection import Lake
from dagster_project.settings import PROJECT_ROOT

_QUERIES = PROJECT_ROOT / "sql" / "settlement"
_RATE_OF = """
    create or replace macro memory.main.rate_of(
        base_eur, regional_factor, need_factor, correction_factor
    ) as cast(
        round(
            cast(base_eur as decimal(38, 6)) * regional_factor
            * cast(need_factor as decimal(18, 8)) * cast(correction_factor as decimal(18, 8)),
            8
        ) as decimal(18, 8)
    )
"""
"""Euros per person-year: the base with every factor, to 8 decimals."""
_NEUTRAL_RATE = """
    create or replace macro memory.main.neutral_rate(rate_eur, neutrality_factor) as cast(
        round(cast(rate_eur as decimal(38, 8)) * neutrality_factor, 8) as decimal(18, 8)
    )
"""
"""A rate as it was paid in a month that was brought to its budget, to 8 decimals."""
_EUROS = """
    create or replace macro memory.main.euros(rate_eur, person_days, year_days) as cast(
        cast(
            sign(rate_eur) * sign(person_days) * (
                (
                    2 * abs(
                        cast(cast(rate_eur as decimal(38, 8)) * 100000000 as hugeint) * person_days
                    ) + cast(year_days as hugeint) * 1000000
                ) // (2 * cast(year_days as hugeint) * 1000000)
            ) as decimal(18, 0)
        ) * 0.01 as decimal(18, 2)
    )
"""
"""Euros for person-days at a rate per person-year: to a cent, halves away from zero; in whole
numbers, exactly. The one step at which a settlement rounds euros."""
_SHARE_OF = """
    create or replace macro memory.main.share_of(amount_eur, share) as cast(
        round(cast(amount_eur as decimal(38, 2)) * cast(share as decimal(18, 8)), 2)
        as decimal(18, 2)
    )
"""
"""A share of euros, to a cent, halves away from zero."""


@lru_cache
def query(name: str) -> str:
    """The text of a settlement's query."""
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")


class Bench:
    """The working tables of one settlement."""

    def __init__(self, lake: Lake, values: dict[str, Any]) -> None:
        self.lake = lake
        self.values = values
        for macro in (_RATE_OF, _NEUTRAL_RATE, _EUROS, _SHARE_OF):
            lake.execute(macro)
        lake.execute("drop schema memory.settle cascade")
        lake.execute("create schema memory.settle")

    def make(self, table: str, name: str | None = None, **values: Any) -> None:  # noqa: ANN401
        """Make a working table by the query of its name, or of another."""
        sql, bound = self._bound(name or table, values)
        self.lake.execute(f"create or replace table memory.settle.{table} as {sql}", bound)

    def add(self, table: str, name: str, **values: Any) -> None:  # noqa: ANN401
        """Add a query's rows to a working table, column by column of the same name."""
        sql, bound = self._bound(name, values)
        self.lake.execute(f"insert into memory.settle.{table} by name {sql}", bound)

    def take(self, table: str, sql: str, **values: Any) -> None:  # noqa: ANN401
        """Make a working table by `select … from` one that stands."""
        self.lake.execute(
            f"create or replace table memory.settle.{table} as {sql}", self._named(sql, values)
        )

    def run(self, sql: str, **values: Any) -> None:  # noqa: ANN401
        """Run a statement, values bound by name."""
        self.lake.execute(sql, self._named(sql, values))

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        """Rows of a query, values bound by name."""
        return self.lake.rows(sql, self._named(sql, values))

    def _bound(self, name: str, values: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        sql = query(name)
        return sql, self._named(sql, values)

    def _named(self, sql: str, values: dict[str, Any]) -> dict[str, Any] | None:
        given = self.values | values
        return {name: given[name] for name in set(re.findall(r"\$(\w+)", sql))} or None
