"""What holds of the spine holds of every source: one suite over all contracts of the catalogue.

Here: one good delivery of each contract, whole and spoilt, in whatever form it comes. Not here:
what only one form can suffer (`tests/bad_input`), what models make of rows (`tests/spec`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import DeliveryMode, FileFormat, Severity
from dagster_project.lake import checks, views
from dagster_project.lake.check_model import Status
from dagster_project.lake.delivery import Outcome
from dagster_project.pipeline import Session, load_definition
from tests.support.good_deliveries import (
    Good,
    good_deliveries,
    header_only,
    headings,
    renamed_heading,
    truncated,
    with_nul,
)
from tests.support.homes import new_settings, silent, turn
from tests.support.quick_lake import quick_home
from tests.support.search import codes_readable_in

KEYS = load_definition().catalogue.tables()
OF_THE_REGISTER = ("delivery", "delivery_event", "quarantine", "rule_result", "refusal")
TEXTS = (FileFormat.CSV, FileFormat.NDJSON)
WITH_HEADINGS = (FileFormat.CSV, FileFormat.XLSX, FileFormat.PARQUET)


@pytest.fixture(scope="module")
def goods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Good]:
    return good_deliveries(tmp_path_factory.mktemp("goods"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One session for all contracts: what a test took in, it forgets."""
    settings = new_settings(tmp_path_factory.mktemp("every_source"))
    with quick_home(settings, load_definition()) as session:
        yield session


@pytest.fixture(params=KEYS)
def good(request: pytest.FixtureRequest, goods: dict[str, Good]) -> Good:
    return goods[request.param]


@pytest.fixture
def session(shared: Session, good: Good) -> Iterator[Session]:
    yield shared
    contract = good.contract
    shared.lake.execute(f'delete from lake.staging."{contract.table}"')
    for table in OF_THE_REGISTER:
        shared.lake.execute(
            f"delete from lake.ops.{table} where source = ? and table_name = ?",
            [contract.source, contract.table],
        )
    views.note_withdrawals(shared.lake)
    (shared.lake.settings.landing / good.key / good.name).unlink(missing_ok=True)


def take_in(session: Session, good: Good, data: bytes | None = None) -> pipeline.Ingested:
    good.land(session.lake.settings.landing, data)
    return pipeline.ingest(session, only=good.key, report=silent)


def taken(session: Session, good: Good, data: bytes | None = None) -> Outcome:
    """The outcome of a delivery that is not refused."""
    ingested = take_in(session, good, data)
    assert ingested.refusals == ()
    (outcome,) = ingested.outcomes
    return outcome


def staged(session: Session, good: Good, schema: str = "staging") -> Counter[tuple[Any, ...]]:
    return Counter(session.lake.rows(f'from {schema}."{good.contract.table}"'))


def refused(session: Session, good: Good, data: bytes) -> tuple[str, int | None, str | None]:
    """Rule, line and column of a refusal that left no trace and names nobody."""
    ingested = take_in(session, good, data)
    assert ingested.outcomes == ()
    (refusal,) = ingested.refusals
    assert codes_readable_in(refusal.message.encode()) == set()
    assert not staged(session, good)
    contract = good.contract
    (noted,) = session.lake.rows(
        "select rule_id, line_number, column_name from ops.refusal"
        " where source = ? and table_name = ? and delivery_sequence = ?",
        [contract.source, contract.table, good.sequence],
    )
    where = [f"rule {noted[0]}"]
    where += [f"line {noted[1]}"] * (noted[1] is not None)
    where += [f"column {noted[2]}"] * (noted[2] is not None)
    assert f"[{', '.join(where)}" in refusal.message
    assert not registered(session, good)
    return noted


def registered(session: Session, good: Good) -> list[tuple[int, ...]]:
    """Counts of the delivery in the register: received, accepted, quarantined, duplicate."""
    return session.lake.rows(
        "select received_count, accepted_count, quarantined_count, duplicate_count"
        " from ops.delivery where source = ? and table_name = ?",
        [good.contract.source, good.contract.table],
    )


def test_there_is_a_good_delivery_of_every_contract(goods: dict[str, Good]) -> None:
    """A new source is part of this suite once the synthetic region sends it."""
    assert set(KEYS) - set(goods) == set()


def test_it_is_taken_in_whole_and_only_once(session: Session, good: Good) -> None:
    verdict = taken(session, good).verdict
    assert verdict is not None
    assert (verdict.received, verdict.accepted) == (good.record_count, good.record_count)
    rows = staged(session, good)
    assert rows.total() == good.record_count

    assert taken(session, good).verdict is None

    assert staged(session, good) == rows
    assert registered(session, good) == [(good.record_count, good.record_count, 0, 0)]


