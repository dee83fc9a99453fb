"""The payment ledger: tables that are only ever added to, and what a settlement froze.

`mart.capitation_*` is what was paid and why; `ledger.frozen_*` is all that it was worked out from.
No model makes them and no build touches them. One thing alone changes a row: a person who is erased
or comes under a protection order leaves the frozen lists and acts; days, cells and counts stay.

Here: the tables, and taking persons out of them. Not here: settling (`settlement`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagster_project.lake.connection import Lake

_CELL = """
    provider_id varchar, site_id varchar, age_from integer, sex_code varchar,
    municipality_code varchar, is_shadow boolean not null"""

PAYMENT_TABLES = {
    "capitation_run": """
        capitation_run_id bigint not null, rulebook_id varchar not null,
        settlement_month date not null, version_date date not null, service_code varchar not null,
        mode_code varchar not null, is_budget_neutral boolean not null,
        is_capitation_only boolean not null, neutrality_factor decimal(18,8) not null,
        year_days integer not null, month_days integer not null,
        enrolled_days bigint not null, paid_days bigint not null,
        snapshot_id bigint not null, last_event_id bigint not null, code_version varchar not null,
        inputs_sha256 varchar not null, ledger_sha256 varchar not null,
        settled_at timestamp not null, run_id varchar not null""",
    "capitation_line": f"""
        capitation_run_id bigint not null, rulebook_id varchar not null,
        settlement_month date not null, version_date date not null,
        line_kind_code varchar not null, {_CELL}, age_to integer, procedure_code varchar,
        person_count bigint not null, person_days bigint not null, act_count bigint not null,
        base_eur decimal(18,6) not null, regional_factor decimal(18,8) not null,
        need_factor decimal(18,8) not null, correction_factor decimal(18,8) not null,
        neutrality_factor decimal(18,8) not null, rate_eur decimal(18,8) not null,
        amount_eur decimal(18,2) not null""",
    "capitation_adjustment": f"""
        capitation_run_id bigint not null, rulebook_id varchar not null,
        settlement_month date not null, corrected_month date not null,
        line_kind_code varchar not null, {_CELL}, procedure_code varchar,
        reason_code varchar not null, person_days bigint not null, act_count bigint not null,
        rate_eur decimal(18,8) not null, amount_eur decimal(18,2) not null""",
    "capitation_payment": """
        capitation_run_id bigint not null, rulebook_id varchar not null,
        settlement_month date not null, provider_id varchar not null,
        facilitator_provider_id varchar, is_shadow boolean not null,
        person_count bigint not null, person_days bigint not null,
        line_eur decimal(18,2) not null, adjustment_eur decimal(18,2) not null,
        amount_eur decimal(18,2) not null""",
    "capitation_explanation": """
        capitation_run_id bigint not null, rulebook_id varchar not null,
        settlement_month date not null, provider_id varchar not null,
        step_number integer not null, step_code varchar not null, detail_code varchar,
        is_shadow boolean not null, quantity bigint, factor decimal(18,8),
        step_eur decimal(18,2), without_eur decimal(18,2),
        text_fi varchar not null, text_sv varchar not null, text_en varchar not null""",
}
"""In schema `mart`."""
READ_WITHIN = ("capitation_run", "capitation_payment", "capitation_explanation")
"""Of these, what is published to named readers within the organiser: no cell of a list."""

FROZEN_TABLES = {
    "frozen_list": f"""
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        status_code varchar not null, person_id bigint, from_date date, {_CELL},
        person_count bigint not null, person_days bigint not null""",
    "frozen_change": f"""
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        reason_code varchar not null, person_id bigint, {_CELL}, person_days bigint not null""",
    "frozen_tariff": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        version_date date not null, age_from integer not null, age_to integer not null,
        sex_code varchar not null, base_eur decimal(18,6) not null""",
    "frozen_regional_factor": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        municipality_code varchar not null, factor decimal(18,8) not null""",
    "frozen_group_factor": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        provider_id varchar not null, need_factor decimal(18,8) not null,
        correction_factor decimal(18,8) not null, is_new boolean not null,
        observed_eur decimal(18,2), expected_eur decimal(18,2), credibility_weight decimal(18,8),
        raw_factor decimal(18,8), share_without_contact decimal(18,8), window_from_date date,
        window_to_date date""",
    "frozen_breakpoint": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        list_from_count bigint not null, amount_eur decimal(18,2) not null""",
    "frozen_act": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        person_id bigint, performed_date date, provider_id varchar not null,
        procedure_code varchar not null, is_shadow boolean not null, act_count bigint not null""",
    "frozen_act_change": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        reason_code varchar not null, person_id bigint, performed_date date,
        provider_id varchar not null, procedure_code varchar not null,
        is_shadow boolean not null, act_count bigint not null""",
    "frozen_act_fee": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        procedure_code varchar not null, fee_eur decimal(18,2) not null""",
    "frozen_incentive": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        incentive_share decimal(18,8) not null""",
    "frozen_score": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        provider_id varchar not null, period_start_date date not null,
        period_end_date date not null, is_budget_neutral boolean not null,
        measured_weight decimal(18,8) not null, weighted_distance decimal(18,16) not null,
        score_room decimal(18,8) not null, score_share decimal(18,8) not null""",
    "frozen_provider": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        provider_id varchar not null, provider_name varchar, is_shadow boolean not null,
        facilitator_provider_id varchar""",
    "frozen_scheme": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        version_date date not null, service_code varchar not null, mode_code varchar not null,
        is_budget_neutral boolean not null, year_days integer not null,
        month_days integer not null, adults_from_age integer not null,
        choice_delay_days integer not null, is_shadow_for_public boolean not null""",
    "frozen_rulebook": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        table_name varchar not null, sha256 varchar not null, rulebook_text varchar not null""",
    "frozen_source": """
        capitation_run_id bigint not null, rulebook_id varchar not null, list_month date not null,
        source varchar not null, table_name varchar not null,
        delivery_sequence bigint not null""",
}
"""In schema `ledger`; `list_month` is the month that the row is of, closed or the run's own."""


