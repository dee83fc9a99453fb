"""From what was delivered to what is posted: nothing that is due, or not asked for, is waited for.

Here: `mart.indicator_value`, `mart.incentive_contribution` and the ledger, one after the other. Not
here: each by itself (`test_indicator_value`, `test_score_posting`, `test_incentive`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.incentives import CONTRIBUTION_TABLES, VALUE_TABLES, VERSION
from tests.support.models import Bench, bench
from tests.support.settling import CORE, MAY, Desk, Tariff, desk

D = Decimal
JUNE, JULY, AUGUST, SEPTEMBER = (date(2017, m, 1) for m in (6, 7, 8, 9))
PERIODS = ((MAY, date(2017, 5, 31), 1), (JUNE, date(2017, 6, 30), 1))
MONTHS = tuple(date(2017, m, 28) for m in range(5, 10))
STEADY, FICKLE = "steady", "fickle"
"""An indicator of which all comes in time, at its target; and one at its floor."""
BEST, BOTH = D("3.10"), D("0.62")
"""Of 31 euros a tenth at the target, and a fiftieth where 0.6 of the weights are there."""


NAMES = (STEADY, FICKLE)
SETTING: dict[str, Any] = {
    "core.site": [("P1", "reception", VERSION, None)],
    "core.indicator_period": PERIODS,
    "rulebook.indicator_service": [(name, "reception") for name in NAMES],
    "rulebook.indicator_delivery": [(name, "s", name) for name in NAMES],
}
SCHEME: dict[str, Any] = {
    "rulebook.incentive_scheme": [
        (VERSION, "S", "reception", D("0.5"), D("0.1"), D("0.05"), D("0.5"), False)
    ],
    "rulebook.incentive_weight": [
        (VERSION, "S", STEADY, D("0.6")),
        (VERSION, "S", FICKLE, D("0.4")),
    ],
    "rulebook.indicator_scale": [(VERSION, name, 20, 80, 100) for name in NAMES],
}


@dataclass(frozen=True)
class Office:
    """The two models and the ledger."""

    value: Bench
    contribution: Bench
    desk: Desk

    def told(
        self,
        reached: date,
        *,
        has_come: bool,
        scheduled: bool = True,
        of: str = "lake",
    ) -> set[tuple[str, bool]]:
        """Score what is known when deliveries have reached a day; states of the fickle one in May.

        Args:
            reached: The day.
            has_come: Whether the fickle one's delivery of May has, and stands.
            scheduled: Whether the calendar asks for it at the end of May.
            of: Who reports it.
        """
        values = self.value.run(
            SETTING
            | {
                "effective.delivery": [("s", STEADY, d) for d in MONTHS if d <= reached]
                + [("s", FICKLE, MONTHS[0])] * has_come,
                "core.reached": [(reached,)],
                "rulebook.indicator_month": [(STEADY, 5), (FICKLE, 6)] + [(FICKLE, 5)] * scheduled,
                "rulebook.indicator": [
                    (VERSION, STEADY, "pct", 100, "wilson", "lake", STEADY, 20, 30),
                    (VERSION, FICKLE, "pct", 100, "wilson", of, FICKLE, 20, 30),
                ],
                "indicator.counted": [(STEADY, "P1", "reception", MAY, 80, 100, "lake")]
                + [(FICKLE, "P1", "reception", MAY, 20, 100, of)] * (has_come or of == "lake"),
            }
        )
        kept = [c.split()[0] for c in CONTRIBUTION_TABLES["mart.indicator_value"].split(", ")]
        known = [tuple(row[name] for name in kept) for row in values]
        rows = self.contribution.run(SCHEME | {"mart.indicator_value": known})
        columns = [c.split()[0] for c in CORE["mart.incentive_contribution"].split(", ")]
        self.desk.replace(
            "mart.incentive_contribution", *(tuple(r[c] for c in columns) for r in rows)
        )
        return {
            (v["state_code"], v["is_to_date"])
            for v in values
            if (v["indicator_id"], v["period_start_date"]) == (FICKLE, MAY)
        }

    def settle(self, *months: date) -> list[Decimal]:
        """What has been posted of May and June when these months are settled."""
        for month in months:
            self.desk.settle(month)
        rows = self.desk.rows(
            "mart.capitation_adjustment",
            "capitation_run_id, amount_eur",
            f"line_kind_code = 'score' and corrected_month = date '{MAY}'",
        )
        return [eur for _, eur in sorted(rows)]


@pytest.fixture(scope="module")
def models() -> tuple[Bench, Bench]:
    return (
        bench("mart.indicator_value", VALUE_TABLES),
        bench("mart.incentive_contribution", CONTRIBUTION_TABLES),
    )


@pytest.fixture
def office(models: tuple[Bench, Bench]) -> Office:
    """A euro a day for one person of P1."""
    made = desk(Tariff())
    made.delivered(JUNE, JULY, AUGUST, SEPTEMBER)
    made.put("core.indicator_period", *(period[:2] for period in PERIODS))
    made.choice(made.person(1))
    return Office(*models, made)


EARLY, LATE, AUTUMN = date(2017, 6, 10), date(2017, 6, 30), date(2017, 9, 30)
CASES: dict[str, tuple[dict[str, Any], tuple[str, bool], list[Decimal]]] = {
    "all has come": ({"has_come": True}, ("measured", False), [BOTH]),
    "it never came": ({"has_come": False}, ("overdue", False), [BEST]),
    "not asked for, and it never came": (
        {"has_come": False, "scheduled": False}, ("not_scheduled", False), [BEST],
    ),
    "the provider never reported": (
        {"has_come": False, "of": "provider"}, ("overdue", False), [BOTH],
    ),
    "it has not come yet": ({"has_come": False, "reached": EARLY}, ("measured", True), []),
    "the provider has not reported yet": (
        {"has_come": False, "of": "provider", "reached": EARLY}, ("not_scheduled", True), [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_period_is_posted_when_nothing_more_is_due(office: Office, case: str) -> None:
    given, state, posted = CASES[case]
    assert office.told(**({"reached": LATE} | given)) == {state}
    assert office.settle(MAY, JUNE) == posted


def test_a_delivery_withdrawn_after_posting_takes_nothing_back(office: Office) -> None:
    """Withdrawn before it is due, then overdue, then delivered again: only finals correct."""
    office.told(EARLY, has_come=True)
    assert office.settle(MAY, JUNE) == [BOTH]
    assert office.told(EARLY, has_come=False) == {("measured", True)}
    assert office.settle(JULY) == [BOTH]
    assert office.told(AUTUMN, has_come=False) == {("overdue", False)}
    assert office.settle(AUGUST) == [BOTH, BEST - BOTH]
    assert office.told(AUTUMN, has_come=True) == {("measured", False)}
    assert office.settle(SEPTEMBER) == [BOTH, BEST - BOTH, BOTH - BEST]
