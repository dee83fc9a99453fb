"""Text becomes exactly the value it states, or nothing: every type, both directions of time.

Here: the gate's SQL casts against plain Python, and against DuckDB's own where the text is plain.
Not here: bytes and fields (`test_dialects`), rules (`tests/bad_input`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagster_project.contracts.model import Column, Dialect, FileFormat
from dagster_project.lake.casts import CREATE_MACROS, cast, civil_date, to_utc

HELSINKI = "Europe/Helsinki"
FINNISH = Dialect(FileFormat.CSV, "iso-8859-1", decimal_separator=",", date_format="%d.%m.%Y")
ISO = Dialect(FileFormat.CSV, "utf-8")
BIGINT_MAX = 2**63 - 1


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(CREATE_MACROS)
        yield connection


def value(
    duck: duckdb.DuckDBPyConnection, text: str, sql_type: str, dialect: Dialect = FINNISH
) -> Any:
    """The gate's value of a text."""
    sql = cast("raw", Column("c", "c", sql_type, ""), dialect)
    row = duck.execute(f"select {sql} from (select ?::varchar as raw)", [text]).fetchone()
    assert row is not None
    return row[0]


near_numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.floats().map(str),
    st.from_regex(r"[-+ ]?[0-9]{0,8}[.,eE_ ]?[0-9]{0,4} ?", fullmatch=True),
    st.text(st.sampled_from("0123456789-+,.eE _'\u0661\uff11\u00b2"), max_size=8),
)


def as_integer(text: str, low: int, high: int) -> int | None:
    if not re.fullmatch("-?[0-9]+", text):
        return None
    number = int(text)
    return number if low <= number <= high else None


