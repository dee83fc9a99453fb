"""Two months of client guidance and the study of budgets: members, consents, forms, outcomes.

Here: rows, and the deliveries of May and June. Not here: what must come of them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from tests.support.deliveries import RESIDENTS, Row, Sent, Value, resident, sent
from tests.support.identity import born, code

CLIENT, CONTROL, PROTECTED, CHANGED = 0, 1, 2, 3
LATER_CODE = code(100)
TYPED = f"Tyttäreni {code(1)} hoitaa, kiitos."
MAY, JUNE = 201705, 201706
DAILY = (
    "everyday_life_score",
    "study_or_work_score",
    "home_score",
    "relationships_score",
    "leisure_score",
    "money_score",
    "health_score",
    "future_score",
)


def register(sequence: int) -> Sent:
    """Four residents, one protected; from June on the fourth has another code."""
    later = sequence == JUNE
    rows = [
        resident(code(number), born(number), has_protection_order=number == PROTECTED)
        for number in (CLIENT, CONTROL, PROTECTED)
    ]
    changed = resident(LATER_CODE, born(CHANGED), previous_person_id=code(CHANGED))
    return sent(RESIDENTS, sequence, *rows, changed if later else resident(code(3), born(3)))


def member(number: int, of: str, cohort: str, **others: Value) -> Row:
    """Taken into group 5 on 2 May, having consented the day before."""
    row: dict[str, Value] = {
        "study_enrolment_id": number,
        "person_id": of,
        "cohort_code": cohort,
        "budget_group_code": "5",
        "municipality_code": "091",
        "enrolled_date": date(2017, 5, 2),
        "consent_given_date": date(2017, 5, 1),
        "updated_at": datetime(2017, 5, 2, 9),
    }
    return row | others


def daily_life(number: int, of: str, day: date, **scores: int) -> Row:
    return {
        "answer_id": number,
        "person_id": of,
        "respondent_code": "client",
        "wave_code": "start",
        "answered_date": day,
        "updated_at": datetime(day.year, day.month, day.day, 12),
        **scores,
    }


def experience(number: int, of: str, day: date, **others: Value) -> Row:
    row: dict[str, Value] = {
        "answer_id": number,
        "person_id": of,
        "respondent_code": "next_of_kin",
        "wave_code": "month_3",
        "answered_date": day,
        "updated_at": datetime(day.year, day.month, day.day, 12),
    }
    return row | others


def assessed(number: int, of: str, item: str, score: int, **others: Value) -> Row:
    row: dict[str, Value] = {
        "assessment_id": number,
        "person_id": of,
        "guide_code": "O101",
        "wave_code": "start",
        "assessed_date": date(2017, 5, 9),
        "item_code": item,
        "score": score,
        "updated_at": datetime(2017, 5, 9, 12),
    }
    return row | others


def contact(number: int, of: str, at: datetime, **others: Value) -> Row:
    row: dict[str, Value] = {
        "contact_id": number,
        "person_id": of,
        "guide_code": "O101",
        "contacted_at": at,
        "contact_kind_code": "phone",
        "duration_minutes": Decimal("12.5"),
        "contact_topic_code": "budget",
        "has_third_sector_referral": False,
        "updated_at": at,
    }
    return row | others


def outcome(number: int, of: str, **others: Value) -> Row:
    row: dict[str, Value] = {
        "outcome_id": number,
        "delivery_code": "RL-201705-01",
        "person_id": of,
        "target_code": "need_growth",
        "guide_code": "O101",
        "is_acted_on": True,
        "updated_at": datetime(2017, 5, 20, 9),
    }
    return row | others


def of_may() -> tuple[Sent, ...]:
    members = [
        member(1, code(CLIENT), "budget"),
        member(2, code(CONTROL), "control"),
        member(3, code(PROTECTED), "budget"),
        member(4, code(CHANGED), "guidance_only"),
    ]
    minutes: Row = {
        "guide_code": "O101",
        "worked_date": date(2017, 5, 8),
        "task_code": "records",
        "worked_minutes": 90,
        "updated_at": datetime(2017, 5, 8, 16),
    }
    return (
        sent("guidance/study_enrolment", MAY, *members),
        sent(
            "guidance/contacts",
            MAY,
            contact(1, code(CLIENT), datetime(2017, 5, 31, 23, 30)),
            contact(2, code(PROTECTED), datetime(2017, 5, 3, 9)),
            contact(3, code(CHANGED), datetime(2017, 5, 3, 10), has_third_sector_referral=True),
        ),
        sent(
            "guidance/worker_assessment",
            MAY,
            assessed(1, code(CLIENT), "coping", 4),
            assessed(1, code(CLIENT), "mood", 2),
            assessed(2, code(PROTECTED), "coping", 3),
        ),
        sent(
            "guidance/daily_life_impact",
            MAY,
            daily_life(1, code(CLIENT), date(2017, 5, 10), home_score=4, money_score=2),
            daily_life(2, code(CONTROL), date(2017, 5, 31), home_score=3),
        ),
        sent("guidance/worker_time", 20170531, minutes),
        sent("guidance/outcomes", MAY, outcome(1, code(CLIENT)), outcome(2, code(CHANGED))),
    )


def of_june() -> tuple[Sent, ...]:
    """The control withdraws from 1 June on, and answers on that day and after all the same."""
    settled: dict[str, Value] = {
        "outcome_code": "started",
        "outcome_date": date(2017, 6, 7),
        "updated_at": datetime(2017, 6, 7, 9),
    }
    withdrawn: dict[str, Value] = {
        "consent_withdrawn_date": date(2017, 6, 1),
        "updated_at": datetime(2017, 6, 1, 9),
    }
    return (
        sent("guidance/study_enrolment", JUNE, member(2, code(CONTROL), "control", **withdrawn)),
        sent(
            "guidance/daily_life_impact",
            JUNE,
            {
                **daily_life(2, code(CONTROL), date(2017, 5, 31), home_score=5),
                "updated_at": datetime(2017, 6, 20, 9),
            },
            daily_life(3, code(CONTROL), date(2017, 6, 1), home_score=1),
            daily_life(4, LATER_CODE, date(2017, 6, 12), home_score=2),
        ),
        sent(
            "guidance/budget_experience",
            JUNE,
            experience(
                1,
                code(CLIENT),
                date(2017, 6, 15),
                choice_score=5,
                recommendation_score=9,
                free_text=TYPED,
                text_language_code="fi",
                sentiment_code="positive",
            ),
        ),
        sent("guidance/outcomes", JUNE, outcome(2, LATER_CODE, **settled)),
    )
