"""From facts to a contract: names, types, marks, keys and rules, each with what speaks for it.

What the file cannot tell is a question (`documents.OPEN`). No value of a person is taken over: the
bounds of candidate rules are round, and values are listed of short code lists only.

Here: the decisions. Not here: facts (`measures`), suspicion (`persons`), YAML (`contract_text`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from dagster_project.contracts.model import DeliveryMode, Dialect, FileFormat
from dagster_project.lake.connection import Lake
from dagster_project.lake.gate import MAX_RULES
from dagster_project.profiling.deliveries import Naming
from dagster_project.profiling.guesses import BOOLEANS, LONGEST_NUMBER, Kind
from dagster_project.profiling.headings import lake_names, means
from dagster_project.profiling.keys import Key, find_key, repeated_rows
from dagster_project.profiling.measures import Facts, Measured, Records
from dagster_project.profiling.persons import Mark, Suspicion, fit_to_show, suspect
from dagster_project.profiling.shapes import Shape

_NEARLY_COMPLETE = 0.99
"""Of the rows that have a key's column: the others are the source's faults."""
NOTHING = Suspicion()
_WORDS = {
    Kind.NUMBER: "numbers",
    Kind.DATE: "dates",
    Kind.MOMENT: "timestamps",
    Kind.BOOLEAN: "yes or no",
}


@dataclass(frozen=True)
class Rule:
    """A candidate rule in SQL."""

    id: str
    sql: str
    description: str
    dimension: str
    severity: str = "error"


@dataclass(frozen=True)
class ProposedColumn:
    """A column of the contract to be."""

    name: str
    heading: str
    sql_type: str
    suspicion: Suspicion = NOTHING
    is_former: bool = False
    """An identity that was the person's own before."""
    is_protection_order: bool = False
    is_required: bool = False
    key_position: int | None = None
    classification: str = "internal"
    options: dict[str, Any] = field(default_factory=dict)
    valid_values: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = ()
    """Evidence, in sentences."""

    @property
    def reaches_lake(self) -> bool:
        """Whether it does not stay in the vault."""
        return self.suspicion.mark is not Mark.VAULT_ONLY


@dataclass(frozen=True)
class Proposal:
    """A contract to be."""

    source: str
    table: str
    dialect: Dialect
    notes: tuple[str, ...]
    """On the dialect."""
    columns: tuple[ProposedColumn, ...]
    naming: Naming
    mode: DeliveryMode
    mode_note: str
    final_newline: bool
    updated_at_column: str | None
    row_count: int
    has_zone: bool
    """Whether the moments themselves say that they are UTC, or there are none."""
    key: Key | None = None


def propose(
    lake: Lake,
    records: Records,
    shape: Shape,
    measured: Measured,
    *,
    newest: Records,
) -> tuple[Dialect, tuple[ProposedColumn, ...], Key | None]:
    """Dialect, columns and key that the facts speak for.

    Args:
        lake: Database to ask.
        records: All records that were measured.
        shape: How the file is written.
        measured: Facts on all records.
        newest: Records of one delivery, in which a key is to be unique.
    """
    dialect = _dialect(shape.dialect, measured)
    typed = [_typed(i, shape, measured, dialect) for i in range(len(shape.fields))]
    names = lake_names(records.headings, [c.sql_type for c in typed])
    names = _person_names(names, typed)
    columns = [replace(c, name=name) for c, name in zip(typed, names, strict=True)]
    columns = [_marked(c, columns) for c in columns]
    key = find_key(
        lake, newest, measured_of(lake, newest, measured, records), _candidates(columns, measured)
    )
    if key is not None:
        key = _without_update_time(lake, newest, columns, key)
    columns = [_keyed(c, i, key) for i, c in enumerate(columns)]
    return dialect, tuple(columns), key


def _without_update_time(
    lake: Lake, newest: Records, columns: Sequence[ProposedColumn], key: Key
) -> Key:
    """The key without the time of update: with it, rows are versions of what the rest names."""
    rest = tuple(i for i in key.places if not means(columns[i].heading, "update"))
    if len(rest) in (0, len(key.places)):
        return key
    return Key(rest, repeated_rows(lake, newest, rest))


def measured_of(lake: Lake, newest: Records, measured: Measured, records: Records) -> Measured:
    """The same facts with the row count of one delivery."""
    if newest.sql == records.sql:
        return measured
    count = lake.count(f"select count(*) from {newest.without_totals}")
    return replace(measured, row_count=count)


