"""Data quality and distributions by delivery: what the marts say of deliveries made for it.

Here: `mart.data_quality` and `mart.data_drift` over lakes of a few deliveries. Not here: the suites
and pages that read them (`test_expectations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.lake import profiles
from dagster_project.lake.freshness import due_date, promised_to
from dagster_project.pipeline import Session, load_definition
from dagster_project.quality import report, supplier
from dagster_project.sql_models import Model
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    RESIDENTS,
    Row,
    Sent,
    diagnosis,
    encounter,
    resident,
    sent,
    write,
)
from tests.support.homes import new_settings, silent
from tests.support.identity import code
from tests.support.search import codes_readable_in

pytestmark = pytest.mark.usefixtures("few_tables")

PERSONS = 40


@dataclass
class Clock:
    """The time of the runs, which a test sets."""

    now: datetime = field(default=datetime(2017, 5, 5, 6))


@contextmanager
def opened(folder: Path, clock: Clock) -> Iterator[Session]:
    with pipeline.open_session(new_settings(folder), now=lambda: clock.now) as session:
        yield session


def take_in(session: Session, *deliveries: Sent) -> pipeline.Ingested:
    for delivery in deliveries:
        write(session.lake.settings.landing, delivery)
    return pipeline.ingest(session, report=silent)


def build_above(session: Session, model: Model) -> None:
    graph = session.definition.graph
    for parent in map(graph.model, graph.upstream_models(model)):
        build_above(session, parent)
        pipeline.build_one(session, parent)


def mart(session: Session, name: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Rows of a mart as its query gives them now, from parents that are up to date."""
    model = session.definition.graph.model(f"mart.{name}")
    build_above(session, model)
    return session.lake.rows(f"select {columns} from ({model.sql}) where {where} order by all")


def month(sequence: int, *, persons: int = PERSONS, **changes: Any) -> Sent:
    """Two encounters of every person, half of them by telephone, unless changed."""
    year, number = divmod(sequence, 100)
    rows: list[Row] = []
    for i in range(2 * persons):
        usual = {
            "contact_type_code": "R52" if i % 2 else "R10",
            "duration_minutes": Decimal(10 + i % 20),
        }
        day = datetime(year, number, 1 + i % 28, 9)
        rows.append(encounter(sequence * 1_000 + i, code(i % persons), day, **(usual | changes)))
    return sent(ENCOUNTERS, sequence, *rows)


def test_a_shifted_month_drifts_and_the_others_are_quiet(tmp_path: Path) -> None:
    with opened(tmp_path, Clock()) as session:
        usual = [month(s) for s in range(201605, 201613)] + [month(s) for s in (201701, 201702)]
        take_in(session, *usual)
        assert mart(session, "data_drift", "*", "is_drifted") == []
        take_in(session, month(201703, contact_type_code="R52"), month(201704))
        take_in(session, month(201705, duration_minutes=Decimal(200)), month(201706))
        found = mart(session, "data_drift", "delivery_sequence, column_name", "is_drifted")
        shares = mart(
            session,
            "data_drift",
            "psi > 0.2, psi > psi_by_chance, reference_delivery_count",
            "is_drifted",
        )
    assert found == [(201703, "contact_type_code"), (201705, "duration_minutes")]
    assert shares == [(True, True, 10), (True, True, 12)]


def test_a_column_gone_missing_drifts(tmp_path: Path) -> None:
    with opened(tmp_path, Clock()) as session:
        take_in(session, *(month(s) for s in (201701, 201702, 201703)))
        take_in(session, month(201704, duration_minutes=None))
        found = mart(
            session,
            "data_drift",
            "delivery_sequence, column_name, missing_pct, mean_value",
            "is_drifted",
        )
    assert found == [(201704, "duration_minutes", 100.0, None)]


def test_statistics_are_those_of_the_rows(tmp_path: Path) -> None:
    with opened(tmp_path, Clock()) as session:
        take_in(session, month(201704, persons=100))
        found = mart(
            session,
            "data_drift",
            "row_count, missing_count, distinct_count, mean_value, q1_value, q2_value, q3_value,"
            " psi",
            "column_name = 'duration_minutes'",
        )
    # 200 rows of 10 to 29 minutes, ten of each.
    assert found == [(200, 0, 20, 19.5, 14.0, 19.0, 24.0, None)]


