"""What holds of every value of every column: a guess from the first records, then all records.

The first records say what to ask. A pass over the whole file says how many values keep to it; what
does not is looked at, and asked again, until nothing is left open. So a value that breaks a type in
the last record counts as one in the first.

Here: the questions and their answers; extremes and rare values stay here. Not here: which contract
follows from them (`proposal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dagster_project.contracts.model import Column, Dialect
from dagster_project.lake.casts import cast
from dagster_project.lake.connection import Lake
from dagster_project.profiling.guesses import (
    BOOLEANS,
    LARGEST_SCALE,
    LONGEST_FORM,
    Guess,
    Kind,
    form_of,
    guess,
    is_missing,
)
from dagster_project.profiling.headings import means
from dagster_project.sql_text import literal
from dagster_project.vault.identity_codes import CODE_PATTERN

_GUESSED_FROM = 2_000
_LONGEST_CODE = 14
"""Of identity codes with blanks around them."""
_SHORTEST_CODE = 11
_FEW = 0.01
LONGEST_LIST = 40
"""Different values that may be a code list."""
_TRUE = tuple(dict.fromkeys(pair[0] for pair in BOOLEANS))
_FALSE = tuple(dict.fromkeys(pair[1] for pair in BOOLEANS))
_CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"


@dataclass(frozen=True)
class Facts:
    """A column over the whole file."""

    guess: Guess
    filled: int = 0
    """Values that are there and do not say "missing"."""
    fitting: int = 0
    """Of them, those that keep to the guess."""
    distinct: int = 0
    """About so many."""
    longest: int = 0
    shortest: int = 0
    scale: int = 0
    digits: int = 0
    """Before the decimal mark."""
    commas: int = 0
    points: int = 0
    negatives: int = 0
    zeros: int = 0
    least: Any = field(default=None, repr=False)
    greatest: Any = field(default=None, repr=False)
    pattern: str = ""
    """Regular expression of the one form that every value has; empty where there is none."""
    values: dict[str, int] = field(default_factory=dict, repr=False)
    """How often each value of a short list occurs."""
    codes: int = 0
    """Values of the form of an identity code, their check character right."""
    codes_within: int = 0
    """Values that hold something like an identity code."""
    at_signs: int = 0
    blanks: int = 0
    """Values with a blank within."""
    misfits: int = 0
    """Values that do not fit; `narrower` says what they do not fit where it was given up."""
    narrower: Guess | None = None


@dataclass(frozen=True)
class Measured:
    """A file over all its records."""

    row_count: int
    columns: tuple[Facts, ...]
    missing: tuple[str, ...]
    """Spellings of "missing", besides the empty field."""
    samples: tuple[tuple[str, ...], ...] = field(repr=False)
    """Some values of each column."""
    total_rows: int = 0


@dataclass(frozen=True)
class Records:
    """The records of a file as a query of text columns `raw_0 … raw_n`."""

    sql: str
    headings: tuple[str, ...]
    dialect: Dialect
    stated: tuple[Guess | None, ...]
    """What the format itself says of a column; None where it is text."""
    has_numbers: bool = False
    """Whether the format tells numbers from text, so that no number may be read as text."""
    total: tuple[int, str] | None = None
    """Column and word by which a row of totals is known."""

    @property
    def without_totals(self) -> str:
        """What to select from."""
        if self.total is None:
            return f"{self.sql} as records"
        place, word = self.total
        return f"{self.sql} as records where raw_{place} is distinct from {literal(word)}"


def measure(lake: Lake, records: Records) -> Measured:
    """Ask all records until every guess holds or is given up."""
    asked = _Asked(lake, records)
    while open_ones := asked.open_ones():
        asked.ask(open_ones)
    return asked.answer()


class _Asked:
    """Guesses on their way to facts."""

    def __init__(self, lake: Lake, records: Records) -> None:
        self._lake, self._records = lake, records
        self._samples = [dict.fromkeys(column) for column in _samples(lake, records)]
        self._lists = [_guessed_of(records, i, list(s)) for i, s in enumerate(self._samples)]
        self._facts: dict[int, Facts] = {}
        self._given_up: dict[int, tuple[Guess, int]] = {}
        self._row_count = 0
        self._missing = {
            value
            for told, sample in zip(self._lists, self._samples, strict=True)
            if told.kind not in (Kind.TEXT, Kind.EMPTY)
            for value in sample
            if is_missing(value)
        }

    def open_ones(self) -> list[int]:
        """Columns about which something is left to ask."""
        return [i for i in range(len(self._lists)) if i not in self._facts]

    def ask(self, places: list[int]) -> None:
        """Ask all records about some columns, and give up the guesses that do not hold."""
        guesses = {i: self._lists[i] for i in places}
        self._row_count, found = _pass(self._lake, self._records, guesses, self._missing)
        spellings: set[str] = set()
        for place, facts in found.items():
            if facts.fitting == facts.filled:
                among_codes = self._missing_among_codes(place) if _holds_codes(facts) else set()
                spellings |= among_codes
                if not among_codes:
                    self._facts[place] = facts
                continue
            unlike = self._unlike(place)
            missing = set(filter(is_missing, unlike))
            if missing and (missing == set(unlike) or _is_tolerable(facts)):
                spellings |= missing
            elif _is_tolerable(facts):
                self._facts[place] = replace(facts, misfits=facts.filled - facts.fitting)
            else:
                self._give_up(place, unlike, facts)
        if spellings:
            # Told at last how "missing" is written, which holds for all columns of text too.
            self._missing |= spellings
            self._facts = {i: f for i, f in self._facts.items() if f.guess.kind is not Kind.TEXT}

    def _missing_among_codes(self, place: int) -> set[str]:
        """Spellings of "missing" in a column of identity codes, which as text has no misfits."""
        values = self._lake.rows(
            f"select distinct v from (select {_present(place, self._missing)} as v"
            f" from {self._records.without_totals}) where strlen(v) < {_SHORTEST_CODE}"
            f" limit {_GUESSED_FROM}"
        )
        return {v for (v,) in values if is_missing(v)}

    def _unlike(self, place: int) -> list[str]:
        return _misfits(self._lake, self._records, place, self._lists[place], self._missing)

    def _give_up(self, place: int, values: list[str], facts: Facts) -> None:
        """Guess again, what was found included; what fails once more is text."""
        before = self._lists[place]
        self._samples[place] |= dict.fromkeys(values)
        again = _guessed_of(self._records, place, list(self._samples[place]))
        has_failed = place in self._given_up or again == before or not values
        self._lists[place] = Guess(Kind.TEXT) if has_failed else again
        if before.kind is not Kind.EMPTY:
            self._given_up.setdefault(place, (before, facts.filled - facts.fitting))

    def answer(self) -> Measured:
        """Everything that is known now."""
        samples = tuple(tuple(sample) for sample in self._samples)
        lists, forms = _short_lists_and_forms(
            self._lake, self._records, self._facts, samples, self._missing
        )
        codes = {
            i: _valid_codes(self._lake, self._records, i)
            for i, f in self._facts.items()
            if _holds_codes(f)
        }
        columns = [
            replace(
                self._facts[i],
                codes=codes.get(i, 0),
                values=lists.get(i, {}),
                pattern=forms.get(i, ""),
                narrower=self._given_up.get(i, (None, 0))[0],
                misfits=self._given_up.get(i, (None, self._facts[i].misfits))[1],
            )
            for i in range(len(self._lists))
        ]
        return Measured(
            self._row_count,
            tuple(columns),
            tuple(sorted(self._missing)),
            samples,
            _totals(self._lake, self._records),
        )


def _holds_codes(facts: Facts) -> bool:
    """Whether it may be a column of identity codes: most values hold one, and little else."""
    return facts.codes_within > facts.filled / 2 and facts.longest <= _LONGEST_CODE


def _is_tolerable(facts: Facts) -> bool:
    """Whether the few values that do not fit are the source's faults, to be quarantined.

    So of days, moments and numbers with decimals. A whole number may be an identifier: of those one
    value of another form shows that the column is text.
    """
    is_measure = facts.guess.kind in (Kind.DATE, Kind.MOMENT) or facts.scale > 0
    return is_measure and facts.filled - facts.fitting <= _FEW * facts.filled


def _totals(lake: Lake, records: Records) -> int:
    if records.total is None:
        return 0
    place, word = records.total
    return lake.count(
        f"select count(*) from {records.sql} as records where raw_{place} = ?", [word]
    )


def _samples(lake: Lake, records: Records) -> list[list[str]]:
    """Values of the first records, by column."""
    raws = ", ".join(f"raw_{i}" for i in range(len(records.headings)))
    rows = lake.rows(f"select {raws} from {records.without_totals} limit {_GUESSED_FROM}")
    columns = list(zip(*rows, strict=True)) or [()] * len(records.headings)
    return [[value for value in column if value is not None] for column in columns]


def _guessed_of(records: Records, place: int, values: Sequence[str]) -> Guess:
    """A guess from values, as the heading and the format allow."""
    stated = records.stated[place]
    if stated is not None:
        return stated
    heading = records.headings[place]
    told = guess(
        values,
        is_flag=means(heading, "flag"),
        is_date=means(heading, "date") or means(heading, "birth"),
        is_count=means(heading, "count") or means(heading, "money") or means(heading, "key"),
    )
    is_code = means(heading, "code") and not means(heading, "money")
    is_whole = told.kind is Kind.NUMBER and not told.form
    return Guess(Kind.TEXT) if is_whole and is_code and not records.has_numbers else told


def _pass(
    lake: Lake, records: Records, guesses: dict[int, Guess], missing: Iterable[str]
) -> tuple[int, dict[int, Facts]]:
    """One pass over all records: how many there are, and what holds of some columns."""
    values = ", ".join(f"{_present(i, missing)} as v_{i}" for i in guesses)
    helped = ", ".join(
        f"{sql} as {name}_{i}"
        for i, told in guesses.items()
        for name, sql in _helpers(f"v_{i}", told, records.dialect).items()
    )
    asked = {i: _questions(i, guesses[i]) for i in guesses}
    terms = ", ".join(["count(*)", *(term for q in asked.values() for term in q.values())])
    (row,) = lake.rows(
        f"select {terms} from (select *{', ' if helped else ''}{helped}"
        f" from (select {values} from {records.without_totals}))"
    )
    answers = iter(row[1:])
    facts = {}
    for i, questions in asked.items():
        told = {name: next(answers) for name in questions}
        told = {name: value for name, value in told.items() if value is not None}
        facts[i] = _as_facts(guesses[i], told, is_stated=records.stated[i] is not None)
    return int(row[0]), facts


def _present(place: int, missing: Iterable[str]) -> str:
    """A value, NULL where it says that there is none."""
    spelled = ", ".join(literal(value) for value in sorted(missing))
    raw = f"raw_{place}"
    return f"case when {raw} in ({spelled}) then null else {raw} end" if spelled else raw


def _as_facts(told: Guess, answers: dict[str, Any], *, is_stated: bool) -> Facts:
    facts = Facts(guess=told, **answers)
    if told.kind in (Kind.TEXT, Kind.EMPTY) or is_stated:
        return replace(facts, fitting=0 if told.kind is Kind.EMPTY else facts.filled)
    if told.kind is Kind.NUMBER and told.form:
        has_decimals = facts.scale > 0
        commas, points = (1, 0) if told.form == "," else (0, 1)
        return replace(facts, commas=commas * has_decimals, points=points * has_decimals)
    return facts


def _helpers(v: str, told: Guess, dialect: Dialect) -> dict[str, str]:
    """Expressions over one value that several questions share."""
    match told.kind:
        case Kind.NUMBER if not told.form:
            return {"whole": f"try_cast({v} as bigint)"}
        case Kind.NUMBER:
            place = f"instr({v}, '{told.form}')"
            return {"after": f"case when {place} > 0 then strlen({v}) - {place} else 0 end"}
        case Kind.TEXT | Kind.EMPTY:
            return {}
        case _:
            return {"typed": _typed(v, told, dialect)}


def _questions(place: int, told: Guess) -> dict[str, str]:
    """Aggregates by the name of the fact that they tell."""
    v = f"v_{place}"
    common = {"filled": f"count({v})", "distinct": f"approx_count_distinct({v})"}
    match told.kind:
        case Kind.EMPTY:
            return common
        case Kind.NUMBER if not told.form:
            return common | _of_whole_number(v, f"whole_{place}")
        case Kind.NUMBER:
            return common | _of_decimal(v, f"after_{place}", told.form)
        case Kind.TEXT:
            return common | _of_text(v)
        case _:
            return common | {
                "fitting": f"count(typed_{place})",
                "least": f"min(typed_{place})",
                "greatest": f"max(typed_{place})",
            }


def _typed(v: str, told: Guess, dialect: Dialect) -> str:
    """A value as the gate would cast it, NULL where it does not fit."""
    types = {Kind.BOOLEAN: "BOOLEAN", Kind.DATE: "DATE", Kind.MOMENT: "TIMESTAMP"}
    if told.kind is Kind.NUMBER:
        return f"case when {_is_number(v, told.form)} then {v} end"
    if told.kind not in types:
        return v
    given = replace(
        dialect,
        date_format=told.form or dialect.date_format,
        timestamp_format=told.form or dialect.timestamp_format,
        true_values=_TRUE,
        false_values=_FALSE,
    )
    return cast(v, Column("v", "v", types[told.kind], ""), given)


def _is_number(v: str, mark: str) -> str:
    """Whether a value is a number without leading zeros; a whole one prints again as it came."""
    if not mark:
        return f"cast(try_cast({v} as bigint) as varchar) = {v}"
    escaped = "[.]" if mark == "." else mark
    return f"regexp_full_match({v}, '-?(0|[1-9][0-9]*)({escaped}[0-9]{{1,{LARGEST_SCALE}}})?')"


def _of_whole_number(v: str, whole: str) -> dict[str, str]:
    return {
        "fitting": f"count(*) filter (cast({whole} as varchar) = {v})",
        "digits": f"max(strlen({v}))",
        "negatives": f"count(*) filter ({whole} < 0)",
        "zeros": f"count(*) filter ({whole} = 0)",
        "greatest": f"max({whole})",
    }


def _of_decimal(v: str, after: str, mark: str) -> dict[str, str]:
    return {
        "fitting": f"count(*) filter ({_is_number(v, mark)})",
        "scale": f"max({after})",
        "digits": f"max(strlen({v}) - {after})",
        "negatives": f"count(*) filter (starts_with({v}, '-'))",
        "greatest": f"max(try_cast(replace({v}, ',', '.') as double))",
    }


def _of_text(v: str) -> dict[str, str]:
    return {
        "longest": f"max(strlen({v}))",
        "shortest": f"min(strlen({v}))",
        "codes_within": f"count(*) filter (case when strlen({v}) >= {_SHORTEST_CODE}"
        f" then regexp_matches({v}, '{CODE_PATTERN}') end)",
        "at_signs": f"count(*) filter (contains({v}, '@'))",
        "blanks": f"count(*) filter (contains({v}, ' '))",
    }


def _valid_codes(lake: Lake, records: Records, place: int) -> int:
    """Values that are identity codes with the right check character; each code is checked once."""
    digits = "try_cast(substr(code, 1, 6) || substr(code, 8, 3) as bigint)"
    return lake.count(
        "select sum(row_count) from (select upper(trim(v)) as code, count(*) as row_count"
        f" from (select raw_{place} as v from {records.without_totals})"
        f" where strlen(v) >= {_SHORTEST_CODE} group by all)"
        f" where regexp_full_match(code, '{CODE_PATTERN}')"
        f" and substr('{_CHECK}', {digits} % 31 + 1, 1) = substr(code, 11, 1)"
    )


def _misfits(
    lake: Lake, records: Records, place: int, told: Guess, missing: Iterable[str]
) -> list[str]:
    """Different values that do not keep to a guess, some of them."""
    value = _typed("v", told, records.dialect)
    unlike = "true" if told.kind is Kind.EMPTY else f"({value}) is null"
    rows = lake.rows(
        f"select v from (select {_present(place, missing)} as v from {records.without_totals})"
        f" where v is not null and ({unlike}) limit {_GUESSED_FROM}"
    )
    return list(dict.fromkeys(v for (v,) in rows))


def _short_lists_and_forms(
    lake: Lake,
    records: Records,
    facts: dict[int, Facts],
    samples: Sequence[Sequence[str]],
    missing: Iterable[str],
) -> tuple[dict[int, dict[str, int]], dict[int, str]]:
    """How often each value occurs in columns that have few, and forms that hold of all values.

    Forms are of texts of one length, and what the first records suggest.
    """
    few = [
        i
        for i, f in facts.items()
        if f.guess.kind in (Kind.TEXT, Kind.BOOLEAN)
        and 0 < f.distinct <= LONGEST_LIST
        and (f.longest <= LONGEST_LIST)
    ]
    forms = {
        i: form
        for i, f in facts.items()
        if f.guess.kind is Kind.TEXT and i not in few and 0 < f.longest == f.shortest
        if f.longest <= LONGEST_FORM and (form := form_of(samples[i]))
    }
    if not (few or forms):
        return {}, {}
    values = ", ".join(f"{_present(i, missing)} as v_{i}" for i in (*few, *forms))
    terms = [f"histogram(v_{i})" for i in few]
    terms += [
        f"count(*) filter (not regexp_full_match(v_{i}, {literal(form)}))"
        for i, form in forms.items()
    ]
    (row,) = lake.rows(
        f"select {', '.join(terms)} from (select {values} from {records.without_totals})"
    )
    lists = {i: dict(found) for i, found in zip(few, row, strict=False)}
    broken = dict(zip(forms, row[len(few) :], strict=True))
    return lists, {i: form for i, form in forms.items() if not broken[i]}