def _dialect(stated: Dialect, measured: Measured) -> Dialect:
    """The marks and formats that most columns have; a contract has one of each."""
    kinds = measured.columns
    marks = Counter(
        "," if f.commas > f.points else "."
        for f in kinds
        if f.guess.kind is Kind.NUMBER and f.scale
    )
    dates = Counter(f.guess.form for f in kinds if f.guess.kind is Kind.DATE)
    moments = Counter(f.guess.form for f in kinds if f.guess.kind is Kind.MOMENT)
    pairs = list(dict.fromkeys(_pair(f) for f in kinds if f.guess.kind is Kind.BOOLEAN))
    is_text = stated.format in (FileFormat.CSV, FileFormat.NDJSON, FileFormat.JSON)
    # A comma that parts columns parts no decimals.
    has_marks = is_text and not (stated.format is FileFormat.CSV and stated.delimiter == ",")
    return replace(
        stated,
        decimal_separator=_usual(marks, stated.decimal_separator) if has_marks else ".",
        date_format=_usual(dates, stated.date_format) if is_text else stated.date_format,
        timestamp_format=_usual(moments, stated.timestamp_format)
        if is_text
        else stated.timestamp_format,
        null_values=("", *measured.missing),
        true_values=tuple(dict.fromkeys(p[0] for p in pairs)) or stated.true_values,
        false_values=tuple(dict.fromkeys(p[1] for p in pairs)) or stated.false_values,
    )


def _pair(facts: Facts) -> tuple[str, str]:
    """How a column writes yes and no, in nearly all its rows."""
    return max(BOOLEANS, key=lambda pair: sum(facts.values.get(value, 0) for value in pair))


def _usual(counted: Counter[str], otherwise: str) -> str:
    return counted.most_common(1)[0][0] if counted else otherwise


def _typed(place: int, shape: Shape, measured: Measured, dialect: Dialect) -> ProposedColumn:
    """Type, suspicion and evidence of one column."""
    facts, given = measured.columns[place], shape.fields[place]
    suspicion = suspect(given.source_name, facts, measured.samples[place])
    sql_type, why = _sql_type(given.source_name, facts, dialect)
    sql_type, more = _as_the_format_has_it(sql_type, given.allowed, facts)
    if suspicion.mark is Mark.IDENTITY:
        sql_type, why = "BIGINT", ""
    notes = (
        f"{facts.filled} of {measured.row_count} filled, about {facts.distinct} distinct"
        f"{_lengths(facts)}.",
        why,
        more,
        given.note,
        suspicion.why and suspicion.why[0].upper() + suspicion.why[1:] + ".",
        *_given_up(facts),
        *_unlisted_missing(facts),
    )
    return ProposedColumn(
        name="",
        heading=given.source_name,
        sql_type=sql_type,
        suspicion=suspicion,
        is_required=0 < measured.row_count == facts.filled,
        notes=tuple(note for note in notes if note),
    )


def _lengths(facts: Facts) -> str:
    if facts.guess.kind is not Kind.TEXT or not facts.filled:
        return ""
    if facts.shortest == facts.longest:
        return f", {facts.longest} bytes long"
    return f", {facts.shortest} to {facts.longest} bytes long"


def _given_up(facts: Facts) -> list[str]:
    """What a column would be but for a few values."""
    if facts.misfits and facts.narrower is None:
        return [
            f"{facts.misfits} of {facts.filled} values are none: such rows are quarantined"
            " (which: tietoallas contracts try). Write string and VARCHAR to let them in."
        ]
    if facts.narrower is None or not facts.misfits or facts.misfits > facts.filled / 10:
        return []
    return [
        f"All but {facts.misfits} of {facts.filled} values are {_WORDS[facts.narrower.kind]}: if"
        " those are faults of the source, give the column that type, and they are quarantined."
    ]


def _unlisted_missing(facts: Facts) -> list[str]:
    missing = {"NULL", "PUUTTUU", "N/A", "(NULL)", "NONE", "NAN"}
    count = sum(n for value, n in facts.values.items() if value.strip().upper() in missing)
    if not count:
        return []
    return [f"{count} values may say that there is none: if so, add the spelling to nullValues."]


def _sql_type(heading: str, facts: Facts, dialect: Dialect) -> tuple[str, str]:
    """The narrowest type that loses nothing, and why it is none narrower."""
    told = facts.guess
    match told.kind:
        case Kind.BOOLEAN:
            return "BOOLEAN", ""
        case Kind.DATE if told.form != dialect.date_format:
            return (
                "VARCHAR",
                f"Dates as {told.form}; a contract has one dateFormat, so they stay text.",
            )
        case Kind.DATE:
            return "DATE", ""
        case Kind.MOMENT if told.form != dialect.timestamp_format:
            why = f"Timestamps as {told.form}, and a contract has one timestampFormat."
            return "VARCHAR", why
        case Kind.MOMENT:
            return "TIMESTAMP", ""
        case Kind.NUMBER:
            return _number_type(heading, facts, dialect)
        case Kind.EMPTY:
            return "VARCHAR", "Empty throughout: what it would hold is not known."
        case _:
            return "VARCHAR", ""


