"""A region of twelve people whose providers are paid for May and June 2017.

Here: deliveries and a settled home. Not here: what is asked of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from dagster_project import pipeline
from dagster_project.pipeline import Definition, load_definition
from dagster_project.settings import Settings
from dagster_project.settlement.due import settle_due
from dagster_project.sql_models import Model, ModelGraph
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import (
    ENROLMENTS,
    MUNICIPALITIES,
    PROCEDURES,
    RESIDENTS,
    SITES,
    Row,
    Sent,
    enrolment,
    municipality,
    procedure,
    resident,
    sent,
    site,
    write_all,
)
from tests.support.homes import silent
from tests.support.identity import born, code
from tests.support.runs import NOW
from tests.support.settling import CORE

PERSONS = 12
MAY, JUNE = 201705, 201706
PROVIDERS = ("P1", "P2")
LATE = 11
"""Whose choice of May comes with June's delivery."""


_READ = (
    *("core.enrolment", "core.residence", "core.municipality", "core.provider", "core.site"),
    *("core.procedure", "core.voucher_provider", "core.unresolved", "core.indicator_period"),
    *("mart.capitation_tariff", "mart.capitation_need_factor"),
    "mart.capitation_correction_factor",
)


@lru_cache
def paid_tables() -> Definition:
    """All contracts, and of the models those that a settlement rests on."""
    whole = load_definition(Settings())
    kept: set[str] = set()

    def keep(name: str) -> None:
        if name not in kept:
            kept.add(name)
            for parent in whole.graph.upstream_models(whole.graph.model(name)):
                keep(parent)

    for name in _READ:
        keep(name)
    models = tuple(m for m in whole.graph.models if m.full_name in kept)
    prints = {m.full_name: whole.graph.fingerprints[m.full_name] for m in models}
    unscored = _no_scores(whole.graph.model("mart.incentive_contribution"))
    graph = ModelGraph((*models, unscored), prints | {unscored.full_name: "none"})
    contracts = {n: c for n, c in whole.outputs.contracts.items() if n != unscored.name}
    outputs = replace(whole.outputs, contracts=contracts)
    return Definition(whole.catalogue, whole.rulebooks, graph, outputs)


def _no_scores(model: Model) -> Model:
    """Scores rest on nearly all of core: here nobody has one."""
    columns = (column.split() for column in CORE[model.full_name].split(", "))
    nothing = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns)
    return replace(model, sql=f"select {nothing} limit 0", key=("provider_id",))


def deliveries(*, orders: tuple[int, ...] = (), ordered_in: int = MAY) -> tuple[Sent, ...]:
    """All deliveries; `orders` come under a protection order with a month's register."""
    return (
        sent(
            MUNICIPALITIES,
            20170101,
            municipality("106"),
            municipality("186"),
            municipality("091", is_trial_area=False),
        ),
        sent(
            SITES,
            20170101,
            *({**site(f"S{n}", p), "municipality_code": "106"} for n, p in enumerate(PROVIDERS)),
            {**site("S9", "M106"), "municipality_code": "106", "sector_code": "public"},
            {**site("S8", "M186"), "municipality_code": "186", "sector_code": "public"},
        ),
        *(register(month, orders if month >= ordered_in else ()) for month in (MAY, JUNE)),
        *(acts(month) for month in (MAY, JUNE)),
        sent(ENROLMENTS, MAY, *(choice(n) for n in range(0, PERSONS - 1, 2)), choice(1)),
        sent(ENROLMENTS, JUNE, choice(LATE)),
    )


def register(month: int, orders: tuple[int, ...]) -> Sent:
    """Everybody, each at home in one of two municipalities of the area."""
    rows = (
        resident(
            code(n),
            born(n),
            municipality_code=("106", "186")[n % 3 == 0],
            sex_code=str(1 + n % 2),
            moved_date=date(2012, 3, 1),
            has_protection_order=n in orders,
        )
        for n in range(PERSONS)
    )
    return sent(RESIDENTS, month, *rows)


def acts(month: int) -> Sent:
    """One, of somebody whose encounter never comes: the month is covered, and nothing is paid."""
    done = procedure(month, code(0), date(month // 100, month % 100, 15), site_id="S0")
    return sent(PROCEDURES, month, done)


def choice(number: int) -> Row:
    """A choice of the first or second provider from 2 May."""
    which = number % 4 // 2
    return {
        **enrolment(f"L{number}", code(number), date(2017, 5, 2)),
        "provider_id": PROVIDERS[which],
        "site_id": f"S{which}",
    }


def paid_home(folder: Path, *sent_in: Sent) -> Settings:
    """A home with these deliveries built, and every month that is due settled."""
    keys = folder / "keys"
    create_keyring(keys)
    settings = Settings(home=folder / "home", keys=keys, min_free_disk_gib=0)
    write_all(settings.landing, sent_in or deliveries())
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        pipeline.build(session, report=silent)
        assert [s.settlement_month.month for s in settle_due(session, report=silent).settled] == [
            5,
            6,
        ]
    return settings