@pytest.mark.parametrize(
    ("persons", "told"),
    [(7, (None, None, None, None)), (8, (0, 16, 17.5, None)), (31, (0, 20, 19.0, None))],
)
def test_nothing_is_told_of_fewer_than_eight_persons(
    tmp_path: Path, persons: int, told: tuple[object, ...]
) -> None:
    """Nor a quartile with fewer than eight beyond it; persons may be undercounted, never over."""
    with opened(tmp_path, Clock()) as session:
        take_in(session, month(201704, persons=persons))
        found = mart(
            session,
            "data_drift",
            "missing_count, distinct_count, mean_value, q2_value",
            "column_name = 'duration_minutes'",
        )[0]
    assert found[0] in {told[0], None}
    assert found[1] in {told[1], None}
    assert found[3] is None
    if persons < profiles.FEWEST_PERSONS:
        assert found == told


def test_profiles_leave_out_persons_places_keys_and_what_the_vault_alone_reads() -> None:
    catalogue = load_definition().catalogue
    for contract in map(catalogue.latest, catalogue.tables()):
        for column in profiles.profiled_columns(contract):
            told = column.is_identity, column.is_place, column.is_vault_only
            assert (*told, column.primary_key_position) == (False, False, False, None)
    names = {c.name for c in profiles.profiled_columns(catalogue.latest(RESIDENTS))}
    assert names >= {"sex_code", "birth_date", "language_code"}
    assert not names & {"person_id", "municipality_code", "postal_code", "has_protection_order"}


def test_profiles_hold_no_value_and_are_counted_once(tmp_path: Path) -> None:
    with opened(tmp_path, Clock()) as session:
        catalogue = session.definition.catalogue
        take_in(session, month(201704))
        before = session.lake.rows("from ops.column_bucket order by all")
        assert profiles.bring_up(session.lake, catalogue) == 0
        session.lake.execute("delete from lake.ops.profiled")
        session.lake.execute("delete from lake.ops.column_profile")
        session.lake.execute("delete from lake.ops.column_bucket")
        assert profiles.bring_up(session.lake, catalogue) == 1
        assert session.lake.rows("from ops.column_bucket order by all") == before
    assert codes_readable_in(str(before).encode()) == set()
    assert not any("R52" in map(str, row) for row in before)


def test_freshness_is_held_against_the_promise(tmp_path: Path) -> None:
    """April was there when the table was taken into use, May in time, June too late."""
    clock = Clock(datetime(2017, 5, 20, 6))
    with opened(tmp_path, clock) as session:
        take_in(session, month(201704, persons=1))
        clock.now = datetime(2017, 6, 10, 6)
        take_in(session, month(201705, persons=1))
        clock.now = datetime(2017, 7, 11, 6)
        take_in(session, month(201706, persons=1))
        found = mart(
            session,
            "data_quality",
            "delivery_sequence, status, violated_count, checked_count, dimension",
            "rule_id = 'freshness.arrived_in_time'",
        )
    assert found == [
        (201704, "not_applicable", 0, 0, "plausibility"),
        (201705, "pass", 0, 1, "plausibility"),
        (201706, "pass_with_failures", 1, 1, "plausibility"),
    ]


def test_a_table_that_lags_behind_the_others_is_overdue(tmp_path: Path) -> None:
    """The register covers June; encounters of May were promised by the 10th of June."""
    register = [
        sent(RESIDENTS, s, resident(code(1), date(1980, 1, 1))) for s in (201704, 201705, 201706)
    ]
    with opened(tmp_path, Clock()) as session:
        take_in(session, *register, month(201704, persons=1))
        overdue = "table_name, delivery_sequence, status", "rule_id = 'freshness.up_to_date'"
        found = mart(session, "data_quality", *overdue)
        take_in(session, month(201705, persons=1))
        later = mart(session, "data_quality", *overdue)
    assert found == [
        ("encounters", 201704, "pass_with_failures"),
        ("residents", 201706, "pass"),
    ]
    assert later == [("encounters", 201705, "pass"), ("residents", 201706, "pass")]