def _number_type(heading: str, facts: Facts, dialect: Dialect) -> tuple[str, str]:
    is_money = means(heading, "money")
    if facts.scale:
        mark = "," if facts.commas > facts.points else "."
        if mark != dialect.decimal_separator:
            return "VARCHAR", f"Numbers with the decimal mark '{mark}'; a contract has one."
        return _decimal(facts, is_money=is_money)
    if is_money:
        return _decimal(facts, is_money=True)
    if facts.digits > LONGEST_NUMBER:
        return "VARCHAR", f"Whole numbers of {facts.digits} digits: identifiers, kept as text."
    return "BIGINT", ""


def _decimal(facts: Facts, *, is_money: bool) -> tuple[str, str]:
    whole = facts.digits
    scale = max(facts.scale, 2) if is_money else facts.scale
    why = f"Up to {facts.scale} decimals seen." if facts.scale else "Money, without cents so far."
    if whole + scale <= 18:
        return f"DECIMAL(18,{scale})", why
    if whole + scale <= 38:
        return f"DECIMAL(38,{scale})", why
    return "VARCHAR", "More digits than a number may have."


def _as_the_format_has_it(sql_type: str, allowed: tuple[str, ...], facts: Facts) -> tuple[str, str]:
    """A type that the format can fill: JSON and Parquet tell numbers from text."""
    if not allowed:
        return sql_type, ""
    if len(allowed) == 1:
        is_text_date = allowed == ("VARCHAR",) and sql_type != "VARCHAR"
        is_float = allowed == ("DOUBLE",) and sql_type != "DOUBLE"
        if is_text_date:
            return "VARCHAR", f"The file has text here, though it could be {sql_type}."
        if is_float:
            return "DOUBLE", "Floating point in the file: never sum it as money; ask for decimals."
        return allowed[0], ""
    if sql_type.split("(", maxsplit=1)[0] in allowed:
        return sql_type, ""
    if facts.digits and facts.guess.kind is Kind.NUMBER and facts.digits <= 18 and not facts.scale:
        return "BIGINT", "Longer than spreadsheets keep, but sent as a number."
    return "DOUBLE", "Sent as numbers, some with an exponent or of more digits than a decimal has."


def _person_names(names: list[str], columns: Sequence[ProposedColumn]) -> list[str]:
    """Columns of identity codes end in `person_id`, the row's own first."""
    found = list(names)
    for place, column in enumerate(columns):
        if column.suspicion.mark is Mark.IDENTITY and not found[place].endswith("person_id"):
            stem = re.sub("_(id|number|hetu|henkilotunnus)$", "", found[place])
            stem = "previous" if means(column.heading, "former") else stem
            found[place] = "person_id" if "person_id" not in found else f"{stem}_person_id"
    return found


def _marked(column: ProposedColumn, columns: Sequence[ProposedColumn]) -> ProposedColumn:
    """Marks and classification, which depend on whether the table names persons."""
    names_persons = any(c.suspicion.mark is Mark.IDENTITY for c in columns)
    mark = column.suspicion.mark
    if means(column.heading, "protection"):
        return _protecting(column, names_persons=names_persons)
    if mark is Mark.IDENTITY:
        first = next(c for c in columns if c.suspicion.mark is Mark.IDENTITY)
        former = means(column.heading, "former") and column is not first
        former = former and not any(means(c.heading, "former") for c in _before(column, columns))
        return replace(column, classification="restricted", is_former=former)
    if mark is Mark.PLACE and not names_persons:
        note = "A place, but the table names no person."
        return replace(column, suspicion=Suspicion(), notes=(*column.notes[:-1], note))
    if mark is Mark.VAULT_ONLY or means(column.heading, "birth"):
        return replace(column, classification="restricted")
    return replace(column, classification="confidential" if names_persons else "internal")


def _before(column: ProposedColumn, columns: Sequence[ProposedColumn]) -> list[ProposedColumn]:
    return [c for c in columns[: columns.index(column)] if c.suspicion.mark is Mark.IDENTITY]