def test_nothing_is_lost_and_the_checks_say_so(session: Session, good: Good) -> None:
    taken(session, good)
    table, name = f'staging."{good.contract.table}"', f"{good.contract.table}.received_is_conserved"
    (check,) = (c for c in checks.all_checks(session.definition.catalogue) if c.id == name)
    assert checks.evaluate(session.lake, check).status is Status.PASS
    session.lake.execute(f"delete from lake.{table} where record_number = 1")
    assert checks.evaluate(session.lake, check).status is Status.FAIL


def test_withdrawn_it_is_out_of_force_until_it_is_reinstated(session: Session, good: Good) -> None:
    taken(session, good)
    before = {schema: staged(session, good, schema) for schema in ("effective", "current")}
    assert before["effective"].total() == good.record_count
    assert before["current"].total() == good.record_count

    turn(session, good.key, good.sequence)
    assert not staged(session, good, "effective")
    assert not staged(session, good, "current")
    assert staged(session, good).total() == good.record_count

    turn(session, good.key, good.sequence)
    assert {s: staged(session, good, s) for s in before} == before


def test_another_heading_is_refused_by_line_and_column(session: Session, good: Good) -> None:
    rule, line, column = refused(session, good, renamed_heading(good))
    dialect = good.contract.dialect
    if dialect.format in WITH_HEADINGS:
        assert rule == "file.header"
        assert column == headings(good.contract, good.sequence)[0]
    else:  # a field that no record has is a fault of every record
        assert rule == "dataset.quarantined_share"
    if dialect.format in (FileFormat.CSV, FileFormat.XLSX):
        assert line in range(dialect.header_line, dialect.header_line + dialect.header_rows)


def no_more_than_sent(session: Session, good: Good, data: bytes) -> None:
    """Where damage is not noticed, no record is made up and none lost."""
    ingested = take_in(session, good, data)
    if ingested.refusals:
        assert not registered(session, good)
        assert not staged(session, good)
        return
    ((received, accepted, quarantined, duplicate),) = registered(session, good)
    assert received == accepted + quarantined + duplicate <= good.record_count
    assert staged(session, good).total() == accepted


@pytest.mark.parametrize("spoil", [truncated, with_nul])
def test_a_damaged_file_is_refused(
    session: Session, good: Good, spoil: Callable[[Good], bytes]
) -> None:
    dialect = good.contract.dialect
    if dialect.format not in (*TEXTS, FileFormat.JSON):
        no_more_than_sent(session, good, spoil(good))
        return
    rule, _, _ = refused(session, good, spoil(good))
    due = "file.truncated" if spoil is truncated else "file.nul"
    assert rule == (due if dialect.format in TEXTS else "file.format")


def test_an_empty_file_is_no_delivery_but_where_records_stand_alone(
    session: Session, good: Good
) -> None:
    """A month without a record is an empty file in NDJSON, which has no header."""
    if good.contract.dialect.format is FileFormat.NDJSON and not fewest_rows(good):
        assert taken(session, good, b"").verdict is not None
        assert registered(session, good) == [(0, 0, 0, 0)]
        return
    rule, _, _ = refused(session, good, b"")
    assert rule in {"file.empty", "file.format", "file.header", "dataset.minimum_rows"}


def fewest_rows(good: Good) -> float:
    """How many rows the contract demands of a delivery."""
    rules = [r for r in good.contract.dataset_rules if r.metric == "row_count"]
    return max((r.minimum or 0 for r in rules if r.severity is Severity.ERROR), default=0)


def test_a_header_alone_is_taken_in_where_no_row_is_due(session: Session, good: Good) -> None:
    if not fewest_rows(good):
        assert good.contract.delivery.mode is DeliveryMode.INCREMENT
        taken(session, good, header_only(good))
        assert registered(session, good) == [(0, 0, 0, 0)]
        return
    rule, line, column = refused(session, good, header_only(good))
    assert rule in {r.id for r in good.contract.dataset_rules if r.metric == "row_count"}
    assert (line, column) == (None, None)


def test_a_file_of_another_table_is_refused(
    session: Session, good: Good, goods: dict[str, Good]
) -> None:
    """Whatever the next source of the catalogue sends, under this one's name."""
    at = KEYS.index(good.key)
    following = [*KEYS[at:], *KEYS[:at]]
    other = next(k for k in following if goods[k].contract.source != good.contract.source)
    rule, _, _ = refused(session, good, goods[other].data)
    assert rule.startswith(("file.", "dataset."))
