"""Checks over the lake as a whole: what must hold before a build is called green.

A check is data: id, table, category, severity, and two queries that count what violates it and
what was looked at. An error in a query is an error, never a pass.

Here: the checks and their verdicts. Not here: rules of single rows (`gate`), keys of models
(`builds`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import duckdb

from dagster_project.contracts.model import (
    Catalogue,
    Column,
    Contract,
    DeliveryMode,
    Dimension,
    SequenceStep,
    Severity,
)
from dagster_project.errors import CheckFailed
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run
from dagster_project.sql_models import SCHEMAS, ModelGraph
from dagster_project.sql_text import quoted

_TABLE = re.compile(r"\b(effective|current|staging|core|indicator|mart)\.\"?(\w+)\"?")

CORE_OF_STAGING = {
    "apotti/encounters": "core.encounter",
    "apotti/diagnoses": "core.diagnosis",
    "apotti/measurements": "core.measurement",
    "apotti/procedures": "core.procedure",
    "apotti/referrals": "core.referral",
    "apotti/access_events": "core.access_event",
    "apotti/need_assessments": "core.need_assessment",
    "apotti/social_services": "core.service_period",
    "finance/general_ledger": "core.ledger_entry",
    "finance/client_fees": "core.client_fee",
    "hus/specialised_care": "core.hospital_episode",
    "hus/invoices": "core.invoice_line",
    "smartum/transactions": "core.voucher_transaction",
    "guidance/contacts": "core.guidance_contact",
    "guidance/study_enrolment": "core.study_enrolment",
    "guidance/worker_time": "core.guidance_worker_time",
    "guidance/outcomes": "core.guidance_outcome",
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


class Status(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    PASS_WITH_FAILURES = "pass_with_failures"  # noqa: S105 - likewise
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Check:
    """One check: both queries give one count."""

    id: str
    table: str
    dimension: Dimension
    severity: Severity
    violated_sql: str
    checked_sql: str
    description: str

    @property
    def reads(self) -> frozenset[str]:
        """Tables it is of: its own, and those of the lake that its queries read.

        As `staging.<table>` or `<schema>.<model>`.
        """
        found = _TABLE.findall(f"{self.table} {self.violated_sql} {self.checked_sql}")
        return frozenset(
            f"{schema if schema in SCHEMAS else 'staging'}.{table}" for schema, table in found
        )


@dataclass(frozen=True)
class CheckResult:
    """A check's verdict with its counts; never a value."""

    check: Check
    status: Status
    violated: int
    checked: int

    @property
    def is_blocking(self) -> bool:
        """Whether nothing may be built or published on top of this."""
        failed = self.status is Status.FAIL and self.check.severity is Severity.ERROR
        return failed or self.status is Status.ERROR


def all_checks(catalogue: Catalogue) -> tuple[Check, ...]:
    """Every check, those over the contracts' tables first."""
    contracts = [catalogue.latest(key) for key in catalogue.tables()]
    return (
        *(check for c in contracts for check in _of_contract(c)),
        *_of_protection(contracts),
        *_of_codes(contracts),
        *_OF_CORE,
        *_OF_VOUCHERS,
        *_OF_CAPITATION,
        *_OF_INCENTIVES,
    )


def due_checks(catalogue: Catalogue, graph: ModelGraph) -> tuple[Check, ...]:
    """The checks of what is installed: those that read a table nobody makes here are left out."""
    staged = {f"staging.{catalogue.latest(key).table}" for key in catalogue.tables()}
    of_register = {"staging.delivery", "staging.withdrawn_delivery"}
    made = staged | of_register | {model.full_name for model in graph.models}
    return tuple(check for check in all_checks(catalogue) if check.reads <= made)


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


def _of_protection(contracts: list[Contract]) -> list[Check]:
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
        ("core.study_enrolment", ["person_id"], ["municipality_code"]),
        ("core.guidance_contact", ["person_id"], ["guide_code"]),
        ("core.guidance_assessment", ["person_id"], ["guide_code"]),
        ("core.guidance_outcome", ["person_id"], ["guide_code"]),
        ("core.survey_response", ["person_id"], ["provider_id", "site_id"]),
        ("core.flag", ["person_id"], ["provider_id", "site_id"]),
        ("core.prior_use", ["person_id"], ["municipality_code"]),
    ]
    return [_no_place(*entry) for entry in (*staged, *core)]


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


def _of_codes(contracts: list[Contract]) -> list[Check]:
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


def _overlap(table: str, partition: str) -> str:
    return (
        f"select count(*) from (select valid_from_date, lag(valid_to_date, 1, valid_from_date)"
        f" over (partition by {partition} order by valid_from_date, coalesce(valid_to_date,"
        f" date '9999-12-31')) as prior_to_date from {table} where known_to_seq is null)"
        " where prior_to_date is null or valid_from_date < prior_to_date"
    )


