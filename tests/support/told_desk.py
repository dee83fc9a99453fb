"""A desk whose core is built by the product's models from rows that deliveries brought.

Here: deliveries of the register, the portal and of places, landed one after the other, and what the
ledger has of closed months. Not here: core by hand (`settling`), the gate and the vault
(`paid_region`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES
from dagster_project.pipeline import load_definition
from tests.support.settling import MAY, Desk, desk

MODELS = (
    *("core.municipality", "core.site", "core.provider", "core.person_link", "core.person_alias"),
    *("core.person", "core.residence", "core.enrolment"),
)
BORN, MOVED = date(1980, 1, 1), date(2000, 1, 1)
_STAGING = {
    "residents": "person_id bigint, previous_person_id bigint, sex_code varchar, birth_date date,"
    " municipality_code varchar, postal_code varchar, moved_date date, death_date date,"
    " language_code varchar, birth_country_code varchar, delivery_sequence bigint,"
    " record_number bigint",
    "enrolments": "enrolment_id varchar, person_id bigint, service_code varchar,"
    " provider_id varchar, site_id varchar, start_date date, end_date date, channel_code varchar,"
    " updated_at timestamp, delivery_sequence bigint, record_number bigint",
    "sites": "site_id varchar, site_name varchar, provider_id varchar, provider_name varchar,"
    " business_id varchar, sector_code varchar, service_code varchar, municipality_code varchar,"
    " language_codes varchar, valid_from_date date, valid_to_date date, delivery_sequence bigint",
    "municipalities": "municipality_code varchar, name_fi varchar, name_sv varchar,"
    " region_code varchar, region_name varchar, county_code varchar, county_name varchar,"
    " is_trial_area boolean, valid_from_date date, valid_to_date date, delivery_sequence bigint",
}


@dataclass(frozen=True)
class Listed:
    """A row of the register."""

    code: int
    born: date = BORN
    sex: str = "1"
    municipality_code: str = "106"
    moved: date = MOVED
    former_code: int | None = None


@dataclass(frozen=True)
class Chosen:
    """A choice as a delivery of the portal states it."""

    number: int
    code: int
    provider_id: str = "P1"
    start: date = date(2017, 1, 1)
    end: date | None = None

    @property
    def site_id(self) -> str:
        """Each provider has one site."""
        return {"P1": "S1", "P2": "S2", "M1": "S9"}[self.provider_id]


@dataclass(frozen=True)
class Places:
    """What is said of sites and municipalities."""

    public: frozenset[str] = frozenset({"M1"})
    unknown: frozenset[str] = frozenset()
    """Sites that are not listed."""
    area: frozenset[str] = frozenset({"106", "186"})


@dataclass(frozen=True)
class Month:
    """What comes for a month: the whole register, what the portal has new, and places if told."""

    residents: Sequence[Listed]
    choices: Sequence[Chosen] = ()
    places: Places | None = None


class ToldDesk:
    """A desk and what has been delivered to it."""

    def __init__(self) -> None:
        self.desk = desk()
        lake = self.desk.lake
        lake.execute("delete from lake.ops.delivery")
        for table, columns in _STAGING.items():
            lake.execute(f"create or replace table lake.staging.{table} ({columns})")
            view = f"as from lake.staging.{table}"
            lake.execute(f"create or replace view memory.effective.{table} {view}")
        for table in ("sites", "municipalities"):
            lake.execute(
                f"create or replace view memory.current.{table} as from lake.staging.{table}"
                f" where delivery_sequence = (select max(delivery_sequence) from staging.{table})"
            )
        graph = load_definition().graph
        self._models = [(name, graph.model(name).sql) for name in MODELS]

    def clear(self) -> None:
        """Forget every delivery and settlement."""
        emptied = (
            *(f"staging.{table}" for table in _STAGING),
            *("ops.delivery", "ops.delivery_event"),
        )
        for name in emptied:
            self.desk.lake.execute(f"delete from lake.{name}")
        self.forget_settlements()

    def forget_settlements(self) -> None:
        """Empty the ledger."""
        emptied = (*(f"mart.{t}" for t in PAYMENT_TABLES), *(f"ledger.{t}" for t in FROZEN_TABLES))
        for name in emptied:
            self.desk.lake.execute(f"delete from lake.{name}")

    def land(self, first: int, *months: Month) -> None:
        """Take in what came for months, the first of them the so-manieth from May, and build."""
        for number, told in enumerate(months, start=first):
            self._land(number, told)
        for name, sql in self._models:
            self.desk.lake.execute(f"create or replace table lake.{name} as {sql}")
        self.desk.lake.execute(
            "update lake.ops.build set last_event_id ="
            " (select coalesce(max(event_id), 0) from lake.ops.delivery_event)"
        )

    def _land(self, number: int, told: Month) -> None:
        month = month_of(number)
        sequence = month.year * 100 + month.month
        self.desk.delivered(month)
        keys = ["population_register/residents", "enrolment_portal/enrolments"]
        rows: dict[str, list[tuple[Any, ...]]] = {
            "residents": [
                (
                    *(r.code, r.former_code, r.sex, r.born, r.municipality_code, None, r.moved),
                    *(None, "fi", "246", sequence, n),
                )
                for n, r in enumerate(told.residents)
            ],
            "enrolments": [
                (
                    *(f"L{c.number}", c.code, "reception", c.provider_id, c.site_id, c.start),
                    *(c.end, "web", datetime(2017, 1, 1) + timedelta(number), sequence, n),
                )
                for n, c in enumerate(told.choices)
            ],
        }
        if told.places:
            rows |= _place_rows(told.places, sequence)
            keys += ["reference/sites", "reference/municipalities"]
        for table, found in rows.items():
            self.desk.put(f"staging.{table}", *found)
        for key in keys:
            self._note(key, sequence)

    def _note(self, key: str, sequence: int) -> None:
        source, table = key.split("/")
        lake = self.desk.lake
        event_id = 1 + lake.count("select coalesce(max(event_id), 0) from ops.delivery_event")
        event = (event_id, source, table, sequence, "landed", "", datetime(2017, 1, 1), "run")
        self.desk.put("ops.delivery_event", event)
        if source == "reference":
            row = (source, table, sequence, "", "1.0.0", *([0] * 5), None, MAY)
            self.desk.put("ops.delivery", (*row, datetime(2017, 1, 1), "run"))


def month_of(number: int) -> date:
    """The first day of the so-manieth month from May 2017."""
    return date(2017, MAY.month + number, 1)


def _place_rows(places: Places, sequence: int) -> dict[str, list[tuple[Any, ...]]]:
    sites = (("S1", "P1", "106"), ("S2", "P2", "186"), ("S9", "M1", "106"), ("S8", "M1", "186"))
    since = date(2009, 1, 1)
    return {
        "sites": [
            (
                *(s, s, p, p, p, "public" if p in places.public else "private", "reception", m),
                *("fi", since, None, sequence),
            )
            for s, p, m in sites
            if s not in places.unknown
        ],
        "municipalities": [
            (m, m, m, "01", "", "01", "", m in places.area, since, None, sequence)
            for m in ("106", "186", "091")
        ],
    }


Cell = tuple[date, str, str | None, int, str, str, bool]
"""Month, provider, site, first age of the band, sex, municipality, whether in shadow."""


def by_cell(on: Desk, until: date) -> dict[Cell, tuple[int, Decimal]]:
    """Days and euros of months before one, lines and corrections together; nothing is left out."""
    days: Counter[Cell] = Counter()
    euros: defaultdict[Cell, Decimal] = defaultdict(Decimal)
    for *cell, person_days, amount in _entries(on, until):
        days[tuple(cell)] += person_days
        euros[tuple(cell)] += amount
    return {cell: (days[cell], euros[cell]) for cell in days if days[cell] or euros[cell]}


def _entries(on: Desk, until: date) -> Iterable[tuple[Any, ...]]:
    cell = "provider_id, site_id, age_from, sex_code, municipality_code, is_shadow"
    return on.lake.rows(
        f"select settlement_month as month, {cell}, person_days, amount_eur"
        " from mart.capitation_line where settlement_month < $until union all"
        f" select corrected_month, {cell}, person_days, amount_eur"
        " from mart.capitation_adjustment where corrected_month < $until",
        {"until": until},
    )
