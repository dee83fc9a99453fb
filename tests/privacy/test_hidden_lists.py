"""Providers are paid for protected persons, and no row tells whose list they are on.

Here: counting in the vault's zone, and what of it reaches the ledger. Not here: orders
(`test_protection_orders`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.contracts.model import Contract
from dagster_project.errors import VaultError
from dagster_project.pipeline import Session, load_definition
from dagster_project.settlement.due import settle_due
from dagster_project.settlement.runs import recompute
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.hidden_lists import (
    Counted,
    HiddenAct,
    HiddenDays,
    Record,
    count_hidden,
    count_hidden_acts,
)
from dagster_project.vault.hidden_lists import Sent as VaultSent
from dagster_project.vault.keys import create_keyring, read_keyring
from tests.support.deliveries import (
    ENCOUNTERS,
    ENROLMENTS,
    PROCEDURES,
    Sent,
    encode,
    encounter,
    procedure,
    sent,
)
from tests.support.homes import new_settings, silent, take_in
from tests.support.identity import code
from tests.support.paid_region import JUNE, MAY, PERSONS, choice, deliveries, paid_tables
from tests.support.quick_lake import quick_build, quick_home

DAY = date(2017, 5, 10)
PROVIDERS = {f"L{n}": "P1" if n < 6 else "P2" for n in range(12)}


@pytest.fixture
def blobs(tmp_path: Path) -> DeliveryVault:
    create_keyring(tmp_path / "keys")
    identity = read_keyring(tmp_path / "keys").age_identity
    return DeliveryVault(tmp_path / "deliveries", identity)


def portal() -> Contract:
    return load_definition().catalogue.latest(ENROLMENTS)


def sent_in(blobs: DeliveryVault, days: Mapping[int, int]) -> HiddenDays:
    """Twelve choices: six of P1, then six of P2."""
    rows = [{**choice(n), "provider_id": PROVIDERS[f"L{n}"]} for n in range(12)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "enrolments_201705.ndjson"
        file.write_bytes(encode(portal(), rows))
        return HiddenDays(VaultSent(portal(), blobs.put(file).sha256), days)


def test_days_of_enough_persons_are_told_as_they_are(blobs: DeliveryVault) -> None:
    hidden = sent_in(blobs, dict.fromkeys(range(1, 13), 10))
    assert count_hidden(blobs, [hidden], {"P1": 1, "P2": 99}) == [
        Counted("P1", 6, 60),
        Counted("P2", 6, 60),
    ]


def test_days_of_few_are_pooled_and_shared_by_the_lists_that_are_seen(blobs: DeliveryVault) -> None:
    hidden = sent_in(blobs, {1: 31, 7: 10})
    assert count_hidden(blobs, [hidden], {"P1": 100, "P2": 200, "P3": 5}) == [
        Counted("P1", 0, 13),
        Counted("P2", 0, 27),
        Counted("P3", 0, 1),
    ]


def test_who_chose_a_list_in_shadow_adds_nothing_to_lists_that_are_paid(
    blobs: DeliveryVault,
) -> None:
    hidden = sent_in(blobs, {1: 31, 7: 10})
    lists = {"P1": 100, "P2": 200, "P3": 100}
    assert count_hidden(blobs, [hidden], lists, {"P2"}) == [
        Counted("P1", 0, 16),
        Counted("P3", 0, 15),
        Counted("P2", 0, 10),
    ]


def test_one_of_few_is_not_left_alone_beside_those_who_are_told(blobs: DeliveryVault) -> None:
    """Six with P1 would be told, but then the only one with P2 would be the whole pool."""
    hidden = sent_in(blobs, {**dict.fromkeys(range(1, 7), 10), 7: 31})
    assert count_hidden(blobs, [hidden], {"P1": 1, "P2": 0}) == [Counted("P1", 0, 91)]


def test_a_record_that_is_not_there_is_an_error(blobs: DeliveryVault) -> None:
    with pytest.raises(VaultError, match="lacks records that the lake has"):
        count_hidden(blobs, [sent_in(blobs, {99: 31})], {})


def act(person: int, choices: VaultSent, acts: VaultSent, code: str = "SFA10") -> HiddenAct:
    """An act whose record has the person's number, of the choice that has it."""
    return HiddenAct(person, code, DAY, Record(acts, person), Record(choices, person))


def counted(
    blobs: DeliveryVault,
    persons: Sequence[int],
    seen: Mapping[tuple[str, str], int],
    shadow: Set[str] = frozenset(),
    **done_at: str,
) -> dict[tuple[str, str], int]:
    """Acts of these persons by provider, each done at the site of their list or another."""
    at = {number: done_at.get(f"L{number}", PROVIDERS[f"L{number - 1}"]) for number in range(1, 13)}
    choices = sent_in(blobs, {}).sent
    rows = [procedure(n, code(n), DAY, site_id=f"S-{at[n]}") for n in range(1, 13)]
    contract = load_definition().catalogue.latest(PROCEDURES)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "procedures_201705.csv"
        file.write_bytes(encode(contract, rows))
        acts = VaultSent(contract, blobs.put(file).sha256)
    hidden = [act(person, choices, acts) for person in persons]
    return count_hidden_acts(blobs, hidden, lambda site, _: site.removeprefix("S-"), seen, shadow)


def test_acts_of_enough_persons_are_told_as_they_are(blobs: DeliveryVault) -> None:
    found = counted(blobs, [*range(1, 13), 1], {("P1", "SFA10"): 1, ("P2", "SFA10"): 99})
    assert found == {("P1", "SFA10"): 7, ("P2", "SFA10"): 6}


def test_an_act_at_anothers_is_paid_to_nobody(blobs: DeliveryVault) -> None:
    assert counted(blobs, range(1, 7), {}, L1="P2") == {("P1", "SFA10"): 5}


