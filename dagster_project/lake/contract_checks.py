"""Checks that follow from contracts: conservation, gaps, protection orders, codes.

Here: one set for every delivered table. Not here: those of single models (`sql/check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project.contracts.model import (
    Catalogue,
    Column,
    Contract,
    DeliveryMode,
    Dimension,
    Reference,
    SequenceStep,
    Severity,
)
from dagster_project.lake.check_model import Check
from dagster_project.sql_text import quoted

CORE_OF_STAGING = {
    "apotti/encounters": "core.encounter",
    "apotti/diagnoses": "core.diagnosis",
    "apotti/measurements": "core.measurement",
    "apotti/procedures": "core.procedure",
    "apotti/referrals": "core.referral",
    "apotti/access_events": "core.access_event",
    "apotti/need_assessments": "core.need_assessment",
    "apotti/social_services": "core.service_period",
    "apotti/informal_care_agreements": "core.informal_care_agreement",
    "finance/general_ledger": "core.ledger_entry",
    "finance/client_fees": "core.client_fee",
    "hus/specialised_care": "core.hospital_episode",
    "hus/invoices": "core.invoice_line",
    "smartum/purchase_authorisations": "core.purchase_authorisation",
    "smartum/transactions": "core.voucher_transaction",
    "guidance/contacts": "core.guidance_contact",
    "guidance/study_enrolment": "core.study_enrolment",
    "guidance/worker_time": "core.guidance_worker_time",
    "guidance/outcomes": "core.guidance_outcome",
    "guidance/families": "core.family_member",
    "enrolment_portal/flags": "core.flag",
    "enrolment_portal/corrective_actions": "core.corrective_action",
    "surveys/staff_survey": "core.staff_survey_response",
    "provider_scorecards/indicators": "core.scorecard_indicator",
    "provider_scorecards/staff": "core.scorecard_staff",
}
"""Core tables with one row per staging row in force, for the second conservation law."""

_FORMS = {
    "guidance/worker_assessment": "1",
    "guidance/daily_life_impact": "8",
    "guidance/budget_experience": "8",
}
"""Staging tables of the forms in `core.guidance_assessment`, and its rows for each of theirs."""


def contract_checks(contracts: Sequence[Contract]) -> Iterable[Check]:
    """The checks of every delivered table, of its places, and of its codes."""
    for contract in contracts:
        yield from _of_contract(contract)
    yield from _of_protection(contracts)
    yield from _of_codes(contracts)


def _of_contract(contract: Contract) -> list[Check]:
    checks = [_received_conserved(contract), _no_gap(contract)]
    if contract.key in CORE_OF_STAGING:
        checks.append(_accepted_conserved(contract))
    if contract.key in _FORMS:
        checks.append(_answers_conserved(contract))
    if contract.delivery.mode is DeliveryMode.SNAPSHOT:
        checks.append(_snapshot_conserved(contract))
    return checks


def _mine(contract: Contract) -> str:
    return f"source = '{contract.source}' and table_name = '{contract.table}'"


def _received_conserved(contract: Contract) -> Check:
    """The first law, for every delivery ever: received = accepted + quarantined + duplicate.

    What has been erased since was accepted once, and is counted as such.
    """
    table = f"staging.{quoted(contract.table)}"
    return Check(
        id=f"{contract.table}.received_is_conserved",
        table=table,
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select delivery_sequence, received_count, accepted_count,"
            " quarantined_count, duplicate_count"
            f" from ops.delivery where {_mine(contract)}) as register"
            " full join (select delivery_sequence, count(*) as row_count"
            f" from {table} group by all) as staged using (delivery_sequence)"
            " full join (select delivery_sequence, count(distinct record_number) as left_count"
            f" from ops.quarantine where {_mine(contract)} group by all) as left_out"
            " using (delivery_sequence)"
            " left join (select delivery_sequence, cast(sum(record_count) as bigint)"
            f" as erased_count from ops.erasure where {_mine(contract)} group by all) as erased"
            " using (delivery_sequence)"
            " where received_count is distinct from coalesce(row_count, 0)"
            " + coalesce(left_count, 0) + coalesce(erased_count, 0)"
            " or accepted_count is distinct from"
            " coalesce(row_count, 0) + coalesce(erased_count, 0)"
            " or quarantined_count + duplicate_count is distinct from coalesce(left_count, 0)"
        ),
        checked_sql=f"select count(*) from ops.delivery where {_mine(contract)}",
        description="received = accepted + quarantined + duplicate, for every delivery",
    )


def _no_gap(contract: Contract) -> Check:
    return Check(
        id=f"{contract.table}.no_delivery_is_missing",
        table=f"staging.{quoted(contract.table)}",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql=f"select count(*) from ({gaps_sql(contract)})",
        checked_sql=f"select count(*) from ops.delivery where {_mine(contract)}",
        description="every delivery's predecessor was taken in",
    )


def gaps_sql(contract: Contract) -> str:
    """SQL for the sequences before which one is missing.

    Before a sender's own first there is none, however early others began.
    """
    is_by_sender = contract.delivery.sequence_step is SequenceStep.SENDER_QUARTER
    same_sender = (
        " and earlier.delivery_sequence % 100 = later.delivery_sequence % 100"
        if is_by_sender
        else ""
    )
    return (
        f"select delivery_sequence from ops.delivery as later where {_mine(contract)}"
        " and predecessor_sequence is not null"
        " and delivery_sequence > (select min(earlier.delivery_sequence)"
        f" from ops.delivery as earlier where {_mine(contract)}{same_sender})"
        f" and predecessor_sequence not in (select delivery_sequence from ops.delivery"
        f" where {_mine(contract)})"
    )


def _accepted_conserved(contract: Contract) -> Check:
    """Of an increment: accepted = current + superseded + withdrawn + unresolved + erased."""
    table = f"staging.{quoted(contract.table)}"
    key = ", ".join(quoted(name) for name in contract.primary_key)
    parts = (
        f"(select count(*) from {CORE_OF_STAGING[contract.key]})"
        f" + (select coalesce(sum(versions - 1), 0) from (select count(*) as versions"
        f" from effective.{quoted(contract.table)} group by {key}))"
        f" + (select count(*) from {table} where delivery_sequence in (select delivery_sequence"
        f" from effective.withdrawn_delivery where {_mine(contract)}))"
        f" + (select count(*) from core.unresolved where {_mine(contract)})"
        f" + {_erased(contract)}"
    )
    return Check(
        id=f"{contract.table}.accepted_is_conserved",
        table=CORE_OF_STAGING[contract.key],
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select abs((select coalesce(sum(accepted_count), 0) from ops.delivery"
            f" where {_mine(contract)}) - ({parts}))"
        ),
        checked_sql=f"select count(*) from {table}",
        description="accepted = current + superseded + withdrawn + unresolved + erased",
    )


def _erased(contract: Contract) -> str:
    return f"(select coalesce(sum(record_count), 0) from ops.erasure where {_mine(contract)})"


def _answers_conserved(contract: Contract) -> Check:
    """The second law of a form: every row in force has all its items in core, and nothing else."""
    return Check(
        id=f"{contract.table}.{contract.table}_is_conserved",
        table="core.guidance_assessment",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select delivery_sequence, record_number"
            f" from current.{quoted(contract.table)}) as answered"
            " full join (select delivery_sequence, record_number, count(*) as item_count"
            f" from core.guidance_assessment where form_code = '{contract.table}' group by all)"
            " as item using (delivery_sequence, record_number)"
            f" where answered.record_number is null or item_count is distinct from"
            f" {_FORMS[contract.key]}"
        ),
        checked_sql=f"select count(*) from current.{quoted(contract.table)}",
        description="every row in force has each item of its form in core, once",
    )


def _snapshot_conserved(contract: Contract) -> Check:
    """Of a snapshot: accepted = current + superseded + ended + withdrawn + erased."""
    name = quoted(contract.table)
    key = ", ".join(quoted(column) for column in contract.primary_key)
    parts = (
        f"(select count(*) from current.{name})"
        f" + (select coalesce(sum(versions - 1), 0) from (select count(*) as versions"
        f" from effective.{name} group by {key}))"
        f" + (select count(*) from (select {key} from effective.{name}"
        f" except select {key} from current.{name}))"
        f" + (select count(*) from staging.{name} where delivery_sequence in"
        f" (select delivery_sequence from effective.withdrawn_delivery where {_mine(contract)}))"
        f" + {_erased(contract)}"
    )
    return Check(
        id=f"{contract.table}.accepted_is_conserved",
        table=f"staging.{name}",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select abs((select coalesce(sum(accepted_count), 0) from ops.delivery"
            f" where {_mine(contract)}) - ({parts}))"
        ),
        checked_sql=f"select count(*) from staging.{name}",
        description="accepted = current + superseded + ended + withdrawn + erased",
    )


def _of_protection(contracts: Sequence[Contract]) -> list[Check]:
    """No place of a protected person in staging, nor in any core table that carries one."""
    staged = [
        (f"staging.{quoted(c.table)}", [k.name for k in c.identities], places)
        for c in contracts
        if c.identities and (places := [k.name for k in c.lake_columns if k.is_place])
    ]
    core = [
        ("core.residence", ["person_id"], ["municipality_code", "postal_code"]),
        ("core.encounter", ["person_id"], ["site_id"]),
        ("core.enrolment", ["person_id"], ["provider_id", "site_id"]),
        ("core.person_month", ["person_id"], ["municipality_code"]),
        ("core.measurement", ["person_id"], ["site_id"]),
        ("core.procedure", ["person_id"], ["site_id"]),
        ("core.referral", ["person_id"], ["received_by_code"]),
        ("core.access_event", ["person_id"], ["site_id"]),
        ("core.service_period", ["person_id", "cared_person_id"], ["provider_id"]),
        ("core.care_relation", ["person_id"], ["professional_id"]),
        ("core.hospital_episode", ["person_id"], ["unit_code"]),
        ("core.invoice_line", ["person_id"], ["unit_code"]),
        ("core.budget_decision", ["person_id"], ["decision_maker_code"]),
        ("core.voucher_transaction", ["person_id"], ["voucher_provider_id"]),
        ("core.purchase_authorisation", ["person_id"], ["voucher_provider_id"]),
        ("core.informal_care_agreement", ["person_id", "cared_person_id"], ["cared_person_id"]),
        ("core.family_member", ["person_id"], ["family_id"]),
        ("core.study_enrolment", ["person_id"], ["municipality_code"]),
        ("core.guidance_contact", ["person_id"], ["guide_code"]),
        ("core.guidance_assessment", ["person_id"], ["guide_code"]),
        ("core.guidance_outcome", ["person_id"], ["guide_code"]),
        ("core.survey_response", ["person_id"], ["provider_id", "site_id"]),
        ("core.flag", ["person_id"], ["provider_id", "site_id"]),
        ("core.prior_use", ["person_id"], ["municipality_code"]),
        ("mart.voucher_worklist", ["person_id"], ["voucher_provider_id"]),
    ]
    catalogue = Catalogue(tuple(contracts))
    leading = [
        _leads_to_nobody(c, r, catalogue.latest(r.to_contract))
        for c, r in catalogue.references_to_persons()
    ]
    return [*(_no_place(*entry) for entry in (*staged, *core)), *leading]


def _leads_to_nobody(contract: Contract, reference: Reference, target: Contract) -> Check:
    """No row that may name a place leads to a protected person's row."""
    on = " and ".join(
        f"nobodys.{quoted(a)} = theirs.{quoted(b)}"
        for a, b in zip(reference.columns, reference.to_columns, strict=True)
    )
    protected = "(select person_id from protected_person)"
    named = " or ".join(f"theirs.{quoted(c.name)} in {protected}" for c in target.identities)
    table = f"staging.{quoted(contract.table)}"
    return Check(
        id=f"staging.{contract.table}.{'_'.join(reference.columns)}_leads_to_nobody_protected",
        table=table,
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            f"select count(*) from {table} as nobodys"
            f" inner join staging.{quoted(target.table)} as theirs on {on} where {named}"
        ),
        checked_sql="select count(*) from protected_person",
        description="no row of nobody leads to one of a person under a protection order",
    )


