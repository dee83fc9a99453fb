"""A code list that comes late, ends a code, is withdrawn or loses codes: nothing of it is silent.

Here: encounters and a list, on the stand-in lake but for what blocks and what is published. Not
here: how a verdict is reached (`tests/spec/test_code_use`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from dagster_project.contracts.model import Catalogue, Contract, Severity
from dagster_project.errors import CheckFailed
from dagster_project.lake.check_model import CheckResult, Status
from dagster_project.lake.checks import all_checks, evaluate
from dagster_project.pipeline import Session
from tests.support.deliveries import (
    ENCOUNTERS,
    RESIDENTS,
    Row,
    Sent,
    encounter,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import build, new_home, new_settings, run, take_in, turn
from tests.support.identity import born, code
from tests.support.quick_lake import quick_build, quick_home

pytestmark = pytest.mark.usefixtures("few_tables")

LIST = "reference/avohilmo_codes"
FIRST, SECOND = 20170101, 20170401
ANNA = code(1)


def entry(code_set: str, listed: str, **others: Any) -> Row:
    return {
        "code_set": code_set,
        "code": listed,
        "name_fi": f"Koodi {listed}",
        "valid_from_date": date(2000, 1, 1),
        **others,
    }


OTHERS = (entry("contact_type", "R10"), entry("profession", "2221"))


def codes(sequence: int, *services: Row) -> Sent:
    return sent(LIST, sequence, *OTHERS, *services)


def met(*visits: tuple[int, datetime, str]) -> Sent:
    """Encounters of May with a service each, two of them in the summer time of the day before."""
    rows = (encounter(n, ANNA, at, service_code=service) for n, at, service in visits)
    return sent(ENCOUNTERS, 201705, *rows)


def world() -> tuple[Sent, ...]:
    return (*reference_lists(), sent(RESIDENTS, 201705, resident(ANNA, born(1))))


VISITS = (
    (1, datetime(2017, 3, 31, 23, 30), "T11"),
    (2, datetime(2017, 4, 1, 0, 30), "T11"),
    (3, datetime(2017, 4, 2, 9), "T40"),
    (4, datetime(2017, 4, 2, 9), "T99"),
)
SOUND = codes(FIRST, entry("service_form", "T11"), entry("service_form", "T40"))
ENDED = codes(
    SECOND,
    entry("service_form", "T11", valid_to_date=date(2017, 4, 1)),
    entry("service_form", "T40"),
)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with quick_home(new_settings(tmp_path)) as opened:
        yield opened


def built(session: Session, *deliveries: Sent) -> None:
    assert not take_in(session, *deliveries).refusals
    quick_build(session)


def result(session: Session, name: str, catalogue: Catalogue | None = None) -> CheckResult:
    known = all_checks(catalogue or session.definition.catalogue)
    (found,) = (check for check in known if check.id == f"code_use.{name}")
    return evaluate(session.lake, found)


def counts(session: Session, column: str = "service_code") -> tuple[int, ...]:
    (found,) = session.lake.rows(
        "select sum(coded_count), sum(unknown_count), sum(not_in_force_count), sum(dropped_count)"
        " from core.code_use where table_name = 'encounters' and column_name = ?",
        [column],
    )
    return tuple(map(int, found))


def test_codes_are_judged_on_the_civil_day_of_the_event(session: Session) -> None:
    """At half past midnight by the clock of Helsinki April has begun; in UTC it has not."""
    built(session, *world(), met(*VISITS), SOUND, ENDED)
    assert counts(session) == (4, 1, 1, 0)
    verdict = result(session, "encounters_service_code_is_on_its_list")
    assert (verdict.status, verdict.violated, verdict.checked) == (Status.PASS_WITH_FAILURES, 2, 4)
    assert result(session, "avohilmo_codes_keeps_its_codes").status is Status.PASS


def test_the_order_of_arrival_makes_no_difference(session: Session, tmp_path: Path) -> None:
    built(session, *world(), met(*VISITS))
    assert counts(session) == (4, 4, 0, 0)
    built(session, ENDED)
    built(session, SOUND)
    late = session.lake.rows("from core.code_use order by all")
    with quick_home(new_settings(tmp_path / "other")) as other:
        built(other, SOUND, ENDED, *world(), met(*VISITS))
        assert other.lake.rows("from core.code_use order by all") == late


def test_a_corrected_code_is_well_again(session: Session) -> None:
    built(session, *world(), SOUND, met(*VISITS))
    assert counts(session)[1] == 1
    later = datetime(2017, 6, 1, 9)
    again = encounter(4, ANNA, VISITS[3][1], service_code="T40", updated_at=later)
    built(session, sent(ENCOUNTERS, 201706, again))
    assert counts(session) == (4, 0, 0, 0)


def test_a_withdrawn_version_leaves_the_one_before_in_force(session: Session) -> None:
    built(session, *world(), SOUND, ENDED, met(*VISITS))
    turn(session, LIST, SECOND)
    quick_build(session)
    assert counts(session) == (4, 1, 0, 0)


def test_a_list_that_loses_a_code_in_use_blocks(session: Session) -> None:
    """As when a list comes in another spelling: all would be merely unknown."""
    spelled_otherwise = codes(SECOND, entry("service_form", "t11"), entry("service_form", "T40"))
    built(session, *world(), SOUND, met(*VISITS[:3]), spelled_otherwise)
    lost = result(session, "avohilmo_codes_keeps_its_codes")
    assert (lost.is_blocking, lost.violated, lost.checked) == (True, 2, 9)


def test_an_empty_list_is_not_taken_in(session: Session) -> None:
    built(session, *world(), SOUND, met(*VISITS[:3]))
    assert len(take_in(session, sent(LIST, SECOND)).refusals) == 1
    quick_build(session)
    assert counts(session) == (3, 0, 0, 0)


def test_a_list_that_never_came_leaves_every_code_unknown(session: Session) -> None:
    built(session, *world(), met(*VISITS[:3]))
    verdict = result(session, "encounters_service_code_is_on_its_list")
    assert (verdict.status, verdict.violated) == (Status.PASS_WITH_FAILURES, 3)
    assert not result(session, "avohilmo_codes_keeps_its_codes").violated


def test_where_the_contract_says_error_an_unknown_code_blocks(session: Session) -> None:
    strict = Catalogue(tuple(map(_strict, session.definition.catalogue.contracts)))
    built(session, *world(), SOUND, met(*VISITS[:3]))
    name = "encounters_service_code_is_on_its_list"
    assert not result(session, name, strict).is_blocking
    unknown = encounter(9, ANNA, datetime(2017, 6, 1, 9), service_code="T99")
    built(session, sent(ENCOUNTERS, 201706, unknown))
    verdict = result(session, name, strict)
    assert (verdict.is_blocking, verdict.violated, verdict.checked) == (True, 1, 4)
    assert not result(session, name).is_blocking


def _strict(contract: Contract) -> Contract:
    columns = tuple(
        replace(c, code_list=replace(c.code_list, severity=Severity.ERROR)) if c.code_list else c
        for c in contract.columns
    )
    return replace(contract, columns=columns)


def test_a_withdrawn_list_blocks_and_counts_stand_with_the_rules(tmp_path: Path) -> None:
    with new_home(tmp_path) as session:
        before = run(session, *world(), SOUND, ENDED, met(*VISITS)).build_id
        found = session.lake.rows(
            "select severity, dimension, violated_count, checked_count, violated_pct"
            " from mart.data_quality where rule_id = 'service_code.code_list'"
        )
        assert found == [("warning", "conformance", 2, 4, 50.0)]
        for sequence in (FIRST, SECOND):
            turn(session, LIST, sequence)
        with pytest.raises(CheckFailed, match=r"avohilmo_codes_keeps_its_codes: fail, 11 of 12"):
            build(session)
        assert session.lake.count("select max(build_id) from ops.build") == before
