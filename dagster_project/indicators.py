"""Indicators as data: one YAML and one query each, in `sql/indicator/`, and what models read.

An indicator is a numerator over a denominator by provider and period. Its YAML says what it is
for, which way is better, on which scale it counts, who reports it and when;
`sql/indicator/<id>.sql` gives `provider_id, period_start_date, numerator, denominator`, and
`reporter_code` where now the lake and now the provider reports. Nothing else names it: another
indicator is another pair of files, here or in a folder of one's own (`TIETOALLAS_SQL`).

Here: reading the YAML, and what is wrong with one. Not here: states and values
(`sql/mart/indicator_value.sql`), weights and money (`rules.incentive_scheme`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from sqlglot import exp

from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook, read_document
from dagster_project.sql_models import Model, ModelGraph

SCHEMA = "indicator"
COUNTED = "indicator.counted"
UNFIT = "unfit_figure"
_COLUMNS = ("provider_id", "period_start_date", "numerator", "denominator")
_LANGUAGES = ("fi", "sv", "en")
_STEP = Decimal("0.0001")
"""Values are kept to four decimals."""


class Aim(StrEnum):
    """Of the Quadruple Aim."""

    EFFECTIVENESS = "effectiveness"
    QUALITY = "quality"
    COST_EFFICIENCY = "cost_efficiency"
    STAFF = "staff"


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"


class Reporter(StrEnum):
    """Who says it: counted from the lake, the provider's workbook, a survey.

    Or the lake of the providers whose contacts it counts, and the others' workbooks.
    """

    LAKE = "lake"
    PROVIDER = "provider"
    SURVEY = "survey"
    LAKE_OR_PROVIDER = "lake_or_provider"

    @property
    def asks_provider(self) -> bool:
        """Whether a provider's workbook may be what reports it."""
        return self in (Reporter.PROVIDER, Reporter.LAKE_OR_PROVIDER)


class Interval(StrEnum):
    """Of a share Wilson's score interval, of a rate Byar's; of a mean two sums give none."""

    WILSON = "wilson"
    BYAR = "byar"
    NONE = "none"


UNITS = {
    "pct": 100,
    "points": 100,
    "days": 1,
    "minutes": 1,
    "mean": 1,
    "index": 1,
    "per_1000": 1000,
}
"""What numerator over denominator is multiplied by, by unit."""


@dataclass(frozen=True)
class Scale:
    """Values between which an indicator earns points, from a day on; nothing true lies beyond."""

    valid_from_date: date
    floor: Decimal
    target: Decimal
    ceiling: Decimal


@dataclass(frozen=True)
class Published:
    """A value that was measured or is aimed at, and when."""

    kind_code: str
    """`baseline` or `goal`."""
    value: Decimal
    from_date: date
    to_date: date


@dataclass(frozen=True)
class Indicator:
    """One indicator, as its YAML has it."""

    indicator_id: str
    names: Mapping[str, str]
    aim: Aim
    services: tuple[str, ...]
    unit: str
    direction: Direction
    interval: Interval
    reporter: Reporter
    numerator_model: str
    denominator_model: str
    deliveries: tuple[str, ...]
    """`<source>/<table>` of monthly deliveries that a period needs; of a provider's own none."""
    declared_as: str
    """Code under which the provider's workbook states a figure of its own; or empty."""
    due_days: int
    """Days after a period's end by which it is due."""
    minimum_denominator: Decimal
    first_date: date
    end_months: tuple[int, ...]
    """Months with which the periods end in which it is scheduled."""
    scales: tuple[Scale, ...]
    published: tuple[Published, ...]
    sha256: str


