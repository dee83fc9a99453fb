"""Great Expectations against the SQL gate over a region with planted dirt, and over the lake.

Here: verdicts and counts rule by rule, errors that are no passes, what is kept and told. Not here:
the gate against the manifest (`test_manifest`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import Contract, Severity
from dagster_project.expectations import suites, validation
from dagster_project.expectations.natives import Native
from dagster_project.expectations.suites import Kind, Suite
from dagster_project.expectations.validation import Judged
from dagster_project.lake import gate
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Session
from dagster_project.publish.quality import report_quality
from dagster_project.publish.release import publish
from dagster_project.quality import supplier
from dagster_project.sources.readable import format_of, readable
from dagster_project.synthetic.region import make_deliveries
from tests.support.homes import build, new_settings, silent
from tests.support.search import codes_readable_in, found_under

AS_OF = date(2017, 7, 5)
MONTHS = 4
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@dataclass(frozen=True)
class Lake:
    """A region taken in, what it was sent, and what Great Expectations says of it."""

    session: Session
    landing: Path
    planted: list[dict[str, object]]
    codes: frozenset[str]
    judged: tuple[Judged, ...]
    release: Path


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """March to June 2017, judged and published."""
    folder = tmp_path_factory.mktemp("judged")
    settings = new_settings(folder, keep_landing=True)
    manifest = folder / "manifest.json"
    make_deliveries(
        settings.landing, residents=1_000, months=MONTHS, start_month=201703, manifest=manifest
    )
    sent = [p.read_bytes() for p in settings.landing.rglob("*") if p.is_file()]
    with pipeline.open_session(settings) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        build(session)
        publish(session)
        judged = report_quality(session, AS_OF).judged
        told = json.loads(manifest.read_text(encoding="utf-8"))
        planted = told["dirty_rows"] + told["warned_rows"]
        yield Lake(
            session,
            settings.landing,
            planted,
            frozenset(set.union(*map(codes_readable_in, sent))),
            judged,
            (settings.published / "current").resolve(),
        )


def sent_suite(lake: Lake, contract: Contract, sequence: int, path: Path) -> Suite:
    """The suite of a delivery's records, which lie in a table in memory."""
    connection, name = lake.session.lake, f"records_of_{contract.table}"
    temp = lake.session.lake.settings.temp
    with readable(path, contract, sequence=sequence, temp=temp) as prepared:
        text = format_of(contract).relation(prepared, contract, sequence)
        connection.execute(
            f"create or replace table memory.main.{name} as {gate.typed_sql(contract, text)}"
        )
    return suites.of_delivery(contract, sequence, f"memory.main.{name}")


def deliveries(lake: Lake) -> list[tuple[str, int, Path]]:
    """Of every table the delivery with the most planted rows."""
    found: dict[str, list[tuple[int, int, Path]]] = {}
    for path in sorted(p for p in lake.landing.rglob("*") if p.is_file()):
        key, sequence = f"{path.parent.parent.name}/{path.parent.name}", path.stem.split("_")[-1]
        count = sum(row["file"] == f"{key}/{path.name}" for row in lake.planted)
        found.setdefault(key, []).append((count, int(sequence), path))
    chosen = [(key, max(listed)) for key, listed in sorted(found.items())]
    return [(key, sequence, path) for key, (_, sequence, path) in chosen]