def _spans_conserved(table: str, core: str, key: str) -> Check:
    """The second law of an increment whose core rows are spans of deliveries, counted by key."""
    known = f"(select {key} from {core} where known_to_seq is null)"
    return Check(
        id=f"{table}.accepted_is_conserved",
        table=core,
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            f"select count(*) from (((select {key} from effective.{table}) except {known})"
            f" union all ({known} except (select {key} from effective.{table})))"
        ),
        checked_sql=f"select count(*) from effective.{table}",
        description=f"every {key} accepted and not withdrawn is in force in core",
    )


_OF_VOUCHERS = (
    _spans_conserved("providers", "core.voucher_provider", "voucher_provider_id"),
    _spans_conserved("service_prices", "core.service_price", "price_id"),
    _spans_conserved("budgets", "core.budget_decision", "budget_decision_id"),
    Check(
        id="service_price.prices_do_not_overlap",
        table="core.service_price",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=_overlap("core.service_price", "voucher_provider_id, service_code, unit_code"),
        checked_sql="select count(*) from core.service_price where known_to_seq is null",
        description="a service has one price at a time with a provider",
    ),
    Check(
        # A warning: one lost line must not stop the publication of all else. Who pays by the
        # ledger asks `is_reconciled` of the month and pays nothing where it is not.
        id="voucher_statement.ledger_equals_statement",
        table="core.voucher_statement",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql="select count(*) from core.voucher_statement where not is_reconciled",
        checked_sql="select count(*) from core.voucher_statement",
        description="lines add up to the sender's own totals, to the cent, by month and kind",
    ),
    Check(
        id="voucher_transaction.lines_have_a_budget",
        table="core.voucher_transaction",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.voucher_transaction where budget_match_code <> 'matched'"
        ),
        checked_sql="select count(*) from core.voucher_transaction",
        description="a line names its client's budget for the service, within its dates",
    ),
    Check(
        id="voucher_transaction.providers_are_approved",
        table="core.voucher_transaction",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.voucher_transaction"
            " where provider_match_code not in ('approved', 'hidden')"
        ),
        checked_sql="select count(*) from core.voucher_transaction",
        description="a line's provider is approved for the service on its day",
    ),
    Check(
        id="voucher_transaction.prices_are_agreed",
        table="core.voucher_transaction",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql="select count(*) from core.voucher_transaction where is_above_agreed_price",
        checked_sql=(
            "select count(*) from core.voucher_transaction where agreed_price_eur is not null"
        ),
        description="no unit costs more than its provider agreed to",
    ),
    Check(
        id="voucher_transaction.references_are_found",
        table="core.voucher_transaction",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.voucher_transaction"
            " where reference_match_code in ('unknown', 'other_person')"
        ),
        checked_sql=(
            "select count(*) from core.voucher_transaction"
            " where refers_to_transaction_id is not null"
        ),
        description="the line that a reversal, correction, return or payment names is there",
    ),
)

