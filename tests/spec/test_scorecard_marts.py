"""Scorecards: what providers report against what the lake counts, and who owes what.

Here: `mart.scorecard_comparison`, `mart.reporting_calendar` and `core.treatment_result`, by hand.
Not here: workbooks (`tests/bad_input/test_feedback_files`), states (`test_indicator_value`).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from dagster_project.pipeline import load_definition
from tests.support.incentives import PERIODS, VALUE_TABLES
from tests.support.model_chain import Chain, chain

FIRST, SECOND = PERIODS[0], PERIODS[1]
END = SECOND[1]
TABLES = {
    "core.indicator_period": VALUE_TABLES["core.indicator_period"],
    "core.scorecard_indicator": (
        "provider_id varchar, indicator_code varchar, period_start_date date,"
        " period_end_date date, reported_numerator decimal(18,2),"
        " reported_denominator decimal(18,2), reported_value decimal(18,2),"
        " indicator_state_code varchar, prepared_date date"
    ),
    "core.measurement": (
        "site_id varchar, test_code varchar, measured_date date, value decimal(18,4),"
        " value_state varchar, status_code varchar"
    ),
    "core.site": "site_id varchar, provider_id varchar, valid_from_date date, valid_to_date date",
    "core.patient_reported_score": ("provider_id varchar, response_id varchar, answered_date date"),
    "mart.indicator_value": (
        "provider_id varchar, service_code varchar, indicator_id varchar, period_start_date date,"
        " period_end_date date, denominator decimal(18,4), state_code varchar"
    ),
    "indicator.counted": VALUE_TABLES["indicator.counted"],
    "effective.delivery": VALUE_TABLES["effective.delivery"],
    "core.reached": VALUE_TABLES["core.reached"],
}
MODELS = ("core.treatment_result", "mart.scorecard_comparison", "mart.reporting_calendar")
DELIVERED = [
    ("provider_scorecards", "indicators", END),
    ("apotti", "encounters", date(2018, 1, 18)),
]
Row = tuple[Any, ...]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def reported(
    code: str,
    parts: tuple[Any, Any, Any],
    *,
    state: str = "measured",
    period: tuple[date, date, int] = SECOND,
    prepared: date = date(2018, 1, 10),
) -> Row:
    return ("Y1", code, period[0], period[1], *parts, state, prepared)


def counted(
    code: str, parts: tuple[Any, Any], reporter: str = "lake", service: str = "reception"
) -> Row:
    return (code, "Y1", service, SECOND[0], *parts, reporter)


def cell(
    code: str,
    state: str = "measured",
    denominator: Any = 10,
    period: tuple[date, date, int] = SECOND,
    service: str = "reception",
) -> Row:
    return ("Y1", service, code, period[0], period[1], denominator, state)


def run(**given: list[Row]) -> Chain:
    built = models()
    fixed: dict[str, list[Row]] = {
        "core.indicator_period": list(PERIODS[:2]),
        "effective.delivery": DELIVERED,
        "core.reached": [(date(2018, 1, 18),)],
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    return built


def test_what_is_reported_is_held_against_what_is_counted() -> None:
    built = run(
        mart__indicator_value=[cell(code) for code in ("nps", "t3_days", "staff_survey")],
        core__scorecard_indicator=[
            reported("access_7_days", (82, 100, 82)),
            reported("messages_in_2_days", (60, 100, 60)),
            reported("calls_answered", (90, 100, 90)),
            reported("care_plan", (30, 100, 30)),
            reported("staff_turnover", (None, None, None), state="no_cases"),
            reported("hba1c", (8, 10, 80)),
            reported("t3_days", (70, 10, 7)),
        ],
        indicator__counted=[
            counted("access_7_days", (84, 100)),
            counted("messages_in_2_days", (70, 111), "lake"),
            counted("calls_answered", (10, 100), "provider"),
            counted("care_plan", (30, 100), "provider"),
            counted("staff_turnover", (4, 40), "provider"),
            counted("nps", (20, 40), "survey"),
            counted("t3_days", (81, 10)),
        ],
    )
    assert built.rows(
        "select indicator_id, value_difference, comparison_code, is_flagged"
        " from mart.scorecard_comparison order by indicator_id"
    ) == [
        ("access_7_days", Decimal("-2.0000"), "agrees", False),
        ("calls_answered", None, "nothing_to_compare", False),  # the same figure, both times
        ("care_plan", None, "nothing_to_compare", False),
        ("hba1c", None, "unknown_indicator", True),
        ("messages_in_2_days", Decimal("-3.0631"), "differs", True),
        ("nps", None, "left_out", True),
        ("staff_survey", None, "nothing_to_compare", False),
        ("staff_turnover", None, "cases_found", True),
        ("t3_days", Decimal("-1.1000"), "differs", True),
    ]


def test_a_workbook_is_held_against_all_services_of_its_provider_together() -> None:
    """84 of 100 at reception and 16 of 20 at the dentist's; emergencies are not asked of."""
    services = ("reception", "dental")
    built = run(
        mart__indicator_value=[cell("access_7_days", service=service) for service in services],
        core__scorecard_indicator=[reported("access_7_days", (100, 120, "83.33"))],
        indicator__counted=[
            counted("access_7_days", (84, 100)),
            counted("access_7_days", (16, 20), service="dental"),
            counted("access_7_days", (0, 80), service="emergency"),
        ],
    )
    assert built.rows(
        "select computed_numerator, computed_denominator, comparison_code"
        " from mart.scorecard_comparison"
    ) == [(100, 120, "agrees")]
    assert built.rows(CALENDAR)[0][2:4] == (1, 1)  # one figure of one workbook


