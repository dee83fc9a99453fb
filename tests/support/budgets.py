"""Personal budgets for tests: the tables that their models read, and rows of them.

Here: columns, makers of rows, and the models in order. Not here: what must come of them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.support.model_chain import Chain, chain

D = Decimal
JAN, FEB, MAR = 201701, 201702, 201703
NEW_YEAR = date(2018, 1, 1)
DECISION = (
    "budget_decision_id bigint, person_id bigint, budget_group_code varchar, service_code varchar,"
    " hb_class_code varchar, granted_eur decimal(18,2), valid_from_date date, valid_to_date date,"
    " decided_date date, known_from_seq bigint, known_to_seq bigint"
)
LINE = (
    "transaction_id bigint, person_id bigint, budget_decision_id bigint,"
    " voucher_provider_id varchar, service_code varchar, quantity decimal(18,2),"
    " unit_price_eur decimal(18,2), amount_eur decimal(18,2), client_share_eur decimal(18,2),"
    " transaction_kind_code varchar, refers_to_transaction_id bigint, service_date date,"
    " booked_at timestamp, booked_date date, booked_month date, budget_match_code varchar,"
    " provider_match_code varchar, agreed_price_eur decimal(18,2), is_above_agreed_price boolean,"
    " reference_match_code varchar, is_reversed boolean, delivery_sequence bigint"
)
STAY = (
    "person_id bigint, municipality_code varchar, valid_from_date date, valid_to_date date,"
    " known_to_seq bigint"
)
LEDGER_TABLES = {
    "core.budget_decision": DECISION,
    "core.voucher_transaction": LINE,
    "core.voucher_statement": "booked_month date, is_reconciled boolean",
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.provider": "provider_id varchar, business_id varchar",
    "core.voucher_provider": (
        "voucher_provider_id varchar, business_id varchar, sector_code varchar, known_to_seq bigint"
    ),
    "core.site": "site_id varchar, provider_id varchar",
    "core.guidance_outcome": (
        "outcome_id bigint, target_code varchar, item_code varchar, outcome_code varchar,"
        " outcome_date date"
    ),
    "core.purchase_authorisation": (
        "purchase_authorisation_id bigint, person_id bigint, voucher_provider_id varchar,"
        " service_code varchar, valid_from_date date, valid_to_date date"
    ),
    "core.permit": (
        "site_id varchar, service_code varchar, valid_from_date date, valid_to_date date"
    ),
}
LEDGER_MODELS = (
    "core.voucher_entry",
    "core.voucher_overrun",
    "mart.personal_budget_ledger",
    "mart.voucher_worklist",
)
PEOPLE_TABLES = {
    "core.person": (
        "person_id bigint, sex_code varchar, birth_date date, death_date date,"
        " language_code varchar"
    ),
    "core.residence": STAY,
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
}
PROPOSAL_TABLES = {
    **PEOPLE_TABLES,
    "core.budget_decision": DECISION,
    "core.voucher_entry": (
        "entry_kind_code varchar, person_id bigint, budget_month date, paid_eur decimal(18,2),"
        " returned_eur decimal(18,2)"
    ),
    "core.study_enrolment": (
        "person_id bigint, cohort_code varchar, budget_group_code varchar, valid_from_date date,"
        " valid_to_date date"
    ),
    "core.need_assessment": (
        "assessment_id bigint, scale_code varchar, person_id bigint, instrument_code varchar,"
        " score integer, assessed_date date, valid_to_date date"
    ),
    "core.person_month": "person_id bigint, exposure_month date",
    "core.cost": (
        "event_kind_code varchar, person_id bigint, cost_month date, costed_service_code varchar,"
        " cost_eur decimal(18,2)"
    ),
}
PROPOSAL_MODELS = (
    "core.area_departure",
    "core.personal_budget_rule_version",
    "core.personal_budget_occasion",
    "core.personal_budget_need",
    "mart.personal_budget_proposal",
    "mart.personal_budget_reasoning",
)


FOLLOWUP_MODELS = (
    "core.area_departure",
    "core.voucher_entry",
    "mart.personal_budget_ledger",
    "mart.personal_budget_followup",
    "mart.personal_budget_total",
    "mart.personal_budget_equity",
)


def followup_chain() -> Chain:
    """From decisions and lines to follow-up, totals and the equity report."""
    months = {"core.person_month": "person_id bigint, exposure_month date, municipality_code text"}
    return chain(FOLLOWUP_MODELS, {**LEDGER_TABLES, **PEOPLE_TABLES, **months})


def ledger_chain() -> Chain:
    """From decisions and lines to the ledger and the worklist."""
    return chain(LEDGER_MODELS, LEDGER_TABLES)


def proposal_chain(**rulebooks: str) -> Chain:
    """From assessments to proposals; some rulebooks as tables that a test fills."""
    return chain(PROPOSAL_MODELS, {**PROPOSAL_TABLES, **rulebooks})


def delivered(until: date) -> list[tuple[Any, ...]]:
    """The voucher system's deliveries cover all days to this one."""
    return [("smartum", "transactions", until)]


def decision(number: int, granted: str, **others: Any) -> tuple[Any, ...]:
    """A budget for cleaning of 2017 of client 7, known from January, unless told otherwise."""
    row = {
        "budget_decision_id": number,
        "person_id": 7,
        "budget_group_code": "1",
        "service_code": "cleaning",
        "hb_class_code": "2",
        "granted_eur": D(granted),
        "valid_from_date": date(2017, 1, 1),
        "valid_to_date": NEW_YEAR,
        "decided_date": date(2016, 12, 10),
        "known_from_seq": JAN,
        "known_to_seq": None,
    }
    assert others.keys() <= row.keys()
    return tuple((row | others).values())


def line(number: int, kind: str, euros: str, day: date, **others: Any) -> tuple[Any, ...]:
    """A line of client 7's budget 5 for cleaning, booked on a day, in order unless told so."""
    row: dict[str, Any] = {
        "transaction_id": number,
        "person_id": 7,
        "budget_decision_id": 5,
        "voucher_provider_id": "PT1",
        "service_code": "cleaning",
        "quantity": D(1),
        "unit_price_eur": D(30),
        "amount_eur": D(euros),
        "client_share_eur": D("0.00"),
        "transaction_kind_code": kind,
        "refers_to_transaction_id": None,
        "service_date": day,
        "booked_at": datetime(day.year, day.month, day.day, 10),
        "booked_date": day,
        "booked_month": day.replace(day=1),
        "budget_match_code": "matched",
        "provider_match_code": "approved",
        "agreed_price_eur": D(30),
        "is_above_agreed_price": False,
        "reference_match_code": None,
        "is_reversed": False,
        "delivery_sequence": day.year * 100 + day.month,
    }
    assert others.keys() <= row.keys()
    if others.get("refers_to_transaction_id") is not None:
        row["reference_match_code"] = "found"
    return tuple((row | others).values())
