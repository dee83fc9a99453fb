"""What the columns of the payment ledger mean, for the data dictionary.

Here: one meaning by column name, the same in every table of the ledger. Not here: which tables have
it (`ledger`), columns that sources deliver (contracts).
"""

from __future__ import annotations

from dagster_project.contracts.dictionary import DictionaryRow
from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES, columns_of

MEANINGS = {
    "act_count": "Acts paid by a fee of their own; 0 for capitation. Of a correction the change.",
    "adjustment_eur": "Corrections of closed months, euros.",
    "adults_from_age": "Age in years from which somebody is paid for.",
    "age_from": "First age in years of the band; empty where the line is of no one band.",
    "age_to": "Last age in years of the band.",
    "amount_eur": "Euros, rounded half up to a cent at this one step.",
    "base_eur": "Amount per person-year of the age band and sex, euros, before any factor.",
    "capitation_run_id": "Number of the settlement run.",
    "choice_delay_days": "Days after which a choice takes effect.",
    "code_version": "Version of the project and digest of its code at the settlement.",
    "corrected_month": "First day of the closed month that is corrected.",
    "correction_factor": "Correction factor of the list, or residual in mode need.",
    "credibility_weight": "Weight of the list's own experience in its correction factor, 0 to 1.",
    "delivery_sequence": "Newest delivery of the source that the run took note of.",
    "detail_code": "What the step is of: month and reason of a correction.",
    "enrolled_days": "Person-days of choices in the month, paid or not, shadows left out.",
    "expected_eur": "Cost expected of the list in the window from all factors already applied.",
    "facilitator_provider_id": "Voucher provider under whom this one acts; it is paid by itself.",
    "factor": "The factor.",
    "fee_eur": "Fee per act, euros.",
    "from_date": "First day of a stretch of days of one person, place and age band.",
    "incentive_share": "Share of what capitation and acts earn that is paid beside them.",
    "inputs_sha256": "Digest of frozen factors and cells.",
    "is_budget_neutral": "Whether factors move euros between lists and leave their sum as it is.",
    "is_capitation_only": "Whether nothing is paid beside the capitation: no acts, no incentive.",
    "is_new": "Whether the list is too new to have a correction factor; it is then 1.",
    "is_shadow": "Whether it is a public station's settlement, which is not paid.",
    "is_shadow_for_public": "Whether public stations are settled, in shadow, for who chose nobody.",
    "last_event_id": "Newest event in the register of deliveries at the settlement.",
    "ledger_sha256": "Digest of lines, corrections, payments and explanations.",
    "line_eur": "Lines of the month, euros.",
    "line_kind_code": "capitation, unseen (protected persons, at the mean of the list), breakpoint"
    " (size of the list), act or incentive; of a correction any of these but unseen, or score"
    " (bonus or sanction of a period, under its first month).",
    "list_from_count": "Persons on the list beyond whom the step holds.",
    "list_month": "First day of the month that the row is of.",
    "measured_weight": "Weight of the indicators that count in the score.",
    "mode_code": "trial or need.",
    "month_days": "Days of the month.",
    "municipality_code": "Municipality of residence; empty where the line is of no one place.",
    "need_factor": "Need of the list relative to its age and sex; 1 in mode trial.",
    "neutrality_factor": "What amounts were multiplied by to keep the budget; 1 where it is off.",
    "observed_eur": "Cost observed of the list in the window before it was a list.",
    "paid_days": "Person-days of choices that are paid.",
    "performed_date": "Day on which the act was done; empty where the person is.",
    "period_end_date": "Last day of the reporting period.",
    "period_start_date": "First day of the reporting period.",
    "person_count": "Persons with days in the cell.",
    "person_days": "Days on the list, summed over persons; of a correction the change.",
    "person_id": "The person; empty once erased or protected, days and acts staying in their sum.",
    "procedure_code": "Act that the fee is for.",
    "provider_id": "Provider whose list it is.",
    "provider_name": "Name of the provider at the settlement.",
    "quantity": "Person-days, or acts, of the step.",
    "rate_eur": "Euros per person-year, every factor applied, to 8 decimals; of an act its fee, of"
    " an incentive its share, of a score the greatest bonus or sanction as a share.",
    "raw_factor": "Observed over expected, before credibility and bounds.",
    "reason_code": "Why a closed month is corrected: late_enrolment, late_end, corrected_choice,"
    " death, move, register_correction, withdrawn_delivery, late_act, withdrawn_act or"
    " tariff_correction; an incentive is corrected for the reason of what it is a share of."
    " Of a score period_scored, the first time, then score_correction.",
    "regional_factor": "Regional factor of the municipality.",
    "rulebook_id": "Payment scheme.",
    "rulebook_text": "The rulebook file as it was.",
    "run_id": "Run of the software, as in ops.run.",
    "score_room": "Room of the score on its own side of the neutral one.",
    "score_share": "Greatest bonus, or sanction, as a share of what is paid for the list.",
    "service_code": "Service that the lists are for.",
    "settled_at": "When the run was, UTC.",
    "settlement_month": "First day of the month that the run closes.",
    "sex_code": "Sex by the register, 1 = male, 2 = female.",
    "sha256": "Digest of the rulebook file.",
    "share_without_contact": "Share of the list without public contact in 24 months; private and"
    " occupational care are not seen.",
    "site_id": "Site chosen.",
    "snapshot_id": "Snapshot of the lake that was read; provenance only.",
    "source": "Source of deliveries.",
    "status_code": "paid; or why not: under_age, moved_away, deceased, not_listed (in no register),"
    " hidden (counted in the vault), no_station.",
    "step_code": "Step of the payment.",
    "step_eur": "Euros that the step adds.",
    "step_number": "Order of the step.",
    "table_name": "Table of the source, or rulebook.",
    "text_en": "The step in English.",
    "text_fi": "The step in Finnish.",
    "text_sv": "The step in Swedish.",
    "version_date": "Day from which the version of the scheme is in force.",
    "weighted_distance": "Sum over indicators of weight times distance from the neutral score.",
    "window_from_date": "First day of the window of prior cost.",
    "window_to_date": "Day after the last of the window of prior cost.",
    "without_eur": "What the payment would be without the step.",
    "year_days": "Days of the year, 365 or 366.",
}


def ledger_rows() -> list[DictionaryRow]:
    """Dictionary rows of the ledger, by table and position of the column."""
    tables = {"mart": PAYMENT_TABLES, "ledger": FROZEN_TABLES}
    return [
        _row(schema, table, position, name, sql_type)
        for schema, named in tables.items()
        for table in named
        for position, (name, sql_type) in enumerate(columns_of(named[table]), start=1)
    ]


def _row(schema: str, table: str, position: int, name: str, sql_type: str) -> DictionaryRow:
    is_person = name == "person_id"
    return DictionaryRow(
        source=schema,
        table=table,
        version="",
        position=position,
        column=name,
        source_name="",
        business_name="",
        sql_type=sql_type.upper(),
        meaning=MEANINGS[name],
        classification="confidential" if is_person else "internal",
        key="",
        is_required=False,
        is_in_lake=True,
        is_pseudonym=is_person,
        is_hidden_by_protection_order=is_person,
        codes=(),
        code_list="",
        rules=(),
        controller="organiser",
        register="",
    )
