"""The follow-up of the trial: savings potential, equality, language, and the checked list.

Here: the marts by hand, and the list against the plan's tables. Not here: what counts as evidence
of each item in other marts (their own tests).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from tests.support.incentives import VALUE_TABLES
from tests.support.model_chain import Chain, chain

WINTER = date(2017, 1, 1)
D = Decimal
Row = tuple[Any, ...]
OF_SAVINGS = {
    "core.cost": (
        "person_id bigint, cost_month date, costed_service_code varchar, cost_eur decimal(18,2)"
    ),
    "core.person_month": (
        "person_id bigint, exposure_month date, municipality_code varchar, sex_code varchar,"
        " birth_date date"
    ),
    "core.resident_cost": (
        "cost_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " package_class_code varchar, cost_eur decimal(18,2)"
    ),
    "core.resident_exposure": (
        "exposure_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " person_days bigint"
    ),
}
OF_EQUALITY = {
    "core.person_month": OF_SAVINGS["core.person_month"],
    "core.person": "person_id bigint, language_code varchar, birth_country_code varchar",
    "core.client_quarter": (
        "person_id bigint, quarter_start_date date, event_count bigint, health_cost_eur"
        " decimal(18,2), social_cost_eur decimal(18,2), elderly_cost_eur decimal(18,2)"
    ),
    "core.encounter": (
        "encounter_month date, site_id varchar, contact_language_code varchar,"
        " service_language_code varchar"
    ),
}
OF_LIST = {
    "core.reached": VALUE_TABLES["core.reached"],
    "core.scorecard_indicator": "period_end_date date",
    "mart.indicator_value": "indicator_id varchar, period_start_date date, state_code varchar",
    "core.flag": "role_code varchar, topic_code varchar, raised_date date",
    "core.provider": "provider_id varchar, sector_code varchar",
    "core.site_month": "site_id varchar, calendar_month date, provider_id varchar",
    "mart.t3_by_unit": "measured_month date, provider_id varchar, without_named_count bigint",
    "core.patient_reported_score": (
        "survey_code varchar, response_month date, scale_score decimal(5,1)"
    ),
    "core.enrolment": "valid_from_date date, known_to_seq bigint",
    "core.scorecard_staff": "period_end_date date",
    "core.staff_survey_response": "survey_date date",
    "core.client_fee": "charge_month date",
    "mart.savings_potential": "quarter_start_date date, savings_eur decimal(18,2)",
    "mart.visits_by_profession": ("encounter_month date, site_id varchar, encounter_count bigint"),
    "mart.client_profile": "enrolment_month date",
    "core.resident_cost": "cost_month date",
    "core.hospital_episode": "episode_month date, episode_kind_code varchar",
    "mart.net_promoter": "response_month date, response_count bigint",
    "mart.equality": "quarter_start_date date",
    "mart.service_language": "encounter_month date, encounter_count bigint",
}
EACH, ASKED, HALVES, QUARTERS = "every_period", "once", "half_year", "specialised_care"
# The plan's tables as they stand: x asked outright, (x) or on request; who reports; and how often.
TABLE_3 = {
    # Of each item: interim, end, reporter.
    "bonus_sanction_indicators": (("due", EACH), "due", "provider"),
    "emergency_use": (("due", EACH), "due", "organiser"),
    "specialised_care_use": (("due", QUARTERS), "due", "organiser"),
    "self_reported_health": (("due", EACH), "due", "organiser"),
    "moves_between_providers": (("optional", ASKED), "due", "organiser"),
    "staff_turnover": (("optional", ASKED), "due", "provider"),
    "staff_survey": (("optional", ASKED), "due", "provider"),
    "client_fees": (("optional", ASKED), "due", "organiser"),
}
TABLE_4 = {
    # Of each item: before, interim, end, reporter. What one row of the plan names stands apart;
    # the last two are asked for elsewhere in the plan.
    "savings_potential": ("due", "optional", "due", "organiser"),
    "visits_by_profession_and_type": ("due", "optional", "due", "both"),
    "service_network": (None, "optional", "due", "provider"),
    "availability": (None, "optional", "due", "provider"),
    "client_profile": (None, "optional", "due", "provider"),
    "total_costs": ("due", "optional", "due", "organiser"),
    "client_fees": ("due", "optional", "due", "organiser"),
    "specialised_care_use": ("due", "optional", "due", "organiser"),
    "self_reported_health": (None, "due", "due", "organiser"),
    "staff_experience": (None, "optional", "due", "provider"),
    "client_experience": (None, "optional", "due", "provider"),
    "new_practices": (None, None, "due", "provider"),
    "providers_view": (None, None, "due", "provider"),
    "equality": ("due", "optional", "due", "organiser"),
    "service_language": (None, "optional", "due", "organiser"),
}


@cache
def savings() -> Chain:
    return chain(("mart.savings_potential",), OF_SAVINGS)


def test_savings_potential_is_what_lies_above_the_best_quarter_standardised() -> None:
    """Four towns, 100 days each of the young and as many of the old as the costs expect."""
    euros = {"A": 80, "B": 90, "C": 110, "D": 120}
    lived = [(WINTER, town, 30, "1", 100) for town in euros]
    lived += [(WINTER, "", 30, "1", 100), (WINTER, "E", 30, "1", 1)]
    spent = [(WINTER, town, 30, "1", "P01", eur) for town, eur in euros.items()]
    spent += [(WINTER, "", 30, "1", "P01", 101), (WINTER, "E", 30, "1", "P12", 1000)]
    built = savings()
    built.run({"core.resident_exposure": lived, "core.resident_cost": spent})
    # 501 euros over 501 days: a euro a day, and the best quarter of four is the cheapest.
    assert built.rows(
        "select municipality_code, cost_eur, expected_cost_eur, best_ratio, savings_eur"
        " from mart.savings_potential order by municipality_code"
    ) == [
        ("", 101, 100, D("0.8"), None),
        ("A", 80, 100, D("0.8"), 0),
        ("B", 90, 100, D("0.8"), 10),
        ("C", 110, 100, D("0.8"), 30),
        ("D", 120, 100, D("0.8"), 40),
        ("E", 0, 1, D("0.8"), None),
    ]


def test_a_town_of_old_people_is_expected_to_cost_more() -> None:
    built = savings()
    built.run(
        {
            "core.resident_exposure": [
                (WINTER, "A", 30, "1", 100),
                (WINTER, "A", 80, "1", 300),
                (WINTER, "B", 30, "1", 300),
                (WINTER, "B", 80, "1", 100),
            ],
            "core.cost": [
                (1, WINTER, "hospital_emergency", 330),
                (2, WINTER, "hospital_emergency", 30),
                (3, WINTER, "psychiatric_emergency", 30),
                (4, WINTER, "hospital_visit", 999),
                (5, WINTER, "hospital_emergency", 999),
            ],
            "core.person_month": [
                (1, WINTER, "A", "1", date(1937, 1, 1)),
                (2, WINTER, "B", "1", date(1937, 1, 1)),
                (3, WINTER, "B", "1", date(1987, 1, 1)),
            ],
        }
    )
    # Old: 360 over 400 days; young: 30 over 400.
    assert built.rows(
        "select municipality_code, cost_eur, expected_cost_eur, savings_eur"
        " from mart.savings_potential order by municipality_code"
    ) == [("A", 330, D("277.50"), 182), ("B", 60, D("112.50"), 0)]


def test_use_is_told_by_sex_age_language_and_country_of_birth() -> None:
    built = chain(("mart.equality", "mart.service_language"), OF_EQUALITY)
    april = date(2017, 4, 1)
    built.run(
        {
            "core.person_month": [
                (1, april, "186", "1", date(2010, 4, 2)),
                (2, april, "186", "2", date(1950, 4, 1)),
                (3, april, None, "2", date(1990, 1, 1)),
                (2, date(2017, 5, 1), "186", "2", date(1950, 4, 1)),
            ],
            "core.person": [(1, "sv", "246"), (2, "et", "233"), (3, "fi", None)],
            "core.client_quarter": [(2, april, 5, 10, 3, 4), (9, april, 5, 10, 3, 4)],
            "core.encounter": [(april, "S1", "sv", "fi")] * 2 + [(april, "S1", None, "fi")],
        }
    )
    assert built.rows("from mart.equality order by all") == [
        (april, "age", "0-6", 1, 0, 0, 0, 0),
        (april, "age", "18-44", 1, 0, 0, 0, 0),
        (april, "age", "65-74", 1, 1, 5, 10, 7),
        (april, "birth_country", "abroad", 1, 1, 5, 10, 7),
        (april, "birth_country", "finland", 1, 0, 0, 0, 0),
        (april, "birth_country", "unknown", 1, 0, 0, 0, 0),
        (april, "language", "fi", 1, 0, 0, 0, 0),
        (april, "language", "other", 1, 1, 5, 10, 7),
        (april, "language", "sv", 1, 0, 0, 0, 0),
        (april, "sex", "1", 1, 0, 0, 0, 0),
        (april, "sex", "2", 2, 1, 5, 10, 7),
    ]
    assert built.rows("from mart.service_language") == [(april, "S1", "sv", "fi", 2)]


@cache
def checked_list() -> Chain:
    return chain(("mart.trial_followup",), OF_LIST)


def listed(reached: date, columns: str, **given: list[Row]) -> list[Row]:
    built = checked_list()
    fixed: dict[str, list[Row]] = {
        "core.reached": [(reached,)],
        "core.provider": [("Y1", "private"), ("M1", "public")],
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    return built.rows(f"select {columns} from mart.trial_followup")


def states(reached: date, **given: list[Row]) -> dict[Row, Row]:
    """State, spans asked for and spans with something, by table, item, phase and reporter."""
    key = "table_code, item_code, phase_code, reporter_code"
    rows = listed(reached, f"{key}, followup_state_code, span_count, found_span_count", **given)
    return {row[:4]: row[4:] for row in rows}


def test_the_list_has_every_row_of_the_plans_tables_with_reporter_and_dates() -> None:
    due: dict[Row, Any] = {}
    for item, (interim, end, reporter) in TABLE_3.items():
        due["scorecard", item, "interim", reporter] = interim
        due["scorecard", item, "end", reporter] = (end, ASKED)
        if item != "specialised_care_use":  # its data come of 9/2018 and 12/2018 alone
            due["scorecard", item, "start", reporter] = interim
    rhythm = {"staff_experience": HALVES, "self_reported_health": HALVES}
    once = {("self_reported_health", "end"), ("staff_experience", "start")}
    once |= {("new_practices", "end"), ("providers_view", "end")}
    for item, (before, interim_ask, end, stated) in TABLE_4.items():
        asked = {"before": before, "start": interim_ask, "interim": interim_ask, "end": end}
        if item == "self_reported_health":  # asked for at 6 months, hence not at the start
            asked["start"] = None
        for phase, ask in asked.items():
            often = ASKED if (item, phase) in once else rhythm.get(item, EACH)
            reporters = ("organiser", "provider") if stated == "both" else (stated,)
            for reporter in reporters:
                if ask and (phase, reporter) != ("before", "provider"):
                    due["trial", item, phase, reporter] = (ask, often)
    columns = "table_code, item_code, phase_code, reporter_code, ask_code, rhythm_code"
    assert {row[:4]: row[4:] for row in listed(date(2017, 1, 31), columns)} == due


def test_an_item_is_there_of_a_phase_when_every_one_of_its_spans_has_something() -> None:
    quarters = [date(2016, m, 1) for m in (1, 4, 7, 10)] + [date(2017, 1, 1)]
    before = ("trial", "total_costs", "before", "organiser")
    fees = ("trial", "client_fees", "before", "organiser")

    def of_costs(reached: date, months: list[date]) -> dict[Row, Row]:
        return states(reached, core__resident_cost=[(month,) for month in months])

    assert of_costs(date(2017, 4, 29), quarters)[before] == ("gathering", 5, 5)
    found = of_costs(date(2017, 6, 28), quarters)
    assert (found[before], found[fees]) == (("available", 5, 5), ("not_due", 5, 0))
    found = of_costs(date(2017, 6, 29), quarters[1:])
    assert (found[before], found[fees]) == (("partial", 5, 4), ("missing", 5, 0))
    assert of_costs(date(2017, 6, 28), quarters[1:])[before] == ("gathering", 5, 4)
    late = states(date(2020, 3, 1))
    assert late["trial", "client_profile", "interim", "provider"] == ("not_given", 5, 0)


def test_specialised_care_is_asked_of_both_quarters_of_2018_as_measured() -> None:
    third, fourth = date(2018, 7, 1), date(2018, 10, 1)
    item = ("scorecard", "specialised_care_use", "interim", "organiser")

    def of(*rows: Row) -> Row:
        return states(date(2019, 3, 1), mart__indicator_value=list(rows))[item]

    known = ("specialised_use", third, "measured")
    assert of(known, ("specialised_use", fourth, "too_small")) == ("available", 2, 2)
    assert of(known, ("specialised_use", fourth, "overdue")) == ("partial", 2, 1)
    assert of(known, ("emergency_use", fourth, "measured")) == ("partial", 2, 1)
    assert of(("specialised_use", date(2018, 1, 1), "measured")) == ("missing", 2, 0)


def test_what_both_report_and_what_stands_is_told_by_who_runs_the_sites() -> None:
    autumn = date(2017, 11, 1)
    found = states(
        date(2018, 1, 31),
        core__site_month=[("S1", autumn, "Y1"), ("S2", autumn, "M1")],
        mart__visits_by_profession=[(autumn, "S2", 9), (autumn, None, 9)],
        mart__t3_by_unit=[(autumn, "M1", 4)],
        core__hospital_episode=[(autumn, "inpatient_stay")],
    )
    of_interim = {(item, by): row for (table, item, phase, by), row in found.items()
                  if (table, phase) == ("trial", "interim")}  # fmt: skip
    visits = "visits_by_profession_and_type"
    assert of_interim[visits, "organiser"] == ("gathering", 5, 1)
    assert of_interim[visits, "provider"] == ("not_due", 5, 0)
    assert of_interim["service_network", "provider"] == ("gathering", 5, 1)
    assert of_interim["availability", "provider"] == ("not_due", 5, 0)
    assert of_interim["specialised_care_use", "organiser"] == ("not_due", 5, 0)


def test_providers_tell_of_new_practices_and_of_their_view_by_flags_of_their_own() -> None:
    day = date(2019, 11, 1)
    flags = [
        ("provider", "practice_digital", day),
        ("client", "provider_payment", day),
        ("provider", "digital", day),
    ]
    practices, view = (
        ("trial", item, "end", "provider") for item in ("new_practices", "providers_view")
    )
    found = states(date(2020, 3, 1), core__flag=flags)
    assert (found[practices], found[view]) == (("available", 1, 1), ("missing", 1, 0))
    flags.append(("provider", "provider_profitability", day))
    assert states(date(2020, 3, 1), core__flag=flags)[view] == ("available", 1, 1)


OF_PROFILE = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.enrolment": (
        "person_id bigint, service_code varchar, provider_id varchar, valid_from_date date,"
        " valid_to_date date, known_to_seq bigint"
    ),
    "core.residence": (
        "person_id bigint, municipality_code varchar, valid_from_date date, valid_to_date date,"
        " known_to_seq bigint"
    ),
    "core.person": (
        "person_id bigint, sex_code varchar, birth_date date, death_date date,"
        " birth_country_code varchar"
    ),
}


def test_a_list_is_told_by_sex_age_and_country_of_birth() -> None:
    """Of a protected person without provider, one whom the register lacks, and not of the dead."""
    day = date(2017, 6, 1)
    models = ("core.list_profile", "mart.client_profile", "mart.enrolled_by_provider")
    built = chain(models, OF_PROFILE)
    built.run(
        {
            "effective.delivery": [("enrolment_portal", "enrolments", date(2017, 6, 30))],
            "core.enrolment": [
                (n, "reception", provider, day, None, None)
                for n, provider in ((1, "Y1"), (2, "Y1"), (3, "Y1"), (4, None), (5, "Y1"))
            ],
            "core.residence": [(n, f"10{n}", day, None, None) for n in (1, 2)],
            "core.person": [
                (1, "1", date(2010, 6, 30), None, "246"),
                (2, "2", date(2010, 7, 1), None, "233"),
                (4, "2", date(1950, 1, 1), None, None),
                (5, "2", date(1950, 1, 1), date(2017, 6, 30), "246"),
            ],
        }
    )
    groups = {
        "Y1": {
            "age": {"0-6", "7-17", "unknown"},
            "birth_country": {"abroad", "finland", "unknown"},
            "sex": {"1", "2", "unknown"},
        },
        None: {"age": {"65-74"}, "birth_country": {"unknown"}, "sex": {"2"}},
    }
    columns = "provider_id, attribute_code, group_code, person_count"
    assert set(built.rows(f"select {columns} from mart.client_profile")) == {
        (provider, attribute, group, 1)
        for provider, attributes in groups.items()
        for attribute, found in attributes.items()
        for group in found
    }
    assert built.rows("select sum(person_count) from mart.enrolled_by_provider") == [(4,)]
