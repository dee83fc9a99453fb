"""Whatever table is written in whatever dialect, the contract proposed from it lets every row in.

Here: random tables of known types, written, scaffolded, answered and tried. Not here: files that
are faulty (`tests/bad_input`).
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from dagster_project.contracts.loader import load_contract
from dagster_project.contracts.model import Catalogue
from dagster_project.profiling.contract_text import contract_text
from dagster_project.profiling.scaffold import scaffold
from dagster_project.profiling.trial import try_delivery
from dagster_project.settings import Settings
from tests.support.identity import code
from tests.support.own_extracts import answer

WORDS = st.text("abcdefghijklmnopqrstuvwxyzåäö 0123456789", min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(10**12), 10**12),
    "zeros": st.integers(0, 99_999).map(lambda n: f"{n:05d}"),
    "long": st.integers(10**15, 10**22).map(str),
    "decimal": st.decimals(-(10**6), 10**6, places=2),
    "date": st.dates(date(1950, 1, 1), date(2030, 1, 1)),
    "moment": st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    "yes": st.booleans(),
    "word": WORDS,
    "person": st.integers(0, 900).map(code),
}
FITTING = {
    "whole": ("BIGINT", "VARCHAR", "BOOLEAN"),  # where there are 0 and 1 only
    "zeros": ("VARCHAR", "BIGINT"),  # whole where no number happens to begin with a zero
    "long": ("VARCHAR",),
    "decimal": ("DECIMAL", "VARCHAR"),
    "date": ("DATE", "VARCHAR"),
    "moment": ("TIMESTAMP", "VARCHAR"),
    "yes": ("BOOLEAN", "VARCHAR", "BIGINT"),  # a few 0 and 1 may be numbers
    "person": ("BIGINT",),
}
"""Types that lose nothing of a kind."""


@dataclass(frozen=True)
class Table:
    """A table as somebody writes it."""

    kinds: list[str]
    rows: list[list[Any]]
    delimiter: str
    encoding: str
    mark: str
    day: str
    truth: tuple[str, str]
    titles: int
    line_end: str
    missing: str

    def text(self, value: Any) -> str:
        """A value in the table's manner."""
        match value:
            case None:
                return self.missing
            case bool():
                return self.truth[not value]
            case Decimal():
                return f"{value:f}".replace(".", self.mark)
            case datetime():
                return value.strftime(f"{self.day} %H:%M:%S")
            case date():
                return value.strftime(self.day)
            case _:
                return str(value)

    def written(self) -> bytes:
        """The file."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=self.delimiter, lineterminator=self.line_end)
        writer.writerows([["Raportti"]] * self.titles)
        writer.writerow(["Rivinumero", *(f"Sarake {k} {i}" for i, k in enumerate(self.kinds))])
        for number, row in enumerate(self.rows):
            writer.writerow([number, *map(self.text, row)])
        return buffer.getvalue().encode(self.encoding)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6))
    row = st.tuples(*(st.one_of(st.none(), VALUES[kind]) for kind in kinds)).map(list)
    delimiter = draw(st.sampled_from([";", "\t", "|", ","]))
    return Table(
        kinds,
        draw(st.lists(row, min_size=3, max_size=60)),
        delimiter,
        draw(st.sampled_from(["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252"])),
        draw(st.sampled_from([".", ","])),
        draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y"])),
        draw(st.sampled_from([("1", "0"), ("K", "E"), ("true", "false")])),
        draw(st.integers(0, 3)),
        draw(st.sampled_from(["\n", "\r\n"])),
        draw(st.sampled_from(["", "NULL"])),
    )


CODES_AMONG_NULLS = Table(
    kinds=["person"],
    rows=[[code(1)], [None], [code(2)], [None], [code(3)], [code(4)], [None]],
    delimiter="|",
    encoding="utf-8",
    mark=".",
    day="%Y-%m-%d",
    truth=("1", "0"),
    titles=0,
    line_end="\n",
    missing="NULL",
)


# A table takes half a second: shrinking one would take minutes.
@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(tables())
@example(CODES_AMONG_NULLS)
def test_every_row_is_accepted_and_nothing_is_lost(table: Table) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "things_20301231.csv"
        file.write_bytes(table.written())
        installed = Settings(home=folder)
        proposal = scaffold([file], source="made", table="things", settings=installed)
        target = folder / "made" / "things" / "v1.odcs.yaml"
        target.parent.mkdir(parents=True)
        target.write_text(contract_text(proposal), encoding="utf-8")
        answer(target)
        contract = load_contract(target)
        catalogue = Catalogue((contract,))
        tried = try_delivery(file, contract, catalogue, sequence=20301231, settings=installed)
        assert tried.verdict.accepted == tried.verdict.received == len(table.rows)
        for place, (kind, column) in enumerate(zip(table.kinds, contract.columns[1:], strict=True)):
            values = [row[place] for row in table.rows if row[place] is not None]
            if kind in FITTING and values:
                # Codes among as many words that may mean "missing" stay text, in the vault.
                is_unsure = kind == "person" and len(values) < len(table.rows)
                fitting = {*FITTING[kind], *(["VARCHAR"] if is_unsure else [])}
                assert column.sql_type.split("(")[0] in fitting
            if kind == "decimal" and column.sql_type.startswith("DECIMAL"):
                assert int(column.sql_type.rstrip(")").split(",")[1]) >= 2
            if kind == "zeros" and any(value.startswith("0") for value in values):
                assert column.sql_type == "VARCHAR" or set(values) <= {"0"}