def _no_place(table: str, persons: list[str], places: list[str]) -> Check:
    told = " or ".join(f"{quoted(place)} is not null" for place in places)
    protected = "(select person_id from protected_person)"
    named = " or ".join(f"{quoted(person)} in {protected}" for person in persons)
    return Check(
        id=f"{table.replace(chr(34), '')}.protected_have_no_place",
        table=table,
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(f"select count(*) from {table} where ({named}) and ({told})"),
        checked_sql="select count(*) from protected_person",
        description="no row tells where a person under a protection order is",
    )


def _of_codes(contracts: Sequence[Contract]) -> list[Check]:
    """Codes are on their list on the day of the event, and no list loses codes that are in use."""
    coded = [(c, column) for c in contracts for column in c.coded_columns]
    lists = sorted({column.code_list.list_key for _, column in coded if column.code_list})
    return [*(_on_its_list(*entry) for entry in coded), *map(_keeps_its_codes, lists)]


def _on_its_list(contract: Contract, column: Column) -> Check:
    where = f"{_mine(contract)} and column_name = '{column.name}'"
    return Check(
        id=f"code_use.{contract.table}_{column.name}_is_on_its_list",
        table="core.code_use",
        dimension=Dimension.CONFORMANCE,
        severity=column.code_list.severity if column.code_list else Severity.WARNING,
        violated_sql=(
            "select coalesce(sum(unknown_count + not_in_force_count + dropped_count), 0)"
            f" from core.code_use where {where}"
        ),
        checked_sql=f"select coalesce(sum(coded_count), 0) from core.code_use where {where}",
        description="the list has the code, in force on the day of the event",
    )


def _keeps_its_codes(key: str) -> Check:
    """A list that was withdrawn, emptied or replaced would else make every code merely unknown."""
    where = f"code_list = '{key}'"
    return Check(
        id=f"code_use.{key.split('/')[1]}_keeps_its_codes",
        table="core.code_use",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=f"select coalesce(sum(dropped_count), 0) from core.code_use where {where}",
        checked_sql=f"select coalesce(sum(coded_count), 0) from core.code_use where {where}",
        description="no code in use has left its list: one that has ended keeps its row and dates",
    )
