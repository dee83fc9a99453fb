"""How long a settlement takes: everybody on a list, months one after the other, on a real lake.

Core is made by hand, so that nothing but settlement is timed: every resident has a provider; one in
125 changes it in a month, every fifth of these known a month late; one in 240 moves. Ten providers,
nine municipalities, fourteen bands of age and sex. Every quarter each provider has a score of ten
indicators. One month more is settled after a register came that tells another sex of one person in
1 000, all of whose months are looked at again.

Here: that lake and the months. Not here: what a settlement does (`dagster_project.settlement`).
"""

from __future__ import annotations

import resource
import time
from datetime import date
from pathlib import Path

from dagster_project import pipeline
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.settlement.runs import settle
from dagster_project.settlement.scheme import next_month
from dagster_project.vault.keys import create_keyring

FIRST = date(2017, 5, 1)
_MONTH = "cast(date '2017-05-01' + to_months(cast({n} as integer)) as date)"
_SEQUENCE = "cast(strftime({month}, '%Y%m') as bigint)"
_AREA = "['106','186','444','505','543','611','638','753','858']"


def measure(
    work: Path, *, residents: int, months: int, memory_gib: float | None = None
) -> list[tuple[str, str]]:
    """Seconds of the first month, of all, of the slowest one; and the most memory held."""
    keys = work / f"settlement_{residents}.keys"
    create_keyring(keys)
    settings = Settings(home=work / f"settlement_{residents}", keys=keys)
    if memory_gib:
        settings = settings.model_copy(update={"memory_limit_gib": memory_gib})
    with pipeline.open_session(settings) as session:
        _make_core(session.lake, residents, months + 1)
        seconds = _settle(session, FIRST, months)
        last = _after(FIRST, months)
        _land_register(session.lake, residents, months)
        (after_register,) = _settle(session, last, 1)
        corrections = session.lake.count("select count(*) from mart.capitation_adjustment")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    what = f"settlement, {residents} residents, all enrolled"
    return [
        (f"{what}: a first month", f"{seconds[0]:.1f} s"),
        (
            f"{what}: {months} months from nothing",
            f"{sum(seconds):.1f} s; slowest {max(seconds):.1f} s; {corrections} corrections;"
            f" {peak:.1f} GB resident",
        ),
        (f"{what}: a month with a new register after {months}", f"{after_register:.1f} s"),
    ]


def _settle(session: Session, month: date, months: int) -> list[float]:
    found = []
    for _ in range(months):
        started = time.perf_counter()
        settle(session, month, "reception")
        found.append(time.perf_counter() - started)
        month = next_month(month)
    return found


def _after(month: date, months: int) -> date:
    for _ in range(months):
        month = next_month(month)
    return month


def _land_register(lake: Lake, residents: int, months: int) -> None:
    """The registers of the two last months, the newer one told of since."""
    for number, sex in ((months - 1, "2 - n % 2"), (months, "1 + n % 2")):
        sequence = _SEQUENCE.format(month=_MONTH.format(n=number))
        lake.execute(
            "insert into lake.staging.residents by name select cast(hash(n) // 2 as bigint) as"
            f" person_id, cast(case when n % 1000 = 0 then {sex} else 1 + n % 2 end as varchar) as"
            " sex_code, date '1925-01-01' + cast(n * 7919 % 33000 as integer) as birth_date,"
            f" {sequence} as delivery_sequence, n as record_number from range({residents}) as r(n)"
        )
    lake.execute(
        "insert into lake.ops.delivery_event select 1, 'population_register', 'residents',"
        f" {sequence}, 'landed', '', timestamp '2017-05-01', 'bench'"
    )
    lake.execute("update lake.ops.build set last_event_id = 1")


def _make_core(lake: Lake, residents: int, months: int) -> None:
    for name, sql in (_people(residents) | _register_and_factors() | _scores(months)).items():
        lake.execute(f"create or replace table lake.{name} as {sql}")
    lake.execute(
        "insert into lake.ops.build values (1, ?, 0, 0, '', timestamp '2017-05-01', 'bench')",
        [lake.snapshot_id()],
    )
    month = _MONTH.format(n="n")
    for source, table in (("enrolment_portal", "enrolments"), ("population_register", "residents")):
        lake.execute(
            f"insert into lake.ops.delivery select '{source}', '{table}',"
            f" {_SEQUENCE.format(month=month)}, '', '1.0.0', 0, 0, 0, 0, 0,"
            f" {_SEQUENCE.format(month=f'{month} - 1')}, last_day({month}),"
            f" timestamp '2017-05-01', 'bench' from range({months}) as r(n)"
        )