def load_indicators(root: Path, *, beside: Path | None = None) -> tuple[Indicator, ...]:
    """Every indicator, by id.

    Args:
        root: the folder `sql/`, whose folder `indicator` holds them.
        beside: another folder of that kind.

    Raises:
        ContractError: a YAML is not valid, lacks its query, or two have one id.
    """
    found: dict[str, Indicator] = {}
    folders = [r / SCHEMA for r in (root, beside) if r]
    for path in (p for folder in folders for p in sorted(folder.glob("*.yaml"))):
        if path.stem in found:
            raise ContractError(
                f"{path}: there is an indicator {path.stem} already; rename this one"
            )
        if not path.with_suffix(".sql").exists():
            raise ContractError(f"{path}: lacks its query; write {path.stem}.sql beside it")
        found[path.stem] = read_indicator(path.read_text("utf-8"), path.stem)
    for query in (q for folder in folders for q in sorted(folder.glob("*.sql"))):
        if query.stem not in found:
            raise ContractError(f"{query}: no YAML says what it counts; write {query.stem}.yaml")
    return tuple(found[name] for name in sorted(found))


def counted_model(indicators: tuple[Indicator, ...]) -> Model:
    """All indicators' counts below each other: the model that knows which indicators there are."""
    selects = (_counts(one) for one in indicators)
    return Model(
        schema=SCHEMA,
        name=COUNTED.split(".")[1],
        sql=" union all ".join(selects) or _NOTHING,
        grain="One row per indicator, provider and period of which something was counted.",
        key=("indicator_id", "provider_id", "period_start_date"),
        partition=None,
        touched=(),
        purpose="",
        may_be_empty="nothing may have been counted yet",
    )


def _counts(one: Indicator) -> str:
    """One indicator's counts, and who reported them."""
    name, reporter = one.indicator_id, f"'{one.reporter}'"
    if one.reporter is Reporter.LAKE_OR_PROVIDER:
        reporter = f"{name}.reporter_code"
    return (
        f"select cast('{name}' as varchar) as indicator_id, {name}.provider_id,"
        f" {name}.period_start_date, cast({name}.numerator as decimal(18, 4)) as numerator,"
        f" cast({name}.denominator as decimal(18, 4)) as denominator,"
        f" cast({reporter} as varchar) as reporter_code from {SCHEMA}.{name} as {name}"
    )


_NOTHING = (
    "select cast(null as varchar) as indicator_id, cast(null as varchar) as provider_id,"
    " cast(null as date) as period_start_date, cast(null as decimal(18, 4)) as numerator,"
    " cast(null as decimal(18, 4)) as denominator, cast(null as varchar) as reporter_code limit 0"
)


def check_queries(
    indicators: tuple[Indicator, ...], graph: ModelGraph, steps: Mapping[str, str]
) -> None:
    """See that each query gives the columns due and reads what its YAML names.

    Args:
        indicators: All.
        graph: All models.
        steps: How often each delivered table comes, by `<source>/<table>`.

    Raises:
        ContractError: one does not.
    """
    for one in indicators:
        model, where = (
            graph.model(f"{SCHEMA}.{one.indicator_id}"),
            f"sql/{SCHEMA}/{one.indicator_id}",
        )
        if sum(m.name == one.indicator_id for m in graph.models) > 1:
            raise ContractError(f"{where}.yaml: another model has that name; rename this one")
        given = tuple(model.tree.named_selects) if isinstance(model.tree, exp.Query) else ()
        both = one.reporter is Reporter.LAKE_OR_PROVIDER
        due = (*_COLUMNS, "reporter_code") if both else _COLUMNS
        if given != due:
            raise ContractError(f"{where}.sql: gives {given}; it gives {due}, in this order")
        for name in {one.numerator_model, one.denominator_model} - model.parents - model.reads:
            raise ContractError(
                f"{where}.yaml: names model {name}, which its query does not read; correct either"
            )
        for name in one.deliveries:
            if steps.get(name) != "month":
                raise ContractError(
                    f"{where}.yaml, deliveries: {name} is no table that comes every month; name the"
                    " contracts whose deliveries a period must have"
                )


