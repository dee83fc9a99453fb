"""The installation changes under a lake: a model there and back, a new major of a contract.

Here: what stands in the lake afterwards. Not here: deliveries of old majors
(`test_contract_versions`).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.errors import BuildError
from dagster_project.indicators import counted_model, load_indicators
from dagster_project.pipeline import Definition, load_definition
from dagster_project.settings import Settings
from dagster_project.sql_models import SCHEMAS, ModelGraph, load_models
from tests.support.deliveries import ENCOUNTERS, reference_lists, write_all
from tests.support.homes import new_settings, silent
from tests.support.small_region import JUNE, MAY, of_month

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with May in it, ingested and not built."""
    made = new_settings(tmp_path)
    write_all(made.landing, (*reference_lists(), *of_month(MAY)))
    return made


def run(settings: Settings, definition: Definition) -> None:
    with pipeline.open_session(settings, definition=definition) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        pipeline.build(session, report=silent)


def rows(settings: Settings, sql: str, definition: Definition | None = None) -> list[Any]:
    with pipeline.open_session(settings, definition=definition) as session:
        return session.lake.rows(sql)


def with_model(folder: Path, name: str, old: str, new: str) -> Definition:
    """The definition with a piece of one model's SQL replaced."""
    loaded = load_definition()
    for schema in SCHEMAS:
        (folder / schema).mkdir(parents=True)
        for path in (pipeline.SQL / schema).iterdir():
            text = path.read_text(encoding="utf-8")
            if path.stem == name:
                assert old in text
                text = text.replace(old, new)
            (folder / schema / path.name).write_text(text, encoding="utf-8")
    hashes = pipeline.model_hashes(loaded.catalogue, loaded.rulebooks)
    together = (counted_model(load_indicators(pipeline.SQL)),)
    changed = load_models(folder, hashes, also=together)
    kept = tuple(m for m in changed.models if m.full_name in loaded.graph.fingerprints)
    return replace(loaded, graph=ModelGraph(kept, changed.fingerprints))


def test_a_model_that_was_changed_and_changed_back_holds_nothing_of_the_change(
    settings: Settings, tmp_path: Path
) -> None:
    good = load_definition()
    wrong = with_model(
        tmp_path / "sql",
        "encounter",
        "        encounters.service_code,\n",
        "        'WRONG' as service_code,\n",
    )
    run(settings, good)
    services = "select distinct service_code from core.encounter order by all"
    due = rows(settings, services)
    with pipeline.open_session(settings, definition=wrong) as session:
        for model in wrong.graph.models[:-1]:  # the build breaks off before it is green
            pipeline.build_one(session, model)
        assert session.lake.rows(services) == [("WRONG",)]
        with pytest.raises(BuildError, match="not built from the newest data"):
            pipeline.finish_build(session, report=silent)
    run(settings, good)
    assert rows(settings, services) == due


def next_major(contract: Contract) -> tuple[Contract, Contract]:
    """The contract with an upcast, and a next major that keeps seconds in place of minutes."""
    columns = tuple(
        replace(c, sql_type="DECIMAL(9,1)") if c.name == "duration_minutes" else c
        for c in contract.columns
    )
    older = replace(contract, upcast={"duration_minutes": "duration_minutes * 60"})
    delivery = replace(contract.delivery, sequence_from=JUNE + 1)
    newer = replace(
        contract, version=f"{contract.major + 1}.0.0", columns=columns, delivery=delivery
    )
    return older, newer


def test_rows_in_staging_are_brought_up_to_a_major_with_the_same_column_names(
    settings: Settings,
) -> None:
    loaded = load_definition()
    run(settings, loaded)
    older, newer = next_major(loaded.catalogue.latest(ENCOUNTERS))
    others = tuple(
        c for c in loaded.catalogue.contracts if c != loaded.catalogue.latest(ENCOUNTERS)
    )
    definition = replace(loaded, catalogue=Catalogue((*others, older, newer)))
    durations = "select distinct duration_minutes from staging.encounters order by all"
    assert rows(settings, durations) == [(Decimal("12.5"),)]
    assert rows(settings, durations, definition) == [(Decimal("750.0"),)]
    assert rows(settings, durations, definition) == [(Decimal("750.0"),)]


def test_protection_orders_are_followed_anew_when_a_major_names_more_places(
    settings: Settings,
) -> None:
    write_all(settings.landing, of_month(JUNE))
    loaded = load_definition()
    run(settings, loaded)
    newest = loaded.catalogue.latest(ENCOUNTERS)
    columns = tuple(
        replace(c, is_place=True) if c.name == "profession_code" else c for c in newest.columns
    )
    newer = replace(newest, version=f"{newest.major + 1}.0.0", columns=columns)
    definition = replace(loaded, catalogue=Catalogue((*loaded.catalogue.contracts, newer)))
    told = (
        "select count(*) from staging.encounters where profession_code is not null"
        " and person_id in (select person_id from protected_person)"
    )
    assert rows(settings, told) != [(0,)]
    with pipeline.open_session(settings, definition=definition) as session:
        pipeline.hide_places(session)
        assert session.lake.count(told) == 0
