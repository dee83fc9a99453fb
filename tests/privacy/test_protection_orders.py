"""Where a person under a protection order is, nothing outside the vault tells; yet they count.

Here: staging, core, marts, releases and the files on disk, after orders that come early and late.
Not here: how an order reaches the vault (`tests/unit/test_vault_identities`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import Catalogue
from dagster_project.errors import CheckFailed
from dagster_project.lake import checks, maintenance
from dagster_project.lake.delivery import insert_sql
from dagster_project.pipeline import Session, load_definition
from dagster_project.settings import Settings
from tests.privacy.conftest import Region
from tests.support.deliveries import ENROLMENTS, reference_lists, write, write_all
from tests.support.few_tables import all_tables
from tests.support.homes import new_settings, person, silent
from tests.support.places import files_telling, rows_telling, telling_tables
from tests.support.runs import NOW, files_under, kill_at, lake_content, run_once
from tests.support.small_region import (
    CHANGING,
    CODES,
    JUNE,
    LATER_CODE,
    MAY,
    PERSONS,
    PROTECTED,
    of_month,
    residents,
)
from tests.support.ways import keys_of, rows_leading

pytestmark = pytest.mark.usefixtures("few_tables")

TABLES_OF_THE_SMALL_REGION = {
    "staging.residents",
    "staging.encounters",
    "staging.enrolments",
    "core.residence",
    "core.person_month",
    "core.encounter",
    "core.enrolment",
}
PERSON_TABLES_WITH_PLACES = TABLES_OF_THE_SMALL_REGION | {
    "staging.measurements",
    "staging.procedures",
    "staging.referrals",
    "staging.access_events",
    "staging.named_professional",
    "staging.social_services",
    "staging.specialised_care",
    "staging.invoices",
    "staging.budgets",
    "staging.transactions",
    "staging.purchase_authorisations",
    "staging.contacts",
    "staging.study_enrolment",
    "staging.worker_assessment",
    "staging.outcomes",
    "staging.families",
    "core.family_member",
    "mart.family_budget",
    "core.measurement",
    "core.procedure",
    "core.referral",
    "core.access_event",
    "core.care_relation",
    "core.service_period",
    "core.hospital_episode",
    "core.invoice_line",
    "core.budget_decision",
    "core.voucher_transaction",
    "core.purchase_authorisation",
    "core.guidance_contact",
    "core.study_enrolment",
    "core.guidance_assessment",
    "core.guidance_outcome",
    "staging.health_survey",
    "staging.flags",
    "core.patient_reported_score",
    "core.survey_response",
    "core.flag",
    "core.prior_use",
    "mart.voucher_worklist",
    "ledger.frozen_list",
    "ledger.frozen_change",
    "ledger.frozen_act",
    "ledger.frozen_act_change",
}


def protected_persons(region: Region, session: Session) -> set[int]:
    """By the manifest, over all codes of each, and over the register's own links in both ways."""
    codes = {c for order in region.manifest["protection_orders"] for c in order["codes"]}
    links = [(c["previous_code"], c["code"]) for c in region.manifest["code_changes"]]
    links += [(m["merged_code"], m["code"]) for m in region.manifest["merges"]]
    for one, other in links * len(links):
        if {one, other} & codes:
            codes |= {one, other}
    return {person(session, code) for code in codes}


def as_analysts_know(session: Session, persons: Iterable[int]) -> set[int]:
    session.identities.pseudonyms("analyst")
    known = dict(session.lake.rows("select person_id, audience_person_id from audience_person"))
    return {known[person_id] for person_id in persons}


def current_analyst(region: Region) -> duckdb.DuckDBPyConnection:
    file = region.settings.published / "current" / "analyst" / "tietoallas.duckdb"
    return duckdb.connect(str(file), read_only=True)


def test_every_order_of_the_register_is_known_to_the_vault(
    region: Region, session: Session
) -> None:
    known = {p for (p,) in session.lake.rows("select person_id from protected_person")}
    expected = protected_persons(region, session)
    assert len(region.manifest["protection_orders"]) >= 6
    assert len(expected) > len(region.manifest["protection_orders"])
    assert known == expected


def test_no_row_of_the_lake_tells_where_a_protected_person_is(
    region: Region, session: Session
) -> None:
    connection = session.lake.connection
    tables = {name.removeprefix("lake.") for name in telling_tables(connection, "lake")}
    assert tables == PERSON_TABLES_WITH_PLACES
    assert rows_telling(connection, "lake", protected_persons(region, session)) == {}


def test_no_row_for_analysts_tells_where_a_protected_person_is(
    region: Region, session: Session
) -> None:
    persons = as_analysts_know(session, protected_persons(region, session))
    with current_analyst(region) as connection:
        tables = {n.removeprefix("tietoallas.") for n in telling_tables(connection, "tietoallas")}
        assert tables == {t for t in PERSON_TABLES_WITH_PLACES if t.startswith(("core.", "mart."))}
        assert rows_telling(connection, "tietoallas", persons) == {}