def check_unfit(indicators: tuple[Indicator, ...], books: Sequence[Rulebook]) -> None:
    """See that figures found unfit are of indicators there are, over days in order.

    Raises:
        ContractError: one is not; it says which row.
    """
    known = {one.indicator_id for one in indicators}
    for book in (b for b in books if b.name == UNFIT):
        for number, (starts, values) in enumerate(book.rows, start=1):
            row = dict(zip(book.columns, values, strict=True))
            where = f"rulebooks/{UNFIT}.yaml, {starts}, row {number} ({', '.join(values)})"
            if row["indicator_id"] not in known:
                raise ContractError(f"{where}: there is no such indicator; correct its id")
            if row["from_date"] > row["to_date"]:
                raise ContractError(f"{where}: ends before it begins; correct either day")


def rulebooks_of(indicators: tuple[Indicator, ...]) -> tuple[Rulebook, ...]:
    """What models read of indicators: relations `rulebook.indicator` and its parts."""
    sha256 = hashlib.sha256("".join(i.sha256 for i in indicators).encode()).hexdigest()
    return tuple(
        Rulebook(
            name,
            "as the column says",
            dict(columns),
            tuple(row for one in indicators for row in rows(one)),
            sha256,
        )
        for name, columns, rows in _RELATIONS
    )


_Rows = Iterator[tuple[date, tuple[str, ...]]]


def _of_itself(one: Indicator) -> _Rows:
    names = tuple(one.names[language] for language in _LANGUAGES)
    yield (
        one.first_date,
        (
            *(one.indicator_id, *names, one.aim, one.unit, str(UNITS[one.unit]), one.direction),
            *(one.interval, one.reporter, one.declared_as, str(one.due_days)),
            str(one.minimum_denominator),
        ),
    )


def _of_scales(one: Indicator) -> _Rows:
    for scale in one.scales:
        values = (str(v) for v in (scale.floor, scale.target, scale.ceiling))
        yield scale.valid_from_date, (one.indicator_id, *values)


def _of_published(one: Indicator) -> _Rows:
    for said in one.published:
        values = (said.kind_code, str(said.value), str(said.from_date), str(said.to_date))
        yield one.first_date, (one.indicator_id, *values)


def _of_services(one: Indicator) -> _Rows:
    for service in one.services:
        yield one.first_date, (one.indicator_id, service)


def _of_months(one: Indicator) -> _Rows:
    for month in one.end_months:
        yield one.first_date, (one.indicator_id, str(month))


def _of_deliveries(one: Indicator) -> _Rows:
    for name in one.deliveries:
        source, table = name.split("/")
        yield one.first_date, (one.indicator_id, source, table)


_VALUE = "decimal(18,4)"
_ID = {"indicator_id": "varchar"}
_RELATIONS: tuple[tuple[str, Mapping[str, str], Callable[[Indicator], _Rows]], ...] = (
    (
        "indicator",
        {
            **_ID,
            **{f"name_{language}": "varchar" for language in _LANGUAGES},
            **{"aim_code": "varchar", "unit_code": "varchar", "multiplier": "integer"},
            **{"direction_code": "varchar", "interval_code": "varchar"},
            **{"reporter_code": "varchar", "declared_as_code": "varchar", "due_days": "integer"},
            "minimum_denominator": _VALUE,
        },
        _of_itself,
    ),
    (
        "indicator_scale",
        {**_ID, "floor_value": _VALUE, "target_value": _VALUE, "ceiling_value": _VALUE},
        _of_scales,
    ),
    (
        "indicator_published",
        {**_ID, "kind_code": "varchar", "value": _VALUE, "from_date": "date", "to_date": "date"},
        _of_published,
    ),
    ("indicator_service", {**_ID, "service_code": "varchar"}, _of_services),
    ("indicator_month", {**_ID, "end_month": "integer"}, _of_months),
    ("indicator_delivery", {**_ID, "source": "varchar", "table_name": "varchar"}, _of_deliveries),
)
"""Name, columns and rows of each relation; a row's `valid_from_date` is a day of the YAML."""

_KEYS = {
    "id", "names", "aim", "services", "unit", "direction", "interval", "reporter", "numerator",
    "denominator", "deliveries", "declared_as", "due_days", "minimum_denominator", "calendar",
    "scale", "baseline", "goal", "source",
}  # fmt: skip
_MAY_LACK = {"declared_as", "deliveries", "baseline", "goal"}


