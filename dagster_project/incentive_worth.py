"""What scores are worth in euros, of what was paid for the list: shown, by indicator.

The early warning of a period under way, and what each indicator of a finished one brings or takes.
Capitation is the ledger's; of months not yet settled nothing is counted.

Here: asking for it, and budget neutrality over providers. Not here: the rule (`rules.incentive`),
the query (`sql/incentive/worth.sql`, which is held to it), posting to the ledger (`settlement`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.rules.incentive import neutral_adjustments
from dagster_project.settings import PROJECT_ROOT

QUERY = PROJECT_ROOT / "sql" / "incentive" / "worth.sql"


@dataclass(frozen=True)
class Worth:
    """An indicator of a provider in a period, in euros."""

    provider_id: str
    scheme_id: str
    indicator_id: str
    is_early_warning: bool
    """The period goes on, or something of it is still to come."""
    is_shadow: bool
    """Of a provider who is settled in shadow: reckoned and not paid."""
    is_budget_neutral: bool
    state_code: str
    value: Decimal | None
    effective_weight: Decimal
    counted_part: Decimal
    score: Decimal
    paid_eur: Decimal
    """Capitation settled so far for the period's months, corrections of them included."""
    worth_eur: Decimal


@dataclass(frozen=True)
class Outcome:
    """A provider's bonus (above nought) or sanction of a period."""

    provider_id: str
    scheme_id: str
    score: Decimal
    paid_eur: Decimal
    incentive_eur: Decimal
    """The indicators' sum."""
    neutrality_eur: Decimal
    """What keeps all providers' sum at nought, where the scheme says so."""
    is_early_warning: bool
    is_shadow: bool

    @property
    def amount_eur(self) -> Decimal:
        """What is added or taken."""
        return self.incentive_eur + self.neutrality_eur


def worths(lake: Lake, period_start_date: date) -> tuple[Worth, ...]:
    """Euros by scheme, provider and indicator; a provider without a score has none.

    Raises:
        BuildError: deliveries have reached no such period.
    """
    ends = lake.rows(
        "select period_end_date + 1 from core.indicator_period where period_start_date = ?",
        [period_start_date],
    )
    if not ends:
        starts = lake.rows("select period_start_date from core.indicator_period order by all")
        known = ", ".join(f"{starts_date:%Y-%m}" for (starts_date,) in starts) or "none yet"
        raise BuildError(f"no period starts in {period_start_date:%Y-%m}; those that do: {known}")
    values = {
        "period_start_date": period_start_date,
        "begin_date": period_start_date,
        "end_date": ends[0][0],
    }
    return tuple(Worth(*row) for row in lake.rows(QUERY.read_text(encoding="utf-8"), values))


def without_score(lake: Lake, period_start_date: date) -> tuple[tuple[str, str, Decimal], ...]:
    """Scheme, provider and measured weight of those of whom too little is measured."""
    rows = lake.rows(
        "select scheme_id, provider_id, measured_weight from mart.incentive_score"
        " where period_start_date = ? and score is null order by all",
        [period_start_date],
    )
    return tuple((scheme, provider, weight) for scheme, provider, weight in rows)


def outcomes(found: Sequence[Worth]) -> tuple[Outcome, ...]:
    """Bonus or sanction by scheme and provider, brought to a sum of nought where that is due."""
    groups: dict[tuple[str, str], list[Worth]] = {}
    for one in found:
        groups.setdefault((one.scheme_id, one.provider_id), []).append(one)
    neutral = _neutrality(groups)
    return tuple(
        Outcome(
            provider_id=rows[0].provider_id,
            scheme_id=rows[0].scheme_id,
            score=rows[0].score,
            paid_eur=rows[0].paid_eur,
            incentive_eur=_sum(rows),
            neutrality_eur=neutral.get(key, Decimal("0.00")),
            is_early_warning=rows[0].is_early_warning,
            is_shadow=rows[0].is_shadow,
        )
        for key, rows in sorted(groups.items())
    )


def _sum(rows: Sequence[Worth]) -> Decimal:
    return sum((one.worth_eur for one in rows), Decimal("0.00"))


def _neutrality(
    groups: dict[tuple[str, str], list[Worth]],
) -> dict[tuple[str, str], Decimal]:
    """Adjustments by scheme and provider; those settled in shadow are paid nothing to share."""
    found: dict[tuple[str, str], Decimal] = {}
    for scheme_id in {scheme for scheme, _ in groups}:
        mine = {
            provider: rows
            for (scheme, provider), rows in groups.items()
            if scheme == scheme_id and rows[0].is_budget_neutral and not rows[0].is_shadow
        }
        amounts = {provider: _sum(rows) for provider, rows in mine.items()}
        paid = {provider: rows[0].paid_eur for provider, rows in mine.items()}
        shared = neutral_adjustments(amounts, paid)
        found |= {(scheme_id, provider): eur for provider, eur in shared.items()}
    return found