def test_no_row_of_nobody_leads_to_where_a_protected_person_is(
    region: Region, session: Session
) -> None:
    """By the keys that tables share, in the lake and in what analysts have."""
    persons, keys = protected_persons(region, session), keys_of(all_tables())
    assert rows_leading(session.lake.connection, "lake", persons, keys) == {}
    theirs = as_analysts_know(session, persons)
    with current_analyst(region) as connection:
        assert rows_leading(connection, "tietoallas", theirs, keys) == {}


def test_what_was_read_in_each_comment_is_not_for_analysts(region: Region) -> None:
    """A reading has the place of its comment in the delivery, and so of who spoke."""
    with current_analyst(region) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert ("comment_topic",) in tables
    assert ("comment_reading",) not in tables


def test_published_tables_are_not_at_person_level(region: Region) -> None:
    published = files_under(region.settings.published.resolve() / "current" / "internal")
    tables = [file for file in published if file.suffix == ".parquet"]
    assert tables
    for file in tables:
        columns = duckdb.read_parquet(str(file)).columns
        assert [name for name in columns if name.endswith("person_id")] == [], file.name


def test_protected_persons_keep_their_region_and_their_days(
    region: Region, session: Session
) -> None:
    persons = list(protected_persons(region, session))
    regions = session.lake.rows(
        "select count(*), count(region_code) from core.residence"
        " where list_contains(?, person_id) and known_to_seq is null",
        [persons],
    )
    assert regions[0][0] == regions[0][1] > 0
    days = session.lake.rows(
        "select count(*), min(resident_days) from core.person_month"
        " where list_contains(?, person_id)",
        [persons],
    )
    assert days[0][0] > 0
    assert days[0][1] > 0


def test_protected_persons_are_counted_in_every_total(region: Region, session: Session) -> None:
    """Their encounters and choices are in core, and the marts' sums are core's counts."""
    lake, persons = session.lake, list(protected_persons(region, session))
    assert lake.count(
        "select count(*) from core.encounter where list_contains(?, person_id)", [persons]
    )
    assert lake.count("select count(*) from core.encounter") == lake.count(
        "select sum(encounter_count) from mart.visits_by_profession"
    )
    in_force = lake.count(
        "select count(*) from core.enrolment where known_to_seq is null"
        " and valid_from_date <= date '2017-05-31'"
        " and (valid_to_date is null or valid_to_date > date '2017-05-31')"
    )
    assert (
        0
        < in_force
        == lake.count(
            "select sum(person_count) from mart.enrolled_by_provider"
            " where enrolment_month = date '2017-05-01'"
        )
    )


def test_the_flag_is_nowhere_outside_the_vault(region: Region, session: Session) -> None:
    """No column or table names it; lake and manifest know how many orders there are, not whose."""
    columns = session.lake.rows(
        "select table_name || '.' || column_name from duckdb_columns()"
        " where database_name = 'lake'"
        " and regexp_matches(table_name || '.' || column_name, 'protect|turva|order|scrub')"
    )
    assert {name for (name,) in columns} == {
        "protection_state.scrubbed_count",
        "build.protection_count",
    }
    with current_analyst(region) as connection:
        named = connection.execute(
            "select column_name from duckdb_columns() where not internal"
            " and regexp_matches(table_name || '.' || column_name, 'protect|turva|order|scrub')"
        ).fetchall()
    assert named == []
    assert list(region.settings.published.rglob("*protect*")) == []


def test_no_table_lists_the_protected_alone(region: Region, session: Session) -> None:
    protected = protected_persons(region, session)
    tables = session.lake.rows(
        "select distinct schema_name || '.' || table_name, column_name from duckdb_columns()"
        " where database_name = 'lake' and column_name like '%person_id'"
    )
    for table, column in tables:
        listed = {p for (p,) in session.lake.rows(f"select distinct {column} from lake.{table}")}
        assert not listed or listed - protected - {None}, table


@dataclass(frozen=True)
class Late:
    """An installation whose second month brought orders for people whom the first one placed."""

    settings: Settings
    first_release: Path
    persons: tuple[int, ...]
    """Protected: by the order itself, and under a former code of who it is for."""


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Late:
    """May, with a run that died in mid-write; then June, whose orders are two people's."""
    settings = new_settings(tmp_path_factory.mktemp("late"))
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    kill_at(settings, "core.encounter written")
    first = run_once(settings)
    write_all(settings.landing, of_month(JUNE))
    write(settings.landing, residents(JUNE, orders=[PROTECTED, CHANGING]))
    with pipeline.open_session(settings) as session:
        codes = (CODES[PROTECTED], CODES[CHANGING])
        persons = tuple(person(session, code) for code in codes)
        assert len(rows_telling(session.lake.connection, "lake", persons)) == len(
            TABLES_OF_THE_SMALL_REGION
        )
    run_once(settings)
    with pipeline.open_session(settings) as session:
        later = person(session, LATER_CODE)
    releases = settings.published / "releases"
    return Late(settings, releases / first.release_id, (*persons, later))