_OF_CORE = (
    Check(
        id="residence.stays_do_not_overlap",
        table="core.residence",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=_overlap("core.residence", "person_id"),
        checked_sql="select count(*) from core.residence where known_to_seq is null",
        description="a person lives in one place at a time",
    ),
    Check(
        # The second law of an increment whose core rows are spans: counted by enrolment.
        id="enrolments.accepted_is_conserved",
        table="core.enrolment",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "with in_force as (select enrolment_id from core.enrolment where known_to_seq is null)"
            " select count(*) from (("
            "select enrolment_id from current.enrolments anti join (select delivery_sequence,"
            " record_number from core.unresolved where table_name = 'enrolments')"
            " using (delivery_sequence, record_number) except from in_force)"
            " union all (from in_force except select enrolment_id from effective.enrolments))"
        ),
        checked_sql="select count(*) from current.enrolments",
        description="every enrolment accepted and not withdrawn is in force or unresolved",
    ),
    Check(
        # The second law of answers: a form is a row for each of its items.
        id="survey_response.answers_are_conserved",
        table="core.survey_response",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select coalesce(sum(abs(due.answer_count - coalesce(kept.answer_count, 0))), 0) from ("
            "select 'health_survey' as survey_code, 10 * count(*) as answer_count"
            " from current.health_survey union all"
            " select 'patient_reported', count(*) from current.patient_reported union all"
            " select 'experience', 6 * count(*) from current.experience anti join"
            " (from core.unresolved where table_name = 'experience')"
            " using (delivery_sequence, record_number)) as due"
            " left join (select survey_code, count(*) as answer_count from core.survey_response"
            " group by survey_code) as kept using (survey_code)"
        ),
        checked_sql="select count(*) from core.survey_response",
        description="every answer accepted and in force is in core or unresolved",
    ),
    Check(
        id="scorecard_staff.periods_follow_on",
        table="core.scorecard_staff",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from (select start_staff_count, lag(end_staff_count) over"
            " (partition by provider_id, profession_group_code order by period_end_date)"
            " as prior_staff_count from core.scorecard_staff)"
            " where start_staff_count <> prior_staff_count"
        ),
        checked_sql="select count(*) from core.scorecard_staff",
        description="staff at the beginning of a period are those at the end of the one before",
    ),
    Check(
        id="enrolment.choices_do_not_overlap",
        table="core.enrolment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=_overlap("core.enrolment", "person_id, service_code"),
        checked_sql="select count(*) from core.enrolment where known_to_seq is null",
        description="a person is enrolled with one provider per service at a time",
    ),
    Check(
        id="enrolment.changes_wait_six_months",
        table="core.enrolment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.enrolment where known_to_seq is null and is_early_change"
        ),
        checked_sql="select count(*) from core.enrolment where known_to_seq is null",
        description="a choice is changed after six months at the earliest",
    ),
    Check(
        # The second law of the register, whose core rows are persons.
        id="residents.every_person_is_kept",
        table="core.person",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select coalesce(person_alias.person_id, residents.person_id)"
            " as person_id from effective.residents as residents"
            " left join core.person_alias as person_alias"
            " on residents.person_id = person_alias.alias_person_id) as listed"
            " anti join core.person as person on listed.person_id = person.person_id"
        ),
        checked_sql="select count(*) from effective.residents",
        description="every person the register has listed is in core",
    ),
    Check(
        id="residence.every_resident_lives_somewhere",
        table="core.residence",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.person as person"
            " anti join (from core.residence where known_to_seq is null) as residence"
            " on person.person_id = residence.person_id where person.is_listed"
        ),
        checked_sql="select count(*) from core.person where is_listed",
        description="a listed person has a stay; a move after death leaves none",
    ),
    Check(
        id="enrolment.choices_end_with_life",
        table="core.enrolment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.enrolment as enrolment"
            " inner join core.person as person on enrolment.person_id = person.person_id"
            " where enrolment.known_to_seq is null and person.death_date is not null and"
            " coalesce(enrolment.valid_to_date, date '9999-12-31') > person.death_date + 1"
        ),
        checked_sql="select count(*) from core.enrolment where known_to_seq is null",
        description="a choice ends when its person dies; lists leave the dead out all the same",
    ),
    Check(
        id="encounter.site_is_open",
        table="core.encounter",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.encounter as encounter"
            " anti join core.site as site on encounter.site_id = site.site_id"
            " and encounter.encounter_date >= site.valid_from_date"
            " and encounter.encounter_date < coalesce(site.valid_to_date, date '9999-12-31')"
            " where encounter.site_id is not null"
        ),
        checked_sql="select count(*) from core.encounter where site_id is not null",
        description="the code list has the site on the day of the encounter",
    ),
    Check(
        id="permit.private_sites_hold_one",
        table="core.permit",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.site as site"
            " anti join core.permit as permit on site.site_id = permit.site_id"
            " and site.service_code = permit.service_code"
            " and permit.valid_from_date <= site.valid_from_date"
            " and coalesce(permit.valid_to_date, date '9999-12-31') > site.valid_from_date"
            " where site.sector_code = 'private'"
        ),
        checked_sql="select count(*) from core.site where sector_code = 'private'",
        description="a private provider has a permit for the service when its site opens",
    ),
    Check(
        id="access_limit.one_limit_holds",
        table="core.access_limit",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from core.access_limit as one inner join core.access_limit as other"
            " on one.guarantee_code = other.guarantee_code"
            " and one.reason_code = other.reason_code"
            " and (one.limit_id <> other.limit_id or one.valid_from_date <> other.valid_from_date)"
            " and one.from_age_years < coalesce(other.to_age_years, 999)"
            " and other.from_age_years < coalesce(one.to_age_years, 999)"
            " and one.valid_from_date < coalesce(other.valid_to_date, date '9999-12-31')"
            " and other.valid_from_date < coalesce(one.valid_to_date, date '9999-12-31')"
        ),
        checked_sql="select count(*) from core.access_limit",
        description="for a guarantee, reason, age and day there is one limit",
    ),
    Check(
        id="measurement.values_are_harmonised",
        table="core.measurement",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.measurement"
            " where value_state in ('not_a_number', 'unknown_unit', 'implausible')"
        ),
        checked_sql="select count(*) from core.measurement where value_state <> 'missing'",
        description="results are numbers in a known unit and a possible range",
    ),
    Check(
        id="hospital_episode.referral_is_the_patients",
        table="core.hospital_episode",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.hospital_episode as episode"
            " inner join core.referral as referral on episode.referral_id = referral.referral_id"
            " where episode.person_id <> referral.person_id or episode.referral_wait_days < 0"
        ),
        checked_sql="select count(*) from core.hospital_episode where referral_id is not null",
        description="care that rests on a referral is of its person, and not before it",
    ),
    Check(
        id="invoice_line.episodes_net_to_no_less_than_zero",
        table="core.invoice_line",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from (select episode_id from core.invoice_line"
            " where episode_id is not null group by episode_id having sum(amount_eur) < 0)"
        ),
        checked_sql="select count(distinct episode_id) from core.invoice_line",
        description="credit notes take back no more of an episode than was billed",
    ),
    Check(
        # Credit notes are resolved to lines: what they take back is taken off exactly once.
        id="invoice_line.credits_are_taken_off_once",
        table="core.invoice_line",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select sum(amount_eur) as billed_eur,"
            " sum(net_amount_eur) as net_eur from core.invoice_line)"
            " where billed_eur is distinct from net_eur"
        ),
        checked_sql="select count(*) from core.invoice_line",
        description="amounts and what is left after credit notes have one sum",
    ),
    Check(
        id="invoice_line.episode_exists_or_line_waits",
        table="core.invoice_line",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from current.invoices as invoices"
            " anti join core.hospital_episode as episode"
            " on invoices.episode_id = episode.episode_id"
            " anti join (select delivery_sequence, record_number from core.unresolved"
            " where source = 'hus' and table_name = 'invoices') as waiting"
            " on invoices.delivery_sequence = waiting.delivery_sequence"
            " and invoices.record_number = waiting.record_number"
            " where invoices.episode_id is not null"
        ),
        checked_sql="select count(*) from current.invoices where episode_id is not null",
        description="every invoiced episode is in core, or its line is counted as waiting",
    ),
    Check(
        id="residence.municipality_is_known",
        table="core.residence",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.residence as residence"
            " anti join core.municipality as municipality"
            " on residence.municipality_code = municipality.municipality_code"
            " where residence.municipality_code is not null"
        ),
        checked_sql="select count(*) from core.residence where municipality_code is not null",
        description="the code list has the municipality; else its people are in no person-month",
    ),
    Check(
        id="encounter.person_is_listed",
        table="core.encounter",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.encounter anti join core.person"
            " on core.encounter.person_id = core.person.person_id"
        ),
        checked_sql="select count(*) from core.encounter",
        description="the population register lists the person of the encounter",
    ),
    Check(
        # Cents that the classes of a month and classification have more or less than its ledger.
        id="ledger_allocation.classes_sum_to_ledger",
        table="core.ledger_allocation",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select cast(coalesce(sum(abs(coalesce(allocated.amount_eur, 0)"
            " - coalesce(ledger.amount_eur, 0))) * 100, 0) as bigint)"
            " from (select ledger_month, classification_code, amount_eur from"
            " (select ledger_month, sum(amount_eur) as amount_eur from core.ledger_entry"
            " group by all) cross join"
            " (values ('package'), ('aura')) as named(classification_code))"
            " as ledger full join (select ledger_month, classification_code,"
            " sum(amount_eur) as amount_eur from core.ledger_allocation group by all) as allocated"
            " using (ledger_month, classification_code)"
        ),
        checked_sql="select count(*) from core.ledger_entry",
        description="by month and classification, euros of classes = euros of the ledger; in cents",
    ),
    Check(
        id="ledger_allocation.every_line_is_allocated",
        table="core.ledger_allocation",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select voucher_number, line_number, classification_code,"
            " amount_eur from core.ledger_entry"
            " cross join (values ('package'), ('aura')) as named(classification_code)) as line"
            " full join (select voucher_number, line_number, classification_code,"
            " sum(amount_eur) as allocated_eur from core.ledger_allocation group by all) as parts"
            " using (voucher_number, line_number, classification_code)"
            " where amount_eur is distinct from allocated_eur"
        ),
        checked_sql="select count(*) from core.ledger_entry",
        description="the parts of every line sum to it under both classifications",
    ),
    Check(
        id="cost_allocation_key.shares_sum_to_one",
        table="core.cost_allocation_key",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select starts.cost_centre_code, starts.valid_from_date"
            " from (select cost_centre_code, valid_from_date from core.cost_allocation_key"
            " union select cost_centre_code, valid_to_date from core.cost_allocation_key"
            " where valid_to_date is not null) as starts"
            " inner join core.cost_allocation_key as allocation_key"
            " on starts.cost_centre_code = allocation_key.cost_centre_code"
            " and starts.valid_from_date >= allocation_key.valid_from_date"
            " and starts.valid_from_date"
            " < coalesce(allocation_key.valid_to_date, date '9999-12-31')"
            " group by all having sum(allocation_key.share) <> 1)"
        ),
        checked_sql=(
            "select count(*) from (select distinct cost_centre_code, valid_from_date"
            " from core.cost_allocation_key)"
        ),
        description="shares of a cost centre sum to 1 on every day on which it has any",
    ),
    Check(
        id="service_class.shares_sum_to_one",
        table="core.service_class",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select 1 from core.service_class"
            " group by classification_code, service_class_code, valid_from_date, valid_to_date"
            " having sum(mapped_share) <> 1)"
        ),
        checked_sql="select count(*) from core.service_class",
        description="shares of a class in the other classification sum to 1",
    ),
    Check(
        id="service_class.one_classification_in_force",
        table="core.service_class",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from core.service_class as one inner join core.service_class as other"
            " on one.classification_code < other.classification_code"
            " and one.valid_from_date < coalesce(other.valid_to_date, date '9999-12-31')"
            " and other.valid_from_date < coalesce(one.valid_to_date, date '9999-12-31')"
        ),
        checked_sql="select count(*) from core.service_class",
        description="on no day are both classifications in force",
    ),
    Check(
        # Both ways at once: an event without a cost row, or a cost row without its event.
        id="cost.every_event_is_costed_or_counted",
        table="core.cost",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select cast(coalesce(sum(abs(coalesce(event_count, 0) - coalesce(cost_count, 0))), 0)"
            " as bigint) from (select activity_month as cost_month, event_kind_code,"
            " sum(event_count) as event_count from core.costed_activity group by all) as activity"
            " full join (select cost_month, event_kind_code, count(*) as cost_count from core.cost"
            " where (cost_source_code = 'none') = (cost_eur is null) group by all) as costed"
            " using (cost_month, event_kind_code)"
        ),
        checked_sql="select count(*) from core.cost",
        description="every event of a costed kind has one row, with euros or without a source",
    ),
    Check(
        id="costed_activity.every_event_is_counted",
        table="core.costed_activity",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select abs((select count(*) from core.encounter) + (select count(*)"
            " from core.hospital_episode) + (select count(*) from core.service_period_month)"
            " - (select coalesce(sum(event_count), 0) from core.costed_activity"
            " where event_kind_code <> 'procedure'))"
        ),
        checked_sql=(
            "select cast(coalesce(sum(event_count), 0) as bigint) from core.costed_activity"
        ),
        description="activity counts every encounter, hospital episode and month of service",
    ),
    Check(
        id="cost.every_event_has_a_cost",
        table="core.cost",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql="select count(*) from core.cost where cost_source_code = 'none'",
        checked_sql="select count(*) from core.cost",
        description="no event lacks a rule, a unit cost or its quantity",
    ),
    Check(
        # Whole euros in lines that wait for their cost centre or class.
        id="general_ledger.euros_are_allocated",
        table="core.ledger_entry",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql=(
            "select cast(coalesce(sum(abs(amount_eur)), 0) as bigint) from current.general_ledger"
            " anti join core.ledger_entry using (voucher_number, line_number)"
        ),
        checked_sql=(
            "select cast(coalesce(sum(abs(amount_eur)), 0) as bigint) from current.general_ledger"
        ),
        description="euros of lines that name a known cost centre or class",
    ),
    Check(
        id="study_enrolment.cohorts_do_not_overlap",
        table="core.study_enrolment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from (select valid_from_date, lag(coalesce(valid_to_date,"
            " date '9999-12-31')) over (partition by person_id order by valid_from_date,"
            " study_enrolment_id) as prior_to_date from core.study_enrolment)"
            " where valid_from_date < prior_to_date"
        ),
        checked_sql="select count(*) from core.study_enrolment",
        description="a person belongs to one cohort of the study at a time",
    ),
    Check(
        # By other means than the model: the last word of the person on or before the day.
        id="guidance_assessment.withdrawn_is_not_consented",
        table="core.guidance_assessment",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select answer.form_code, answer.answer_id, answer.item_code"
            " from core.guidance_assessment as answer left join core.study_enrolment as study"
            " on answer.person_id = study.person_id where answer.is_consented"
            " group by answer.form_code, answer.answer_id, answer.item_code, answer.answered_date"
            " having max(case when study.consent_from_date <= answer.answered_date"
            " then study.consent_from_date end) is null"
            " or max(case when study.consent_to_date <= answer.answered_date"
            " then study.consent_to_date end)"
            " >= max(case when study.consent_from_date <= answer.answered_date"
            " then study.consent_from_date end))"
        ),
        checked_sql="select count(*) from core.guidance_assessment where is_consented",
        description="no answer of a day on which consent is not in force counts as consented",
    ),
    Check(
        id="guidance_assessment.answers_are_consented",
        table="core.guidance_assessment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql="select count(*) from core.guidance_assessment where not is_consented",
        checked_sql="select count(*) from core.guidance_assessment",
        description="nobody is asked without consent in force; such answers are in no research use",
    ),
    Check(
        id="guidance_assessment.those_due_are_asked",
        table="core.guidance_assessment",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.guidance_assessment as answer"
            " anti join core.study_enrolment as study"
            " on answer.person_id = study.person_id"
            " and answer.answered_date >= study.valid_from_date"
            " and answer.answered_date < coalesce(study.valid_to_date, date '9999-12-31')"
            " and (answer.form_code <> 'daily_life_impact'"
            " or study.budget_group_code in ('4', '5', '6'))"
            " and (answer.form_code <> 'budget_experience' or study.cohort_code = 'budget')"
        ),
        checked_sql="select count(*) from core.guidance_assessment",
        description="a form is answered by a person of the study whose cohort and group it is for",
    ),
    Check(
        id="unresolved.references_are_found",
        table="core.unresolved",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql="select count(*) from core.unresolved",
        checked_sql="select coalesce(sum(accepted_count), 0) from ops.delivery",
        description="rows find the rows they refer to",
    ),
    Check(
        id="population_by_municipality.totals_equal_published",
        table="mart.population_by_municipality",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from mart.population_by_municipality"
            " where male_count is distinct from stated_male_count"
            " or female_count is distinct from stated_female_count"
        ),
        checked_sql="select count(*) from mart.population_by_municipality",
        description="ages add up to the file's own total rows",
    ),
    Check(
        id="need_by_county.coefficients_equal_published",
        table="mart.need_by_county",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from mart.need_by_county where not coalesce("
            "abs(coefficient_health - published_coefficient_health) <= 1e-12"
            " and abs(coefficient_social - published_coefficient_social) <= 1e-12"
            " and abs(coefficient_elderly - published_coefficient_elderly) <= 1e-12"
            " and abs(coefficient_total - published_coefficient_total) <= 1e-12, false)"
        ),
        checked_sql="select count(*) from mart.need_by_county",
        description="need coefficients equal the published ones to 1e-12",
    ),
)


