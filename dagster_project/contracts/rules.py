"""Quality rules of a contract: from ODCS to rules the gate evaluates.

Here: which rules of the standard the platform keeps, and their SQL. A rule it does not know is an
error, never ignored. Not here: `<column>.type` and `<column>.required`, which the gate derives from
the column; evaluating rules (`lake.gate`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from open_data_contract_standard.model import DataQuality, SchemaProperty

from dagster_project.contracts.documents import Place
from dagster_project.contracts.expressions import check_condition
from dagster_project.contracts.model import Column, DatasetRule, Dimension, RowRule, Severity

ENGINE = "tietoallas"

KAHN_DIMENSION = {
    "conformity": Dimension.CONFORMANCE,
    "completeness": Dimension.COMPLETENESS,
    "coverage": Dimension.COMPLETENESS,
    "accuracy": Dimension.PLAUSIBILITY,
    "consistency": Dimension.PLAUSIBILITY,
    "timeliness": Dimension.PLAUSIBILITY,
    "uniqueness": Dimension.PLAUSIBILITY,
}
"""ODCS dimension → category of Kahn et al. 2016: agreement with a format is conformance; agreement
between values, with time and with the outside world, and uniqueness, are plausibility."""

_COMMON = {"id", "name", "type", "severity", "dimension", "description", "unit"}
_LIBRARY = _COMMON | {"metric", "arguments"}
_CUSTOM = _COMMON | {"engine", "implementation"}
_LOOKAROUND = re.compile(r"\(\?<?[=!]|\\[1-9]")


def column_rules(
    prop: SchemaProperty, column: Column, *, names: Collection[str], place: Place
) -> Iterator[RowRule]:
    """Rules of one column: pattern, valid values, minimum, maximum, length, then its own SQL.

    Args:
        prop: the column in ODCS.
        column: the column as mapped.
        names: all columns of the contract, for rules in SQL.
        place: place of the column.

    Raises:
        ContractError: an option or rule that is unknown, incomplete, or does not fit the type.
    """
    options = dict(prop.logicalTypeOptions or {})
    yield from _pattern(options, column, place=place.at("logicalTypeOptions", "pattern"))
    listed = [(i, q) for i, q in enumerate(prop.quality or ()) if _is_library(q)]
    for i, quality in listed:
        yield _valid_values(quality, column, place=place.at("quality", i))
    if len(listed) > 1:
        raise place.at("quality").error("valid values are given twice", "keep one list")
    yield from _bounds(options, column, place=place.at("logicalTypeOptions"))
    yield from _length(options, column, place=place.at("logicalTypeOptions"))
    for i, quality in enumerate(prop.quality or ()):
        if not _is_library(quality):
            yield _sql_rule(quality, column.name, names=names, place=place.at("quality", i))


def table_rules(
    qualities: list[DataQuality] | None, *, names: Collection[str], place: Place
) -> tuple[list[RowRule], list[DatasetRule]]:
    """Rules over several columns of a row, and rules over the whole delivery.

    Raises:
        ContractError: a rule that is unknown or incomplete.
    """
    rows: list[RowRule] = []
    datasets: list[DatasetRule] = []
    for i, quality in enumerate(qualities or ()):
        at = place.at(i)
        if _is_library(quality):
            datasets.append(_row_count(quality, at))
        elif isinstance(quality.implementation, dict):
            datasets.append(_quarantined_share(quality, at))
        else:
            rows.append(_sql_rule(quality, None, names=names, place=at))
    return rows, datasets


def _is_library(quality: DataQuality) -> bool:
    """`library` is the standard's default type."""
    return quality.type in {None, "library"}


def _pattern(options: dict[str, Any], column: Column, *, place: Place) -> Iterator[RowRule]:
    pattern = options.get("pattern")
    if pattern is None:
        return
    try:
        re.compile(pattern)
    except re.error as error:
        raise place.error(f"pattern does not compile: {error}", "correct it") from error
    if _LOOKAROUND.search(pattern):
        raise place.error(
            "DuckDB's RE2 has no lookaround and no back-references", "write the pattern without"
        )
    expression = f"regexp_full_match({column.name}, {_literal(pattern)})"
    yield _derived(column, "pattern", expression, text=f"The whole value matches {pattern}.")