def test_treatment_balance_is_held_against_results_as_the_workbook_counts_them() -> None:
    may = date(2017, 11, 5)
    results = [("S1", "6128", may, v, "harmonised", "final") for v in ("52.9", "53", "60")]
    others = [
        ("S1", "6128", may, "40", "missing", "final"),
        ("S1", "6128", may, "40", "harmonised", "cancelled"),
        (None, "6128", may, "40", "harmonised", "final"),
        ("S1", "8462-4", may, "40", "harmonised", "final"),
    ]
    built = run(
        core__site=[("S1", "Y1", date(2009, 1, 1), None)],
        core__measurement=[*results, *others],
        core__scorecard_indicator=[reported("hba1c_in_balance", (1, 3, "33.33"))],
        indicator__counted=[counted("hba1c_in_balance", (9, 9))],  # by client: another count
    )
    assert built.rows(
        "select computed_numerator, computed_denominator, comparison_code"
        " from mart.scorecard_comparison"
    ) == [(1, 3, "agrees")]


CALENDAR = (
    "select item_code, due_date, due_count, delivered_count, reporting_state_code"
    " from mart.reporting_calendar where item_code <> 'client_fees'"
    " order by item_code, reporter_code desc"
)


def test_the_calendar_says_who_owes_what() -> None:
    built = run(
        mart__indicator_value=[
            *[cell(c) for c in ("hba1c_in_balance", "nps", "emergency_use", "switches_away")],
            cell("specialised_use", "not_scheduled"),
            cell("staff_turnover"),
            cell("avoidable_admissions", "overdue"),
        ],
        core__scorecard_indicator=[
            reported("nps", (None, None, None), state="no_cases"),
            reported("staff_turnover", (4, 40, 10)),
        ],
    )
    assert built.rows(CALENDAR) == [
        ("bonus_sanction_indicators", date(2018, 1, 20), 2, 1, "not_due"),
        ("emergency_use", date(2018, 1, 15), 2, 1, "overdue"),
        ("moves_between_providers", None, 1, 1, "delivered"),
        ("self_reported_health", date(2018, 1, 15), 1, 0, "overdue"),
        ("staff_turnover", date(2018, 1, 20), 1, 1, "delivered"),
    ]


