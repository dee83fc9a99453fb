"""Text as sent to the contract's types: strict, stated, the same on every machine.

Here: one SQL expression per type, NULL where the text is not of the type. Not here: rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dagster_project.contracts.model import Column, Dialect
from dagster_project.errors import ContractError
from dagster_project.sql_text import literal

_FIRST_YEAR = 1980
_LAST_YEAR = 2060
_ISO_FORMATS = {"%Y-%m-%d": ("date", 10), "%Y-%m-%d %H:%M:%S": ("timestamp", 19)}
"""Formats that are DuckDB's own notation of a type, with the length of their text."""


def cast(raw: str, column: Column, dialect: Dialect) -> str:
    """SQL for the value of text column `raw`: of the column's type, NULL where the text is not.

    Timestamps come out in the zone's local time; see `to_utc`.

    Raises:
        ContractError: the contract names a type the gate cannot cast to.
    """
    kind = column.sql_type.split("(")[0]
    if column.is_identity:
        # Trimming costs more than all else of a code, and one of the due length needs none.
        return f"case when strlen({raw}) = 11 then upper({raw}) else upper(trim({raw})) end"
    match kind:
        case "VARCHAR":
            return raw
        case "BIGINT" | "INTEGER":
            # try_cast alone would round '1.5' and read '1e3'.
            return (
                f"case when regexp_full_match({raw}, '-?[0-9]+') then try_cast({raw} as {kind}) end"
            )
        case "DECIMAL" | "DOUBLE":
            return _number(raw, column, dialect)
        case "DATE":
            return f"cast({_moment(raw, dialect.date_format)} as date)"
        case "TIMESTAMP":
            return _moment(raw, dialect.timestamp_format)
        case "BOOLEAN":
            return _boolean(raw, dialect)
        case _:
            raise ContractError(f"column {column.name}: no cast to {column.sql_type}")


def _moment(raw: str, form: str) -> str:
    """SQL for a timestamp of the format, with nothing around it and a year of four digits.

    DuckDB's strptime alone overlooks blanks at either end, takes 17 for the year 17, and makes
    1900 of 'infinity' and 'epoch'. Days and months before the year may come without leading zero.
    """
    if form in _ISO_FORMATS:
        return _iso_moment(raw, *_ISO_FORMATS[form])
    before, year, after = form.partition("%Y")
    shape = (
        re.sub("%[a-zA-Z]", "%", before) + "____" * bool(year) + re.sub("%[a-zA-Z]", "__", after)
    )
    return (
        f"case when {raw} like {literal(shape)} and {raw} >= '0' and {raw} < ':'"
        f" then try_strptime({raw}, {literal(form)}) end"
    )


def _iso_moment(raw: str, kind: str, length: int) -> str:
    """SQL for a moment in DuckDB's own notation: what it prints again just as it came.

    A third faster than strptime, and as strict: the length alone rules out 'infinity' and fractions
    of seconds.
    """
    value = f"try_cast({raw} as {kind})"
    return (
        f"case when cast({value} as varchar) = {raw} and strlen({raw}) = {length} then {value} end"
    )


def _number(raw: str, column: Column, dialect: Dialect) -> str:
    mark = dialect.decimal_separator
    escaped = r"\." if mark == "." else mark
    if column.sql_type == "DOUBLE":
        pattern = rf"[-+]?[0-9]+({escaped}[0-9]+)?([eE][-+]?[0-9]+)?"
    else:
        scale = column.sql_type.rstrip(")").split(",")[1].strip()
        pattern = rf"-?[0-9]+({escaped}[0-9]{{1,{scale}}})?" if int(scale) else "-?[0-9]+"
    text = raw if mark == "." else f"replace({raw}, {literal(mark)}, '.')"
    value = f"try_cast({text} as {column.sql_type})"
    if column.sql_type == "DOUBLE":
        value = f"case when isfinite({value}) then {value} end"
    return f"case when regexp_full_match({raw}, {literal(pattern)}) then {value} end"


def _boolean(raw: str, dialect: Dialect) -> str:
    true_values = ", ".join(literal(v) for v in dialect.true_values)
    false_values = ", ".join(literal(v) for v in dialect.false_values)
    return (
        f"case when {raw} in ({true_values}) then true"
        f" when {raw} in ({false_values}) then false end"
    )