def test_volume_is_held_against_the_median_of_what_came_before(tmp_path: Path) -> None:
    sizes = {201701: 10, 201702: 12, 201703: 11, 201704: 23, 201705: 22, 201706: 5}
    with opened(tmp_path, Clock()) as session:
        take_in(session, *(month(s, persons=n) for s, n in sizes.items()))
        found = mart(
            session,
            "data_quality",
            "delivery_sequence, status",
            "rule_id = 'volume.as_before'",
        )
    # Medians of 11, 11.5 and 12 persons stand against 23, 22 and 5.
    assert found == [
        (201701, "not_applicable"),
        (201702, "not_applicable"),
        (201703, "not_applicable"),
        (201704, "pass_with_failures"),
        (201705, "pass"),
        (201706, "pass_with_failures"),
    ]


def test_every_rule_leaves_a_row_with_its_denominator(tmp_path: Path) -> None:
    good = [diagnosis(n, code(n), date(2017, 5, 2)) for n in range(1, 10)]
    bad = diagnosis(10, code(10), date(2017, 5, 2), icd10_code="?")
    warned = diagnosis(
        11, code(11), date(2017, 5, 2), icd10_code=None, icpc2_code="A01", icd10_pair_code="I10"
    )
    with opened(tmp_path, Clock()) as session:
        take_in(session, sent(DIAGNOSES, 201705, *good, bad, warned))
        rows = mart(
            session,
            "data_quality",
            "rule_id, status, violated_count, checked_count, violated_pct, dimension",
            "table_name = 'diagnoses'",
        )
        contract = session.definition.catalogue.latest(DIAGNOSES)
    found = {rule: rest for rule, *rest in rows}
    assert found["icd10_code.pattern"] == ["fail", 1, 11, 9.0909, "conformance"]
    assert found["icd10_pair_code.needs_main_code"][:3] == ["pass_with_failures", 1, 11]
    assert found["diagnosed_date.required"] == ["pass", 0, 11, 0.0, "completeness"]
    assert found["dataset.minimum_rows"][:3] == ["pass", 0, 1]
    assert found["dataset.quarantined_share"][:3] == ["pass", 0, 1]
    assert {r.id for r in contract.row_rules} <= found.keys()
    assert {r.id for r in contract.dataset_rules} <= found.keys()


def test_a_file_refused_whole_is_told_to_its_supplier_until_it_has_been_mended(
    tmp_path: Path,
) -> None:
    """And to nobody else's; what stands of quality is of deliveries alone, and does not move."""
    with opened(tmp_path, Clock()) as session:
        lake, catalogue = session.lake, session.definition.catalogue
        path = write(lake.settings.landing, month(201705, persons=1))
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"Asiointitunniste", b"Tunniste", 1))
        assert len(pipeline.ingest(session, report=silent).refusals) == 1
        assert mart(session, "data_quality", "*") == []
        refused = told_of_refusals(session, "apotti")
        assert told_of_refusals(session, "population_register") == []
        path.write_bytes(whole)
        assert not pipeline.ingest(session, report=silent).refusals
        mended = told_of_refusals(session, "apotti")
        facts = report.gather(lake, catalogue, (), as_of=date(2017, 6, 1), build_id=1)
    assert refused == [(ENCOUNTERS, 201705, "file.header")]
    assert mended == []
    assert facts.refusals == ()


def told_of_refusals(session: Session, source: str) -> list[tuple[str, int, str]]:
    for name in ("data_quality", "data_drift"):
        model = session.definition.graph.model(f"mart.{name}")
        session.lake.execute(f"create or replace table lake.mart.{name} as {model.sql}")
    session.lake.execute(
        "create table if not exists lake.core.unresolved (source varchar, table_name varchar,"
        " delivery_sequence bigint, record_number bigint, reference varchar)"
    )
    letter = supplier.gather(session.lake, session.definition.catalogue, source, date(2017, 6, 1))
    return [(key, sequence, rule) for key, sequence, rule, *_ in letter.refusals]


@pytest.mark.parametrize(
    ("as_of", "due"),
    [
        (date(2017, 6, 10), date(2017, 4, 30)),
        (date(2017, 6, 11), date(2017, 5, 31)),
        (date(2018, 1, 10), date(2017, 11, 30)),
        (date(2018, 1, 11), date(2017, 12, 31)),
    ],
)
def test_what_is_due_by_a_day_agrees_with_when_the_next_is_late(as_of: date, due: date) -> None:
    contract = load_definition().catalogue.latest(ENCOUNTERS)
    assert contract.freshness_days == 10
    assert promised_to(contract, as_of) == due
    promised = due_date(contract, due)
    assert promised is not None
    assert promised >= as_of