def test_every_rule_of_the_gate_comes_out_the_same(lake: Lake) -> None:
    """Of every table's dirtiest delivery: the same rules, the same verdicts, the same counts."""
    catalogue = lake.session.definition.catalogue
    asked = [
        (key, sequence, sent_suite(lake, catalogue.in_force(key, sequence), sequence, path))
        for key, sequence, path in deliveries(lake)
    ]
    judged = list(validation.validate(lake.session.lake, [suite for *_, suite in asked]))
    kinds = set()
    for key, sequence, suite in asked:
        mine = [one for one in judged if one.contract is suite.contract]
        found = {one.expected.id: (one.violated, one.status) for one in mine}
        rows = lake.session.lake.rows(
            "select rule_id, violated_count, status from mart.data_quality"
            " where source || '/' || table_name = ? and delivery_sequence = ?"
            " and rule_id not like 'volume.%' and rule_id not like 'freshness.%'"
            " and rule_id not like '%.code_list'",
            [key, sequence],
        )
        assert found == {rule: (count, Status(status)) for rule, count, status in rows}, key
        kinds |= {rule.split(".")[-1] for rule, count, _ in rows if count}
    assert kinds >= {
        "required",
        "type",
        "pattern",
        "valid_values",
        "minimum",
        "identity_code",
        "duplicate",
        "not_after_delivery",
    }


def test_both_the_librarys_own_and_sql_are_used(lake: Lake) -> None:
    own = {one.expected.test.type for one in lake.judged if isinstance(one.expected.test, Native)}
    assert own >= {
        "ExpectColumnValuesToBeInSet",
        "ExpectColumnValuesToBeBetween",
        "ExpectColumnValuesToNotBeNull",
        "ExpectCompoundColumnsToBeUnique",
        "ExpectColumnMaxToBeBetween",
    }
    assert any(isinstance(one.expected.test, str) for one in lake.judged)


def test_accepted_rows_meet_every_rule_of_error_severity(lake: Lake) -> None:
    """What the gate let in holds; its warnings are counted again, from the lake alone."""
    found = {(one.contract.table, one.expected.id): one for one in lake.judged}
    assert {one.status for one in lake.judged} == {
        Status.PASS,
        Status.PASS_WITH_FAILURES,
        Status.NOT_APPLICABLE,
    }
    assert {one.expected.kind for one in lake.judged} == set(Kind)
    counted = lake.session.lake.rows(
        "select table_name, rule_id, sum(violated_count) from ops.rule_result"
        " where severity = 'warning' and rule_id not like 'dataset.%' group by all"
        " having sum(violated_count) > 0"
    )
    assert counted
    for table, rule, count in counted:
        assert found[table, rule].violated == count, (table, rule)


def test_an_expectation_that_cannot_be_judged_is_no_pass(lake: Lake) -> None:
    session = lake.session
    contract = session.definition.catalogue.latest("apotti/diagnoses")
    suite = suites.of_staging(contract, session.definition.catalogue, AS_OF)
    lost = replace(suite.rows[-1], id="row.lost", test="select 1 from {batch} where no_column")
    cast = replace(
        suite.rows[-1],
        id="row.cast",
        test="select 1 as broken from {batch} where cast(icd10_code as integer) > 0",
    )
    broken = replace(suite, rows=(lost, cast, *suite.rows), deliveries=())
    judged = list(validation.validate(session.lake, [broken]))
    assert [one.status for one in judged[:2]] == [Status.ERROR, Status.ERROR]
    assert Status.ERROR not in {one.status for one in judged[2:]}
    nowhere = replace(suite, rows_sql="select * from no_table", deliveries=())
    assert {one.status for one in validation.validate(session.lake, [nowhere])} == {Status.ERROR}


def test_a_fault_in_the_lake_is_found(lake: Lake) -> None:
    """A row that no gate would have let in: a duplicate, and a reference to nowhere."""
    session = lake.session
    contract = session.definition.catalogue.latest("apotti/diagnoses")
    suite = suites.of_staging(contract, session.definition.catalogue, AS_OF)
    twice = f"{suite.rows_sql} union all (from ({suite.rows_sql}) limit 3)"
    found = {
        one.expected.id: one
        for one in validation.validate(session.lake, [replace(suite, rows_sql=twice)])
    }
    assert found["record.unique"].status is Status.FAIL
    assert found["primary_key.duplicate"].violated == 6
    late = suites.of_staging(contract, session.definition.catalogue, date(2017, 8, 11))
    after = {one.expected.id: one for one in validation.validate(session.lake, [late])}
    assert after["freshness.up_to_date"].status is Status.PASS_WITH_FAILURES
    assert found["freshness.up_to_date"].status is Status.PASS


