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
_UNBEGUN = {"started_date": None, "ended_date": None}
_VISIT = {"episode_kind_code": "outpatient_visit", "discharge_code": None}
_GOES_ON = {"episode_kind_code": "inpatient_stay", "ended_at": None, "discharge_code": None}
_CREDIT = {"is_credit": "true", "amount_eur": "-10.5"}
_REFUSED = {
    "contacted_date": "2016-01-04",
    "assessed_date": "2016-01-04",
    "decided_date": "2016-01-11",
    "started_date": "2016-02-01",
    "ended_date": None,
    "decision_code": "refused",
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
        Blemish("started_at.missing_hour", {}, in_month=3),
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
}
"""What is planted, by table; at least once each in the first months, then at random."""
