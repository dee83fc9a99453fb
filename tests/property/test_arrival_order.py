"""Whatever the order of arrival, the batches and the withdrawals: the same core and marts.

Here: random histories against one run in order. The lake is a quick stand-in for most examples
(`support/quick_lake.py`) and the real one for a few, in the deep tier.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings

from dagster_project import pipeline
from dagster_project.errors import BuildError
from dagster_project.lake import checks
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Definition, Session
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import (
    CENTRES,
    EPISODES,
    INVOICES,
    LEDGER,
    REFERRALS,
    SERVICE_CLASSES,
    SOCIAL_SERVICES,
    UNIT_COSTS,
    Sent,
)
from tests.support.few_tables import few_tables
from tests.support.histories import (
    Act,
    History,
    histories,
    hospital_regions,
    money_regions,
)
from tests.support.homes import Contents, contents, differences, new_settings, take_in, turn
from tests.support.quick_lake import quick_build, quick_home

Home = Callable[[], AbstractContextManager[Session]]
Opened = Callable[..., AbstractContextManager[Session]]
"""Opens an empty home over few tables, or more."""
OF_HOSPITAL = (REFERRALS, EPISODES, INVOICES)
OF_COSTS = (
    *OF_HOSPITAL,
    "apotti/procedures",
    SOCIAL_SERVICES,
    LEDGER,
    CENTRES,
    SERVICE_CLASSES,
    UNIT_COSTS,
)
PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
QUICK = hypothesis_settings(
    PROFILE,
    max_examples=max(2, PROFILE.max_examples // 5),  # an example is two whole lakes, two seconds
    suppress_health_check=[HealthCheck.too_slow],
)
WIDE = hypothesis_settings(QUICK, max_examples=max(2, PROFILE.max_examples // 12))
REAL = hypothesis_settings(QUICK, max_examples=max(2, PROFILE.max_examples // 25))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of all homes that are compared."""
    path = tmp_path_factory.mktemp("keys") / "keys"
    create_keyring(path)
    return path


def definition_of(*also: str) -> Definition:
    """Without the mart that is about deliveries and not their rows."""
    return few_tables(*also, without="mart.data_quality")


@pytest.fixture(scope="module")
def quick(keys: Path) -> Opened:
    """Opens empty homes over the quick lake."""

    @contextmanager
    def opened(*also: str) -> Iterator[Session]:
        with tempfile.TemporaryDirectory() as folder:
            settings = new_settings(Path(folder), keys=keys)
            with quick_home(settings, definition_of(*also)) as session:
                yield session

    return opened


@pytest.fixture(scope="module")
def real(keys: Path) -> Opened:
    """Opens empty homes over the real lake, with the same models."""

    @contextmanager
    def opened(*also: str) -> Iterator[Session]:
        with tempfile.TemporaryDirectory() as folder:
            settings = new_settings(Path(folder), keys=keys)
            with pipeline.open_session(settings, definition=definition_of(*also)) as session:
                yield session

    return opened


def bring(session: Session, delivery: Sent) -> None:
    assert not take_in(session, delivery).refusals


def apply(session: Session, act: Act) -> None:
    if act.is_arrival:
        bring(session, act.delivery)
    else:
        turn(session, act.delivery.key, act.delivery.sequence)


def built(session: Session) -> Contents | str:
    """What stands after a build, or why there is none: a table is empty where rows were due."""
    try:
        quick_build(session)
    except BuildError as error:
        if "came out empty where rows were due" in str(error):
            return str(error)
        raise
    return contents(session)


def as_it_happened(home: Home, history: History) -> Contents | str:
    with home() as session:
        for batch in history.batches:
            for act in batch:
                apply(session, act)
            outcome = built(session)
        if not isinstance(outcome, str):
            check(session)
        return outcome


def in_order_at_once(home: Home, history: History) -> Contents | str:
    with home() as session:
        for delivery in history.in_order:
            bring(session, delivery)
        for delivery in history.withdrawn:
            turn(session, delivery.key, delivery.sequence)
        return built(session)


def check(session: Session) -> None:
    """Every blocking check holds."""
    for one in checks.due_checks(session.definition.catalogue, session.definition.graph):
        result = checks.evaluate(session.lake, one)
        assert result.status is not Status.ERROR, one.id
        assert result.status is not Status.FAIL, (one.id, result.violated)


def assert_order_does_not_matter(home: Home, history: History) -> None:
    happened, at_once = as_it_happened(home, history), in_order_at_once(home, history)
    note("\n".join(str(d) for d in history.in_order))
    if isinstance(happened, str) or isinstance(at_once, str):
        assert happened == at_once
    else:
        assert differences(happened, at_once) == {}


@WIDE
@given(history=histories())
def test_any_order_of_arrival_gives_the_same_core(quick: Opened, history: History) -> None:
    assert_order_does_not_matter(quick, history)


@WIDE
@given(history=histories(of=hospital_regions()))
def test_any_order_of_arrival_gives_the_same_specialised_care(
    quick: Opened, history: History
) -> None:
    assert_order_does_not_matter(partial(quick, *OF_HOSPITAL), history)


@WIDE
@given(history=histories(of=money_regions()))
def test_any_order_of_arrival_gives_the_same_costs(quick: Opened, history: History) -> None:
    assert_order_does_not_matter(partial(quick, *OF_COSTS), history)


@pytest.mark.deep
@REAL
@given(history=histories())
def test_any_order_of_arrival_gives_the_same_core_on_the_real_lake(
    real: Opened, history: History
) -> None:
    assert_order_does_not_matter(real, history)


def without(history: History) -> History:
    """The history of a region that never had what is withdrawn."""
    gone = {id(d) for d in history.withdrawn}
    kept = tuple(d for d in history.in_order if id(d) not in gone)
    return History(kept, (tuple(Act(d, is_arrival=True) for d in kept),), ())


@WIDE
@given(history=histories(with_orders=False))
def test_a_withdrawn_delivery_is_as_if_it_had_never_come(quick: Opened, history: History) -> None:
    """Protection orders apart: a withdrawal lifts none."""
    withdrawn = in_order_at_once(quick, history)
    never = in_order_at_once(quick, without(history))
    note("\n".join(str(d) for d in history.in_order))
    if isinstance(withdrawn, str) or isinstance(never, str):
        assert withdrawn == never
    else:
        assert differences(withdrawn, never) == {}
