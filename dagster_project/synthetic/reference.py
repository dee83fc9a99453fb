"""The reference tables: municipalities and sites whenever they change, national unit costs a year.

Here: rows as known on a day, and the days in the window on which a list is delivered. Not here: the
lists themselves (`municipalities.yaml`, `sites.yaml`, `unit_costs.yaml`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import EPOCH, Month
from dagster_project.synthetic.parameters import Parameters
from dagster_project.synthetic.writers import Deliveries

MUNICIPALITIES, SITES = "reference/municipalities", "reference/sites"
UNIT_COSTS = "thl/unit_costs"
SERVICE_CLASSES = "reference/service_classes"


def deliver_reference(
    deliveries: Deliveries, parameters: Parameters, manifest: Manifest, months: Sequence[Month]
) -> None:
    """Write the lists as of the first day of the window and of every change in it."""
    first = EPOCH + timedelta(days=months[0].first)
    last = EPOCH + timedelta(days=months[-1].last)
    merged = [row[5] for row in parameters.municipalities["ended"]]
    for day in _delivery_days(merged, first, last):
        deliveries.append(MUNICIPALITIES, _sequence(day), municipality_rows(parameters, day))
    opened = [row[6] for row in parameters.sites["sites"]]
    for day in _delivery_days(opened, first, last):
        rows = site_rows(parameters, day)
        deliveries.append(SITES, _sequence(day), rows)
        _list_quoted(manifest, deliveries.file_name(SITES, _sequence(day)), rows)
    for year in range(first.year, last.year + 1):
        deliveries.append(UNIT_COSTS, year, unit_cost_rows(parameters, year))
    deliveries.append(SERVICE_CLASSES, _sequence(first), service_class_rows(parameters))


def _delivery_days(changes: list[date], first: date, last: date) -> list[date]:
    return sorted({first, *(day for day in changes if first < day <= last)})


def _sequence(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def municipality_rows(parameters: Parameters, day: date) -> pl.DataFrame:
    """Municipalities as known on a day; one that has ended keeps its row."""
    lists = parameters.municipalities
    since = lists["valid_from"].isoformat()
    open_rows = [(*row, None) for row in lists["municipalities"]]
    rows = sorted(open_rows + [tuple(row) for row in lists["ended"]])
    return pl.DataFrame(
        {
            "municipality_code": [row[0] for row in rows],
            "name_fi": [row[1] for row in rows],
            "name_sv": [row[2] for row in rows],
            "region_code": [row[3] for row in rows],
            "region_name": [lists["regions"][row[3]] for row in rows],
            "county_code": [row[4] for row in rows],
            "county_name": [lists["counties"][row[4]] for row in rows],
            "is_trial_area": ["1" if row[0] in parameters.area else "0" for row in rows],
            "valid_from_date": [since] * len(rows),
            "valid_to_date": [_known(row[5], day) for row in rows],
        },
        schema_overrides={"valid_to_date": pl.String},
    )


def _known(end: date | None, day: date) -> str | None:
    return end.isoformat() if end is not None and end <= day else None


def site_rows(parameters: Parameters, day: date) -> pl.DataFrame:
    """Sites that have opened by a day, with all their periods."""
    providers = parameters.sites["providers"]
    rank = {provider: n for n, provider in enumerate(providers)}
    rows = [row for row in parameters.sites["sites"] if row[6] <= day]
    return pl.DataFrame(
        {
            "site_id": [row[0] for row in rows],
            "site_name": [row[1] for row in rows],
            "provider_id": [row[2] for row in rows],
            "provider_name": [providers[row[2]]["name"] for row in rows],
            "business_id": [business_id(rank[row[2]]) for row in rows],
            "sector_code": [providers[row[2]]["sector"] for row in rows],
            "service_code": [row[3] for row in rows],
            "municipality_code": [row[4] for row in rows],
            "language_codes": [row[5] for row in rows],
            "valid_from_date": [row[6].isoformat() for row in rows],
            "valid_to_date": [_known(row[7], day) for row in rows],
        },
        schema_overrides={"valid_to_date": pl.String},
    )


def unit_cost_rows(parameters: Parameters, year: int) -> pl.DataFrame:
    """National unit costs in the prices of a year."""
    lists = parameters.unit_costs
    rise = (1 + lists["rise_a_year"]) ** (year - lists["price_year"])
    rows = [(service, *row) for service, rows in lists["services"].items() for row in rows]
    return pl.DataFrame(
        {
            "unit_cost_code": [row[1] for row in rows],
            "unit_cost_name": [row[2] for row in rows],
            "service_name": [row[0] for row in rows],
            "cost_unit_code": [row[3] for row in rows],
            "cost_eur": [f"{row[4] * rise:.2f}".replace(".", ",") for row in rows],
            "price_year": [str(year)] * len(rows),
        }
    )


def service_class_rows(parameters: Parameters) -> pl.DataFrame:
    """Both classifications, a row for each class of the other one that a class maps to."""
    lists = parameters.finance["service_classes"]
    spans = {
        "package": (lists["packages_from"].isoformat(), lists["turn"].isoformat()),
        "aura": (lists["turn"].isoformat(), None),
    }
    rows = [
        (name, code, fi, en, other, f"{part / 1000:.3f}", *spans[name])
        for name in spans
        for code, fi, en, parts in lists[name]
        for other, part in parts.items()
    ]
    columns = (
        "classification_code",
        "service_class_code",
        "service_class_name_fi",
        "service_class_name_en",
        "mapped_class_code",
        "mapped_share",
        "valid_from_date",
        "valid_to_date",
    )
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def business_id(rank: int) -> str:
    """A business id far above those in use, with its check digit (none ends in remainder 1)."""
    for number in range(9_900_000 + rank * 10, 9_900_010 + rank * 10):
        digits = [int(d) for d in str(number)]
        remainder = sum(d * w for d, w in zip(digits, (7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
        if remainder != 1:
            return f"{number}-{(11 - remainder) % 11}"
    raise ValueError("ten numbers in a row without a check digit")


def _list_quoted(manifest: Manifest, file: str, rows: pl.DataFrame) -> None:
    for column in ("site_name", "provider_name"):
        for position, value in enumerate(rows[column].to_list(), start=1):
            if any(character in value for character in ';"\n'):
                planted = {
                    "file": file,
                    "record_number": position,
                    "column": column,
                    "value": value,
                }
                manifest.quoted_fields.append(planted)