@dataclass(frozen=True)
class _Reader:
    """A YAML while it is read: what it says, and where, for messages."""

    said: Mapping[str, Any]
    lines: Mapping[str, int]
    file: str

    def fault(self, key: str, text: str) -> ContractError:
        """What is wrong at a key: file, line, key, what to do."""
        line = self.lines.get(key, 1)
        return ContractError(f"{self.file}, line {line}, {key}: {text}")

    def within(self, key: str, keys: set[str]) -> Mapping[str, Any]:
        """A mapping of exactly these keys."""
        found = self.said[key]
        if not isinstance(found, dict) or set(found) != keys or None in found.values():
            raise self.fault(key, f"says {sorted(keys)}, each of them and nothing else")
        return found

    def one_of(self, key: str, kinds: type[StrEnum]) -> Any:  # noqa: ANN401 - a member of `kinds`
        """The member of an enumeration that a key names."""
        known = [kind.value for kind in kinds]
        if self.said[key] not in known:
            raise self.fault(key, f"{self.said[key]!r} is unknown; it is one of {', '.join(known)}")
        return kinds(self.said[key])

    def number(self, key: str, value: object) -> Decimal:
        """An exact number of four decimals at most, which the YAML holds as text."""
        try:
            found = Decimal(value) if isinstance(value, str) else None
        except InvalidOperation:
            found = None
        if found is None or not found.is_finite() or found != found.quantize(_STEP):
            raise self.fault(
                key, f"{value!r} is no number in quotes, of four decimals at most; write one"
            )
        return found

    def day(self, key: str, value: object) -> date:
        """A date as YAML has it, without quotes."""
        if type(value) is not date:
            raise self.fault(key, f"{value!r} is no date; write it as 2017-05-01, without quotes")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self.said.get(key) or []
        if not isinstance(found, list) or not all(isinstance(t, str) for t in found):
            raise self.fault(key, "is a list of texts; write it as [a, b]")
        return tuple(found)

    def whole(self, key: str, value: object, *, most: int) -> int:
        """A whole number from nought on."""
        if type(value) is not int or not 0 <= value <= most:
            raise self.fault(key, f"{value!r} is no whole number from 0 to {most}; correct it")
        return value


def read_indicator(text: str, name: str) -> Indicator:
    """One indicator.

    Args:
        text: Its YAML.
        name: Of the file, without its ending.

    Raises:
        ContractError: it is not valid; the message says file, line, key and what to do.
    """
    file = f"sql/{SCHEMA}/{name}.yaml"
    said = read_document(text, file)
    reader = _Reader({**dict.fromkeys(_MAY_LACK), **said}, _lines(text), file)
    for key in sorted(set(said) - _KEYS):
        raise reader.fault(key, f"is unknown; an indicator says {', '.join(sorted(_KEYS))}")
    for key in sorted(_KEYS - _MAY_LACK):
        if said.get(key) in (None, "", [], {}):
            raise reader.fault(key, "is missing or empty; add it")
    if said["id"] != name or not name.isidentifier() or name != name.lower():
        raise reader.fault(
            "id", f"is {said['id']!r}; it is the file's name, lower case, words by _"
        )
    if said["unit"] not in UNITS:
        raise reader.fault("unit", f"{said['unit']!r} is unknown; it is one of {', '.join(UNITS)}")
    return _indicator(reader, hashlib.sha256(text.encode()).hexdigest())


