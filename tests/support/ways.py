"""Rows that name nobody and tell where somebody is, to who follows the keys that tables share.

Here: finding them in a lake or a release. Not here: rows that name the person (`places`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import duckdb

from dagster_project.pipeline import Definition
from dagster_project.sql_text import quoted
from tests.support.places import PERSON_COLUMNS, PLACE_COLUMNS, columns_of

Values = dict[str, set[object]]
"""By column."""


def keys_of(definition: Definition) -> dict[str, str]:
    """The column that is the key by itself, of every staging table and model that has one."""
    newest = map(definition.catalogue.latest, definition.catalogue.tables())
    keys = {f"staging.{c.table}": c.primary_key for c in newest}
    keys |= {model.full_name: model.key for model in definition.graph.models}
    return {table: key[0] for table, key in keys.items() if len(key) == 1}


def rows_leading(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    persons: Collection[int],
    keys: Mapping[str, str],
) -> dict[str, int]:
    """How many rows that name nobody tell where these persons are, by table with any.

    Theirs are rows that name the key of a row of theirs, and so on; followed is also a key that a
    row of theirs names. A column names a key where it is called so, or ends so.

    Args:
        connection: Where the database is attached.
        database: Its name.
        persons: Whose places are sought.
        keys: As `keys_of` gives them.
    """
    held = columns_of(connection, database)
    tables = {t: held[t] for t in held if t.split(".")[0] in ("staging", "core", "mart")}
    walk = _Walk(connection, database, keys, tables)
    walk.start(persons)
    while walk.goes_on():
        pass
    found = {f"{database}.{table}": walk.telling(table) for table in walk.nobodys}
    return {table: count for table, count in found.items() if count}


@dataclass(frozen=True)
class _Walk:
    connection: duckdb.DuckDBPyConnection
    database: str
    keys: Mapping[str, str]
    tables: Mapping[str, set[str]]
    """With their columns."""
    theirs: Values = field(default_factory=dict)
    """Keys of rows that are theirs."""
    named: Values = field(default_factory=dict)
    """Other ids that rows with their names in have."""

    @property
    def nobodys(self) -> dict[str, set[str]]:
        return {table: held for table, held in self.tables.items() if not held & PERSON_COLUMNS}

    def start(self, persons: Collection[int]) -> None:
        for table, held in self.tables.items():
            by: Values = {column: set(persons) for column in held & PERSON_COLUMNS}
            ids = {name for name in held - PERSON_COLUMNS - PLACE_COLUMNS if name.endswith("_id")}
            for name in ids if by else ():
                kept = self.theirs if self.keys.get(table) == name else self.named
                kept.setdefault(name, set()).update(self._values(table, name, by))

    def goes_on(self) -> bool:
        """Add the keys of rows that name one of theirs; whether there were new ones."""
        before = sum(map(len, self.theirs.values()))
        for table, held in self.nobodys.items():
            by = self._ways(held)
            if by and table in self.keys:
                key = self.keys[table]
                self.theirs.setdefault(key, set()).update(self._values(table, key, by))
        return sum(map(len, self.theirs.values())) > before

    def telling(self, table: str) -> int:
        held, key = self.tables[table], self.keys.get(table, "")
        by = self._ways(held) | ({key: self.named[key]} if key in self.named else {})
        told = " or ".join(f"{quoted(place)} is not null" for place in held & PLACE_COLUMNS)
        if not by or not told:
            return 0
        return len(self._rows(f"1 from {self.database}.{table}", by, f"and ({told})"))

    def _ways(self, held: Collection[str]) -> Values:
        """Columns that name a key of theirs, with the keys that they may name."""
        found: Values = {}
        for key, values in self.theirs.items():
            for column in held:
                if values and f"_{column}".endswith(f"_{key}"):
                    found.setdefault(column, set()).update(values)
        return found

    def _values(self, table: str, column: str, by: Values) -> set[object]:
        rows = self._rows(f"distinct {quoted(column)} from {self.database}.{table}", by)
        return {value for (value,) in rows} - {None}

    def _rows(self, what: str, by: Values, also: str = "") -> list[tuple[object, ...]]:
        named = " or ".join(f"list_contains(?, {quoted(column)})" for column in by)
        values = [list(found) for found in by.values()]
        return self.connection.execute(f"select {what} where ({named}) {also}", values).fetchall()