@dataclass(frozen=True)
class _Listing:
    """A frozen table at person level, and what is left of a row without its person."""

    table: str
    without_person: str
    grouped_by: str


_LISTINGS = (
    _Listing(
        "frozen_list",
        "capitation_run_id, rulebook_id, list_month, status_code, null, null, provider_id, site_id,"
        " age_from, sex_code, municipality_code, is_shadow,"
        " cast(count(distinct person_id) as bigint), cast(sum(person_days) as bigint)",
        "capitation_run_id, rulebook_id, list_month, status_code, provider_id, site_id, age_from,"
        " sex_code, municipality_code, is_shadow",
    ),
    _Listing(
        "frozen_change",
        "capitation_run_id, rulebook_id, list_month, reason_code, null, provider_id, site_id,"
        " age_from, sex_code, municipality_code, is_shadow, cast(sum(person_days) as bigint)",
        "capitation_run_id, rulebook_id, list_month, reason_code, provider_id, site_id, age_from,"
        " sex_code, municipality_code, is_shadow",
    ),
    _Listing(
        "frozen_act",
        "capitation_run_id, rulebook_id, list_month, null, null, provider_id, procedure_code,"
        " is_shadow, cast(sum(act_count) as bigint)",
        "capitation_run_id, rulebook_id, list_month, provider_id, procedure_code, is_shadow",
    ),
    _Listing(
        "frozen_act_change",
        "capitation_run_id, rulebook_id, list_month, reason_code, null, null, provider_id,"
        " procedure_code, is_shadow, cast(sum(act_count) as bigint)",
        "capitation_run_id, rulebook_id, list_month, reason_code, provider_id, procedure_code,"
        " is_shadow",
    ),
)


def columns_of(definition: str) -> list[tuple[str, str]]:
    """Names and types of a table's columns, from its definition above."""
    stated = re.findall(r"(\w+) (\w+(?:\(\d+,\d+\))?)(?: not null)?(?:,|$)", definition.strip())
    return [(name, kind) for name, kind in stated]


def create_ledger_tables(lake: Lake) -> None:
    """Make the tables that are missing; call it in a transaction."""
    for schema, tables in (("mart", PAYMENT_TABLES), ("ledger", FROZEN_TABLES)):
        for name, columns in tables.items():
            lake.execute(f"create table if not exists lake.{schema}.{name} ({columns})")


def take_out_persons(lake: Lake, persons_sql: str) -> None:
    """Take persons out of frozen lists and acts: days and acts stay, summed, and are nobody's.

    Call it in a transaction. A recompute gives what it gave before; a later correction leaves these
    days and acts alone, for there is nobody to compare them with.

    Args:
        lake: Where the ledger is.
        persons_sql: Trusted query of one column, the ids.
    """
    for listing in _LISTINGS:
        table, theirs = f"lake.ledger.{listing.table}", f"person_id in ({persons_sql})"
        if not lake.count(f"select count(*) from {table} where {theirs}"):
            continue
        lake.execute(
            f"create or replace temp table nobodys as select {listing.without_person}"
            f" from {table} where {theirs} group by {listing.grouped_by}"
        )
        lake.execute(f"delete from {table} where {theirs}")
        lake.execute(f"insert into {table} from nobodys")
        lake.execute("drop table nobodys")