def test_acts_of_few_are_pooled_and_shared_by_the_acts_that_are_seen(blobs: DeliveryVault) -> None:
    """One person of P1 and one of P2: three acts go by what others had done, of that procedure."""
    seen = {("P1", "SFA10"): 10, ("P2", "SFA10"): 20, ("P1", "EBA00"): 500}
    found = counted(blobs, [1, 1, 7], seen)
    assert found == {("P1", "SFA10"): 1, ("P2", "SFA10"): 2}


def test_acts_in_shadow_are_shared_among_lists_in_shadow(blobs: DeliveryVault) -> None:
    seen = {("P1", "SFA10"): 10, ("P2", "SFA10"): 20}
    found = counted(blobs, [1, 1, 7], seen, {"P2"})
    assert found == {("P1", "SFA10"): 2, ("P2", "SFA10"): 1}


def test_acts_that_nobody_else_had_go_to_those_who_did_them(blobs: DeliveryVault) -> None:
    assert counted(blobs, [1, 7], {}) == {("P1", "SFA10"): 1, ("P2", "SFA10"): 1}


def paid(session: Session) -> Decimal:
    total = session.lake.value(
        "select sum(person_days) from mart.capitation_line"
        " where not is_shadow and line_kind_code in ('capitation', 'unseen')"
    )
    return Decimal(total)


def settled_days(folder: Path, *sent_deliveries: Sent) -> Decimal:
    with quick_home(new_settings(folder), paid_tables()) as session:
        assert not take_in(session, *sent_deliveries).refusals
        quick_build(session)
        assert len(settle_due(session, report=silent).settled) == 2
        told = session.lake.rows(
            "select count(*) from ledger.frozen_list semi join protected_person using (person_id)"
            " where provider_id is not null or site_id is not null"
            " or municipality_code is not null"
        )
        assert told == [(0,)]
        for (run_id,) in session.lake.rows("select capitation_run_id from mart.capitation_run"):
            assert recompute(session.lake, run_id).is_equal
        return paid(session)


def test_every_day_is_paid_whether_or_not_the_lake_may_tell_whose_it_is(tmp_path: Path) -> None:
    open_days = settled_days(tmp_path / "open", *deliveries())
    assert settled_days(tmp_path / "hidden", *deliveries(orders=(0, 2, 4))) == open_days


def dental(*, orders: tuple[int, ...] = ()) -> tuple[Sent, ...]:
    """Everybody on a list of dental care, and with a filling in June by whose list it is."""
    day = datetime(2017, 6, 15, 9)
    choices, visits, fillings = [], [], []
    for number in range(1, PERSONS):
        made = choice(number)
        choices.append({**made, "service_code": "dental"})
        at = {"site_id": made["site_id"]}
        visits.append(encounter(number, code(number), day, **at))
        fillings.append(procedure(number, code(number), day.date(), **at))
    return (
        *(d for d in deliveries(orders=orders) if d.key not in (ENROLMENTS, PROCEDURES)),
        sent(ENROLMENTS, MAY, *choices),
        sent(ENROLMENTS, JUNE),
        sent(ENCOUNTERS, JUNE, *visits),
        sent(PROCEDURES, MAY, procedure(99, code(0), date(2017, 5, 15), site_id="S0")),
        sent(PROCEDURES, JUNE, *fillings),
    )


def settled_acts(folder: Path, *sent_deliveries: Sent) -> list[tuple[str, int]]:
    with quick_home(new_settings(folder), paid_tables()) as session:
        assert not take_in(session, *sent_deliveries).refusals
        quick_build(session)
        settle_due(session, report=silent)
        for (run_id,) in session.lake.rows("select capitation_run_id from mart.capitation_run"):
            assert recompute(session.lake, run_id).is_equal
        return session.lake.rows(
            "select provider_id, cast(sum(act_count) as bigint) from mart.capitation_line"
            " where line_kind_code = 'act' and not is_shadow group by all order by all"
        )


def test_every_act_is_paid_whether_or_not_the_lake_may_tell_whose_it_is(tmp_path: Path) -> None:
    """Those of three persons are too few to be told by provider: shared, and none is lost."""
    assert settled_acts(tmp_path / "open", *dental()) == [("P1", 5), ("P2", 6)]
    hidden = settled_acts(tmp_path / "hidden", *dental(orders=(1, 5, 2)))
    assert hidden == [("P1", 4), ("P2", 7)]


def test_an_order_takes_persons_out_of_lists_that_were_frozen_before_it(tmp_path: Path) -> None:
    first = [d for d in deliveries() if d.sequence != JUNE]
    later = [d for d in deliveries(orders=(0, 4), ordered_in=JUNE) if d.sequence == JUNE]
    with quick_home(new_settings(tmp_path), paid_tables()) as session:
        take_in(session, *first)
        quick_build(session)
        assert [s.settlement_month for s in settle_due(session, report=silent).settled] == [
            date(2017, 5, 1)
        ]
        before = session.lake.rows("select * from mart.capitation_line order by all")
        named = session.lake.count("select count(person_id) from ledger.frozen_list")
        take_in(session, *later)
        quick_build(session)
        settle_due(session, report=silent)
        left = session.lake.count(
            "select count(person_id) from ledger.frozen_list where list_month = date '2017-05-01'"
        )
        corrected = session.lake.rows(
            "select reason_code, count(*) from mart.capitation_adjustment group by all"
        )
        assert named - left >= 2
        assert dict(corrected).keys() == {"late_enrolment"}
        assert (
            session.lake.rows(
                "select * from mart.capitation_line where settlement_month = date '2017-05-01'"
                " order by all"
            )
            == before
        )
        assert all(recompute(session.lake, run_id).is_equal for run_id in (1, 2))