def test_a_late_order_takes_the_places_out_of_rows_that_came_before_it(late: Late) -> None:
    with pipeline.open_session(late.settings) as session:
        assert rows_telling(session.lake.connection, "lake", late.persons) == {}
        assert session.lake.count("select count(*) from core.encounter") == 2 * PERSONS
        assert (
            session.lake.count("select sum(person_count) from mart.enrolled_by_provider") == PERSONS
        )
        theirs = session.lake.count(
            "select count(*) from staging.encounters where list_contains(?, person_id)",
            [list(late.persons)],
        )
    assert theirs == 4


def test_a_late_order_takes_person_level_files_out_of_older_releases(late: Late) -> None:
    current = late.settings.published / "current"
    assert not (late.first_release / "analyst").exists()
    with pipeline.open_session(late.settings) as session:
        told = session.lake.rows(
            "select release_id, reason from ops.release_event where event = 'withdrawn'"
        )
    assert told == [(late.first_release.name, "protection order")]
    assert files_under(late.first_release / "internal")
    assert (current / "analyst" / "tietoallas.duckdb").exists()
    assert late.first_release != current.resolve()


def test_after_maintenance_no_file_on_disk_tells_where_they_were(late: Late) -> None:
    """Neither files of old snapshots nor those that a killed run left without a commit."""
    data = late.settings.lake / "data"
    assert files_telling(files_under(data), late.persons) != {}
    settings = late.settings.model_copy(update={"retain_snapshot_days": 0})
    with pipeline.open_session(settings, now=in_a_day) as session:
        before = {m: session.lake.rows(f"from {m} order by all") for m in models(session)}
        maintenance.maintain(session.lake, session.run)
        assert {m: session.lake.rows(f"from {m} order by all") for m in models(session)} == before
    assert files_telling(files_under(data), late.persons) == {}


def in_a_day() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)


def models(session: Session) -> list[str]:
    return [f"lake.{model.full_name}" for model in session.definition.graph.models]


def test_it_does_not_matter_whether_the_order_or_the_encounters_come_first(
    late: Late, tmp_path: Path
) -> None:
    keys = late.settings.keys
    settings = Settings(home=tmp_path / "home", keys=keys, min_free_disk_gib=0)
    write(settings.landing, residents(JUNE, orders=[PROTECTED, CHANGING]))
    write_all(settings.landing, reference_lists())
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        write_all(settings.landing, (*of_month(MAY), of_month(JUNE)[1]))
        assert not pipeline.ingest(session, report=silent).refusals
        pipeline.build(session, report=silent)
    assert lake_content(settings) == lake_content(late.settings)


def test_releases_state_how_many_orders_they_follow_and_never_whose(late: Late) -> None:
    manifest = json.loads((late.settings.published / "current" / "manifest.json").read_text())
    assert manifest["protection_count"] == len(late.persons)
    assert (late.first_release / "manifest.json").exists()


def test_an_order_withdraws_what_is_published_though_the_build_is_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = new_settings(tmp_path)
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    release = run_once(settings).release_id
    analyst = settings.published / "current" / "analyst"
    assert analyst.exists()
    write_all(settings.landing, of_month(JUNE))
    with pipeline.open_session(settings) as session:
        pipeline.ingest(session, report=silent)

        def blocked(*_: object) -> None:
            raise CheckFailed("blocked")

        monkeypatch.setattr(checks, "run_checks", blocked)
        with pytest.raises(CheckFailed):
            pipeline.build(session, report=silent)
    assert (settings.published / "current").resolve().name == release
    assert not analyst.exists()


def test_a_place_in_a_row_of_two_persons_is_hidden_for_the_sake_of_either() -> None:
    """A carer's row tells where the cared-for lives."""
    portal = load_definition().catalogue.latest(ENROLMENTS)
    client = portal.column("person_id")
    cared_for = replace(client, name="cared_person_id", primary_key_position=None)
    both = replace(portal, columns=(*portal.columns, cared_for))
    catalogue = Catalogue((both,))
    columns = [c.name for c in both.columns]
    with duckdb.connect() as connection:
        connection.execute("create table identity_map (identity_code text, person_id bigint)")
        connection.execute("insert into identity_map values ('A', 1), ('B', 2), ('C', 3)")
        connection.execute("create table protected_person as select 2::bigint as person_id")
        connection.execute(
            "create table gate_left (delivery_sequence bigint, record_number bigint)"
        )
        values = ", ".join(f"'S' as {name}" for name in columns)
        connection.execute(
            f"create table gate as select * replace (pair[1] as person_id, pair[2] as"
            f" cared_person_id), 201705 as delivery_sequence, record_number from (select {values},"
            " unnest([['A', 'C'], ['A', 'B'], ['B', 'C']]) as pair,"
            " unnest([1, 2, 3]) as record_number)"
        )
        sql = insert_sql(catalogue, both)
        rows = connection.execute(sql[sql.index("select") :]).fetchall()
    site = columns.index("site_id")
    assert [row[site] for row in sorted(rows, key=lambda row: row[-1])] == ["S", None, None]