def _valid_values(quality: DataQuality, column: Column, *, place: Place) -> RowRule:
    _only_keys(quality, _LIBRARY | {"mustBe"}, place)
    if quality.metric != "invalidValues":
        raise place.error(
            f"metric {quality.metric} is unknown on a column",
            "use invalidValues, `required`, `primaryKey`, or SQL with engine tietoallas",
        )
    values = (quality.arguments or {}).get("validValues")
    if set(quality.arguments or {}) != {"validValues"} or not values or type(values) is not list:
        raise place.error("arguments are not a list of validValues", "give validValues alone")
    if quality.mustBe != 0 or isinstance(quality.mustBe, bool):
        raise place.error("invalidValues tolerates some invalid values", "write mustBe: 0")
    codes = [_code(v, column, place) for v in values]
    _check_codes(values, column, place)
    return RowRule(
        id=f"{column.name}.valid_values",
        column=column.name,
        expression=f"{column.name} in ({', '.join(codes)})",
        severity=_severity(quality, place),
        dimension=_dimension(quality, place),
        description=_description(quality, place),
    )


def _check_codes(values: list[object], column: Column, place: Place) -> None:
    """Valid values are distinct, and the same as the codes that the contract explains, if any."""
    if len(set(map(repr, values))) < len(values):
        raise place.error("a valid value is listed twice", "keep one")
    explained = {code for code, _ in column.codes}
    different = sorted(map(str, explained.symmetric_difference(values))) if explained else []
    if different:
        raise place.error(
            f"validValues and codes differ by {', '.join(different)}", "list the same in both"
        )


def _code(value: object, column: Column, place: Place) -> str:
    """One valid value in SQL; YAML turns unquoted 1, no and 01 into something else than text."""
    wanted = str if column.sql_type == "VARCHAR" else int
    if type(value) is not wanted:
        raise place.error(f"valid value {value!r} is not {column.sql_type}", "quote codes in YAML")
    return _literal(value) if isinstance(value, str) else str(value)


def _bounds(options: dict[str, Any], column: Column, *, place: Place) -> Iterator[RowRule]:
    low, high = options.get("minimum"), options.get("maximum")
    for name, bound, operator, words in (
        ("minimum", low, ">=", "At least"),
        ("maximum", high, "<=", "At most"),
    ):
        if bound is not None:
            expression = f"{column.name} {operator} {_bound(bound, column, place.at(name))}"
            yield _derived(column, name, expression, text=f"{words} {bound}.")
    _check_order(low, high, place)


def _check_order(low: Any, high: Any, place: Place) -> None:  # noqa: ANN401 (numbers or dates)
    if low is not None and high is not None and low > high:
        raise place.error(f"from {low} to {high} there is nothing", "put the bounds in order")