_OF_CAPITATION: tuple[Check, ...] = (
    Check(
        id="resident_exposure.days_are_conserved",
        table="core.resident_exposure",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select exposure_month, sum(resident_days) as lived_days"
            " from core.person_month group by all) full join (select exposure_month,"
            " sum(person_days) as counted_days from core.resident_exposure group by all)"
            " using (exposure_month) where lived_days is distinct from counted_days"
        ),
        checked_sql="select count(distinct exposure_month) from core.resident_exposure",
        description="by month, every day that a resident lived in the area is counted once",
    ),
    Check(
        id="resident_cost.euros_are_conserved",
        table="core.resident_cost",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select cost.cost_month, sum(cost.cost_eur) as spent_eur"
            " from core.cost as cost semi join core.person_month as resident"
            " on cost.person_id = resident.person_id"
            " and cost.cost_month = resident.exposure_month"
            " where cost.cost_eur is not null and cost.package_class_code is not null"
            " group by all) full join (select cost_month, sum(cost_eur) as counted_eur"
            " from core.resident_cost group by all) using (cost_month)"
            " where spent_eur is distinct from counted_eur"
        ),
        checked_sql="select count(distinct cost_month) from core.resident_cost",
        description="by month, euros by age and sex = euros of residents, to the cent",
    ),
    Check(
        id="need_profile.every_resident_has_one",
        table="core.need_profile",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select person_id, exposure_month as index_month"
            " from core.person_month where month(exposure_month) in (1, 4, 7, 10))"
            " full join core.need_profile as profile using (person_id, index_month)"
            " where profile.age_sex_code is null"
        ),
        checked_sql="select count(*) from core.need_profile",
        description="nobody who lives in the area in a quarter's first month is left out",
    ),
    Check(
        id="expected_cost.every_resident_is_expected_something",
        table="core.expected_cost",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from core.need_profile anti join core.expected_cost"
            " using (person_id, index_month)"
            " where exists (select 1 from ops.need_model_run)"
        ),
        checked_sql="select count(*) from core.expected_cost",
        description="with a need model, every resident of a quarter has an expected cost",
    ),
    Check(
        # A settlement refuses the version; the lake stands without.
        id="capitation_regional_factor.covers_the_area",
        table="mart.capitation_tariff",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from core.municipality as municipality"
            " cross join rulebook.capitation_scheme as scheme"
            " left join rulebook.capitation_regional_factor as regional"
            " on scheme.rulebook_id = regional.rulebook_id"
            " and scheme.valid_from_date = regional.valid_from_date"
            " and municipality.municipality_code = regional.municipality_code"
            " where municipality.is_trial_area and regional.factor is null"
            " and exists (select 1 from core.enrolment)"
        ),
        checked_sql="select count(*) from core.municipality where is_trial_area",
        description="every municipality of the area has a factor in every version of a scheme",
    ),
    Check(
        id="capitation_tariff.calibrated_gives_back_the_cost",
        table="mart.capitation_tariff",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select tariff.rulebook_id, tariff.version_date,"
            " sum(cast(tariff.base_eur as decimal(38, 6)) * tariff.person_years) as paid_eur,"
            " sum(tariff.observed_eur) as observed_eur, sum(tariff.person_years) as person_years"
            " from mart.capitation_tariff as tariff"
            " inner join rulebook.capitation_scheme as scheme"
            " on tariff.rulebook_id = scheme.rulebook_id"
            " and tariff.version_date = scheme.valid_from_date"
            " where scheme.base_code = 'calibrated' group by all)"
            " where observed_eur > 0 and abs(paid_eur - observed_eur)"
            " > 0.01 + 0.0001 * observed_eur"
        ),
        checked_sql="select count(*) from mart.capitation_tariff where observed_eur > 0",
        description="a calibrated base times the years lived is what the basket cost",
    ),
    Check(
        id="capitation_correction_factor.is_within_bounds",
        table="mart.capitation_correction_factor",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from mart.capitation_correction_factor as correction"
            " left join rulebook.capitation_scheme as scheme"
            " on correction.rulebook_id = scheme.rulebook_id"
            " and correction.version_date = scheme.valid_from_date"
            " where not coalesce(correction.factor between scheme.factor_lower"
            " and scheme.factor_upper and correction.credibility_weight between 0 and 1"
            " and correction.window_to_date <= (select min(enrolment.valid_from_date)"
            " from core.enrolment as enrolment where enrolment.known_to_seq is null"
            " and enrolment.service_code = scheme.service_code"
            " and enrolment.valid_from_date >= (select min(first.valid_from_date)"
            " from rulebook.capitation_scheme as first"
            " where first.service_code = scheme.service_code)), false)"
        ),
        checked_sql="select count(*) from mart.capitation_correction_factor",
        description="factors keep to their bounds, their window ends before anyone had chosen",
    ),
    Check(
        id="capitation_need_factor.every_list_has_one",
        table="mart.capitation_need_factor",
        dimension=Dimension.COMPLETENESS,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select distinct scheme.rulebook_id, enrolment.provider_id,"
            " register_month.exposure_month from core.enrolment as enrolment"
            " inner join core.person as person on enrolment.person_id = person.person_id"
            " inner join core.register_month as register_month"
            " on enrolment.valid_from_date <= register_month.exposure_month"
            " and coalesce(enrolment.valid_to_date, date '9999-12-31')"
            " > register_month.exposure_month"
            " inner join rulebook.capitation_scheme as scheme"
            " on enrolment.service_code = scheme.service_code"
            " and scheme.valid_from_date <= register_month.exposure_month"
            " where enrolment.known_to_seq is null and enrolment.provider_id is not null"
            " and scheme.choice_delay_days = 0"
            " and coalesce(person.death_date, date '9999-12-31') > register_month.exposure_month"
            " and person.birth_date < register_month.exposure_month - interval 19 year) as listed"
            " anti join mart.capitation_need_factor as need"
            " on listed.rulebook_id = need.rulebook_id"
            " and listed.exposure_month = need.settlement_month"
            " and listed.provider_id = need.provider_id"
        ),
        checked_sql="select count(*) from mart.capitation_need_factor",
        description="a provider with people on its list in a month has a need factor for it",
    ),
    Check(
        id="capitation_need_factor.need_counts_in_its_mode_alone",
        table="mart.capitation_need_factor",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from mart.capitation_need_factor as need"
            " left join rulebook.capitation_scheme as scheme"
            " on need.rulebook_id = scheme.rulebook_id"
            " and need.version_date = scheme.valid_from_date"
            " where not coalesce(need.need_factor > 0 and (scheme.mode_code = 'need'"
            " or need.need_factor = 1), false)"
        ),
        checked_sql="select count(*) from mart.capitation_need_factor",
        description="need factors are above nought, and 1 where the mode pays by age alone",
    ),
    Check(
        id="need_by_county.funding_coefficients_have_mean_one",
        table="mart.need_by_county",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select model_year, sum(population_count) as population_count,"
            " sum(population_count * funding_coefficient_health) as health,"
            " sum(population_count * funding_coefficient_social) as social,"
            " sum(population_count * funding_coefficient_elderly) as elderly"
            " from mart.need_by_county where area_name <> 'Koko maa' group by all)"
            " where not coalesce(greatest(abs(health / population_count - 1),"
            " abs(social / population_count - 1), abs(elderly / population_count - 1)) <= 1e-9,"
            " false)"
        ),
        checked_sql="select count(*) from mart.need_by_county",
        description="over residents, coefficients for funding have the mean 1",
    ),
    Check(
        id="need_funding.counties_sum_to_the_whole",
        table="mart.need_funding",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from (select funding_year, ground_code, sum(amount_eur) as given_eur,"
            " max(national_eur) as national_eur from mart.need_funding group by all)"
            " where given_eur <> national_eur"
        ),
        checked_sql="select count(*) from mart.need_funding",
        description="the counties' euros are those that went in, by ground, to the euro",
    ),
)


