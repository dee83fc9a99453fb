"""The inputs of a settlement: gathered from the lake, judged, frozen; and had back from the ledger.

Here: factors, providers, and the errors for what is wrong in them. Not here: lists (`lists`), acts
(`acts`), what has changed in closed months (`closed_months`), amounts (`reckoning`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.rulebook import Rulebook
from dagster_project.rules.capitation import days_in_year
from dagster_project.rules.capitation_rulebook import Version
from dagster_project.settlement import acts, closed_months, hidden
from dagster_project.settlement.bench import Bench, query
from dagster_project.settlement.closed_months import CORRECTED, RUN, SUMS
from dagster_project.settlement.lists import TERMS, make_lists, refuse_broken_choices
from dagster_project.settlement.scheme import (
    ACTS,
    CutOff,
    covered,
    cut_off,
    next_month,
    version_of,
)


def _refuse_closed(lake: Lake, service_code: str, month: date) -> None:
    """A month of a service is settled once, by whichever scheme pays for it then.

    Raises:
        TietoallasError: it was, or a later one was.
    """
    rows = lake.rows(
        f"select settlement_month, rulebook_id, capitation_run_id from {RUN}"
        " where service_code = ? and settlement_month >= ? order by settlement_month",
        [service_code, month],
    )
    if not rows:
        return
    settled, rulebook_id, run_id = rows[0]
    if settled == month:
        raise TietoallasError(
            f"{month:%Y-%m} is closed: {rulebook_id} was settled by run {run_id}, and what has"
            " come since is corrected in the next month's run; `tietoallas settle recompute`"
            " works it out again"
        )
    raise TietoallasError(
        f"{settled:%Y-%m} of {rulebook_id} is settled already, so {month:%Y-%m} cannot follow it;"
        " months are settled in their order"
    )


def gather(session: Session, rulebook_id: str, month: date, *, known_through: date) -> Bench:
    """Every input of a month's settlement, judged, in working tables.

    Raises:
        TietoallasError: something is missing or contradicts itself; nothing was written.
    """
    lake, definition = session.lake, session.definition
    version = version_of(lake, definition.rulebooks, rulebook_id, month)
    _refuse_closed(lake, version.service_code, month)
    _refuse_other_payer(lake, version, month)
    until = cut_off(lake, definition.catalogue, month, known_through)
    bench = month_inputs(session, version, until, month)
    _refuse_missing_need(bench)
    closed_months.gather_changes(bench)
    bench.make("payee")
    bench.make("source")
    return bench


def month_inputs(
    session: Session, version: Version, until: CutOff, month: date, *, is_draft: bool = False
) -> Bench:
    """What a month is worked out from, closed months left aside, but for whom it is paid to.

    Args:
        session: Lake and vault.
        version: Of the payment scheme.
        until: What is known.
        month: Its first day.
        is_draft: Whether amounts come straight from the rulebook, no tariff having been built.

    Raises:
        TietoallasError: something is missing or contradicts itself.
    """
    lake = session.lake
    run_id = lake.count(f"select coalesce(max(capitation_run_id), 0) + 1 from {RUN}")
    bench = Bench(lake, _values(version, until, month) | {"capitation_run_id": run_id})
    bench.make("closed")
    bench.make("provider")
    _take_factors(bench, "draft_tariff" if is_draft else "tariff")
    make_lists(bench)
    refuse_broken_choices(bench)
    _refuse_missing_factors(bench)
    hidden.add_days(session, bench)
    if acts.take_acts(bench):
        covered(lake, session.definition.catalogue, ACTS, month)
    hidden.add_acts(session, bench)
    bench.values["incentive_share"] = acts.incentive_share(bench)
    _have_no_changes(bench)
    return bench


def _refuse_other_payer(lake: Lake, version: Version, month: date) -> None:
    """A service is paid by one scheme.

    Raises:
        TietoallasError: it is another.
    """
    rows = lake.rows(
        "select rulebook_id from rulebook.capitation_payer where service_code = ?"
        " and valid_from_date <= ? order by valid_from_date desc limit 1",
        [version.service_code, month],
    )
    if rows != [(version.rulebook_id,)]:
        raise TietoallasError(
            f"{version.rulebook_id} does not pay for {version.service_code} in {month:%Y-%m}"
            f" ({rows[0][0] if rows else 'nothing'} does, by rulebooks/capitation_payer.yaml);"
            " `tietoallas settle what-if` shows what it would pay"
        )


def _values(version: Version, until: CutOff, month: date) -> dict[str, Any]:
    end = next_month(month)
    return {
        "rulebook_id": version.rulebook_id,
        "version_date": version.valid_from_date,
        "service_code": version.service_code,
        "mode_code": version.mode.value,
        "is_budget_neutral": version.is_budget_neutral,
        "is_shadow_for_public": version.is_shadow_for_public,
        "adults_from_age": version.adults_from_age,
        "choice_delay_days": version.choice_delay_days,
        "enrolment_sequence": until.enrolment_sequence,
        "register_sequence": until.register_sequence,
        "list_month": month,
        "end_date": end,
        "year_days": days_in_year(month),
        "month_days": (end - month).days,
    }


def _take_factors(bench: Bench, tariff: str) -> None:
    """Tariff, regional and group factors, steps of list size: those in force in the month.

    Raises:
        TietoallasError: there is no tariff, or a negative amount in it.
    """
    bench.make("tariff", tariff)
    for table in ("regional_factor", "group_factor", "breakpoint"):
        bench.make(table)
    month, rulebook_id = f"{bench.values['list_month']:%Y-%m}", bench.values["rulebook_id"]
    if not bench.rows("select 1 from settle.tariff limit 1"):
        raise TietoallasError(
            f"{month} cannot be settled: mart.capitation_tariff has no amounts of {rulebook_id} of"
            f" {bench.values['version_date']}; run `tietoallas run`, and see the rulebook"
        )
    negative = bench.rows("select min(base_eur) from settle.tariff having min(base_eur) < 0")
    if negative:
        raise TietoallasError(
            f"{month} cannot be settled: an amount of {rulebook_id} is negative ({negative[0][0]});"
            " see rulebooks/capitation_amount.yaml"
        )


def _refuse_missing_factors(bench: Bench) -> None:
    """A paid day without its amount or factor.

    Raises:
        TietoallasError: there is one; the message names bands and municipalities, never a person.
    """
    month, rulebook_id = f"{bench.values['list_month']:%Y-%m}", bench.values["rulebook_id"]
    days = bench.rows(
        "select cast(sum(person_days) as bigint) from settle.listed"
        " where status_code = 'paid' and age_from is null and person_id is not null"
        " having sum(person_days) > 0"
    )
    if days:
        raise TietoallasError(
            f"{month} cannot be settled: {days[0][0]} person-days are of an age or sex for which"
            f" {rulebook_id} has no amount; mend its age bands"
        )
    regional = bench.rows(
        "select distinct municipality_code from settle.listed anti join settle.regional_factor"
        " using (municipality_code) where status_code = 'paid' and person_id is not null"
        " order by all"
    )
    if regional:
        raise TietoallasError(
            f"{month} cannot be settled: {rulebook_id} has no regional factor for municipality"
            f" {', '.join(str(m) for (m,) in regional)}; add it to capitation_regional_factor"
        )


def _refuse_missing_need(bench: Bench) -> None:
    """A list paid by need whose need nobody worked out.

    Raises:
        TietoallasError: there is one; the message names its provider.
    """
    lists = bench.rows(
        "select distinct provider_id from settle.listed anti join mart.capitation_need_factor"
        " as need on listed.provider_id = need.provider_id and need.rulebook_id = $rulebook_id"
        " and need.version_date = $version_date and need.settlement_month = $list_month"
        " where $mode_code = 'need' and status_code = 'paid' and person_id is not null"
        " order by all"
    )
    if lists:
        raise TietoallasError(
            f"{bench.values['list_month']:%Y-%m} cannot be settled: {bench.values['rulebook_id']}"
            f" pays by need, and mart.capitation_need_factor has none of"
            f" {', '.join(str(p) for (p,) in lists)}; run `tietoallas run`"
        )


def _have_no_changes(bench: Bench) -> None:
    """No closed month, and nothing to correct in one."""
    bench.take("month", _NO_MONTH)
    bench.take("settled_entry", f"select * from ({query('settled_entry')}) as entry limit 0")
    for table in SUMS:
        bench.make(table)
    bench.take("change", _NO_CHANGE)
    for table in CORRECTED:
        bench.take(f"new_{table}", f"select * from settle.{table} limit 0")


_OWN = ("tariff", "regional_factor", "group_factor", "breakpoint", "act", "score", *acts.FACTORS)
"""Frozen of the month that is settled."""
_NO_MONTH = (
    "select null::date as list_month, 0 as year_days, null::decimal(18, 8) as neutrality_factor"
    " limit 0"
)
_NO_CHANGE = (
    "select null::date as list_month, '' as reason_code, null::bigint as person_id,"
    " '' as provider_id, '' as site_id, 0 as age_from, '' as sex_code, '' as municipality_code,"
    " false as is_shadow, 0::bigint as person_days limit 0"
)


def freeze(bench: Bench, rulebooks: Iterable[Rulebook]) -> None:
    """Write every input into the ledger; call it in a transaction."""
    for book in rulebooks:
        if book.name.startswith(("capitation_", "incentive_")):
            _store(
                bench,
                "frozen_rulebook",
                "select $list_month as list_month, $table_name as table_name, $sha256 as sha256,"
                " $rulebook_text as rulebook_text",
                table_name=book.name,
                sha256=book.sha256,
                rulebook_text=book.text,
            )
    own = "where list_month = $list_month"
    _store(bench, "frozen_list", f"select * from settle.listed {own}")
    for table in _OWN:
        _store_some(bench, f"frozen_{table}", f"select * from settle.{table} {own}")
    for table in (*CORRECTED, *acts.FACTORS):
        _store_some(bench, f"frozen_{table}", f"select * from settle.new_{table}")
    for table in ("change", "act_change"):
        _store_some(bench, f"frozen_{table}", f"select * from settle.{table}")
    _store(bench, "frozen_provider", "select $list_month as list_month, * from settle.payee")
    _store(
        bench,
        "frozen_scheme",
        "select $list_month as list_month, $version_date as version_date,"
        " $service_code as service_code, $mode_code as mode_code,"
        " $is_budget_neutral as is_budget_neutral, $year_days as year_days,"
        " $month_days as month_days, " + ", ".join(f"${name} as {name}" for name in TERMS),
    )
    _store(bench, "frozen_source", "select * from settle.source")


def _store_some(bench: Bench, table: str, sql: str) -> None:
    """Add the rows if there are any: most of these tables are empty, and writing none is slow."""
    if bench.rows(f"{sql} limit 1"):
        _store(bench, table, sql)


def _store(bench: Bench, table: str, sql: str, **values: str) -> None:
    """Add rows to a frozen table, under the run and its rulebook."""
    bench.run(
        f"insert into lake.ledger.{table} by name select $capitation_run_id as capitation_run_id,"
        f" $rulebook_id as rulebook_id, * from ({sql})",
        **values,
    )


def thaw(lake: Lake, run_id: int) -> Bench:
    """The frozen inputs of a run, in working tables as they were when it was settled.

    Raises:
        TietoallasError: there is no such run.
    """
    rows = lake.rows(
        "select rulebook_id, list_month, version_date, service_code, mode_code, is_budget_neutral,"
        " year_days, month_days from ledger.frozen_scheme"
        " where capitation_run_id = ?",
        [run_id],
    )
    if not rows:
        raise TietoallasError(f"there is no settlement run {run_id}; see `tietoallas settle list`")
    names = "rulebook_id list_month version_date service_code mode_code is_budget_neutral"
    named = f"{names} year_days month_days".split()
    bench = Bench(lake, dict(zip(named, rows[0], strict=True)) | {"capitation_run_id": run_id})
    of_run = "where capitation_run_id = $capitation_run_id"
    bench.take("listed", f"select * from ledger.frozen_list {of_run}")
    bench.take("payee", f"select * from ledger.frozen_provider {of_run}")
    for table in _OWN:
        frozen = f"select * from ledger.frozen_{table} {of_run} and list_month = $list_month"
        bench.take(table, frozen)
    bench.values["incentive_share"] = acts.incentive_share(bench)
    acts.have_no_changes(bench)
    for table in ("change", "act_change"):
        bench.take(table, f"select * from ledger.frozen_{table} {of_run}")
    for table in (*CORRECTED, *acts.FACTORS):
        frozen = f"select * from ledger.frozen_{table} {of_run} and list_month < $list_month"
        bench.take(f"new_{table}", frozen)
    bench.make("closed")
    closed_months.take_closed(bench)
    closed_months.take_settled(bench)
    bench.take("month", "select list_month, year_days, neutrality_factor from settle.closed")
    return bench
