"""One indicator as its YAML has it (`sql/indicator/<id>.yaml`), and what is wrong with one.

It says what the indicator is for, which way is better, on which scale it counts, who reports it and
when.

Here: reading one file. Not here: all of them, and what models read of them (`indicators`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import yaml

from dagster_project.errors import ContractError
from dagster_project.rulebook import read_document

SCHEMA = "indicator"
LANGUAGES = ("fi", "sv", "en")
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
class Weight:
    """What an indicator weighs in a scheme (`rulebooks/incentive_scheme`), from a day on."""

    valid_from_date: date
    scheme_id: str
    weight: Decimal


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
    weights: tuple[Weight, ...]
    """Of schemes in which it counts."""
    published: tuple[Published, ...]
    sha256: str
    is_own: bool = False
    """Whether it is of a folder beside the installation's."""


_KEYS = {
    "id", "names", "aim", "services", "unit", "direction", "interval", "reporter", "numerator",
    "denominator", "deliveries", "declared_as", "due_days", "minimum_denominator", "calendar",
    "scale", "weight", "baseline", "goal", "source",
}  # fmt: skip
_MAY_LACK = {"declared_as", "deliveries", "weight", "baseline", "goal"}


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
        names=reader.within("names", set(LANGUAGES)),
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
        weights=tuple(_weights(reader)),
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


def _weights(reader: _Reader) -> Iterator[Weight]:
    for starts, entry in (reader.said["weight"] or {}).items():
        if not isinstance(entry, dict) or len(entry) < 2 or not entry.get("source"):
            raise reader.fault(
                "weight", f"an entry of {starts} says its source, and a weight for each scheme"
            )
        for scheme in sorted(set(entry) - {"source"}):
            weight = reader.number("weight", entry[scheme])
            yield Weight(reader.day("weight", starts), scheme, weight)


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