def _people(residents: int) -> dict[str, str]:
    people = f"range({residents}) as r(n)"
    changed = _MONTH.format(n="n % 125")
    known = _SEQUENCE.format(month=_MONTH.format(n="n % 125 + (n % 625) // 500"))
    moved, told = _MONTH.format(n="n % 240"), _SEQUENCE.format(month=_MONTH.format(n="n % 240"))
    person = "hash(n) // 2 as person_id"
    choice = f"cast(n as varchar) as enrolment_id, {person}, 'reception' as service_code"
    place = f"{_AREA}[1 + cast(n % 9 as integer)] as municipality_code"
    return {
        "core.person": f"select cast(hash(n) // 2 as bigint) as person_id,"
        " cast(1 + n % 2 as varchar) as sex_code,"
        " date '1925-01-01' + cast(n * 7919 % 33000 as integer) as birth_date,"
        f" cast(null as date) as death_date from {people}",
        "core.person_alias": "select 0::bigint as alias_person_id, 0::bigint as person_id limit 0",
        "core.person_link": "select 0::bigint as from_person_id, 0::bigint as to_person_id,"
        " 0::bigint as known_from_seq, 0::bigint as known_to_seq limit 0",
        "core.enrolment": f"select * replace (cast(person_id as bigint) as person_id) from ("
        f"select {choice}, 'P' || n % 10 as provider_id, 'S' || n % 10 as site_id,"
        " date '2017-01-01' as valid_from_date, cast(null as date) as valid_to_date,"
        " false as is_ended_by_next,"
        f" 201701::bigint as known_from_seq, {known} as known_to_seq from {people} union all"
        f" select {choice}, 'P' || n % 10, 'S' || n % 10, date '2017-01-01', {changed} + 10,"
        f" true, {known}, null from {people} union all"
        f" select {choice}, 'P' || (n + 1) % 10, 'S' || (n + 1) % 10, {changed} + 10, null,"
        f" false, {known}, null from {people})",
        "core.residence": f"select * replace (cast(person_id as bigint) as person_id) from ("
        f"select {person}, {place}, date '2010-01-01' as valid_from_date,"
        " cast(null as date) as valid_to_date, 201701::bigint as known_from_seq,"
        f" {told} as known_to_seq from {people} union all"
        f" select {person}, {place}, date '2010-01-01', {moved} + 5, {told}, null from {people}"
        f" union all select {person}, {_AREA}[1 + cast((n + 1) % 9 as integer)], {moved} + 5, null,"
        f" {told}, null from {people})",
    }


def _register_and_factors() -> dict[str, str]:
    return {
        "core.municipality": f"select unnest({_AREA}) as municipality_code, true as is_trial_area",
        "core.provider": "select 'P' || n as provider_id, 'P' || n as provider_name,"
        " 'B' || n as business_id, 'private' as sector_code from range(10) as r(n)",
        "core.site": "select 'S' || n as site_id, 'P' || n as provider_id,"
        " 'private' as sector_code, 'reception' as service_code, '106' as municipality_code,"
        " date '2010-01-01' as valid_from_date, cast(null as date) as valid_to_date"
        " from range(10) as r(n)",
        "core.voucher_provider": "select '' as business_id, '' as facilitator_provider_id,"
        " 0::bigint as known_to_seq limit 0",
        "core.procedure": "select '' as procedure_code, 0::bigint as person_id, '' as site_id,"
        " date '2010-01-01' as performed_date, date '2010-01-01' as procedure_month limit 0",
        "mart.capitation_tariff": "select rulebook_id, valid_from_date as version_date, age_from,"
        " age_to, unnest(['1', '2']) as sex_code, cast(amount_eur as decimal(18, 6)) as base_eur"
        " from rulebook.capitation_amount where rulebook_id = 'reception'",
        "mart.capitation_need_factor": "select '' as rulebook_id,"
        " date '2010-01-01' as version_date, date '2010-01-01' as settlement_month,"
        " '' as provider_id,"
        " cast(1 as decimal(18, 8)) as need_factor limit 0",
        "mart.capitation_correction_factor": "select 'reception' as rulebook_id,"
        " valid_from_date as version_date, 'P' || n as group_id,"
        " cast(0.95 as decimal(18, 8)) as factor, cast(1 as decimal(18, 2)) as observed_eur,"
        " cast(1 as decimal(18, 2)) as expected_eur,"
        " cast(0.5 as decimal(18, 8)) as credibility_weight,"
        " cast(0.9 as decimal(18, 8)) as raw_factor,"
        " cast(0.3 as decimal(18, 8)) as share_without_contact, date '2016-05-01' as"
        " window_from_date, date '2017-05-01' as window_to_date"
        " from rulebook.capitation_scheme, range(10) as r(n) where rulebook_id = 'reception'",
    }


def _scores(months: int) -> dict[str, str]:
    start = _MONTH.format(n="3 * q")
    share = "as decimal(18, 8))"
    return {
        "core.indicator_period": f"select {start} as period_start_date,"
        f" last_day({_MONTH.format(n='3 * q + 2')}) as period_end_date"
        f" from range({months // 3}) as r(q)",
        "mart.incentive_contribution": f"select 'P' || p as provider_id,"
        f" 'reception' as service_code, {start} as period_start_date, false as is_early_warning,"
        f" cast(0.1 {share} as weight, cast(p * 0.1 {share} as counted_part,"
        f" cast(0.1 {share} as effective_weight, cast(0.5 {share} as neutral_score,"
        f" cast(0.05 {share} as bonus_share, cast(0.05 {share} as sanction_share,"
        f" false as is_budget_neutral from range({months // 3}) as r(q), range(10) as s(p),"
        " range(10) as t(i)",
    }
