"""What a data contract says, as frozen values: the one schema catalogue of the platform.

Here: the vocabulary every other package reads contracts in. Not here: reading YAML (`loader`),
turning a contract into SQL (`lake.gate`), or writing documents from it (`dictionary`).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

CELL = "cell:"
"""Begins the source name of a column that a workbook states above its table."""


class FileFormat(StrEnum):
    """How a delivery is written."""

    CSV = "csv"
    NDJSON = "ndjson"
    """One JSON object per line."""
    JSON = "json"
    """One JSON document that holds an array of records."""
    XLSX = "xlsx"
    """One sheet of an Excel workbook."""
    PARQUET = "parquet"


class DeliveryMode(StrEnum):
    """What a delivery says about the rows it does not hold."""

    SNAPSHOT = "snapshot"
    """The whole table: a row that the newest snapshot omits has ended."""
    INCREMENT = "increment"
    """New and corrected rows only: what is omitted stands."""


class SequenceStep(StrEnum):
    """How a source numbers its deliveries, hence what the predecessor of one is."""

    MONTH = "month"
    """yyyymm."""
    YEAR = "year"
    """yyyy."""
    YEAR_RELEASE = "year_release"
    """yyyyNN: a year and its release, 01 where the file name states none. None precedes another:
    of a year published anew the newest release is taken, the earlier ones stay."""
    SENDER_QUARTER = "sender_quarter"
    """yyyyqNN: year, quarter 1-4, sender 01-99. Each sender has predecessors of its own."""
    NONE = "none"
    """Numbered freely (yyyymmdd): no predecessor can be missing."""


class Severity(StrEnum):
    """What a violated row rule does to the row."""

    ERROR = "error"
    """The row is quarantined."""
    WARNING = "warning"
    """The row is accepted and counted."""


class Dimension(StrEnum):
    """Kahn's categories of data quality (Kahn et al. 2016)."""

    CONFORMANCE = "conformance"
    COMPLETENESS = "completeness"
    PLAUSIBILITY = "plausibility"


@dataclass(frozen=True)
class Dialect:
    """How the bytes of a delivery are to be read; stated by the contract, never sniffed."""

    format: FileFormat
    encoding: str = "utf-8"
    """`utf-8`, `utf-8-sig` (a byte order mark is due), `iso-8859-1` or `windows-1252`. Workbooks
    and Parquet are no text; what is read from them is UTF-8."""
    delimiter: str = ";"
    quote: str = '"'
    decimal_separator: str = "."
    date_format: str = "%Y-%m-%d"
    timestamp_format: str = "%Y-%m-%d %H:%M:%S"
    time_zone: str = "Europe/Helsinki"
    """Zone of the timestamps as sent; the lake keeps UTC."""
    header_line: int = 1
    """1-based line of the header; what stands above it is a preamble."""
    header_rows: int = 1
    """Rows that the header of a sheet has, from `header_line` on."""
    sheet: str = ""
    """Name of the sheet that holds the table (XLSX)."""
    records: str = ""
    """JSON pointer (RFC 6901) to the array of records; empty where the document is the array."""
    version_pointer: str | None = None
    """JSON pointer to the version of the API that wrote the document, where one is due."""
    version: str | None = None
    """The version due there."""
    null_values: tuple[str, ...] = ("",)
    true_values: tuple[str, ...] = ("1",)
    false_values: tuple[str, ...] = ("0",)


@dataclass(frozen=True)
class CodeList:
    """The dated list that a column's values are codes of; judged when core is built."""

    list_key: str
    """`<source>/<table>` of the list."""
    code_set: str | None
    """Its `code_set` that the values belong to, where they belong to one."""
    as_of: str
    """DATE or TIMESTAMP of the row on which the code must be in force."""
    severity: Severity
    """Whether a code that is not blocks what is built, or is counted."""


