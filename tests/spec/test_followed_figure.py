"""Baselines, goals and published figures, each beside what the lake counts of the same.

Here: that every figure of the programmes' tables and of Vantaa's access is there, by the rulebooks
in force; and what the lake counts of each, by hand. Not here: waits by class (`test_access`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from tests.support.model_chain import Chain, chain

D = Decimal
Row = tuple[Any, ...]
TABLES = {
    "core.reached": "reached_date date",
    "core.site_month": "site_id varchar, calendar_month date, municipality_code varchar",
    "current.contact_channels": (
        "site_id varchar, week_start_date date, channel_code varchar, answered_count integer,"
        " arrived_count integer, answered_in_2_days_count integer, queue_minutes decimal(6,1),"
        " callback_minutes decimal(6,1)"
    ),
    "current.third_next_available": (
        "site_id varchar, profession_code varchar, measured_date date, with_named_days integer,"
        " without_named_days integer"
    ),
    "mart.wait_by_unit": (
        "visit_month date, clock_code varchar, site_id varchar, municipality_code varchar,"
        " profession_code varchar, wait_class_code varchar, visit_count bigint, is_unfit boolean"
    ),
    "mart.care_guarantee": (
        "visit_month date, site_id varchar, municipality_code varchar, visit_count bigint,"
        " assessment_known_count bigint, contact_known_count bigint, is_unfit boolean"
    ),
    "mart.visits_by_profession": (
        "encounter_month date, site_id varchar, contact_type_code varchar, encounter_count bigint"
    ),
    "mart.social_guarantee": (
        "contact_month date, service_class_code varchar, contact_count bigint,"
        " assessed_in_7_weekdays_count bigint"
    ),
    "core.guidance_contact": (
        "person_id bigint, contacted_date date, contact_month date, contact_topic_code varchar,"
        " has_third_sector_referral boolean"
    ),
    "core.client_quarter": "person_id bigint, quarter_start_date date, is_heavy_user boolean",
    "core.encounter": "person_id bigint, encounter_date date",
    "mart.indicator_value": (
        "indicator_id varchar, period_start_date date, numerator decimal(18,4),"
        " denominator decimal(18,4), state_code varchar"
    ),
    "core.resident_cost": ("cost_month date, package_class_code varchar, cost_eur decimal(18,2)"),
}
MODELS = ("core.channel_week", "core.followed_month", "mart.followed_figure")
AUGUST, SEPTEMBER = date(2021, 8, 1), date(2021, 9, 1)

# Measure, baseline and goal as the programmes print them; None where they print no number.
PROGRAMMES = [
    ("messages_in_2_days", 72, 80),
    ("queue_minutes", 27, 5),
    ("callback_minutes", 120, 60),
    ("t3_days", 46, 7),
    ("t3_physiotherapy", 36, 7),
    ("t3_dental", {"092": 120, "245": 32}, 90),
    ("multi_professional_visits", D("3.7"), 10),
    ("stay_acute_geriatrics", 5, 5),
    ("stay_continued_care", 26, 24),
    ("real_time_consultations", 0, 30),
    ("video_visits_and_calls", None, 15),
    ("guided_to_third_sector", None, 10),
    ("digital_health_and_families", None, 30),
    ("digital_mental_health", None, 15),
    ("specialised_to_primary_mental_cost", None, -20),
    ("professionals_time_freed", None, 10),
    ("social_guidance_in_7_weekdays", None, 100),
]
DIRECTIONS = {
    "visits_after_coordination": "falls",
    "remote_home_care": "grows",
    "visits_replaced_by_dispensers": "grows",
    "low_value_care": "falls",
    "video_visits_and_calls": "change_pct",
    "specialised_to_primary_mental_cost": "change_pct",
}
# Vantaa, 8-9/2021: T3 with a named doctor and without, per cent over three months.
STATIONS = {
    "V-REMOTE": (None, None, 0),
    "V-HAKUNILA": (66, 66, 1),
    "V-KOIVUKYLA": (68, 90, 4),
    "V-KORSO": (90, 90, 0),
    "V-LANSIMAKI": (26, 90, 0),
    "V-MARTINLAAKSO": (90, 90, 2),
    "V-MYYRMAKI": (90, 90, 5),
    "V-TIKKURILA": (90, 90, 0),
}
CONTACTS = {
    "messages_in_2_days": (70, 77),
    "queue_minutes": (9, 7),
    "callback_minutes": (273, 179),
    "calls_answered": (D("76.16"), D("79.18")),
}
ACCESS = {
    ("t3_doctor", "092"): 59,
    ("t3_doctor", "245"): 40,
    ("t3_dental", "092"): 120,
    ("t3_dental", "245"): 35,
    ("doctor_waits_over_90", "092"): 2,
    ("waits_known", "092"): 74_002,
    ("waits_known_by_contact", "092"): 74_831,
    ("visits", "092"): 75_270,
}


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def run(*, reached: date = date(2022, 12, 31), **given: list[Row]) -> Chain:
    built = models()
    sites = [
        (site, month, town)
        for month in (AUGUST, SEPTEMBER)
        for site, town in (("V-KORSO", "092"), ("K-1", "245"))
    ]
    fixed: dict[str, list[Row]] = {"core.reached": [(reached,)], "core.site_month": sites}
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    return built


def printed(kind: str) -> dict[Row, Any]:
    rows = run().rows(
        "select followed_code, unit_id, from_date, printed_value from mart.followed_figure"
        f" where figure_kind_code = '{kind}'"
    )
    return {row[:3]: row[3] for row in rows}


def test_every_baseline_and_goal_of_the_programmes_is_there() -> None:
    of_2020, at_end = date(2020, 1, 1), date(2022, 12, 31)
    due: dict[Row, Any] = {("visits_before_coordination", "all", of_2020): None}
    # Baselines of indicators by Vantaa's access, without a goal.
    due |= {("access_7_days", "all", AUGUST): D("66.8")}
    due |= {("calls_answered", "all", AUGUST): D("76.16")}
    for code, baseline, _ in PROGRAMMES:
        units = baseline if isinstance(baseline, dict) else {"all": baseline}
        if baseline is not None or code == "video_visits_and_calls":
            due |= {(code, unit, of_2020): value for unit, value in units.items()}
    assert printed("baseline") == due
    goals: dict[Row, Any] = {(code, "all", at_end): goal for code, _, goal in PROGRAMMES}
    goals |= {(code, "all", at_end): None for code, form in DIRECTIONS.items() if "_" not in form}
    assert printed("goal") == goals
    forms = run().rows(
        "select followed_code, form_code from mart.followed_figure"
        " where figure_kind_code = 'goal' and form_code <> 'value'"
    )
    assert dict(forms) == DIRECTIONS


def test_every_published_figure_of_access_is_there() -> None:
    due: dict[Row, Any] = {}
    for code, values in CONTACTS.items():
        due |= {(code, "092", d): v for d, v in zip((AUGUST, SEPTEMBER), values, strict=True)}
    for site, (named, unnamed, over) in STATIONS.items():
        due["doctor_waits_over_90", site, AUGUST] = over
        if named is not None:
            due["t3_doctor_named", site, AUGUST] = named
            due["t3_doctor", site, AUGUST] = unnamed
    due |= {(code, unit, AUGUST): value for (code, unit), value in ACCESS.items()}
    assert printed("published") == due


def measured(built: Chain, code: str, kind: str = "published") -> list[Row]:
    return built.rows(
        "select unit_id, from_date, measured_value, measured_state_code from mart.followed_figure"
        f" where followed_code = '{code}' and figure_kind_code = '{kind}' order by all"
    )


def test_published_figures_stand_beside_the_same_units_and_days() -> None:
    weeks = [
        ("V-KORSO", date(2021, 8, 30), "telephone", 30, 40, None, 10, 200),
        ("V-KORSO", date(2021, 9, 6), "telephone", 10, 20, None, 6, 100),
        ("V-KORSO", date(2021, 9, 6), "digital_message", 8, 9, 4, None, None),
        ("K-1", date(2021, 9, 6), "telephone", 1, 1, None, 99, 99),
    ]
    t3 = [
        ("V-KORSO", "2221", date(2021, 8, 2), 90, 60),
        ("V-KORSO", "2221", date(2021, 9, 6), None, 30),
        ("K-1", "2221", date(2021, 9, 6), 10, 20),
        ("V-KORSO", "32311", date(2021, 9, 6), 1, 1),
        ("V-KORSO", "2222", date(2021, 10, 1), 1, 1),
    ]
    waits = [
        (AUGUST, "assessment", "V-KORSO", "092", "2221", "0-7", 3, False),
        (AUGUST, "assessment", "V-KORSO", "092", "2221", "over_90", 1, False),
        (AUGUST, "assessment", "V-KORSO", "092", "2221", "unknown", 9, False),
        (AUGUST, "contact", "V-KORSO", "092", "2221", "over_90", 9, False),
    ]
    built = run(
        current__contact_channels=weeks,
        current__third_next_available=t3,
        mart__wait_by_unit=waits,
        mart__care_guarantee=[
            (AUGUST, "V-KORSO", "092", 10, 8, 9, False),
            (SEPTEMBER, None, None, 10, 8, 9, False),
        ],
    )
    assert measured(built, "calls_answered") == [
        ("092", AUGUST, 75, "measured"),
        ("092", SEPTEMBER, 50, "measured"),
    ]
    assert measured(built, "queue_minutes")[1] == ("092", SEPTEMBER, 6, "measured")
    assert measured(built, "callback_minutes")[0] == ("092", AUGUST, 200, "measured")
    assert measured(built, "messages_in_2_days") == [
        ("092", AUGUST, None, "not_in_lake"),
        ("092", SEPTEMBER, 50, "measured"),
    ]
    doctor = {row[0]: row[2] for row in measured(built, "t3_doctor")}
    assert (doctor["092"], doctor["245"], doctor["V-KORSO"]) == (45, 20, 45)
    named = {row[0]: row[2] for row in measured(built, "t3_doctor_named")}
    assert (named["V-KORSO"], named["V-HAKUNILA"]) == (90, None)
    assert {row[3] for row in measured(built, "t3_dental")} == {"not_in_lake"}
    assert measured(built, "access_7_days", "baseline") == [("all", AUGUST, 75, "measured")]
    over = {row[0]: row[2] for row in measured(built, "doctor_waits_over_90")}
    assert (over["092"], over["V-KORSO"], over["V-MYYRMAKI"]) == (25, 25, None)
    assert measured(built, "waits_known_by_contact") == [("092", AUGUST, 9, "measured")]


def test_waits_found_unfit_are_not_measured() -> None:
    built = run(
        mart__wait_by_unit=[
            (AUGUST, "assessment", "V-KORSO", "092", "2221", "over_90", 1, True),
        ],
        mart__care_guarantee=[(AUGUST, "V-KORSO", "092", 10, 8, 9, True)],
    )
    for code in ("doctor_waits_over_90", "visits"):
        assert {row[3] for row in measured(built, code)} == {"not_in_lake"}


@pytest.mark.parametrize(("days", "is_reached"), [(7, True), (8, False)])
def test_a_goal_stands_beside_the_newest_three_months(days: int, is_reached: bool) -> None:
    t3 = [
        ("S1", "2221", date(2022, 9, 30), 0, 90),
        ("S1", "2221", date(2022, 10, 1), 0, days),
        ("S1", "32311", date(2022, 12, 31), 0, days),
    ]
    found = run(current__third_next_available=t3).rows(
        "select printed_value, measured_value, measured_from_date, measured_to_date, is_reached"
        " from mart.followed_figure where followed_code = 't3_days' and figure_kind_code = 'goal'"
    )
    assert found == [(7, days, date(2022, 10, 1), date(2022, 12, 31), is_reached)]


def test_what_no_table_counts_is_said_to_be_not_measured() -> None:
    rows = run().rows(
        "select distinct followed_code from mart.followed_figure"
        " where measured_state_code = 'not_measured'"
    )
    assert {code for (code,) in rows} == {
        *("multi_professional_visits", "stay_acute_geriatrics", "stay_continued_care"),
        *("real_time_consultations", "digital_health_and_families", "digital_mental_health"),
        *("professionals_time_freed", "remote_home_care", "visits_replaced_by_dispensers"),
        "low_value_care",
    }


def test_measures_of_the_region_have_no_site() -> None:
    november = date(2022, 11, 1)
    built = run(
        core__resident_cost=[(november, "P13", 150), (november, "P04", 100), (november, "P01", 9)],
        mart__social_guarantee=[(november, "social_guidance", 4, 3), (november, "home_care", 4, 0)],
        mart__visits_by_profession=[
            (november, "S1", "R10", 6),
            (november, None, "R50", 3),
            (november, "S1", "R52", 1),
            (november, "S1", "R72", 9),
        ],
        core__guidance_contact=[
            (person, november, november, "benefits", is_guided)
            for person, is_guided in ((1, True), (1, True), (2, False), (3, False))
        ],
    )
    goals = {
        "specialised_to_primary_mental_cost": 150,
        "social_guidance_in_7_weekdays": 75,
        "video_visits_and_calls": 40,
        "guided_to_third_sector": D("33.3333"),
    }
    assert {code: measured(built, code, "goal")[0][2] for code in goals} == goals


def test_visits_of_heavy_users_are_counted_around_the_day_their_care_is_coordinated() -> None:
    """Of those of whom three months after are known: two visits before, one on the day itself."""
    day, august = date(2022, 8, 15), date(2022, 8, 1)
    built = run(
        core__guidance_contact=[
            (3, day, august, "coordination", False),
            (3, date(2022, 9, 1), date(2022, 9, 1), "coordination", False),
            (4, date(2022, 11, 5), date(2022, 11, 1), "coordination", False),
            (5, day, august, "coordination", False),
        ],
        core__client_quarter=[
            (3, date(2022, 7, 1), True),
            (4, date(2022, 10, 1), True),
            (5, date(2022, 7, 1), False),
        ],
        core__encounter=[
            (3, visited)
            for visited in (date(2022, 5, 14), date(2022, 5, 15), date(2022, 8, 14), day,
                            date(2022, 11, 15))
        ],
    )  # fmt: skip
    around = built.rows(
        "select followed_code, measured_month, numerator, denominator from core.followed_month"
        " where followed_code like 'visits_%' and followed_code <> 'visits' order by all"
    )
    assert around == [
        ("visits_after_coordination", august, 1, 1),
        ("visits_before_coordination", august, 2, 1),
    ]