def _protecting(column: ProposedColumn, *, names_persons: bool) -> ProposedColumn:
    """A protection order never reaches the lake; it protects where it is sure whom."""
    is_sure = names_persons and column.sql_type == "BOOLEAN" and column.is_required
    why = "a protection order: read by the vault alone"
    note = "Protection orders are read by the vault alone."
    if not is_sure:
        note += " This one protects nobody yet: it must be filled, yes or no, beside an identity."
    return replace(
        column,
        suspicion=Suspicion(Mark.VAULT_ONLY, why),
        is_protection_order=is_sure,
        classification="restricted",
        notes=(*column.notes, note),
    )


def _candidates(columns: Sequence[ProposedColumn], measured: Measured) -> list[int]:
    """Columns that may be in a key, the likeliest first."""

    def rank(place: int) -> tuple[bool, bool, bool, bool, int]:
        column = columns[place]
        is_identity = column.suspicion.mark is Mark.IDENTITY
        is_key = means(column.heading, "key") and not is_identity
        is_late = column.name == "updated_at" or column.sql_type in ("BOOLEAN", "TIMESTAMP")
        return not column.is_required, not is_key, is_late, not is_identity, place

    allowed = [
        place
        for place, column in enumerate(columns)
        if measured.columns[place].filled > _NEARLY_COMPLETE * measured.row_count
        and column.reaches_lake
        and not column.sql_type.startswith(("DECIMAL", "DOUBLE"))
        and measured.columns[place].distinct > 1 - (measured.row_count < 2)
    ]
    return sorted(allowed, key=rank)


def _keyed(column: ProposedColumn, place: int, key: Key | None) -> ProposedColumn:
    if key is None or place not in key.places:
        return column
    position = key.places.index(place) + 1
    alone = "Alone it tells rows apart." if len(key.places) == 1 else "Part of the smallest key."
    repeated = f" {key.repeated} rows have none or another's." if key.repeated else ""
    return replace(
        column, key_position=position, is_required=True, notes=(*column.notes, alone + repeated)
    )


def with_rules(
    columns: Sequence[ProposedColumn],
    measured: Measured,
    *,
    last_date: date | None,
    total: tuple[int, str] | None,
    broken_spans: Mapping[int, int],
) -> tuple[ProposedColumn, ...]:
    """Candidate rules that hold of every record, as many as the gate has room for.

    Args:
        columns: Without rules.
        measured: Facts on all records.
        last_date: Last day of the newest delivery, where its name states one.
        total: Column and word of a row of totals.
        broken_spans: Rows in which an end precedes its start, by the end's place.
    """
    pairs = spans(columns)
    found = []
    for place, column in enumerate(columns):
        facts = measured.columns[place]
        ruled = _with_values(column, facts)
        ruled = _with_bounds(ruled, facts)
        ruled = _with_dates(ruled, facts, last_date)
        if place in pairs:
            ruled = _with_span(ruled, columns[pairs[place]], broken_spans.get(place, 0))
        if total is not None and total[0] == place and column.sql_type == "VARCHAR":
            ruled = _without_total(ruled, total[1])
        found.append(ruled)
    return _within_the_gate(found)


def _with_values(column: ProposedColumn, facts: Facts) -> ProposedColumn:
    """A list of valid values, where it is surely one of codes."""
    few = facts.guess.kind is Kind.TEXT and facts.values and facts.distinct < facts.filled / 4
    if column.sql_type != "VARCHAR" or not few or column.suspicion.mark is not Mark.NONE:
        return column
    listed = fit_to_show(column.heading, facts)
    if not listed:
        note = f"A list of {len(facts.values)} values, not shown: some are rare, or may be names."
        return replace(column, notes=(*column.notes, note))
    shares = ", ".join(
        f"{value} {100 * count / facts.filled:.0f} %"
        for value, count in sorted(listed.items(), key=lambda item: -item[1])
    )
    rare = facts.filled - sum(listed.values())
    others = f" {len(facts.values) - len(listed)} others in {rare} rows are not shown."
    note = f"Codes seen: {shares}.{others if rare else ''}"
    return replace(column, valid_values=tuple(sorted(listed)), notes=(*column.notes, note))


def _with_bounds(column: ProposedColumn, facts: Facts) -> ProposedColumn:
    """Round bounds of numbers, and the one form that texts have."""
    options: dict[str, Any] = {}
    is_number = facts.guess.kind is Kind.NUMBER and column.sql_type not in ("VARCHAR", "BOOLEAN")
    if is_number and facts.filled and not facts.negatives:
        is_key = column.sql_type == "BIGINT" and means(column.heading, "key")
        options["minimum"] = 1 if is_key and not facts.zeros else 0
        if means(column.heading, "percent") and 1 < float(facts.greatest or 0) <= 100:
            options["maximum"] = 100
    is_text = column.sql_type == "VARCHAR" and column.reaches_lake and not column.valid_values
    if is_text and facts.pattern and column.suspicion.mark is not Mark.IDENTITY:
        options["pattern"] = facts.pattern
    return replace(column, options={**column.options, **options})


