"""What a bad row looks like, table by table.

Here: which rules are broken and how. Not here: choosing rows and putting the bad ones among the
good (`dirt`). Each blemish breaks one rule only; all of a table's occur in the smallest region.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dagster_project.synthetic.codes import with_wrong_check

Row = dict[str, str | None]
Change = Callable[[Row], str | None]


class Fate(StrEnum):
    """What becomes of a planted row."""

    DIRTY = "dirty"
    """Quarantined, or counted as a duplicate."""
    WARNED = "warned"
    """Accepted and counted."""
    UNRESOLVED = "unresolved"
    """Accepted, and waiting for a row that does not come."""


@dataclass(frozen=True)
class Blemish:
    """One way to spoil a row."""

    rule_id: str
    """The rule that catches it; for unresolved rows the column that refers."""
    changes: Mapping[str, str | Change | None]
    """New text by column."""
    fate: Fate = Fate.DIRTY
    in_month: int | None = None
    """Month of the year (1-12) in which alone it can occur."""
    column: str | None = None
    """Column without which (in an older contract) it cannot occur."""


def _wrong_check(row: Row) -> str | None:
    return with_wrong_check(row["person_id"] or "")


def _negative(row: Row) -> str | None:
    return f"-{row['encounter_id']}"


def _negated(column: str) -> Change:
    return lambda row: f"-{row[column]}"


def _some_end(row: Row) -> str | None:
    return row["ended_at"] or row["started_at"]


def _not_a_number(row: Row) -> str | None:
    return f"{row['encounter_id']}O"


def _dirty(rule_id: str, value: str | None, **others: str | None) -> Blemish:
    column = rule_id.split(".", maxsplit=1)[0]
    return Blemish(rule_id, {column: value, **others}, column=column)


def _ends_in_letter(column: str) -> Change:
    return lambda row: f"{row[column]}O"


def _day_after(row: Row) -> str | None:
    monday = date.fromisoformat(row["week_start_date"] or "")
    return (monday + timedelta(days=1)).isoformat()


def _beyond_scale(row: Row) -> str | None:
    most = {"MAPLe": "6", "CPS": "7", "ADLH": "7", "IADL": "22"}
    totals = {"AUDIT": "41", "BDI": "64", "FIM": "17", "PERHE": "31"}
    return most.get(row["scale_code"] or "") or totals[row["instrument_code"] or ""]


def _some_visit(row: Row) -> str | None:
    return row["visited_at"] or row["contacted_at"]


def _themselves(row: Row) -> str | None:
    return row["person_id"]


DUPLICATE = Blemish("primary_key.duplicate", {})
_WRONG_CHECK = Blemish("person_id.identity_code", {"person_id": _wrong_check})
_LATER = "2066-01-01"
_NOBODYS = "999999999999"
"""Number of an encounter that nobody delivers."""
_UNANSWERED = {"answered_at": None, "outcome_code": None}
_UNVISITED = {
    "assessed_at": None,
    "booked_at": None,
    "visit_encounter_id": None,
    "visited_at": None,
}
_LATE_DAY = {"enrolled_date": _LATER, "left_date": None}
_UNANSWERED_DAY = dict.fromkeys(
    (
        "everyday_life_score",
        "study_or_work_score",
        "home_score",
        "relationships_score",
        "leisure_score",
        "money_score",
        "health_score",
        "future_score",
    )
)
_NOTHING_SAID: Mapping[str, str | Change | None] = dict.fromkeys(
    (
        "choice_score",
        "information_score",
        "sufficiency_score",
        "quality_score",
        "guidance_score",
        "ease_score",
        "recommendation_score",
        "free_text",
        "text_language_code",
        "sentiment_code",
    )
)
_UNBEGUN = {"started_date": None, "ended_date": None}
_VISIT = {"episode_kind_code": "outpatient_visit", "discharge_code": None}
_GOES_ON = {"episode_kind_code": "inpatient_stay", "ended_at": None, "discharge_code": None}
_CREDIT = {"is_credit": "true", "amount_eur": "-10.5"}
_GLOBAL_ITEMS = tuple(f"global{n:02}" for n in range(1, 11))
_REFUSED = {
    "contacted_date": "2016-01-04",
    "assessed_date": "2016-01-04",
    "decided_date": "2016-01-11",
    "started_date": "2016-02-01",
    "ended_date": None,
    "decision_code": "refused",
}
_RETURNED_UPWARDS = {
    "transaction_kind_code": "return",
    "amount_eur": "12,00",
    "refers_to_transaction_id": "1",
}

BLEMISHES: Mapping[str, tuple[Blemish, ...]] = {
    "population_register/residents": (
        _dirty("birth_date.type", "29.2.2017"),
        _dirty("birth_date.required", None),
        _dirty("birth_date.minimum", "14.10.1066"),
        _dirty("birth_date.not_after_delivery", "1.1.2066", moved_date=None),
        _dirty("death_date.not_before_birth", "1.1.1881"),
        _dirty("death_date.not_after_delivery", "1.1.2066"),
        _dirty("moved_date.type", "2017-01-31"),
        _dirty("sex_code.valid_values", "3"),
        _dirty("sex_code.required", None),
        _dirty("municipality_code.pattern", "92"),
        _dirty("municipality_code.required", None),
        _dirty("postal_code.pattern", "O1900"),
        _dirty("language_code.pattern", "FI"),
        _dirty("birth_country_code.pattern", "FIN"),
        _dirty("has_protection_order.type", "K"),
        _dirty("has_protection_order.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        Blemish("previous_person_id.identity_code", {"previous_person_id": _wrong_check}),
        DUPLICATE,
        Blemish("moved_date.not_long_after_delivery", {"moved_date": "1.1.2066"}, Fate.WARNED),
    ),
    "apotti/encounters": (
        Blemish("started_at.missing_hour", {"ended_at": None}, in_month=3),
        Blemish("encounter_id.type", {"encounter_id": _not_a_number}),
        Blemish("encounter_id.minimum", {"encounter_id": _negative}),
        _dirty("started_at.type", "2017-02-29 10:00:00", ended_at=None),
        _dirty("started_at.required", None, ended_at=None),
        _dirty("started_at.minimum", "1999-12-31 10:00:00", ended_at=None),
        _dirty("started_at.not_after_delivery", f"{_LATER} 10:00:00", ended_at=None),
        _dirty("ended_at.not_before_start", "2001-01-01 10:00:00"),
        _dirty("duration_minutes.type", "12.5"),
        _dirty("duration_minutes.minimum", "-5,0"),
        _dirty("duration_minutes.maximum", "1440,5"),
        _dirty("contact_type_code.valid_values", "R99"),
        _dirty("urgency_code.valid_values", "9"),
        _dirty("site_id.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        _dirty("updated_at.type", "ei tiedossa"),
        _dirty("contact_language_code.pattern", "suomi"),
        _dirty("service_language_code.pattern", "f1"),
        DUPLICATE,
        Blemish("profession_code.valid_values", {"profession_code": "9999"}, Fate.WARNED),
        Blemish("service_code.valid_values", {"service_code": "T99"}, Fate.WARNED),
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "apotti/diagnoses": (
        Blemish("encounter_id.type", {"encounter_id": _not_a_number}),
        _dirty("diagnosis_number.type", "1,5"),
        _dirty("diagnosis_number.minimum", "0"),
        _dirty("diagnosis_number.maximum", "100"),
        _dirty("icd10_code.pattern", "I10.0", icd10_pair_code=None),
        _dirty("icd10_pair_code.pattern", "e112", icd10_code="N083"),
        _dirty("icpc2_code.pattern", "K8"),
        Blemish(
            "row.code_present", {"icd10_code": None, "icd10_pair_code": None, "icpc2_code": None}
        ),
        _dirty("diagnosed_date.type", "2017-02-29"),
        _dirty("diagnosed_date.required", None),
        _dirty("diagnosed_date.minimum", "1999-12-31"),
        _dirty("diagnosed_date.not_after_delivery", _LATER),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        _dirty("updated_at.required", None),
        DUPLICATE,
        Blemish(
            "icd10_pair_code.needs_main_code",
            {"icd10_code": None, "icd10_pair_code": "E112", "icpc2_code": "T90"},
            Fate.WARNED,
        ),
        Blemish("encounter_id", {}, Fate.UNRESOLVED),
    ),
    "enrolment_portal/enrolments": (
        _dirty("start_date.type", "2017-02-29", end_date=None),
        _dirty("end_date.after_start", "2017-01-01"),
        _dirty("service_code.valid_values", "kirurgia"),
        _dirty("channel_code.valid_values", "fax"),
        _dirty("provider_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "apotti/measurements": (
        Blemish("measurement_id.type", {"measurement_id": _ends_in_letter("measurement_id")}),
        _dirty("measured_at.type", "2017-02-29 10:00:00"),
        _dirty("measured_at.required", None),
        _dirty("measured_at.minimum", "1999-12-31 10:00:00"),
        _dirty("measured_at.not_after_delivery", f"{_LATER} 10:00:00"),
        _dirty("test_code.required", None),
        _dirty("value_text.length", "ei voitu mitata, näyte hyytynyt, uusi pyyntö tehty"),
        _dirty("status_code.valid_values", "F"),
        _dirty("site_id.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("test_code.valid_values", {"test_code": "9999"}, Fate.WARNED),
        Blemish("encounter_id", {"encounter_id": _NOBODYS}, Fate.UNRESOLVED),
    ),
    "apotti/procedures": (
        _dirty("performed_date.type", "2017-02-29"),
        _dirty("performed_date.minimum", "1999-12-31"),
        _dirty("performed_date.not_after_delivery", _LATER),
        _dirty("procedure_code.pattern", "SAA1"),
        _dirty("tooth_code.pattern", "19", procedure_code="SFA20"),
        _dirty("tooth_code.of_dental_act", "36", procedure_code="SPAT1254"),
        _dirty("encounter_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("encounter_id", {"encounter_id": _NOBODYS}, Fate.UNRESOLVED),
    ),
    "apotti/referrals": (
        _dirty("speciality_code.required", None),
        _dirty("kind_code.valid_values", "faksi"),
        _dirty("urgency_code.valid_values", "0"),
        _dirty("sent_at.not_after_delivery", f"{_LATER} 10:00:00", **_UNANSWERED),
        _dirty("sent_at.type", "1.3.2017 10:00", **_UNANSWERED),
        _dirty("received_by_code.pattern", "Hyvinkään sairaala"),
        _dirty("answered_at.not_before_sent", "2001-01-01 10:00:00", outcome_code="accepted"),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("speciality_code.valid_values", {"speciality_code": "00"}, Fate.WARNED),
        Blemish(
            "row.outcome_when_answered",
            {"answered_at": None, "outcome_code": "returned"},
            Fate.WARNED,
        ),
        Blemish("encounter_id", {"encounter_id": _NOBODYS}, Fate.UNRESOLVED),
    ),
    "apotti/access_events": (
        _dirty("contacted_at.required", None),
        _dirty("contacted_at.type", "2017-02-29 08:00:00"),
        _dirty("contacted_at.not_after_delivery", f"{_LATER} 10:00:00", **_UNVISITED),
        _dirty("assessed_at.not_before_contact", "2001-01-01 10:00:00"),
        _dirty("booked_at.not_before_contact", "2001-01-01 10:00:00"),
        _dirty("visited_at.not_before_contact", "2001-01-01 10:00:00", visit_encounter_id="1"),
        _dirty("visited_at.not_after_delivery", f"{_LATER} 10:00:00", visit_encounter_id="1"),
        _dirty("urgency_code.valid_values", "9"),
        _dirty("reason_code.valid_values", "kesäloma"),
        _dirty("site_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish(
            "row.visit_with_time",
            {"visit_encounter_id": None, "visited_at": _some_visit},
            Fate.WARNED,
        ),
        Blemish(
            "visit_encounter_id",
            {"visit_encounter_id": _NOBODYS, "visited_at": _some_visit},
            Fate.UNRESOLVED,
        ),
    ),
    "apotti/third_next_available": (
        _dirty("with_named_days.maximum", "999"),
        _dirty("without_named_days.minimum", "-1"),
        _dirty("without_named_days.type", "ei mitattu", with_named_days="10"),
        Blemish("row.something_measured", {"with_named_days": None, "without_named_days": None}),
        DUPLICATE,
        Blemish("profession_code.valid_values", {"profession_code": "9999"}, Fate.WARNED),
    ),
    "apotti/contact_channels": (
        _dirty("channel_code.valid_values", "fax"),
        Blemish("week_start_date.is_monday", {"week_start_date": _day_after}),
        _dirty("arrived_count.required", None),
        _dirty("arrived_count.type", "1 200"),
        _dirty("answered_in_2_days_count.among_answered", "999999"),
        Blemish(
            "row.answered_among_arrived",
            {"arrived_count": "10", "answered_count": "11", "answered_in_2_days_count": None},
        ),
        DUPLICATE,
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "apotti/named_professional": (
        _dirty("professional_id.pattern", "Virtanen"),
        _dirty("valid_to_date.after_start", "1999-12-31"),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("profession_code.valid_values", {"profession_code": "9999"}, Fate.WARNED),
    ),
    "apotti/need_assessments": (
        Blemish("score.within_scale", {"score": _beyond_scale}),
        _dirty("score.required", None),
        _dirty("score.type", "4,5"),
        _dirty("scale_code.of_instrument", "TOTAL", instrument_code="RAI-HC", score="3"),
        _dirty("assessed_date.not_after_delivery", _LATER, valid_to_date=None),
        _dirty("valid_to_date.after_assessment", "2001-01-01"),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("assessor_role_code.valid_values", {"assessor_role_code": "lääkäri"}, Fate.WARNED),
    ),
    "apotti/social_services": (
        _dirty("assessed_date.not_before_contact", "1989-12-31", decided_date=None, **_UNBEGUN),
        _dirty("ended_date.not_after_delivery", _LATER),
        _dirty("ladder_code.valid_values", "laitos"),
        _dirty("hours_a_week.maximum", "168,5"),
        _dirty("is_carer.type", "K"),
        Blemish(
            "row.carer_with_cared",
            {"is_carer": "1", "cared_person_id": None, "provider_id": None},
        ),
        Blemish(
            "is_carer.tells_no_place",
            {"is_carer": "1", "cared_person_id": _themselves, "provider_id": "M106"},
        ),
        Blemish("row.started_when_granted", _REFUSED),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish(
            "service_class_code.valid_values", {"service_class_code": "muu_palvelu"}, Fate.WARNED
        ),
    ),
    "hus/specialised_care": (
        Blemish("started_at.missing_hour", _GOES_ON, in_month=3),
        Blemish("episode_id.minimum", {"episode_id": _negated("episode_id")}),
        _dirty("started_at.required", None),
        _dirty("started_at.minimum", "1999-12-31 10:00:00"),
        _dirty("started_at.not_after_delivery", f"{_LATER} 10:00:00", **_GOES_ON),
        _dirty("ended_at.not_before_start", "2001-01-01 10:00:00", **_VISIT),
        _dirty("ended_at.not_after_delivery", f"{_LATER} 10:00:00", **_VISIT),
        Blemish("row.only_stays_go_on", _VISIT | {"ended_at": None}),
        Blemish(
            "episode_kind_code.valid_values",
            {"episode_kind_code": "leikkaus", "ended_at": _some_end, "discharge_code": None},
        ),
        _dirty("urgency_code.valid_values", "9"),
        _dirty("speciality_code.required", None),
        _dirty("unit_code.required", None),
        _dirty("unit_code.pattern", "Hyvinkään sairaala"),
        _dirty("drg_code.pattern", "DRG209"),
        _dirty("icd10_code.pattern", "I10.0"),
        Blemish(
            "discharge_code.valid_values",
            {
                "episode_kind_code": "inpatient_stay",
                "ended_at": _some_end,
                "discharge_code": "koti",
            },
        ),
        _dirty("person_id.required", None),
        _dirty("updated_at.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("speciality_code.valid_values", {"speciality_code": "00"}, Fate.WARNED),
        Blemish(
            "row.discharge_when_stay_ended",
            {
                "episode_kind_code": "outpatient_visit",
                "ended_at": _some_end,
                "discharge_code": "home",
            },
            Fate.WARNED,
        ),
        Blemish("referral_id", {"referral_id": _NOBODYS}, Fate.UNRESOLVED),
    ),
    "hus/invoices": (
        Blemish("invoice_id.minimum", {"invoice_id": _negated("invoice_id")}),
        _dirty("invoice_line_number.minimum", "0"),
        _dirty("invoice_line_number.maximum", "1000"),
        _dirty("invoiced_date.required", None),
        _dirty("invoiced_date.not_after_delivery", _LATER),
        _dirty("service_date.required", None),
        _dirty("service_date.minimum", "1999-12-31"),
        _dirty("service_date.not_after_invoice", _LATER),
        _dirty("product_code.required", None),
        _dirty("product_code.pattern", "käynti"),
        _dirty("quantity.minimum", "-1"),
        _dirty("amount_eur.required", None),
        _dirty("amount_eur.sign_of_note", "-1.5", is_credit="false", credited_invoice_id=None),
        _dirty("is_credit.required", None),
        _dirty("unit_code.pattern", "Hyvinkään sairaala"),
        Blemish("row.credit_names_invoice", _CREDIT | {"credited_invoice_id": None}),
        Blemish("row.patient_of_episode", {"person_id": None}),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("speciality_code.valid_values", {"speciality_code": "00"}, Fate.WARNED),
        Blemish("episode_id", {"episode_id": _NOBODYS}, Fate.UNRESOLVED),
        Blemish(
            "credited_invoice_id",
            _CREDIT | {"credited_invoice_id": _NOBODYS},
            Fate.UNRESOLVED,
        ),
    ),
    "finance/general_ledger": (
        Blemish("voucher_number.type", {"voucher_number": _ends_in_letter("voucher_number")}),
        _dirty("line_number.minimum", "0"),
        _dirty("ledger_month.first_of_month", "15.1.2012"),
        _dirty("ledger_month.minimum", "1.12.1999"),
        _dirty("posted_date.not_after_delivery", "1.1.2066"),
        _dirty("posted_date.not_before_month", "1.1.2012"),
        _dirty("cost_centre_code.pattern", "12"),
        _dirty("service_class_code.pattern", "T01"),
        _dirty("amount_eur.type", "12.50"),
        _dirty("amount_eur.required", None),
        DUPLICATE,
        Blemish("account_code.valid_values", {"account_code": "4999"}, Fate.WARNED),
        Blemish(
            "cost_centre_code",
            {"cost_centre_code": "0000", "service_class_code": None},
            Fate.UNRESOLVED,
        ),
        Blemish("service_class_code", {"service_class_code": "P99"}, Fate.UNRESOLVED),
    ),
    "finance/client_fees": (
        Blemish("fee_id.type", {"fee_id": _ends_in_letter("fee_id")}),
        _dirty("charged_date.not_after_delivery", "1.1.2066"),
        _dirty("charged_date.type", "2017-01-31"),
        _dirty("amount_eur.minimum", "-20,60", status_code="paid"),
        _dirty("amount_eur.type", "20.60", status_code="paid"),
        _dirty("status_code.valid_values", "perinnässä"),
        Blemish(
            "row.nothing_above_ceiling", {"status_code": "above_ceiling", "amount_eur": "20,60"}
        ),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("fee_type_code.valid_values", {"fee_type_code": "sakko"}, Fate.WARNED),
    ),
    "smartum/providers": (
        _dirty("business_id.pattern", "99999-1"),
        _dirty("sector_code.valid_values", "yksityinen"),
        _dirty("service_codes.pattern", "siivous, kotihoito"),
        _dirty("approved_from_date.type", "2017-01-31", approved_to_date=None),
        _dirty("approved_to_date.after_approval", "01.01.2001"),
        _dirty("provider_name.required", None),
        _dirty("municipality_code.pattern", "Lohja"),
        _dirty("language_codes.pattern", "suomi"),
        DUPLICATE,
    ),
    "smartum/service_prices": (
        _dirty("unit_price_eur.type", "38.50"),
        _dirty("unit_price_eur.minimum", "-38,50"),
        _dirty("unit_price_eur.required", None),
        _dirty("unit_code.valid_values", "h"),
        _dirty("vat_code.valid_values", "alv24", vat_pct="24,0"),
        _dirty("vat_pct.maximum", "240,0", vat_code="standard"),
        Blemish("row.rate_of_treatment", {"vat_code": "standard", "vat_pct": "0,0"}),
        _dirty("valid_to_date.after_valid_from", "01.01.2001"),
        _dirty("valid_from_date.type", "31.2.2017", valid_to_date=None),
        DUPLICATE,
        Blemish("service_code.valid_values", {"service_code": "shiatsu"}, Fate.WARNED),
    ),
    "smartum/budgets": (
        _dirty("granted_eur.type", "1200.50"),
        _dirty("granted_eur.minimum", "-1200,00"),
        _dirty("budget_group_code.valid_values", "7"),
        _dirty("hb_class_code.valid_values", "0"),
        _dirty("valid_to_date.after_valid_from", "01.01.2001"),
        _dirty("decided_date.not_after_delivery", "01.01.2066", appeal_end_date="07.02.2066"),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish(
            "row.reason_when_terminated",
            {"budget_state_code": "in_force", "termination_reason_code": "moved"},
            Fate.WARNED,
        ),
    ),
    "apotti/informal_care_agreements": (
        _dirty("fee_class_code.valid_values", "4"),
        _dirty("fee_month_eur.type", "392.57"),
        _dirty("valid_to_date.after_valid_from", "1995-01-01"),
        _WRONG_CHECK,
    ),
    "guidance/families": (
        _dirty("member_role_code.valid_values", "mummo"),
        _dirty("valid_from_date.type", "2017-02-29"),
        _dirty("family_id.required", None),
        _WRONG_CHECK,
    ),
    "smartum/purchase_authorisations": (_dirty("valid_to_date.after_valid_from", "01.01.2001"),),
    "smartum/transactions": (
        _dirty("amount_eur.type", "1 200,00"),
        _dirty("unit_price_eur.type", "38.50"),
        _dirty("quantity.required", None),
        Blemish("amount_eur.sign_of_kind", _RETURNED_UPWARDS),
        _dirty("transaction_kind_code.valid_values", "hyvitys"),
        Blemish(
            "row.reversal_names_its_line",
            {"transaction_kind_code": "reversal", "refers_to_transaction_id": None},
        ),
        _dirty("service_date.type", "2017-01-31"),
        _dirty("booked_at.not_after_delivery", "01.01.2066 10:00:00"),
        _dirty("booked_at.type", "31.02.2017 10:00:00"),
        _dirty("voucher_provider_id.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("service_code.valid_values", {"service_code": "shiatsu"}, Fate.WARNED),
        Blemish("row.amount_adds_up", {"quantity": "9999,00"}, Fate.WARNED),
    ),
    "smartum/statements": (
        _dirty("amount_eur.type", "1200.50"),
        _dirty("transaction_count.minimum", "-1"),
        _dirty("transaction_count.type", "1 200"),
        Blemish("month_start_date.is_first_of_month", {"month_start_date": "02.01.1971"}),
        _dirty("client_share_eur.required", None),
    ),
    "guidance/contacts": (
        _dirty("contacted_at.type", "2017-02-29 10:00:00"),
        _dirty("contacted_at.not_after_delivery", f"{_LATER} 10:00:00"),
        _dirty("contact_kind_code.valid_values", "faksi"),
        _dirty("duration_minutes.type", "22,5"),
        _dirty("duration_minutes.maximum", "1440.5"),
        _dirty("guide_code.pattern", "Virtanen"),
        _dirty("guide_code.required", None),
        _dirty("has_third_sector_referral.type", "K"),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("contact_topic_code.valid_values", {"contact_topic_code": "muu"}, Fate.WARNED),
    ),
    "guidance/study_enrolment": (
        _dirty("cohort_code.valid_values", "koe"),
        _dirty("budget_group_code.valid_values", "7"),
        _dirty("municipality_code.pattern", "92"),
        _dirty("enrolled_date.type", "2017-02-29", left_date=None),
        Blemish("enrolled_date.not_after_delivery", _LATE_DAY),
        _dirty("left_date.after_enrolment", "2016-01-01"),
        _dirty("consent_withdrawn_date.not_before_given", "2001-01-01"),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish(
            "row.consent_before_answers",
            {
                "cohort_code": "control",
                "consent_given_date": None,
                "consent_withdrawn_date": None,
            },
            Fate.WARNED,
        ),
    ),
    "guidance/worker_time": (
        _dirty("guide_code.pattern", "Virtanen"),
        Blemish("worked_date.type", {"worked_date": "2017-02-29"}),
        Blemish("worked_date.not_after_delivery", {"worked_date": _LATER}),
        _dirty("task_code.valid_values", "kahvitauko"),
        _dirty("worked_minutes.type", "7,5"),
        _dirty("worked_minutes.maximum", "1435"),
        _dirty("worked_minutes.required", None),
        _dirty("updated_at.required", None),
        DUPLICATE,
    ),
    "guidance/worker_assessment": (
        _dirty("score.maximum", "6"),
        _dirty("score.minimum", "0"),
        _dirty("score.type", "3-4"),
        _dirty("item_code.valid_values", "muu"),
        _dirty("wave_code.valid_values", "month_9"),
        _dirty("assessed_date.not_after_delivery", _LATER),
        _dirty("guide_code.required", None),
        _WRONG_CHECK,
        DUPLICATE,
    ),
    "guidance/daily_life_impact": (
        _dirty("home_score.maximum", "6"),
        _dirty("money_score.type", "ei osaa sanoa"),
        _dirty("answered_date.not_after_delivery", _LATER),
        _dirty("respondent_code.valid_values", "naapuri"),
        Blemish("row.something_answered", _UNANSWERED_DAY),
        _WRONG_CHECK,
        DUPLICATE,
    ),
    "guidance/budget_experience": (
        _dirty("recommendation_score.maximum", "11"),
        _dirty("choice_score.minimum", "0"),
        _dirty("answered_date.type", "2017-02-29"),
        Blemish("row.something_answered", _NOTHING_SAID),
        _WRONG_CHECK,
        DUPLICATE,
    ),
    "guidance/outcomes": (
        _dirty("delivery_code.pattern", "RL-2017"),
        _dirty("target_code.valid_values", "kuolema"),
        _dirty("item_code.of_worklist", None, target_code="voucher_worklist"),
        _dirty("is_acted_on.required", None),
        _dirty(
            "outcome_code.of_who_was_acted_on",
            "started",
            is_acted_on="0",
            outcome_date="2017-01-02",
        ),
        _dirty("outcome_date.not_after_delivery", _LATER, is_acted_on="1", outcome_code="started"),
        Blemish(
            "row.dated_outcome",
            {"is_acted_on": "1", "outcome_code": None, "outcome_date": "2017-01-02"},
        ),
        _WRONG_CHECK,
    ),
    "enrolment_portal/health_survey": (
        _dirty("answered_at.type", "1.6.2017 klo 12"),
        _dirty("answered_at.not_after_delivery", f"{_LATER}T10:00:00"),
        _dirty("global01.maximum", "6"),
        _dirty("global07.type", "kova"),
        _dirty("language_code.valid_values", "suomi"),
        Blemish("row.something_answered", dict.fromkeys(_GLOBAL_ITEMS)),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        DUPLICATE,
    ),
    "enrolment_portal/flags": (
        _dirty("role_code.valid_values", "naapuri"),
        _dirty("severity_code.required", None),
        _dirty("raised_at.type", "2017-02-29T10:00:00"),
        _dirty("raised_at.not_after_delivery", f"{_LATER}T10:00:00"),
        _dirty("language_code.pattern", "FI"),
        _WRONG_CHECK,
        DUPLICATE,
        Blemish("topic_code.valid_values", {"topic_code": "muu asia"}, Fate.WARNED),
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "enrolment_portal/corrective_actions": (
        _dirty("due_date.not_before_agreed", "2001-01-01"),
        _dirty("action_state_code.valid_values", "unohtui"),
        _dirty("flag_count.type", "monta"),
        DUPLICATE,
        Blemish("flag_id", {"flag_id": "F999999999999", "flag_count": "1"}, Fate.UNRESOLVED),
    ),
    "surveys/patient_reported": (
        _dirty("answer.within_item", "9", item_code="Global01"),
        _dirty("answer.type", "3,5"),
        _dirty("item_code.of_instrument", "S1", instrument_code="PROMIS-10", answer="2"),
        _dirty("instrument_code.required", None),
        _dirty("answered_date.not_after_delivery", _LATER),
        _dirty("cohort_code.valid_values", "muu"),
        _WRONG_CHECK,
        DUPLICATE,
    ),
    "surveys/experience": (
        Blemish("answered_at.missing_hour", {}, in_month=3),
        _dirty("recommendation.maximum", "11"),
        _dirty("recommendation.required", None),
        _dirty("recommendation.type", "kymmenen"),
        _dirty("listened_answer.minimum", "0"),
        _dirty("channel_code.valid_values", "faksi"),
        DUPLICATE,
        Blemish("topic_code.valid_values", {"topic_code": "muu asia"}, Fate.WARNED),
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "surveys/staff_survey": (
        _dirty("answer.maximum", "6"),
        _dirty("answer.type", "samaa mieltä"),
        _dirty("profession_group_code.valid_values", "johtaja"),
        _dirty("item_code.valid_values", "palkka"),
        DUPLICATE,
    ),
}
"""What is planted, by table; at least once each in the first months, then at random."""
