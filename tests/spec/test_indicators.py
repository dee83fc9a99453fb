"""What each indicator counts, by hand: its own query over a few rows.

Here: `sql/indicator/*.sql`, and the core models that some of them share. Not here: states and
values (`test_indicator_value`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from dagster_project.indicators import load_indicators
from dagster_project.pipeline import SQL
from tests.support.incentives import PERIODS
from tests.support.models import Bench, bench

D = Decimal
MAY, OCTOBER = PERIODS[0][0], PERIODS[1][0]
SITES = [
    ("S1", "Y1", "reception", date(2009, 1, 1), date(2017, 9, 1)),
    ("S1", "Y9", "reception", date(2017, 9, 1), None),
    ("S2", "Y2", "reception", date(2009, 1, 1), None),
    ("E1", "H1", "emergency", date(2009, 1, 1), None),
    ("D2", "Y2", "dental", date(2009, 1, 1), None),
    ("D3", "Y3", "dental", date(2009, 1, 1), None),
]
TABLES = {
    "core.indicator_period": "period_start_date date, period_end_date date, month_count integer",
    "core.site": (
        "site_id varchar, provider_id varchar, service_code varchar, valid_from_date date,"
        " valid_to_date date"
    ),
    "core.morbidity": "person_id bigint, morbidity_group_code varchar, diagnosis_quarter date",
    "core.measurement": (
        "measurement_id bigint, person_id bigint, site_id varchar, test_code varchar,"
        " measured_at timestamp, measured_date date, measurement_month date,"
        " value decimal(18,4), value_state varchar, status_code varchar"
    ),
    "core.access_event": (
        "site_id varchar, contact_month date, visited_at timestamp, visit_wait_days integer"
    ),
    "core.encounter": (
        "person_id bigint, site_id varchar, encounter_date date, encounter_month date,"
        " profession_code varchar, contact_type_code varchar"
    ),
    "core.hospital_episode": (
        "episode_id bigint, person_id bigint, episode_date date, episode_kind_code varchar,"
        " urgency_code varchar, icd10_code varchar"
    ),
    "core.enrolment": (
        "person_id bigint, service_code varchar, provider_id varchar, valid_from_date date,"
        " valid_to_date date, known_to_seq bigint"
    ),
    "core.person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "core.register_month": "exposure_month date",
    "core.resident_exposure": (
        "exposure_month date, age_years integer, sex_code varchar, person_days bigint"
    ),
    "core.survey_response": (
        "survey_code varchar, item_code varchar, provider_id varchar, site_id varchar,"
        " answered_date date, answer integer"
    ),
    "core.staff_survey_response": (
        "provider_id varchar, profession_group_code varchar, survey_date date, answer integer"
    ),
    "core.scorecard_staff": (
        "provider_id varchar, profession_group_code varchar, period_start_date date,"
        " period_end_date date, left_staff_count integer, start_staff_count integer"
    ),
    "rulebook.staff_service": (
        "valid_from_date date, profession_group_code varchar, service_code varchar"
    ),
    "core.staff_service": (
        "provider_id varchar, period_start_date date, profession_group_code varchar,"
        " service_code varchar"
    ),
    "core.scorecard_indicator": (
        "provider_id varchar, indicator_code varchar, period_start_date date,"
        " period_end_date date, reported_numerator decimal(18,2),"
        " reported_denominator decimal(18,2), indicator_state_code varchar"
    ),
    "current.third_next_available": (
        "site_id varchar, profession_code varchar, measured_date date, without_named_days integer"
    ),
    "current.contact_channels": (
        "site_id varchar, channel_code varchar, week_start_date date, arrived_count integer,"
        " answered_count integer, queue_minutes decimal(6,1), callback_minutes decimal(6,1),"
        " answered_in_2_days_count integer"
    ),
    "rulebook.treatment_goal": (
        "valid_from_date date, goal_id varchar, morbidity_group_code varchar,"
        " test_code varchar, below_value decimal(18,4)"
    ),
    "rulebook.avoidable_admission": (
        "valid_from_date date, condition_code varchar, first_code varchar, last_code varchar"
    ),
    "rulebook.standard_age_band": (
        "valid_from_date date, age_band varchar, from_age_years integer, below_age_years integer"
    ),
    "core.channel_week": (
        "figure_code varchar, site_id varchar, week_start_date date, part decimal(18,2),"
        " whole decimal(18,2)"
    ),
    "core.channel_figure": (
        "figure_code varchar, provider_id varchar, period_start_date date,"
        " numerator decimal(18,2), denominator decimal(18,2), reporter_code varchar"
    ),
    "core.treatment_balance": (
        "goal_id varchar, provider_id varchar, period_start_date date, in_balance_count bigint,"
        " client_count bigint"
    ),
    "core.standardised_use": (
        "use_code varchar, provider_id varchar, period_start_date date, event_count bigint,"
        " standard_years decimal(18,4)"
    ),
}
CHANNELS = ("calls_answered", "messages_in_2_days", "queue_minutes", "callback_minutes")
SHARED = {
    "core.channel_week": CHANNELS,
    "core.channel_figure": CHANNELS,
    "core.treatment_balance": ("hba1c_in_balance", "bp_in_balance", "ldl_in_target"),
    "core.standardised_use": ("emergency_use", "specialised_use", "avoidable_admissions"),
    "core.staff_service": ("staff_turnover", "staff_survey"),
}
"""Models that do the counting of several indicators, in the order in which they are built."""
Found = dict[tuple[str, date], tuple[Any, Any]]


@cache
def model(name: str) -> Bench:
    return bench(name, TABLES)


def counted(name: str, tables: Mapping[str, Sequence[tuple[Any, ...]]]) -> Found:
    """Numerator and denominator by provider, with its service unless reception, and first day."""
    known = {"core.indicator_period": PERIODS[:2], "core.site": SITES, **tables}
    for shared in (one for one, names in SHARED.items() if name in names):
        known |= {shared: [tuple(row.values()) for row in model(shared).run(known)]}
    return {
        (_named(r), r["period_start_date"]): (r["numerator"], r["denominator"])
        for r in model(f"indicator.{name}").run(known)
    }


def _named(row: Mapping[str, Any]) -> str:
    provider, service = str(row["provider_id"]), row.get("service_code", "reception")
    return provider if service == "reception" else f"{provider} {service}"


def result(
    number: int,
    person: int,
    day: date,
    value: str | None,
    test: str = "A",
    site: str | None = "S2",
    **others: str,
) -> tuple[Any, ...]:
    row = {"state": "harmonised", "status": "final"} | others
    at = datetime(day.year, day.month, day.day, 9)
    month = day.replace(day=1)
    return (number, person, site, test, at, day, month, value, row["state"], row["status"])


@pytest.mark.parametrize("name", ["hba1c_in_balance", "bp_in_balance", "ldl_in_target"])
def test_treatment_is_in_balance_by_the_newest_result_of_a_year(name: str) -> None:
    june = date(2017, 6, 5)
    found = counted(
        name,
        {
            "rulebook.treatment_goal": [
                (date(2000, 1, 1), name, "group", "A", "53"),
                (date(2000, 1, 1), "another", "group", "A", "1"),
            ],
            "core.morbidity": [(p, "group", date(2017, 4, 1)) for p in (1, 2, 3, 4, 6, 7, 8)]
            + [(5, "others", date(2017, 4, 1)), (9, "group", date(2015, 7, 1))],
            "core.measurement": [
                result(1, 1, june, "60"),
                result(2, 1, date(2017, 9, 30), "52.9"),  # newer, below: in balance
                result(3, 2, june, "40"),
                result(4, 2, date(2017, 9, 1), "53"),  # at the limit is not below it
                result(5, 3, june, "40", site=None),  # protected: of no provider
                result(6, 4, june, "40", site="S1"),  # the site was Y1's then
                result(7, 5, june, "40"),  # of another group
                result(8, 6, june, None, state="missing"),
                result(9, 7, june, "40", status="cancelled"),
                result(10, 8, date(2016, 9, 30), "40"),  # over a year before the period's end
                result(11, 9, june, "40"),  # diagnosed over two years before
            ],
        },
    )
    assert {key: sums for key, sums in found.items() if key[1] == MAY} == {
        ("Y2", MAY): (1, 2),
        ("Y1", MAY): (1, 1),
    }


def test_blood_pressure_is_in_balance_when_both_are() -> None:
    found = counted(
        "bp_in_balance",
        {
            "rulebook.treatment_goal": [
                (date(2000, 1, 1), "bp_in_balance", "group", "systolic", "140"),
                (date(2000, 1, 1), "bp_in_balance", "group", "diastolic", "90"),
            ],
            "core.morbidity": [(p, "group", date(2017, 4, 1)) for p in (1, 2)],
            "core.measurement": [
                result(n * 2 + m, n, date(2017, 11, 5), value, test)
                for n, values in ((1, ("139", "89")), (2, ("139", "90")))
                for m, (test, value) in enumerate(
                    zip(("systolic", "diastolic"), values, strict=True)
                )
            ],
        },
    )
    assert found == {("Y2", OCTOBER): (1, 2)}


@pytest.mark.parametrize("reading", [("systolic", "120"), ("diastolic", "70")])
def test_of_one_of_two_readings_no_balance_is_known(reading: tuple[str, str]) -> None:
    """A test that is asked for from 2018 on is no part of the goal before."""
    test, value = reading
    found = counted(
        "bp_in_balance",
        {
            "rulebook.treatment_goal": [
                (date(2000, 1, 1), "bp_in_balance", "group", "systolic", "140"),
                (date(2000, 1, 1), "bp_in_balance", "group", "diastolic", "90"),
                (date(2018, 1, 1), "bp_in_balance", "group", "pulse", "100"),
            ],
            "core.morbidity": [(p, "group", date(2017, 4, 1)) for p in (1, 2)],
            "core.measurement": [
                result(1, 1, date(2017, 11, 5), value, test),
                result(2, 2, date(2017, 11, 5), "120", "systolic"),
                result(3, 2, date(2017, 10, 5), "70", "diastolic"),
            ],
        },
    )
    assert found == {("Y2", OCTOBER): (1, 1)}


def test_of_several_diagnoses_the_strictest_goal_holds() -> None:
    """60 is below 70 and not below 53; with the milder diagnosis alone it is in balance."""
    mild, strict = ("mild", "70"), ("strict", "53")
    found = counted(
        "ldl_in_target",
        {
            "rulebook.treatment_goal": [
                (date(2000, 1, 1), "ldl_in_target", group, "A", limit)
                for group, limit in (mild, strict)
            ],
            "core.morbidity": [
                (1, "mild", date(2017, 4, 1)),
                (1, "strict", date(2016, 1, 1)),
                (2, "mild", date(2017, 4, 1)),
                (2, "strict", date(2015, 10, 1)),  # a diagnosis of over two years ago by October
            ],
            "core.measurement": [result(n, n, date(2017, 11, 5), "60") for n in (1, 2)],
        },
    )
    assert found == {("Y2", OCTOBER): (1, 2)}


def test_results_of_one_instant_count_in_order_of_their_numbers() -> None:
    day = date(2017, 11, 5)
    found = counted(
        "hba1c_in_balance",
        {
            "rulebook.treatment_goal": [(date(2000, 1, 1), "hba1c_in_balance", "group", "A", "53")],
            "core.morbidity": [(1, "group", date(2017, 4, 1))],
            "core.measurement": [
                result(8, 1, day, "40"), result(9, 1, day, "60"), result(7, 1, day, "40")
            ],
        },
    )  # fmt: skip
    assert found == {("Y2", OCTOBER): (0, 1)}


def test_access_counts_visits_of_the_period_by_helsinki_days() -> None:
    found = counted(
        "access_7_days",
        {
            "core.access_event": [
                ("S2", date(2017, 9, 1), datetime(2017, 9, 30, 20, 59), 7),
                ("S2", date(2017, 9, 1), datetime(2017, 9, 30, 21, 1), 8),  # October in Helsinki
                ("S2", date(2017, 10, 1), datetime(2017, 10, 5, 9), 0),
                ("S2", date(2017, 10, 1), None, None),
                (None, date(2017, 10, 1), datetime(2017, 10, 5, 9), 0),
                ("S2", date(2016, 9, 1), datetime(2017, 10, 5, 9), 390),  # the longest count too
                ("S1", date(2017, 8, 1), datetime(2017, 8, 5, 9), 3),
                ("S1", date(2017, 9, 1), datetime(2017, 9, 5, 9), 3),
                ("D2", date(2017, 10, 1), datetime(2017, 10, 25, 9), 20),  # of another service
            ]
        },
    )
    assert found == {
        ("Y2", MAY): (1, 1),
        ("Y2", OCTOBER): (1, 3),
        ("Y2 dental", OCTOBER): (0, 1),
        ("Y1", MAY): (1, 1),
        ("Y9", MAY): (1, 1),
    }


def test_t3_is_that_of_doctors_and_of_dentists() -> None:
    found = counted(
        "t3_days",
        {
            "current.third_next_available": [
                ("S2", "2221", date(2017, 10, 2), 40),
                ("D2", "2222", date(2017, 10, 9), 90),
                ("S2", "2221", date(2017, 10, 16), 20),
                ("S2", "2221", date(2017, 10, 9), None),
                ("S2", "32311", date(2017, 10, 9), 3),
                ("S7", "2221", date(2017, 10, 9), 3),
            ]
        },
    )
    assert found == {("Y2", OCTOBER): (60, 2), ("Y2 dental", OCTOBER): (90, 1)}


WEEKS = [
    ("S2", "telephone", date(2017, 10, 2), 100, 80, D("6.0"), D("100.0"), None),
    ("S2", "telephone", date(2017, 10, 9), 50, 20, D("16.0"), None, None),
    ("S2", "digital_message", date(2017, 10, 2), 60, 50, None, None, 40),
]


@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("calls_answered", (100, 150)),
        ("queue_minutes", (800, 100)),
        ("callback_minutes", (8000, 80)),
        ("messages_in_2_days", (40, 50)),
    ],
)
def test_channels_count_calls_and_messages(name: str, due: tuple[int, int]) -> None:
    assert counted(name, {"current.contact_channels": WEEKS}) == {("Y2", OCTOBER): due}


@pytest.mark.parametrize("name", ["calls_answered", "messages_in_2_days", "care_plan"])
def test_a_workbook_counts_where_the_organiser_counts_nothing(name: str) -> None:
    period = PERIODS[1][:2]
    tables: dict[str, Any] = {
        "core.scorecard_indicator": [
            ("Y2", name, *period, "7", "9", "measured"),
            ("Y1", name, *period, "5", "9", "measured"),
            ("Y3", name, *period, "5", "9", "unreliable"),
            ("Y4", name, date(2017, 11, 1), period[1], "5", "9", "measured"),
            ("Y1", "nps", *period, "5", "9", "measured"),
        ]
    }
    if name != "care_plan":
        tables["current.contact_channels"] = WEEKS
    found = counted(name, tables)
    assert found["Y1", OCTOBER] == (5, 9)
    assert found.keys() == {("Y1", OCTOBER), ("Y2", OCTOBER)}
    assert (found["Y2", OCTOBER] == (7, 9)) == (name == "care_plan")


def test_nps_is_promoters_less_detractors() -> None:
    day = date(2017, 10, 31)
    found = counted(
        "nps",
        {
            "core.survey_response": [
                ("experience", "NPS", "Y2", "S2", day, n) for n in (0, 6, 7, 8, 9, 10, 10)
            ]
            + [
                ("experience", "NPS", "Y2", "S2", day, None),
                ("experience", "NPS", "Y2", "D2", day, 10),
                ("experience", "NPS", None, "S2", day, 10),
                ("experience", "listened", "Y2", "S2", day, 5),
                ("another", "NPS", "Y2", "S2", day, 10),
            ]
        },
    )
    assert found == {("Y2", OCTOBER): (1, 7), ("Y2 dental", OCTOBER): (1, 1)}


def test_switches_away_are_choices_of_another_provider() -> None:
    begin, switch = date(2017, 5, 1), date(2017, 11, 15)
    found = counted(
        "switches_away",
        {
            "core.enrolment": [
                (1, "reception", "Y1", begin, switch, None),
                (1, "reception", "Y2", switch, None, None),
                (2, "reception", "Y1", begin, switch, None),  # leaves, and chooses nobody
                (3, "reception", "Y1", begin, switch, None),
                (3, "reception", "Y1", switch, None, None),  # another site of the same
                (4, "reception", "Y1", begin, None, None),
                (5, "reception", None, begin, None, None),  # protected
                (6, "dental", "Y1", begin, None, None),
                (7, "reception", "Y1", begin, None, 201706),  # no longer known
            ]
        },
    )
    assert found == {
        ("Y1", MAY): (0, 4),
        ("Y1", OCTOBER): (1, 4),
        ("Y2", OCTOBER): (0, 1),
    }


STAFF = {
    "rulebook.staff_service": [
        (date(2017, 5, 1), "nurse", "reception"),
        (date(2017, 5, 1), "dentist", "dental"),
        (date(2017, 5, 1), "other", "reception"),
    ]
}


def test_staff_who_left_of_those_at_the_beginning() -> None:
    """Y2 has both services; all staff of Y3, which has one, are of it, and Y1 has closed."""
    period = PERIODS[1][:2]
    found = counted(
        "staff_turnover",
        {
            "core.scorecard_staff": [
                ("Y2", "nurse", *period, 1, 10),
                ("Y2", "other", *period, 2, 30),
                ("Y2", "dentist", *period, 3, 6),
                ("Y2", "nurse", date(2017, 9, 1), period[1], 2, 30),
                ("Y3", "dentist", *period, 0, 4),
                ("Y3", "other", *period, 1, 1),
                ("Y1", "nurse", *period, 1, 1),
            ],
            **STAFF,
        },
    )
    assert found == {
        ("Y2", OCTOBER): (3, 40),
        ("Y2 dental", OCTOBER): (3, 6),
        ("Y3 dental", OCTOBER): (1, 5),
    }


def test_staff_survey_is_the_mean_of_answers() -> None:
    rows = [("Y1", "nurse", date(2017, 9, 30), a) for a in (1, 5, 5, None)]
    rows.append(("Y2", "dentist", date(2017, 9, 30), 2))
    found = counted("staff_survey", {"core.staff_survey_response": rows, **STAFF})
    assert found == {("Y1", MAY): (11, 3), ("Y2 dental", MAY): (2, 1)}


def visit(person: int, site: str | None, month: int, **others: str) -> tuple[Any, ...]:
    row = {"profession": "2221", "kind": "R10"} | others
    day = date(2017, month, 3)
    return (person, site, day, day.replace(day=1), row["profession"], row["kind"])


def test_continuity_is_the_mean_of_the_clients_indices() -> None:
    """Of 3 + 1 visits: (9 + 1 - 4) / 12 = 0.5; of three at one site 1."""
    found = counted(
        "continuity_of_care",
        {
            "core.encounter": [
                *(visit(1, "S2", m) for m in (5, 6, 7)),
                visit(1, "S1", 6),
                *(visit(2, "S2", m) for m in (5, 6, 9)),
                *(visit(3, "S2", m) for m in (5, 6)),  # too few visits
                *(visit(4, None, m) for m in (5, 6, 7)),  # protected
                *(visit(5, "S2", m, profession="32311") for m in (5, 6, 7)),
                *(visit(6, "E1", m) for m in (5, 6, 7)),
                *(visit(7, "S2", m, kind="R50") for m in (5, 6, 7)),
            ]
        },
    )
    assert found["Y2", MAY] == (D("1.5"), 2)
    assert found.keys() == {("Y2", MAY), ("Y2", OCTOBER)}


@pytest.mark.parametrize("names", [("Y1", "Y2"), ("B", "A")])
def test_a_client_of_two_equal_providers_is_of_both_whatever_they_are_called(
    names: tuple[str, str],
) -> None:
    """Of 2 + 2 visits: (4 + 4 - 4) / 12."""
    first, second = names
    found = counted(
        "continuity_of_care",
        {
            "core.site": [
                ("S1", first, "reception", date(2009, 1, 1), None),
                ("S2", second, "reception", date(2009, 1, 1), None),
            ],
            "core.encounter": [visit(1, site, m) for m in (5, 6) for site in ("S1", "S2")],
        },
    )
    assert {key: sums for key, sums in found.items() if key[1] == MAY} == {
        (first, MAY): (D("0.3333"), 1),
        (second, MAY): (D("0.3333"), 1),
    }


def standard(**tables: Any) -> dict[str, Any]:
    """A region of men of 30 and 70, 92 days each in October to December; two lists."""
    october = date(2017, 10, 1)
    months = [date(2017, m, 1) for m in (10, 11, 12)]
    people = [(n, "1", date(1987, 1, 1) if n < 4 else date(1947, 1, 1), None) for n in range(1, 7)]
    days = {10: 31, 11: 30, 12: 31}
    return {
        "core.person": people,
        "core.register_month": [(m,) for m in months],
        "rulebook.standard_age_band": [
            (date(2000, 1, 1), "young", 0, 50),
            (date(2000, 1, 1), "old", 50, 200),
        ],
        "core.resident_exposure": [
            (m, age, "1", 3 * days[m.month]) for m in months for age in (30, 70)
        ],
        "core.enrolment": [
            (1, "reception", "Y1", october, None, None),
            (4, "reception", "Y1", october, None, None),
            (5, "reception", "Y2", date(2017, 12, 1), None, None),
            (6, "reception", None, october, None, None),
        ],
        **tables,
    }


def episode(number: int, person: int, day: date, kind: str, **others: str) -> tuple[Any, ...]:
    row = {"urgency": "3", "code": "J45.9"} | others
    return (number, person, day, kind, row["urgency"], row["code"])


def test_emergency_use_is_standardised_by_age_and_sex() -> None:
    """The region had 2 visits by the young and 6 by the old in 6 x 92 days.

    Y1: one young, one old all along: expected 2/3 + 6/3 = 2.667 of 8 events in 552 days, so a base
    of 2.667 x 552 / 8 / 365.25 = 0.5038 years. Y2: an old one for 31 days: 2 x 31/92 = 0.674.
    """
    at = date(2017, 12, 5)
    found = counted(
        "emergency_use",
        standard(
            **{
                "core.encounter": [
                    (person, "E1", at, at.replace(day=1), "2221", "R10") for person in (1, 2, 4, 4)
                ]
                + [(1, "S2", at, at.replace(day=1), "2221", "R10")],
                "core.hospital_episode": [
                    episode(n, person, day, "emergency_visit")
                    for n, (person, day) in enumerate(
                        [(4, at), (5, at), (5, date(2017, 11, 5)), (6, at)]
                    )
                ]
                + [episode(9, 4, at, "inpatient_stay")],
            }
        ),
    )
    assert found == {("Y1", OCTOBER): (4, D("0.5038")), ("Y2", OCTOBER): (1, D("0.1273"))}


def test_a_birthday_moves_days_and_events_to_the_next_band() -> None:
    """Person 1 turns 50 on 15.11.: of age 50 on the first day of December alone.

    The old band has that one's days of December and one of the two events: an event in
    3 x 92 + 31 days, and the young one in 2 x 92 + 61. Expected: 61 / 245 + 31 / 307.
    """
    months = [date(2017, m, 1) for m in (10, 11, 12)]
    tables = standard(
        **{
            "core.hospital_episode": [
                episode(1, 1, date(2017, 11, 30), "outpatient_visit"),
                episode(2, 1, date(2017, 12, 1), "outpatient_visit"),
            ],
            "core.resident_exposure": [
                (m, age, "1", days)
                for m, of_month in zip(months, (31, 30, 31), strict=True)
                for age, days in (
                    (30, (3 if m.month < 12 else 2) * of_month),
                    (70, (3 if m.month < 12 else 4) * of_month),
                )
            ],
            "core.enrolment": [(1, "reception", "Y1", months[0], None, None)],
        }
    )
    tables["core.person"] = [(1, "1", date(1967, 11, 15), None), *tables["core.person"][1:]]
    expected = D(61) / 245 + D(31) / 307
    years = round(expected * 552 / 2 / D("365.25"), 4)
    assert counted("specialised_use", tables) == {("Y1", OCTOBER): (2, years)}


def test_specialised_use_leaves_emergency_visits_out() -> None:
    at = date(2017, 12, 5)
    kinds = ("outpatient_visit", "remote_contact", "inpatient_stay", "emergency_visit")
    found = counted(
        "specialised_use",
        standard(
            **{"core.hospital_episode": [episode(n, 1, at, kind) for n, kind in enumerate(kinds)]}
        ),
    )
    assert found["Y1", OCTOBER][0] == 3
    assert ("Y2", OCTOBER) in found


def test_avoidable_admissions_are_urgent_stays_for_listed_conditions() -> None:
    at = date(2017, 12, 5)
    found = counted(
        "avoidable_admissions",
        standard(
            **{
                "rulebook.avoidable_admission": [
                    (date(2000, 1, 1), "asthma", "J45", "J46"),
                    (date(2000, 1, 1), "airways", "J40", "J46"),
                    (date(2018, 1, 1), "later", "S00", "S99"),
                ],
                "core.hospital_episode": [
                    episode(1, 1, at, "inpatient_stay"),
                    episode(2, 1, at, "inpatient_stay", urgency="1"),
                    episode(3, 1, at, "outpatient_visit"),
                    episode(4, 1, at, "inpatient_stay", code="S72.0"),
                ],
            }
        ),
    )
    assert found["Y1", OCTOBER][0] == 1


def test_a_death_ends_the_days_on_a_list() -> None:
    at = date(2017, 10, 5)
    tables = standard(**{"core.hospital_episode": [episode(1, 1, at, "outpatient_visit")]})
    alive = counted("specialised_use", tables)["Y1", OCTOBER]
    tables["core.person"] = [
        (n, s, b, date(2017, 11, 1) if n == 1 else d) for n, s, b, d in tables["core.person"]
    ]
    dead = counted("specialised_use", tables)["Y1", OCTOBER]
    assert (alive[0], dead[0]) == (1, 1)
    assert abs(dead[1] / alive[1] - D(31) / 92) < D("0.001")


def test_every_indicator_is_tried_here() -> None:
    tried = {
        "hba1c_in_balance", "bp_in_balance", "ldl_in_target", "access_7_days", "t3_days",
        "calls_answered", "queue_minutes", "callback_minutes", "messages_in_2_days", "care_plan",
        "nps", "switches_away", "staff_turnover", "staff_survey", "continuity_of_care",
        "emergency_use", "specialised_use", "avoidable_admissions",
    }  # fmt: skip
    assert {i.indicator_id for i in load_indicators(SQL)} == tried
