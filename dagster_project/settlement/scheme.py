"""Which payment scheme is in force in a month, and up to which deliveries a month is known.

Here: both, with the errors for what is missing. Not here: whether a rulebook is sound
(`rules.capitation_rulebook`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.contracts.model import Catalogue
from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.lake.contract_checks import gaps_sql
from dagster_project.rulebook import Rulebook
from dagster_project.rules.capitation_rulebook import Version, in_force, read_versions

CHOICES, REGISTER = "enrolment_portal/enrolments", "population_register/residents"
ACTS = "apotti/procedures"


@dataclass(frozen=True)
class CutOff:
    """The newest delivery of each source that a settlement takes note of."""

    enrolment_sequence: int
    register_sequence: int


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def version_of(lake: Lake, rulebooks: Sequence[Rulebook], rulebook_id: str, month: date) -> Version:
    """The version of a payment scheme that is in force on the first day of a month.

    Raises:
        ContractError: the rulebooks are not sound, or have no such scheme or none that early.
    """
    area = {
        code
        for (code,) in lake.rows(
            "select municipality_code from core.municipality where is_trial_area"
        )
    }
    return in_force(read_versions(rulebooks, area), rulebook_id, month)


def cut_off(lake: Lake, catalogue: Catalogue, month: date, known_through: date) -> CutOff:
    """The newest deliveries that cover no day after a month.

    Args:
        lake: Whose register of deliveries is asked.
        catalogue: Contracts.
        month: The month that is settled, which they are to cover.
        known_through: First day of the last month whose deliveries count.

    Raises:
        TietoallasError: the month is not covered, or a delivery before is missing.
    """
    found = [covered(lake, catalogue, key, month, known_through) for key in (CHOICES, REGISTER)]
    return CutOff(*found)


def covered(
    lake: Lake, catalogue: Catalogue, key: str, month: date, known_through: date | None = None
) -> int:
    """The newest delivery of a table that covers no day after a month, and all before it.

    Raises:
        TietoallasError: the month is not covered, or a delivery before is missing.
    """
    last = next_month(known_through or month) - timedelta(days=1)
    sequence, to_date = lake.rows(
        "select max(delivery_sequence), max(covers_to_date) from effective.delivery"
        " where source = ? and table_name = ? and covers_to_date <= ?",
        [*key.split("/"), last],
    )[0]
    if sequence is None or to_date < next_month(month) - timedelta(days=1):
        raise TietoallasError(
            f"{month:%Y-%m} cannot be settled: {key} covers days to"
            f" {to_date or 'none'}; wait for the delivery of that month, or ask for it"
        )
    _refuse_gaps(lake, catalogue, key, sequence, month)
    return int(sequence)


def _refuse_gaps(lake: Lake, catalogue: Catalogue, key: str, sequence: int, month: date) -> None:
    gaps = lake.rows(
        f"select delivery_sequence from ({gaps_sql(catalogue.latest(key))})"
        " where delivery_sequence <= ? order by 1",
        [sequence],
    )
    if gaps:
        raise TietoallasError(
            f"{month:%Y-%m} cannot be settled: of {key} the delivery before {gaps[0][0]} is"
            " missing; take it in first (`tietoallas status` lists gaps)"
        )
