"""Which payment scheme is in force in a month, and up to which deliveries a month is known.

Here: both, with the errors for what is missing. Not here: whether a rulebook is sound
(`rules.capitation_rulebook`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta

from dagster_project.contracts.model import Catalogue
from dagster_project.errors import TietoallasError
from dagster_project.lake.checks import gaps_sql
from dagster_project.lake.connection import Lake

CHOICES, REGISTER = "enrolment_portal/enrolments", "population_register/residents"


@dataclass(frozen=True)
class Scheme:
    """A version of a payment scheme, as its rulebook states it."""

    rulebook_id: str
    valid_from_date: date
    service_code: str
    mode_code: str
    base_code: str
    is_budget_neutral: bool
    adults_from_age: int
    choice_delay_days: int
    is_shadow_for_public: bool
    incentive_share: str


@dataclass(frozen=True)
class CutOff:
    """The newest delivery of each source that a settlement takes note of."""

    enrolment_sequence: int
    register_sequence: int


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def previous_month(month: date) -> date:
    """The first day of the month before."""
    return (month - timedelta(days=1)).replace(day=1)


def scheme_of(lake: Lake, rulebook_id: str, month: date) -> Scheme:
    """The version in force on the first day of a month.

    Raises:
        TietoallasError: there is no such rulebook, or none that early.
    """
    names = [field.name for field in fields(Scheme)]
    rows = lake.rows(
        f"select {', '.join(names)} from rulebook.capitation_scheme"
        " where rulebook_id = ? and valid_from_date <= ? order by valid_from_date desc",
        [rulebook_id, month],
    )
    if not rows:
        known = lake.rows(
            "select rulebook_id, min(valid_from_date) from rulebook.capitation_scheme"
            " group by rulebook_id order by rulebook_id"
        )
        listed = "; ".join(f"{name} from {starts}" for name, starts in known)
        raise TietoallasError(
            f"no rulebook {rulebook_id!r} is in force on {month}; there are: {listed or 'none'}"
        )
    return Scheme(**dict(zip(names, rows[0], strict=True)))


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
    last = next_month(known_through) - timedelta(days=1)
    found = {}
    for key in (CHOICES, REGISTER):
        source, table = key.split("/")
        rows = lake.rows(
            "select max(delivery_sequence), max(covers_to_date) from effective.delivery"
            " where source = ? and table_name = ? and covers_to_date <= ?",
            [source, table, last],
        )
        sequence, covered = rows[0]
        if sequence is None or covered < next_month(month) - timedelta(days=1):
            raise TietoallasError(
                f"{month:%Y-%m} cannot be settled: {key} covers days to"
                f" {covered or 'none'}; wait for the delivery of that month, or ask for it"
            )
        found[key] = sequence
        _refuse_gaps(lake, catalogue, key, sequence, month)
    return CutOff(found[CHOICES], found[REGISTER])


def _refuse_gaps(lake: Lake, catalogue: Catalogue, key: str, sequence: int, month: date) -> None:
    gaps = lake.rows(
        f"select delivery_sequence from ({gaps_sql(catalogue.latest(key))})"
        " where delivery_sequence <= ? order by 1",
        [sequence],
    )
    if gaps:
        raise TietoallasError(
            f"{month:%Y-%m} cannot be settled: of {key} the delivery before {gaps[0][0]} is missing;"
            " take it in first (`tietoallas status` lists gaps)"
        )