@dataclass(frozen=True)
class Column:
    """One column of a table, under its name in the lake and its name in the delivery."""

    name: str
    source_name: str
    """Header or field as sent; may hold `{sequence}`. In JSON and NDJSON one that begins with `/`
    is a JSON pointer within the record, in which `*` stands for every item of an array; in a
    workbook `cell:B2` is the cell above the table whose value every record has."""
    sql_type: str
    """BIGINT, INTEGER, DOUBLE, DECIMAL(p,s), VARCHAR, DATE, TIMESTAMP or BOOLEAN."""
    description: str
    is_required: bool = False
    primary_key_position: int | None = None
    is_identity: bool = False
    """Sent as a personal identity code, kept in the lake as the person's BIGINT pseudonym."""
    is_former_identity: bool = False
    """An identity that was the person's own before: both share a protection order."""
    is_vault_only: bool = False
    """Read by the vault, never written to the lake."""
    is_place: bool = False
    """Tells where a person is: NULL in the lake for a person under a protection order."""
    is_protection_order: bool = False
    """True where the person of the row is under a protection order; always vault-only."""
    classification: str = "internal"
    """`public`, `internal`, `confidential` or `restricted`."""
    business_name: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    """Code and its meaning, where the column holds a code that the contract explains."""
    code_list: CodeList | None = None

    @property
    def is_joined(self) -> bool:
        """Whether a JSON record gives the values of all items of an array, parted by commas."""
        return self.source_name.startswith("/") and "*" in self.source_name.split("/")

    @property
    def cell(self) -> str | None:
        """`B2` where a workbook states the value once, in that cell, for all its records."""
        return self.source_name.removeprefix(CELL) if self.source_name.startswith(CELL) else None


@dataclass(frozen=True)
class RowRule:
    """A rule each row meets or breaks by itself, judged over the cast columns of the row."""

    id: str
    """`<column>.<rule>` or `row.<rule>`; unique in the contract."""
    column: str | None
    expression: str
    """SQL over the contract's columns that is FALSE where the rule is broken; NULL is not.
    `$delivery_date` stands for the last day that the delivery covers."""
    severity: Severity
    dimension: Dimension
    description: str


@dataclass(frozen=True)
class DatasetRule:
    """A rule over a whole delivery. Breaking an error-severity one refuses the delivery whole."""

    id: str
    metric: str
    """`row_count` (rows received) or `quarantined_share` (percent of rows received)."""
    minimum: float | None
    maximum: float | None
    severity: Severity
    dimension: Dimension
    description: str


