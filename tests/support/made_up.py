"""Tables that no source sends, through the gate in any format.

Here: contracts of a few columns, and what the gate makes of a file. Not here: the contracts of the
repository (`raw_files`, `deliveries`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.contracts.model import Column, Contract, Dialect, FileFormat
from dagster_project.lake import gate
from dagster_project.lake.connection import READ_ANEW, Lake
from dagster_project.pipeline import load_definition
from dagster_project.settings import Settings
from dagster_project.sources.readable import readable

SEQUENCE = 20170101
NUMBER = Column("number", "Numero", "BIGINT", "", is_required=True, primary_key_position=1)
NAME = Column("name", "Nimi", "VARCHAR", "")
AMOUNT = Column("amount", "Määrä", "DECIMAL(18,2)", "")
RATE = Column("rate", "Osuus", "DOUBLE", "")
DAY = Column("day", "Päivä", "DATE", "")
MOMENT = Column("moment", "Hetki", "TIMESTAMP", "")
FLAG = Column("flag", "Voimassa", "BOOLEAN", "")
COLUMNS = (NUMBER, NAME, AMOUNT, RATE, DAY, MOMENT, FLAG)
SHEET = "Tiedot"


def contract(form: FileFormat, *columns: Column, **dialect: Any) -> Contract:
    """A contract of these columns, all of them unless told otherwise, and no rules."""
    given = load_definition().catalogue.latest("reference/sites")
    settings: dict[str, Any] = {
        "true_values": ("true",),
        "false_values": ("false",),
        "sheet": SHEET if form is FileFormat.XLSX else "",
    }
    return replace(
        given,
        dialect=Dialect(form, **settings | dialect),
        columns=columns or COLUMNS,
        row_rules=(),
        dataset_rules=(),
        references=(),
    )


@contextmanager
def bare_lake(home: Path, *, codes: Sequence[str] = (), threads: int = 2) -> Iterator[Lake]:
    """As much of a lake as the gate needs: a connection, and persons whose codes are known."""
    with duckdb.connect(config={"threads": threads, **READ_ANEW}) as connection:
        lake = Lake(connection, Settings(home=home))
        lake.execute("set timezone = 'UTC'")
        lake.execute("create temp table identity_map (identity_code varchar, person_id bigint)")
        if codes:
            lake.execute(
                "insert into identity_map select unnest(?), unnest(?)",
                [list(codes), list(range(len(codes)))],
            )
        yield lake


@dataclass(frozen=True)
class Taken:
    """What the gate made of a file."""

    rows: list[tuple[Any, ...]]
    """Every record's typed values, by record number."""
    broken: dict[int, set[str]]
    """Rules that a record breaks, by record number."""


def take(lake: Lake, stated: Contract, path: Path, *, sequence: int = SEQUENCE) -> Taken:
    """A file through the gate.

    Raises:
        DeliveryRefused: it does not pass.
    """
    with readable(path, stated, sequence=sequence, temp=path.parent) as prepared:
        gate.read(lake, stated, sequence, prepared, into="records")
    records = {sequence: "records"}
    gate.find_new_codes(lake, stated, records, into="new_codes")
    gate.show(lake, records, "new_codes")
    gate.judge(lake, stated, (sequence,))
    names = ", ".join(f'"{c.name}"' for c in stated.columns)
    broken: dict[int, set[str]] = {}
    for number, rule in lake.rows("select record_number, rule_id from gate_broken"):
        broken.setdefault(number, set()).add(rule)
    return Taken(lake.rows(f"select {names} from gate order by record_number"), broken)
