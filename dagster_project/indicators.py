"""Indicators as data: one YAML and one query each, in `sql/indicator/`, and what models read.

An indicator is a numerator over a denominator by provider, service and period.
`sql/indicator/<id>.sql` gives `provider_id, period_start_date, numerator, denominator`; after the
provider `service_code` where the indicator is of several services, and last `reporter_code` where
now the lake and now the provider reports. Nothing else names it: another indicator is another pair
of files, here or in a folder of one's own (`TIETOALLAS_SQL`).

Here: all of them, beside their queries and the other models. Not here: reading one YAML
(`indicator_file`), states and values (`sql/mart/indicator_value.sql`), weights and money
(`rules.incentive_scheme`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from dagster_project.errors import ContractError
from dagster_project.indicator_file import (
    LANGUAGES,
    SCHEMA,
    UNITS,
    Indicator,
    Reporter,
    read_indicator,
)
from dagster_project.rulebook import Rulebook
from dagster_project.rules.incentive_scheme import StatedWeight
from dagster_project.sql_models import Model, ModelGraph

COUNTED = "indicator.counted"
UNFIT = "unfit_figure"
_COLUMNS = ("period_start_date", "numerator", "denominator")


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
    own = beside / SCHEMA if beside else None
    for path in (p for folder in folders for p in sorted(folder.glob("*.yaml"))):
        if path.stem in found:
            raise ContractError(
                f"{path}: there is an indicator {path.stem} already; rename this one"
            )
        if not path.with_suffix(".sql").exists():
            raise ContractError(f"{path}: lacks its query; write {path.stem}.sql beside it")
        one = read_indicator(path.read_text("utf-8"), path.stem)
        found[path.stem] = replace(one, is_own=path.parent == own)
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
        grain="One row per indicator, provider, service and period of which something was counted.",
        key=("indicator_id", "provider_id", "service_code", "period_start_date"),
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
    service = f"{name}.service_code" if len(one.services) > 1 else f"'{one.services[0]}'"
    return (
        f"select cast('{name}' as varchar) as indicator_id, {name}.provider_id,"
        f" cast({service} as varchar) as service_code, {name}.period_start_date,"
        f" cast({name}.numerator as decimal(18, 4)) as numerator,"
        f" cast({name}.denominator as decimal(18, 4)) as denominator,"
        f" cast({reporter} as varchar) as reporter_code from {SCHEMA}.{name} as {name}"
    )


_NOTHING = (
    "select cast(null as varchar) as indicator_id, cast(null as varchar) as provider_id,"
    " cast(null as varchar) as service_code, cast(null as date) as period_start_date,"
    " cast(null as decimal(18, 4)) as numerator,"
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
        given = model.columns
        due = _columns_due(one)
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


def _columns_due(one: Indicator) -> tuple[str, ...]:
    service = ("service_code",) if len(one.services) > 1 else ()
    reporter = ("reporter_code",) if one.reporter is Reporter.LAKE_OR_PROVIDER else ()
    return ("provider_id", *service, *_COLUMNS, *reporter)


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


def weights_of(indicators: tuple[Indicator, ...]) -> tuple[StatedWeight, ...]:
    """What all of them weigh in schemes, as their YAMLs have it."""
    return tuple(
        StatedWeight(
            indicator_id=one.indicator_id,
            services=one.services,
            scheme_id=stated.scheme_id,
            valid_from_date=stated.valid_from_date,
            weight=stated.weight,
            is_own=one.is_own,
        )
        for one in indicators
        for stated in one.weights
    )


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
    names = tuple(one.names[language] for language in LANGUAGES)
    yield (
        one.first_date,
        (
            *(one.indicator_id, *names, one.aim, one.unit, str(UNITS[one.unit]), one.direction),
            *(one.interval, one.reporter, one.declared_as, str(one.due_days)),
            *(str(one.minimum_denominator), one.numerator_model),
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
            **{f"name_{language}": "varchar" for language in LANGUAGES},
            **{"aim_code": "varchar", "unit_code": "varchar", "multiplier": "integer"},
            **{"direction_code": "varchar", "interval_code": "varchar"},
            **{"reporter_code": "varchar", "declared_as_code": "varchar", "due_days": "integer"},
            **{"minimum_denominator": _VALUE, "numerator_model": "varchar"},
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