def test_what_no_workbook_holds_the_organiser_counts() -> None:
    """Continuity, queue and call-back: a row of the organiser's beside that of the workbook."""
    built = run(
        mart__indicator_value=[
            cell("nps"),
            cell("continuity_of_care"),
            cell("queue_minutes"),
            cell("callback_minutes", "overdue"),
        ],
        core__scorecard_indicator=[reported("nps", (1, 2, 50))],
    )
    assert built.rows(CALENDAR) == [
        ("bonus_sanction_indicators", date(2018, 1, 20), 1, 1, "delivered"),
        ("bonus_sanction_indicators", date(2018, 1, 15), 3, 2, "overdue"),
    ]


@pytest.mark.parametrize(
    ("item", "end", "due", "state"),
    [
        ("staff_turnover", SECOND[1], date(2018, 1, 20), "not_due"),
        ("staff_survey", FIRST[1], date(2017, 10, 21), "overdue"),
        ("staff_survey", SECOND[1], None, None),
    ],
)
def test_staff_is_due_in_the_calendar_when_it_is_in_the_scheme(
    item: str, end: date, due: date | None, state: str | None
) -> None:
    """The scheme takes the floor for it when it is overdue: so the calendar says that it is."""
    (book,) = (b for b in load_definition().rulebooks if b.name == "indicator")
    columns = list(book.columns)
    days = next(int(row[columns.index("due_days")]) for _, row in book.rows if row[0] == item)
    period = next(p for p in (FIRST, SECOND) if p[1] == end)
    rows = run(mart__indicator_value=[cell(item, "overdue", period=period)]).rows(CALENDAR)
    assert rows == ([(item, due, 1, 0, state)] if due else [])
    assert due is None or due == end + timedelta(days=days)


@pytest.mark.parametrize(
    ("months", "state"), [((10, 11, 12), "delivered"), ((10, 12), "on_request"), ((), "on_request")]
)
def test_client_fees_are_in_the_calendar_of_every_provider(
    months: tuple[int, ...], state: str
) -> None:
    """On request, from the organiser, who has them when every month has come."""
    built = run(
        mart__indicator_value=[cell("nps"), cell("nps", service="dental")],
        effective__delivery=[
            *DELIVERED, *(("finance", "client_fees", date(2017, month, 28)) for month in months)
        ],
    )  # fmt: skip
    assert built.rows(
        "select provider_id, reporter_code, calendar_code, due_date, reporting_state_code"
        " from mart.reporting_calendar where item_code = 'client_fees'"
    ) == [("Y1", "organiser", "on_request", None, state)]


def test_a_workbook_is_late_or_overdue_by_its_day() -> None:
    cells = [cell(c, period=FIRST) for c in ("nps", "t3_days")]
    nps = reported("nps", (1, 2, 50), period=FIRST, prepared=date(2017, 10, 20))
    t3 = reported("t3_days", (1, 2, 50), period=FIRST, prepared=date(2017, 10, 21))

    def state(*rows: Row) -> list[Row]:
        return run(mart__indicator_value=cells, core__scorecard_indicator=list(rows)).rows(CALENDAR)

    item, due = "bonus_sanction_indicators", date(2017, 10, 20)
    assert state(nps) == [(item, due, 2, 1, "overdue")]
    assert state(nps, t3) == [(item, due, 2, 2, "late")]


def test_specialised_care_is_due_when_it_is_scheduled_and_health_when_it_is_answered() -> None:
    september = (date(2018, 7, 1), date(2018, 9, 30), 3)
    built = run(
        mart__indicator_value=[
            cell("specialised_use", "overdue", period=september),
            cell("switches_away", period=SECOND, denominator=3),
        ],
        core__patient_reported_score=[("Y1", "R1", date(2017, 12, 31))] * 2,
    )
    rows = built.rows(CALENDAR)
    assert rows[1:] == [
        ("self_reported_health", date(2018, 1, 15), 1, 1, "delivered"),
        ("specialised_care_use", date(2018, 10, 15), 1, 0, "not_due"),
    ]
