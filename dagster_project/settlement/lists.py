"""Who is on whose list, in the month that is settled and in closed ones, each by its own terms.

Here: lists, and choices that none can be made of. Not here: whose lists of closed months are looked
at again (`closed_months`), what a day is paid (`reckoning`).
"""

from __future__ import annotations

from datetime import date

from dagster_project.errors import TietoallasError
from dagster_project.settlement.bench import Bench

TERMS = ("adults_from_age", "choice_delay_days", "is_shadow_for_public")
"""What a version of a scheme says of who is on a list."""


def make_lists(bench: Bench) -> None:
    """Everybody's list of the month, into `settle.listed`."""
    terms = ", ".join(f"${name} as {name}" for name in TERMS)
    bench.take("month", f"select $list_month as list_month, $end_date as end_date, {terms}")
    bench.take("touched", "select null::bigint as person_id limit 0")
    _take_spans(bench, bench.values["list_month"], bench.values["end_date"], is_partial=False)
    bench.make("listed")


def add_closed_lists(bench: Bench, begin: date) -> None:
    """Add lists of closed months from one on, as they would be now, of whoever is touched."""
    bench.take(
        "month",
        f"select list_month, end_date, {', '.join(TERMS)} from settle.closed"
        " where list_month >= $begin_date",
        begin_date=begin,
    )
    _take_spans(bench, begin, bench.values["list_month"], is_partial=True)
    bench.add("listed", "listed")


def _take_spans(bench: Bench, begin: date, end: date, *, is_partial: bool) -> None:
    """Choices, stays and public stations in the months from one day to another."""
    bench.make("choice", is_partial=is_partial)
    bench.make("stay", begin_date=begin, end_date=end, is_partial=is_partial)
    bench.make("station")


def refuse_broken_choices(bench: Bench) -> None:
    """Choices that no list can be made of.

    Raises:
        TietoallasError: one ends before it starts, two overlap, or a provider is not known.
    """
    (ended,) = bench.rows(
        "select count(*) from core.enrolment where service_code = $service_code"
        " and known_from_seq <= $enrolment_sequence and (known_to_seq is null"
        " or known_to_seq > $enrolment_sequence) and valid_to_date < valid_from_date"
        " and valid_from_date < $end_date"
    )[0]
    (overlapping,) = bench.rows(
        "with several as (select person_id from settle.choice group by person_id"
        " having count(*) > 1), following as (select person_id, to_date, lead(from_date) over"
        " (partition by person_id order by from_date, to_date) as next_date from settle.choice"
        " semi join several using (person_id))"
        " select count(*) from following where next_date is not null"
        " and (to_date is null or next_date < to_date)"
    )[0]
    month = f"{bench.values['list_month']:%Y-%m}"
    if ended:
        raise TietoallasError(
            f"{month} cannot be settled: {ended} choices in core.enrolment end before they start;"
            " have the portal correct them, then run again"
        )
    if overlapping:
        raise TietoallasError(
            f"{month} cannot be settled: {overlapping} choices in core.enrolment overlap, so that"
            " two providers would be paid for the same days; have the portal correct them"
        )
    unknown = bench.rows(
        "select distinct provider_id from settle.choice anti join settle.provider"
        " using (provider_id) where provider_id is not null order by all"
    )
    if unknown:
        raise TietoallasError(
            f"{month} cannot be settled: people chose {', '.join(p for (p,) in unknown)}, which the"
            " register of sites does not have; ask its owner for a newer reference/sites"
        )