def _indicator(reader: _Reader, sha256: str) -> Indicator:
    said, reporter = reader.said, reader.one_of("reporter", Reporter)
    direction, deliveries = reader.one_of("direction", Direction), reader.texts("deliveries")
    if (reporter is Reporter.PROVIDER) == bool(deliveries):
        raise reader.fault(
            "deliveries", "name the monthly tables of a period, but none where providers report"
        )
    if reporter.asks_provider != bool(said["declared_as"]):
        raise reader.fault(
            "declared_as",
            "names the code in the provider's workbook, and stands where providers report alone;"
            " add or remove it",
        )
    if any(name.count("/") != 1 for name in deliveries):
        raise reader.fault("deliveries", "are named <source>/<table>; correct it")
    calendar = reader.within("calendar", {"from", "end_months"})
    return Indicator(
        indicator_id=said["id"],
        names=reader.within("names", set(_LANGUAGES)),
        aim=reader.one_of("aim", Aim),
        services=reader.texts("services"),
        unit=said["unit"],
        direction=direction,
        interval=_interval(reader),
        reporter=reporter,
        numerator_model=reader.within("numerator", {"model", "counts"})["model"],
        denominator_model=reader.within("denominator", {"model", "counts"})["model"],
        deliveries=deliveries,
        declared_as=said["declared_as"] or "",
        due_days=reader.whole("due_days", said["due_days"], most=366),
        minimum_denominator=_minimum(reader),
        first_date=reader.day("calendar", calendar["from"]),
        end_months=_end_months(reader, calendar["end_months"]),
        scales=_scales(reader, direction),
        published=tuple(p for kind in ("baseline", "goal") for p in _published(reader, kind)),
        sha256=sha256,
    )


def _interval(reader: _Reader) -> Interval:
    """Of a share or rate the one that its unit has: the wrong one would look as true."""
    interval, unit = Interval(reader.one_of("interval", Interval)), reader.said["unit"]
    due = {"pct": Interval.WILSON, "per_1000": Interval.BYAR}.get(unit, Interval.NONE)
    if interval is not due:
        raise reader.fault("interval", f"of unit {unit} is {due}; correct either")
    return interval


def _minimum(reader: _Reader) -> Decimal:
    found = reader.number("minimum_denominator", reader.said["minimum_denominator"])
    if found <= 0:
        raise reader.fault("minimum_denominator", "is above nought; correct it")
    return found


def _end_months(reader: _Reader, months: object) -> tuple[int, ...]:
    good = isinstance(months, list) and all(type(m) is int and 1 <= m <= 12 for m in months)
    if not good or not isinstance(months, list) or not months or len(set(months)) < len(months):
        raise reader.fault("calendar", "end_months is a list of months from 1 to 12, each once")
    return tuple(months)


def _scales(reader: _Reader, direction: Direction) -> tuple[Scale, ...]:
    found = []
    for starts in reader.said["scale"]:
        entry = reader.said["scale"][starts]
        due = {"floor", "target", "ceiling", "source"}
        if not isinstance(entry, dict) or set(entry) != due or not entry["source"]:
            raise reader.fault("scale", f"an entry of {starts} says {sorted(due)}, nothing else")
        numbers = (reader.number("scale", entry[k]) for k in ("floor", "target", "ceiling"))
        found.append(Scale(reader.day("scale", starts), *numbers))
        _check_scale(reader, found[-1], direction)
    return tuple(sorted(found, key=lambda scale: scale.valid_from_date))


def _check_scale(reader: _Reader, scale: Scale, direction: Direction) -> None:
    floor, target, ceiling = scale.floor, scale.target, scale.ceiling
    if direction is Direction.DOWN:
        floor, target, ceiling = -floor, -target, -ceiling
    if not floor < target <= ceiling:
        order = (
            "floor < target <= ceiling"
            if direction is Direction.UP
            else "floor > target >= ceiling"
        )
        raise reader.fault(
            "scale", f"of {scale.valid_from_date}: direction {direction} means {order}; correct it"
        )


def _published(reader: _Reader, kind: str) -> tuple[Published, ...]:
    if reader.said[kind] is None:
        return ()
    said = reader.within(kind, {"value", "from", "to", "source"})
    days = (reader.day(kind, said["from"]), reader.day(kind, said["to"]))
    if days[0] > days[1]:
        raise reader.fault(kind, "ends before it begins; correct from or to")
    return (Published(kind, reader.number(kind, said["value"]), *days),)


def _lines(text: str) -> dict[str, int]:
    """Line of each key at the top of a YAML."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
