"""Flags against the pathway of the person, corrective actions, and the pack of two months.

Here: the models by hand. Not here: flags and actions as delivered (`test_feedback_models`).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import pytest

from tests.support.model_chain import Chain, chain

TABLES = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.flag": (
        "flag_id varchar, role_code varchar, person_id bigint, provider_id varchar, topic_code"
        " varchar, severity_code varchar, raised_date date, flag_state_code varchar"
    ),
    "core.access_event": "person_id bigint, contacted_date date, visited_at timestamp",
    "core.encounter": (
        "person_id bigint, site_id varchar, encounter_date date, encounter_month date"
    ),
    "core.site_month": "site_id varchar, calendar_month date, provider_id varchar",
    "core.hospital_episode": (
        "episode_id bigint, person_id bigint, urgency_code varchar, episode_date date,"
        " ended_at timestamp, discharge_code varchar"
    ),
    "core.corrective_action": (
        "action_id varchar, flag_id varchar, flag_count integer, indicator_code varchar,"
        " provider_id varchar, topic_code varchar, owner_role_code varchar, agreed_date date,"
        " due_date date, action_state_code varchar, followed_up_date date, follow_up_code varchar,"
        " is_conflict boolean, solution_model_code varchar"
    ),
    "core.survey_response": (
        "survey_code varchar, item_code varchar, provider_id varchar, topic_code varchar,"
        " sentiment_code varchar, answered_date date, delivery_sequence bigint,"
        " record_number bigint"
    ),
    "core.comment_reading": (
        "comment_source varchar, delivery_sequence bigint, record_number bigint,"
        " topic_code varchar, sentiment_code varchar"
    ),
    "mart.indicator_value": (
        "provider_id varchar, indicator_id varchar, period_end_date date, is_to_date boolean,"
        " numerator decimal(18,4), denominator decimal(18,4), multiplier integer,"
        " state_code varchar"
    ),
    "rulebook.indicator": "indicator_id varchar, direction_code varchar",
}
MODELS = ("core.flag_verification", "mart.corrective_action_register", "mart.feedback_pack")
RAISED = date(2017, 10, 10)
Row = tuple[Any, ...]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def run(**given: list[Row]) -> Chain:
    built = models()
    sites: list[Row] = [
        (f"S{n}", date(2017, m, 1), f"Y{n}") for n in (1, 2, 3) for m in range(1, 13)
    ]
    fixed: dict[str, list[Row]] = {
        "core.site_month": sites,
        "effective.delivery": [("enrolment_portal", "flags", date(2017, 12, 31))],
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    return built


def flag(topic: str, *, raised: date = RAISED, **others: Any) -> Row:
    row = {"number": "F1", "role": "client", "person": 1, "provider": "Y1"} | others
    severity, state = others.get("severity", "minor"), others.get("state", "open")
    return (
        *(row["number"], row["role"], row["person"], row["provider"]),
        *(topic, severity, raised, state),
    )


def before(days: int) -> date:
    return RAISED - timedelta(days=days)


def contact(days: int, visited: int | None) -> Row:
    at = None if visited is None else datetime.combine(before(visited), time(12))
    return (1, before(days), at)


def visit(days: int, site: str | None = "S1") -> Row:
    day = before(days)
    return (1, site, day, day.replace(day=1))


def stay(days: int, urgency: str = "1", ended: int | None = None, to: str | None = None) -> Row:
    until = None if ended is None else datetime.combine(before(ended), time(12))
    return (1, 1, urgency, before(days), until, to)


@pytest.mark.parametrize(
    ("topic", "seen", "verdict"),
    [
        ("access", {"core__access_event": [contact(60, 46)]}, "not_seen"),
        ("access", {"core__access_event": [contact(60, 45)]}, "confirmed"),
        ("access", {"core__access_event": [contact(14, None)]}, "not_seen"),
        ("access", {"core__access_event": [contact(15, None)]}, "confirmed"),
        ("access", {"core__access_event": [contact(10, -30)]}, "not_seen"),
        ("access", {"core__access_event": [contact(181, None)]}, "unclear"),
        ("access", {"core__access_event": [contact(-1, None)]}, "unclear"),
        ("continuity", {"core__encounter": [visit(5), visit(9, "S2")]}, "not_seen"),
        ("continuity", {"core__encounter": [visit(n, f"S{n}") for n in (1, 2, 3)]}, "confirmed"),
        ("continuity", {"core__hospital_episode": [stay(30, "1", 20, "home")]}, "confirmed"),
        ("continuity", {"core__hospital_episode": [stay(30, "1", 5, "home")]}, "unclear"),
        (
            "continuity",
            {"core__hospital_episode": [stay(30, "1", 20, "home")], "core__encounter": [visit(13)]},
            "not_seen",
        ),
        ("medication", {"core__hospital_episode": [stay(30, "3")]}, "confirmed"),
        ("medication", {"core__hospital_episode": [stay(31, "3")]}, "unclear"),
        ("safety", {"core__encounter": [visit(3)]}, "not_seen"),
        ("treatment", {"core__encounter": [visit(3)]}, "unclear"),
        ("treatment", {"core__encounter": [visit(3, "S2")]}, "not_seen"),
        ("something new", {"core__encounter": [visit(3)]}, "unclear"),
    ],
)
def test_a_flag_is_held_against_the_pathway(
    topic: str, seen: dict[str, list[Row]], verdict: str
) -> None:
    built = run(core__flag=[flag(topic)], **seen)
    assert built.rows("select verdict_code from core.flag_verification") == [(verdict,)]


def test_a_flag_about_no_person_or_a_protected_one_is_unclear() -> None:
    flags = [flag("access", person=None), flag("access", number="F2", provider=None)]
    built = run(core__flag=flags, core__access_event=[contact(60, 0)])
    assert built.rows("select flag_id, verdict_code from core.flag_verification order by all") == [
        ("F1", "unclear"),
        ("F2", "unclear"),
    ]


def action(number: str, *, state: str = "agreed", **others: Any) -> Row:
    row = {"flag": None, "indicator": None, "topic": "access", "due": date(2017, 12, 31)} | others
    return (
        *(number, row["flag"], 1, row["indicator"], "Y1", row["topic"], "provider"),
        *(date(2017, 10, 21), row["due"], state, None, None, False, None),
    )


def test_the_register_shows_whether_what_should_move_has_moved() -> None:
    first, last, under_way = date(2017, 9, 30), date(2017, 12, 31), date(2018, 3, 31)
    values = [
        ("Y1", "t3_days", first, False, "20", "measured"),
        ("Y1", "t3_days", last, False, "12", "measured"),
        ("Y1", "t3_days", under_way, True, "30", "measured"),
        ("Y1", "nps", first, False, "20", "measured"),
        ("Y1", "nps", last, False, "30", "measured"),
        ("Y1", "nps", last, False, "-6", "measured"),  # of its other service: 12 of both together
        ("Y1", "calls_answered", first, False, "20", "measured"),
        ("Y1", "calls_answered", last, False, "99", "too_small"),
        ("Y2", "calls_answered", last, False, "99", "measured"),
    ]
    built = run(
        mart__indicator_value=[(*row[:4], row[4], 50, 50, row[5]) for row in values],
        rulebook__indicator=[("t3_days", "down"), ("nps", "up"), ("calls_answered", "up")],
        core__corrective_action=[
            action("A1", indicator="t3_days", topic="results"),
            action("A2", indicator="nps", topic="results"),
            action("A3", indicator="calls_answered", topic="results"),
            action("A4", flag="F1", due=date(2017, 12, 30)),
            action("A5", state="done", due=date(2017, 11, 1)),
        ],
        core__flag=[
            flag("access"),
            flag("access", number="F2", raised=date(2017, 7, 20)),
            flag("access", number="F3", raised=date(2018, 1, 20)),
            flag("access", number="F4", provider="Y2"),
        ],
        core__access_event=[contact(60, 0)],
    )
    assert built.rows(
        "select action_id, flag_verdict_code, is_overdue, flag_before_count, flag_after_count,"
        " movement_code from mart.corrective_action_register order by action_id"
    ) == [
        ("A1", None, False, 0, 0, "better"),
        ("A2", None, False, 0, 0, "worse"),
        ("A3", None, False, 0, 0, "not_measured"),
        ("A4", "confirmed", True, 1, 1, "not_measured"),
        ("A5", None, False, 1, 1, "not_measured"),
    ]


def test_a_pack_is_of_two_months_from_the_odd_one() -> None:
    nps = ("experience", "NPS")
    built = run(
        core__flag=[
            flag("access", raised=date(2017, 9, 1)),
            flag("access", raised=RAISED, number="F2", role="next_of_kin", severity="serious"),
            flag("access", raised=date(2017, 11, 1), number="F3", state="handled"),
        ],
        core__survey_response=[
            (*nps, "Y1", "access", "negative", date(2017, 10, 31), 1, 1),
            (*nps, "Y1", "access", "positive", date(2017, 9, 1), 1, 2),
            (*nps, "Y1", None, None, date(2017, 9, 1), 1, 3),
            ("experience", "access", "Y1", "access", "negative", date(2017, 9, 1), 1, 4),
        ],
        core__corrective_action=[action("A1"), action("A2", due=date(2017, 11, 1))],
    )
    columns = (
        "pack_start_date, raised_flag_count, client_flag_count, next_of_kin_flag_count,"
        " serious_flag_count, open_flag_count, unclear_flag_count, comment_count,"
        " negative_comment_count, action_count, overdue_action_count"
    )
    assert built.rows(f"select {columns} from mart.feedback_pack order by all") == [
        (date(2017, 9, 1), 2, 1, 1, 1, 2, 2, 2, 1, 2, 1),
        (date(2017, 11, 1), 1, 1, 0, 0, 0, 1, 0, 0, 0, 0),
    ]


def test_a_pack_has_comments_as_they_were_read_and_else_as_the_survey_coded_them() -> None:
    nps = ("experience", "NPS", "Y1")
    built = run(
        core__survey_response=[
            (*nps, "access", "neutral", RAISED, 1, 1),
            (*nps, "access", "negative", RAISED, 1, 2),
            (*nps, None, None, RAISED, 2, 1),
        ],
        core__comment_reading=[
            ("surveys/experience", 1, 1, "safety", "negative"),
            ("surveys/experience", 2, 1, "safety", "positive"),
            ("enrolment_portal/flags", 1, 2, "treatment", "positive"),
        ],
    )
    assert built.rows(
        "select topic_code, comment_count, negative_comment_count from mart.feedback_pack"
        " order by topic_code"
    ) == [("access", 1, 1), ("safety", 2, 1)]