@dataclass(frozen=True)
class _Year:
    """Daylight saving of one year, in local wall time."""

    missing_from: datetime | None
    doubled_to: datetime | None


def to_utc(local: str, zone: str) -> str:
    """SQL for a local timestamp in UTC: a doubled hour takes the first, a missing one is NULL.

    Arithmetic on the zone's transitions for 1980-2060, five times as fast as the calendar library
    and with a stated choice for the doubled hour.

    Raises:
        ContractError: the zone is unknown.
    """
    standard, starts, ends = _transitions(zone)
    if not starts:
        return f"{local} - to_minutes({standard})"
    index = f"year({local}) - {_FIRST_YEAR - 1}"
    start, end = f"({starts})[{index}]", f"({ends})[{index}]"
    return (
        f"case when {local} >= {start} and {local} < {end} then"
        f" case when {local} < {start} + interval 1 hour then null"
        f" else {local} - to_minutes({standard + 60}) end"
        f" else {local} - to_minutes({standard}) end"
    )


def civil_date(moment: str, zone: str) -> str:
    """SQL for the civil date in a zone of a UTC timestamp."""
    standard, starts, ends = _transitions(zone)
    if not starts:
        return f"cast({moment} + to_minutes({standard}) as date)"
    index = f"year({moment}) - {_FIRST_YEAR - 1}"
    start = f"({starts})[{index}] - to_minutes({standard})"
    end = f"({ends})[{index}] - to_minutes({standard + 60})"
    return (
        f"cast(case when {moment} >= {start} and {moment} < {end}"
        f" then {moment} + to_minutes({standard + 60})"
        f" else {moment} + to_minutes({standard}) end as date)"
    )


@lru_cache
def _transitions(zone: str) -> tuple[int, str, str]:
    """Standard offset in minutes, and SQL lists of when summer time starts and ends, wall time."""
    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ContractError(f"unknown time zone {zone!r}") from None
    years = [_year(info, year) for year in range(_FIRST_YEAR, _LAST_YEAR + 1)]
    standard = _minutes(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC), info)
    if not any(y.missing_from for y in years):
        return standard, "", ""
    return (
        standard,
        _sql_list(y.missing_from for y in years),
        _sql_list(y.doubled_to for y in years),
    )


def _sql_list(moments: Iterable[datetime | None]) -> str:
    """One text for the whole list: the planner takes it in several times as fast as its members."""
    texts = ", ".join(str(m) if m else "null" for m in moments)
    return f"cast('[{texts}]' as timestamp[])"


def _year(info: ZoneInfo, year: int) -> _Year:
    missing_from = doubled_to = None
    for day in range(366):
        moment = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day)
        if _minutes(moment, info) == _minutes(moment + timedelta(days=1), info):
            continue
        before = _minutes(moment, info)
        change = next(
            after
            for hour in range(1, 25)
            if _minutes(after := moment + timedelta(hours=hour), info) != before
        )
        if _minutes(change, info) > before:
            missing_from = _wall(change, before)
        else:
            doubled_to = _wall(change, before)
    return _Year(missing_from, doubled_to)


def _minutes(moment: datetime, info: ZoneInfo) -> int:
    offset = moment.astimezone(info).utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def _wall(moment: datetime, offset_minutes: int) -> datetime:
    return (moment + timedelta(minutes=offset_minutes)).replace(tzinfo=None)


MACROS = {
    "civil_date(moment)": civil_date("moment", "Europe/Helsinki"),
    # Completed years: they turn on the birthday, that of 29.2. on 1.3. in common years. Nought
    # before birth, as for a child born in the month that a first day stands for; none where a day
    # is unknown, where `greatest` alone would say nought.
    "age_years(birth_date, on_date)": (
        "case when birth_date is not null and on_date is not null then"
        " greatest(year(on_date) - year(birth_date) - case when month(on_date) < month(birth_date)"
        " or (month(on_date) = month(birth_date) and day(on_date) < day(birth_date))"
        " then 1 else 0 end, 0) end"
    ),
}
CREATE_MACROS = "".join(
    f"create or replace macro memory.main.{signature} as {sql};"
    for signature, sql in MACROS.items()
)
"""Makes what models may call besides DuckDB's own functions."""