_OF_INCENTIVES = (
    Check(
        id="indicator_value.part_is_within_its_whole",
        table="mart.indicator_value",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        violated_sql=(
            "select count(*) from mart.indicator_value as counted"
            " inner join rulebook.indicator as definition"
            " on counted.indicator_id = definition.indicator_id"
            " where counted.reporter_code <> 'provider' and definition.unit_code = 'pct'"
            " and not coalesce(counted.numerator between 0 and counted.denominator, true)"
        ),
        checked_sql="select count(*) from mart.indicator_value",
        description="of what the lake or a survey counts, no share has more than its whole",
    ),
    Check(
        id="indicator_value.reported_part_is_within_its_whole",
        table="mart.indicator_value",
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.WARNING,
        violated_sql=(
            "select count(*) from mart.indicator_value as counted"
            " inner join rulebook.indicator as definition"
            " on counted.indicator_id = definition.indicator_id"
            " where counted.reporter_code = 'provider' and definition.unit_code = 'pct'"
            " and not coalesce(counted.numerator between 0 and counted.denominator, true)"
        ),
        checked_sql="select count(*) from mart.indicator_value where reporter_code = 'provider'",
        description="what providers report has no more than its whole; else it counts as overdue",
    ),
    Check(
        id="incentive_contribution.effective_weights_sum_to_one",
        table="mart.incentive_contribution",
        dimension=Dimension.CONFORMANCE,
        severity=Severity.ERROR,
        # Each is rounded by itself, to eight decimals.
        violated_sql=(
            "select count(*) from (select sum(effective_weight) as whole, count(*) as parts"
            " from mart.incentive_contribution where score is not null"
            " group by provider_id, scheme_id, period_start_date)"
            " where not coalesce(abs(whole - 1) <= parts * 0.00000001, false)"
        ),
        checked_sql=(
            "select count(*) from (select distinct provider_id, scheme_id, period_start_date"
            " from mart.incentive_contribution where score is not null)"
        ),
        description="where there is a score, the weights of what counts sum to 1",
    ),
)