@given(text=near_numbers)
@example(text="1.5")
@example(text="1e3")
@example(text=" 1")
@example(text="+1")
@example(text="1_000")
@example(text=str(BIGINT_MAX))
@example(text=str(BIGINT_MAX + 1))
def test_a_whole_number_is_read_as_written_and_nothing_is_rounded_to_one(
    duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert value(duck, text, "BIGINT") == as_integer(text, -BIGINT_MAX - 1, BIGINT_MAX)
    assert value(duck, text, "INTEGER") == as_integer(text, -(2**31), 2**31 - 1)


def as_decimal(text: str, *, mark: str) -> Decimal | None:
    """DECIMAL(6,1): at most five digits before the mark and one after it."""
    if not re.fullmatch(rf"-?[0-9]+({re.escape(mark)}[0-9])?", text):
        return None
    number = Decimal(text.replace(mark, "."))
    return number if abs(number) < 10**5 else None


@given(text=near_numbers)
@example(text="12,5")
@example(text="12.5")
@example(text="12,55")
@example(text="99999,9")
@example(text="100000")
@example(text=",5")
@example(text="1.000,5")
def test_a_decimal_has_its_own_mark_and_no_more_digits_than_the_column(
    duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert value(duck, text, "DECIMAL(6,1)") == as_decimal(text, mark=",")
    assert value(duck, text, "DECIMAL(6,1)", ISO) == as_decimal(text, mark=".")


@given(number=st.decimals(-99999, 99999, places=1))
def test_a_plain_decimal_is_what_duckdb_itself_reads(
    duck: duckdb.DuckDBPyConnection, number: Decimal
) -> None:
    row = duck.execute("select ?::varchar::decimal(6,1)", [str(number)]).fetchone()
    assert row == (value(duck, str(number).replace(".", ","), "DECIMAL(6,1)"),)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_measurement_is_read_to_the_last_bit(
    duck: duckdb.DuckDBPyConnection, number: float
) -> None:
    assert value(duck, repr(number), "DOUBLE", ISO) == number
    assert value(duck, repr(number).replace(".", ","), "DOUBLE") == number


@given(text=near_numbers | st.sampled_from(["inf", "-Infinity", "nan", "NaN", "1e999", "0x10"]))
def test_what_is_not_a_finite_number_is_no_measurement(
    duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    shaped = re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", text)
    due = float(text) if shaped and abs(float(text)) != float("inf") else None
    assert value(duck, text, "DOUBLE", ISO) == due


near_dates = st.one_of(
    st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,5}", fullmatch=True),
    st.builds("{}.{}.{}".format, st.integers(0, 32), st.integers(0, 13), st.integers(1, 9999)),
    st.dates(date(1000, 1, 1)).map(lambda d: f"{d.day}.{d.month}.{d.year}"),
    st.dates(date(1000, 1, 1)).map(lambda d: f"{d:%d.%m.}{d.year}"),
    st.text(st.sampled_from("0123456789. -"), max_size=11),
)


def as_date(text: str) -> date | None:
    found = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text)
    try:
        return date(*(int(part) for part in reversed(found.groups()))) if found else None
    except ValueError:
        return None


@given(text=near_dates)
@example(text="29.2.2017")
@example(text="29.2.2016")
@example(text="29.2.1900")
@example(text="29.2.2000")
@example(text="31.4.2017")
@example(text=" 1.1.2017")
@example(text="1.1.17")
@example(text="1.1.2017 ")
@example(text="2017-01-01")
def test_a_finnish_date_is_a_day_of_the_calendar_or_nothing(
    duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    if not text.endswith(".0000"):  # Python knows no year 0; a row rule refuses it
        assert value(duck, text, "DATE") == as_date(text)


@given(day=st.dates(date(1000, 1, 1)))
def test_a_plain_date_is_what_duckdb_itself_reads(
    duck: duckdb.DuckDBPyConnection, day: date
) -> None:
    row = duck.execute("select ?::varchar::date", [day.isoformat()]).fetchone()
    assert row == (value(duck, day.isoformat(), "DATE", ISO),) == (day,)


near_times = st.one_of(
    st.datetimes(datetime(1000, 1, 1)).map(lambda t: t.isoformat(" ", "seconds")),
    st.datetimes(datetime(1000, 1, 1)).map(lambda t: t.isoformat(" ", "milliseconds")),
    st.datetimes(datetime(1000, 1, 1)).map(lambda t: t.isoformat("T", "seconds")),
    st.from_regex(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(:[0-9]{2})?Z?", fullmatch=True),
)


def as_time(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@given(text=near_times)
@example(text="2017-02-29 10:00:00")
@example(text="2017-01-01 24:00:00")
@example(text="2017-01-01 23:59:60")
@example(text="2017-1-1 10:00:00")
def test_a_time_is_of_the_format_and_of_the_calendar_or_nothing(
    duck: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert value(duck, text, "TIMESTAMP", ISO) == as_time(text)


@given(text=st.text(max_size=5))
@example(text="1")
@example(text="0")
@example(text="true")
def test_a_truth_is_one_of_the_words_agreed(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(duck, text, "BOOLEAN") == {"1": True, "0": False}.get(text)


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_stays_as_it_is(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(duck, text, "VARCHAR") == text


def last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


@st.composite
def around_turns(draw: st.DrawFn) -> datetime:
    """Moments within three hours of a turn of the clock."""
    turn = last_sunday(draw(st.integers(1983, 2060)), draw(st.sampled_from([3, 10])))
    return turn + timedelta(seconds=draw(st.integers(0, 6 * 3600)))


moments = (
    st.datetimes(datetime(1980, 1, 2), datetime(2060, 12, 30)).map(
        lambda t: t.replace(microsecond=0)
    )
    | around_turns()
)
zones = st.sampled_from([HELSINKI, "Europe/Stockholm", "UTC"])


def utc_of(local: datetime, zone: str) -> datetime | None:
    """By zoneinfo: of a doubled hour the first, of a missing one none."""
    own = ZoneInfo(zone)
    moment = local.replace(tzinfo=own, fold=0).astimezone(UTC)
    exists = moment.astimezone(own).replace(tzinfo=None) == local
    return moment.replace(tzinfo=None) if exists else None


@given(local=moments, zone=zones)
@example(local=datetime(2017, 3, 26, 3, 30), zone=HELSINKI)
@example(local=datetime(2017, 3, 26, 4, 0), zone=HELSINKI)
@example(local=datetime(2017, 10, 29, 3, 0), zone=HELSINKI)
@example(local=datetime(2017, 10, 29, 4, 0), zone=HELSINKI)
@example(local=datetime(1980, 7, 1, 12), zone=HELSINKI)
def test_local_time_becomes_the_utc_that_zoneinfo_says(
    duck: duckdb.DuckDBPyConnection, local: datetime, zone: str
) -> None:
    sql = to_utc("local", zone)
    row = duck.execute(f"select {sql} from (select ?::timestamp as local)", [local]).fetchone()
    assert row == (utc_of(local, zone),)


@given(moment=moments, zone=zones)
@example(moment=datetime(2017, 6, 30, 21, 0), zone=HELSINKI)
@example(moment=datetime(2017, 1, 31, 21, 59, 59), zone=HELSINKI)
@example(moment=datetime(2017, 12, 31, 22, 0), zone=HELSINKI)
def test_utc_falls_on_the_civil_date_that_zoneinfo_says(
    duck: duckdb.DuckDBPyConnection, moment: datetime, zone: str
) -> None:
    sql = civil_date("moment", zone)
    row = duck.execute(f"select {sql} from (select ?::timestamp as moment)", [moment]).fetchone()
    assert row == (moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date(),)


@given(local=moments)
def test_there_and_back_is_the_same_day(duck: duckdb.DuckDBPyConnection, local: datetime) -> None:
    sql = civil_date(f"({to_utc('local', HELSINKI)})", HELSINKI)
    row = duck.execute(f"select {sql} from (select ?::timestamp as local)", [local]).fetchone()
    assert row == (local.date() if utc_of(local, HELSINKI) else None,)


@given(local=around_turns() | moments)
def test_outside_the_years_of_the_table_a_time_is_still_standard_time_or_nothing(
    duck: duckdb.DuckDBPyConnection, local: datetime
) -> None:
    """No contract lets such times in; they must not come out as another moment of the table."""
    early = local.replace(year=1979, day=min(local.day, 28))
    row = duck.execute(
        f"select {to_utc('local', HELSINKI)} from (select ?::timestamp as local)", [early]
    ).fetchone()
    assert row == (early - timedelta(hours=2),)


@given(born=st.dates(date(1900, 1, 1), date(2020, 12, 31)), days=st.integers(0, 40_000))
def test_age_turns_on_the_birthday(duck: duckdb.DuckDBPyConnection, born: date, days: int) -> None:
    """As many birthdays as have come since birth; that of 29.2. comes on 1.3. in common years."""
    on_date = born + timedelta(days)
    rows = duck.execute(
        "select age_years(cast(? as date), cast(? as date)),"
        " age_years(cast(null as date), current_date)",
        [born, on_date],
    )
    birthdays = (birthday(born, year) for year in range(born.year + 1, on_date.year + 1))
    assert rows.fetchone() == (sum(day <= on_date for day in birthdays), None)


def birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