def _bound(bound: object, column: Column, place: Place) -> str:
    shapes = {"DATE": r"\d{4}-\d{2}-\d{2}", "TIMESTAMP": r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"}
    shape = shapes.get(column.sql_type)
    if shape is None and isinstance(bound, int | float) and math.isfinite(bound):
        return str(bound)
    if shape is None:
        raise place.error(f"{bound} is no finite number", "write the bound as a number")
    if not re.fullmatch(shape, str(bound)):
        raise place.error(f"{bound} is no {column.sql_type}", "write yyyy-mm-dd[ hh:mm:ss]")
    return f"{column.sql_type.lower()} {_literal(str(bound))}"


def _length(options: dict[str, Any], column: Column, *, place: Place) -> Iterator[RowRule]:
    low, high = options.get("minLength"), options.get("maxLength")
    _check_order(low, high, place)
    given = [
        f"length({column.name}) {operator} {n}"
        for n, operator in ((low, ">="), (high, "<="))
        if n is not None
    ]
    if given:
        yield _derived(column, "length", " and ".join(given), text="Length is within bounds.")


def _derived(column: Column, kind: str, expression: str, *, text: str) -> RowRule:
    plausible = kind in {"minimum", "maximum"}
    return RowRule(
        id=f"{column.name}.{kind}",
        column=column.name,
        expression=expression,
        severity=Severity.ERROR,
        dimension=Dimension.PLAUSIBILITY if plausible else Dimension.CONFORMANCE,
        description=text,
    )


def _sql_rule(
    quality: DataQuality, column: str | None, *, names: Collection[str], place: Place
) -> RowRule:
    _custom_keys(quality, place)
    if not isinstance(quality.implementation, str):
        raise place.error("implementation is not SQL", "write a condition over the columns")
    try:
        check_condition(quality.implementation, names)
    except ValueError as error:
        raise place.at("implementation").error(str(error), "correct the rule's SQL") from error
    return RowRule(
        id=f"{column or 'row'}.{_id(quality, place)}",
        column=column,
        expression=quality.implementation,
        severity=_severity(quality, place),
        dimension=_dimension(quality, place),
        description=_description(quality, place),
    )


def _row_count(quality: DataQuality, place: Place) -> DatasetRule:
    operators = {"mustBeGreaterOrEqualTo", "mustBeLessOrEqualTo", "mustBeBetween"}
    _only_keys(quality, _LIBRARY | operators, place)
    if quality.metric != "rowCount" or quality.arguments:
        raise place.error(
            f"metric {quality.metric} is unknown on a table", "use rowCount without arguments"
        )
    low, high = quality.mustBeBetween or (
        quality.mustBeGreaterOrEqualTo,
        quality.mustBeLessOrEqualTo,
    )
    return _dataset(quality, "row_count", bounds=(low, high), place=place)


def _quarantined_share(quality: DataQuality, place: Place) -> DatasetRule:
    _custom_keys(quality, place)
    wanted: Mapping[str, Any] = (
        quality.implementation if isinstance(quality.implementation, dict) else {}
    )
    share = wanted.get("mustBeLessOrEqualTo")
    if wanted.get("metric") != "quarantinedShare" or set(wanted) != {
        "metric",
        "mustBeLessOrEqualTo",
    }:
        raise place.at("implementation").error(
            "is no rule over a delivery",
            "write {metric: quarantinedShare, mustBeLessOrEqualTo: <percent>}",
        )
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 100:
        raise place.at("implementation").error(f"{share!r} is no share", "give 0 to 100 percent")
    return _dataset(quality, "quarantined_share", bounds=(None, share), place=place)


def _dataset(
    quality: DataQuality,
    metric: str,
    *,
    bounds: tuple[float | None, float | None],
    place: Place,
) -> DatasetRule:
    low, high = bounds
    return DatasetRule(
        id=f"dataset.{_id(quality, place)}",
        metric=metric,
        minimum=None if low is None else float(low),
        maximum=None if high is None else float(high),
        severity=_severity(quality, place),
        dimension=_dimension(quality, place),
        description=_description(quality, place),
    )


def _custom_keys(quality: DataQuality, place: Place) -> None:
    if quality.type != "custom":
        raise place.error(
            f"rule type {quality.type} is unknown", f"use library, or custom with engine {ENGINE}"
        )
    _only_keys(quality, _CUSTOM, place)
    if quality.engine != ENGINE:
        raise place.error(f"engine {quality.engine} is unknown", f"write engine: {ENGINE}")


def _only_keys(quality: DataQuality, allowed: set[str], place: Place) -> None:
    unknown = sorted(quality.model_fields_set - allowed)
    if unknown:
        raise place.at(unknown[0]).error(
            f"{', '.join(unknown)} would have no effect on this rule", "remove it"
        )


def _id(quality: DataQuality, place: Place) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", quality.id or ""):
        raise place.error("the rule has no id in snake_case", "give it an id")
    return str(quality.id)


def _severity(quality: DataQuality, place: Place) -> Severity:
    try:
        return Severity(quality.severity or "")
    except ValueError as error:
        raise place.error(
            f"severity {quality.severity} is unknown", f"use {' or '.join(Severity)}"
        ) from error


def _dimension(quality: DataQuality, place: Place) -> Dimension:
    if quality.dimension not in KAHN_DIMENSION:
        raise place.error("the rule has no dimension", f"use one of {', '.join(KAHN_DIMENSION)}")
    return KAHN_DIMENSION[quality.dimension]


def _description(quality: DataQuality, place: Place) -> str:
    if not quality.description:
        raise place.error("the rule has no description", "say in a sentence what holds")
    return quality.description.strip()


def _literal(text: str) -> str:
    """SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