_REGISTER = ("delivery", "delivery_event", "erasure", "quarantine", "rule_result")
"""What most checks read: inlined in the catalog, each scan of one costs 10 to 20 ms."""


def run_checks(lake: Lake, due: tuple[Check, ...], run: Run) -> tuple[CheckResult, ...]:
    """Run these checks and note the verdicts in `ops.check_result`.

    Raises:
        CheckFailed: one of error severity failed or could not be run.
    """
    with lake.in_memory("ops", _REGISTER):
        results = _evaluated(lake, due)
    with lake.transaction():
        for result in results:
            _note(lake, result, run)
    blocking = [r for r in results if r.is_blocking]
    if blocking:
        lines = [
            f"{r.check.id}: {r.status}, {r.violated} of {r.checked} ({r.check.description})"
            for r in blocking
        ]
        raise CheckFailed(
            "the build is not green, and nothing is published from it:\n  " + "\n  ".join(lines)
        )
    return results


def _evaluated(lake: Lake, due: tuple[Check, ...]) -> tuple[CheckResult, ...]:
    """Verdicts, in one transaction: outside of one each statement asks the catalog anew.

    A query that fails ends it, and then every check is run by itself.
    """
    results = []
    lake.execute("begin transaction")
    try:
        for check in due:
            results.append(evaluate(lake, check))
            if results[-1].status is Status.ERROR:
                break
    finally:
        lake.execute("rollback")
    failed = results and results[-1].status is Status.ERROR
    return tuple(evaluate(lake, check) for check in due) if failed else tuple(results)


def evaluate(lake: Lake, check: Check) -> CheckResult:
    """Count what violates a check; a query that fails is an error, never a pass."""
    try:
        violated, checked = lake.count(check.violated_sql), lake.count(check.checked_sql)
    except duckdb.Error:
        return CheckResult(check, Status.ERROR, 0, 0)
    if checked == 0 and violated == 0:
        status = Status.NOT_APPLICABLE
    elif violated == 0:
        status = Status.PASS
    elif check.severity is Severity.WARNING:
        status = Status.PASS_WITH_FAILURES
    else:
        status = Status.FAIL
    return CheckResult(check, status, violated, checked)


def _note(lake: Lake, result: CheckResult, run: Run) -> None:
    check = result.check
    lake.execute(
        "insert into lake.ops.check_result values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run.run_id,
            check.id,
            check.table,
            check.dimension,
            check.severity,
            result.status,
            result.violated,
            result.checked,
            run.now(),
        ],
    )