@dataclass(frozen=True)
class Reference:
    """Columns that name a row of another table; judged when core is built."""

    columns: tuple[str, ...]
    to_contract: str
    """`<source>/<table>`."""
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """How deliveries of a table come: mode, file name, and the source's own sequence."""

    mode: DeliveryMode
    file_pattern: re.Pattern[str]
    """Full match of the file name, with a group `sequence` of digits (and `release`, see there)."""
    sequence_step: SequenceStep
    updated_at_column: str | None = None
    """Column holding the row's own update time, where the source has one."""
    final_newline: bool = True
    """Whether a file that does not end in a line end is taken to be cut off."""
    sequence_from: int = 0
    """First sequence sent in this major version."""

    def sequence_of(self, file_name: str) -> int | None:
        """Sequence a file name states, or None where the name is not of this table."""
        match = self.file_pattern.fullmatch(file_name)
        # `\d` is also a digit of any other script, so that one sequence would have many names.
        if not match or not match["sequence"].isascii():
            return None
        if self.sequence_step is SequenceStep.YEAR_RELEASE:
            return int(match["sequence"]) * 100 + int(match["release"] or 1)
        return int(match["sequence"])

    def predecessor(self, sequence: int) -> int | None:
        """Sequence that must precede this one, or None where deliveries are numbered freely."""
        match self.sequence_step:
            case SequenceStep.MONTH:
                year, month = divmod(sequence, 100)
                return (year - 1) * 100 + 12 if month == 1 else sequence - 1
            case SequenceStep.YEAR:
                return sequence - 1
            case SequenceStep.SENDER_QUARTER:
                is_first = sequence // 100 % 10 == 1
                return sequence - 1000 + 300 if is_first else sequence - 100
            case SequenceStep.YEAR_RELEASE | SequenceStep.NONE:
                return None

    def last_date(self, sequence: int) -> date:
        """Last day that a delivery of this sequence covers.

        Raises:
            ValueError: the sequence is not a month, year, quarter of a sender, or date.
        """
        match self.sequence_step:
            case SequenceStep.MONTH:
                year, month = divmod(sequence, 100)
                return date(year, month, calendar.monthrange(year, month)[1])
            case SequenceStep.YEAR:
                return date(sequence, 12, 31)
            case SequenceStep.YEAR_RELEASE:
                return date(sequence // 100, 12, 31)
            case SequenceStep.SENDER_QUARTER:
                return _last_of_quarter(sequence)
            case SequenceStep.NONE:
                return date(sequence // 10000, sequence // 100 % 100, sequence % 100)


def _last_of_quarter(sequence: int) -> date:
    """Last day of the quarter in yyyyqNN."""
    year, quarter, sender = sequence // 1000, sequence // 100 % 10, sequence % 100
    if quarter not in range(1, 5) or sender == 0:
        raise ValueError("no quarter of a sender")
    month = 3 * quarter
    return date(year, month, calendar.monthrange(year, month)[1])


@dataclass(frozen=True)
class Contract:
    """One major version of the contract of one delivered table."""

    source: str
    table: str
    version: str
    """Semantic version; `major` selects the upcast."""
    purpose: str
    grain: str
    dialect: Dialect
    delivery: Delivery
    columns: tuple[Column, ...]
    row_rules: tuple[RowRule, ...]
    dataset_rules: tuple[DatasetRule, ...]
    references: tuple[Reference, ...]
    controller: str
    register: str
    """`health`, `social`, `occupational`, `population` or `public`."""
    retention_years: int
    freshness_days: int
    """Days after the last covered day by which the delivery is promised."""
    sha256: str
    """Of the contract file's bytes; written to `ops.run`."""
    upcast: dict[str, str] = field(default_factory=dict)
    """Of an older major: SQL over its columns for each that the next major adds or changes."""

    @property
    def key(self) -> str:
        """`<source>/<table>`."""
        return f"{self.source}/{self.table}"

    @property
    def major(self) -> int:
        """Major version."""
        return int(self.version.split(".")[0])

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key, in order."""
        keyed = [c for c in self.columns if c.primary_key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.primary_key_position or 0))

    @property
    def lake_columns(self) -> tuple[Column, ...]:
        """Columns that reach the lake."""
        return tuple(c for c in self.columns if not c.is_vault_only)

    @property
    def coded_columns(self) -> tuple[Column, ...]:
        """Columns that are coded by a list."""
        return tuple(c for c in self.columns if c.code_list is not None)

    @property
    def identities(self) -> tuple[Column, ...]:
        """Columns that name a person, the row's own first."""
        return tuple(c for c in self.columns if c.is_identity)

    @property
    def former_identity(self) -> Column | None:
        """Column that names the row's person by a former code."""
        return next((c for c in self.columns if c.is_former_identity), None)

    def column(self, name: str) -> Column:
        """Column by its lake name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.key} has no column {name}")

    def place_of(self, rule_id: str) -> str:
        """Sheet and heading that a rule of a workbook is about; empty for files of other kinds."""
        if not self.dialect.sheet:
            return ""
        name, _, _ = rule_id.partition(".")
        headings = [c.source_name for c in self.columns if c.name == name]
        return ", ".join([f"sheet {self.dialect.sheet}", *headings])


@dataclass(frozen=True)
class Catalogue:
    """All contracts, every major version kept."""

    contracts: tuple[Contract, ...]

    def tables(self) -> tuple[str, ...]:
        """Keys `<source>/<table>` in alphabetical order."""
        return tuple(sorted({c.key for c in self.contracts}))

    def latest(self, key: str) -> Contract:
        """Newest major of a table: what staging looks like.

        Raises:
            KeyError: no contract has that key.
        """
        return self.majors(key)[-1]

    def majors(self, key: str) -> tuple[Contract, ...]:
        """All majors of a table, oldest first.

        Raises:
            KeyError: no contract has that key.
        """
        found = tuple(sorted((c for c in self.contracts if c.key == key), key=lambda c: c.major))
        if not found:
            raise KeyError(f"no contract for {key}")
        return found

    def in_force(self, key: str, sequence: int) -> Contract:
        """Major in which a delivery of this sequence is sent.

        Raises:
            KeyError: no contract has that key.
        """
        majors = self.majors(key)
        return next(
            (c for c in reversed(majors) if c.delivery.sequence_from <= sequence), majors[0]
        )

    def references_to_persons(self) -> tuple[tuple[Contract, Reference], ...]:
        """References by which a row that names nobody itself leads to a row that names someone."""
        newest = map(self.latest, self.tables())
        return tuple(
            (contract, reference)
            for contract in newest
            if not contract.identities
            for reference in contract.references
            if self.latest(reference.to_contract).identities
        )