def _with_dates(column: ProposedColumn, facts: Facts, last_date: date | None) -> ProposedColumn:
    """From the beginning of the decade in which days begin, and not after the delivery."""
    if column.sql_type not in ("DATE", "TIMESTAMP") or facts.least is None:
        return column
    clock = " 00:00:00" if column.sql_type == "TIMESTAMP" else ""
    decade = max(facts.least.year // 10 * 10, 1800)
    first = 1900 if means(column.heading, "birth") and decade >= 1900 else decade
    column = replace(column, options={**column.options, "minimum": f"{first:04d}-01-01{clock}"})
    if last_date is None or means(column.heading, "end"):
        return column
    greatest = facts.greatest.date() if isinstance(facts.greatest, datetime) else facts.greatest
    if greatest > last_date:
        note = "Some lie after the last day of the delivery, so no rule forbids that."
        return replace(column, notes=(*column.notes, note))
    slack = " + interval 1 day" if clock else ""
    rule = Rule(
        "not_after_delivery",
        f"{column.name} <= $delivery_date{slack}",
        "It lies within what the delivery covers: so in every row seen.",
        "accuracy",
    )
    return replace(column, rules=(*column.rules, rule))


def spans(columns: Sequence[ProposedColumn]) -> dict[int, int]:
    """Place of each end by that of its start: of one type, the end the next after the start."""
    found: dict[int, int] = {}
    for start, column in enumerate(columns):
        if column.sql_type not in ("DATE", "TIMESTAMP") or not means(column.heading, "start"):
            continue
        ends = [
            place
            for place, other in enumerate(columns)
            if place != start
            and other.sql_type == column.sql_type
            and means(other.heading, "end")
            and place not in found
        ]
        if ends:
            found[min(ends, key=lambda place: (place < start, abs(place - start)))] = start
    return found


def _with_span(column: ProposedColumn, start: ProposedColumn, broken: int) -> ProposedColumn:
    if broken:
        note = f"It precedes {start.name} in {broken} rows: counted, not quarantined."
        column = replace(column, notes=(*column.notes, note))
    rule = Rule(
        f"not_before_{start.name}"[:60],
        f"{column.name} >= {start.name}",
        f"It does not precede {start.name}.",
        "consistency",
        severity="warning" if broken else "error",
    )
    return replace(column, rules=(*column.rules, rule))


def _without_total(column: ProposedColumn, word: str) -> ProposedColumn:
    literal = word.replace("'", "''")
    rule = Rule(
        "not_a_total",
        f"{column.name} <> '{literal}'",
        "A row of totals is no row of the table: it is quarantined.",
        "conformity",
    )
    return replace(column, rules=(*column.rules, rule))


def _within_the_gate(columns: Sequence[ProposedColumn]) -> tuple[ProposedColumn, ...]:
    """As many rules as fit: the last columns lose candidates, then requirements, then types."""
    found = list(columns)
    for lighten in (_bare, _optional, _as_text):
        for place in reversed(range(len(found))):
            if sum(map(_weight, found)) <= MAX_RULES - 1:
                return tuple(found)
            found[place] = lighten(found[place])
    return tuple(found)


def _weight(column: ProposedColumn) -> int:
    own = {"VARCHAR": 0, "TIMESTAMP": 2}.get(column.sql_type, 1)
    typed = 0 if column.suspicion.mark is Mark.IDENTITY else own
    more = len(column.options) + len(column.rules) + bool(column.valid_values)
    return typed + more + column.is_required


def _bare(column: ProposedColumn) -> ProposedColumn:
    if not (column.options or column.rules or column.valid_values):
        return column
    note = f"No room for its candidate rules: the gate judges {MAX_RULES} at most."
    kept = tuple(rule for rule in column.rules if rule.id == "not_a_total")
    return replace(column, options={}, rules=kept, valid_values=(), notes=(*column.notes, note))


def _optional(column: ProposedColumn) -> ProposedColumn:
    return column if column.key_position else replace(column, is_required=False)


def _as_text(column: ProposedColumn) -> ProposedColumn:
    is_fixed = column.key_position or column.suspicion.mark is Mark.IDENTITY
    if is_fixed or column.sql_type == "VARCHAR":
        return column
    note = f"It could be {column.sql_type}, but the gate judges {MAX_RULES} rules at most."
    return replace(column, sql_type="VARCHAR", notes=(*column.notes, note))
