"""What a budget will have used when it ends, at its present pace, and how far that may be wrong.

Here: the rule. Not here: what is used (`budget_ledger`), when a forecast is asked for and what is
said of it (`rulebooks/personal_budget_followup.yaml`, `sql/mart/personal_budget_followup.sql`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dagster_project.rules.rounding import CENT, half_up_of_fraction

DAYS_A_MONTH = 30.4375


@dataclass(frozen=True)
class Forecast:
    """Euros used at the end, and the interval about them."""

    forecast_eur: Decimal
    low_eur: Decimal
    high_eur: Decimal


def planned(granted_eur: Decimal, elapsed_days: int, whole_days: int) -> Decimal:
    """What of a grant falls on the days so far, half up to a cent."""
    return half_up_of_fraction(Fraction(granted_eur) * elapsed_days / whole_days, CENT)


def forecast(
    used_by_month: Sequence[Decimal], elapsed_days: int, days_left: int, z: Decimal
) -> Forecast:
    """Use so far by day, carried on; months vary about it as they have varied.

    What has been used already is used: the interval does not begin below it.

    Args:
        used_by_month: at least two months, the first of which may be a part of one.
        elapsed_days: since the budget began.
        days_left: on which it still accrues.
        z: standard deviations to either side.
    """
    used = sum(used_by_month, Decimal(0))
    pace = Fraction(max(used, Decimal(0))) / elapsed_days
    middle = half_up_of_fraction(pace * (elapsed_days + days_left), CENT)
    cents = [int(euros / CENT) for euros in used_by_month]
    count, total = len(cents), sum(cents)
    variance = (count * sum(c * c for c in cents) - total * total) / (count * (count - 1))
    months = days_left / DAYS_A_MONTH
    spread = float(z) * math.sqrt(max(variance, 0.0) * months * (1 + months / count))
    margin = math.floor(spread + 0.5) * CENT
    return Forecast(middle, max(middle - margin, min(used, middle)), middle + margin)