def test_the_register_keeps_verdicts_and_counts(lake: Lake) -> None:
    noted = lake.session.lake.rows(
        "select source || '/' || table_name, rule_id, status, violated_count, checked_count"
        " from ops.expectation_result where as_of_date = ?",
        [AS_OF],
    )
    due = {
        (o.contract.key, o.expected.id, o.status.value, o.violated, o.checked) for o in lake.judged
    }
    assert set(noted) == due
    assert len(noted) == len(due)


def test_the_pages_join_the_release_and_need_nothing_else(lake: Lake) -> None:
    shelf = lake.release / "internal" / "quality"
    assert {path.name for path in shelf.iterdir()} == {"fi.html", "en.html"}
    for path in shelf.iterdir():
        text = path.read_text(encoding="utf-8")
        assert path.stat().st_mode & 0o777 == 0o400
        assert "<script" not in text
        assert "://" not in text
        assert all(key in text for key in lake.session.definition.catalogue.tables())
    assert "Tietojen laatu" in (shelf / "fi.html").read_text(encoding="utf-8")
    assert "Data quality" in (shelf / "en.html").read_text(encoding="utf-8")
    assert not list(lake.release.glob(".staging*"))


def test_no_code_and_no_value_left_out_is_kept(
    lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    """In no page, letter, register row or log line; the letter lists records, not their fields."""
    letters = lake.session.lake.settings.home / "letters"
    letters.mkdir(exist_ok=True)
    with caplog.at_level(logging.DEBUG):
        for source in ("apotti", "population_register"):
            letter = supplier.gather(
                lake.session.lake, lake.session.definition.catalogue, source, AS_OF
            )
            for name, text in supplier.pages(letter).items():
                (letters / name).write_text(text, encoding="utf-8")
    assert len(lake.codes) > 1_000
    home = lake.session.lake.settings.home
    assert found_under(lake.codes, letters, home / "published", home / "lake") == {}
    assert codes_readable_in(caplog.text.encode()) & lake.codes == set()


@pytest.mark.parametrize("source", ["apotti", "population_register", "enrolment_portal"])
def test_the_letter_lists_exactly_the_planted_rows(lake: Lake, source: str) -> None:
    catalogue = lake.session.definition.catalogue
    letter = supplier.gather(lake.session.lake, catalogue, source, AS_OF)
    told = {
        (one.key, one.sequence, one.record_number, one.rule_id)
        for one in letter.left
        if one.fate != "waits"
    }
    due = {
        (key, int(name.split(".")[0].split("_")[-1]), row["record_number"], row["rule_id"])
        for row in lake.planted
        for key, _, name in [str(row["file"]).rpartition("/")]
        if key.startswith(f"{source}/")
    }
    assert told == due
    assert len(due) > 5
    lines = supplier.record_numbers(letter).splitlines()[1:]
    assert len(lines) == len(letter.left)


def test_every_planted_rule_is_told_in_both_languages(lake: Lake) -> None:
    catalogue = lake.session.definition.catalogue
    letter = supplier.gather(lake.session.lake, catalogue, "apotti", AS_OF)
    texts = supplier.pages(letter)
    rules = {r.id for c in letter.contracts for r in c.row_rules if r.severity is Severity.ERROR}
    assert {one.rule_id for one in letter.left} & rules
    finnish, english = texts["apotti_2017-07-05.fi.html"], texts["apotti_2017-07-05.en.html"]
    assert "Laatupalaute: apotti" in finnish
    assert "on henkilötunnus, jonka tarkistusmerkki täsmää" in finnish
    assert "is a personal identity code whose check character is right" in english
