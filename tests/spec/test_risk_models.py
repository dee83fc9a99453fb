"""Index days, features and outcomes of risk: rows in, rows worked by hand out, nothing foreseen.

Here: `sql/core/risk_*.sql`, `sql/mart/risk_target_count.sql`. Not here: models of risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.model_chain import Chain, chain
from tests.support.models import Table

MODELS = (
    "core.risk_index_month",
    "core.risk_features",
    "core.risk_outcome",
    "mart.risk_target_count",
)
TABLES = {
    "core.register_month": "exposure_month date",
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
    "core.person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "core.residence": (
        "person_id bigint, municipality_code varchar, valid_from_date date, valid_to_date date,"
        " known_to_seq bigint"
    ),
    "core.person_month": "person_id bigint, exposure_month date, resident_days bigint",
    "core.cost": (
        "event_kind_code varchar, event_id bigint, person_id bigint, cost_month date,"
        " costed_service_code varchar, package_class_code varchar, cost_eur decimal(18,2)"
    ),
    "core.hospital_episode": (
        "episode_id bigint, person_id bigint, episode_date date, ended_at timestamp"
    ),
    "core.service_period": (
        "person_id bigint, cared_person_id bigint, is_carer boolean, contacted_date date,"
        " started_date date, ended_date date, decided_date date, decision_code varchar,"
        " ladder_code varchar, hours_a_week decimal(18,4)"
    ),
    "core.need_assessment": (
        "person_id bigint, scale_code varchar, assessed_date date, score integer"
    ),
    "core.guidance_outcome": (
        "person_id bigint, target_code varchar, is_acted_on boolean, outcome_date date"
    ),
    "core.morbidity": "person_id bigint, morbidity_group_code varchar, diagnosis_quarter date",
}
TEST, SCORE = date(2019, 1, 1), date(2020, 1, 1)
MONTHS = [date(y, m, 1) for y in (2017, 2018, 2019) for m in range(1, 13)]
NEVER = date(9999, 12, 31)


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def period(
    person: int,
    step: str,
    begins: date,
    *,
    ends: date | None = None,
    cared: int | None = None,
    contacted: date | None = None,
    decided: date | None = None,
) -> tuple[Any, ...]:
    contacted, day = contacted or begins - timedelta(days=40), decided or begins
    is_carer = cared is not None
    return (person, cared, is_carer, contacted, begins, ends, day, "granted", step, Decimal(3))


def region(count: int, **tables: Table) -> dict[str, Table]:
    """People 1 to `count`, born in 1940, all three years in the area; and what else there is."""
    people = range(1, count + 1)
    everybody: dict[str, Table] = {
        "core.register_month": [(month,) for month in MONTHS],
        "core.municipality": [("186", True), ("091", False)],
        "core.person": [(p, "2", date(1940, 1, 1), None) for p in people],
        "core.residence": [(p, "186", date(2000, 1, 1), None, None) for p in people],
        "core.person_month": [(p, month, 30) for p in people for month in MONTHS],
    }
    return everybody | {f"core.{name}": rows for name, rows in tables.items()}


def features(tables: Mapping[str, Table], day: date = TEST) -> dict[int, dict[str, Any]]:
    models().run(tables)
    cursor = models().connection.execute(
        "from core.risk_features where index_month = ? order by person_id", [day]
    )
    names = [column[0] for column in cursor.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def outcomes(tables: Mapping[str, Table], target: str) -> dict[int, tuple[Any, ...]]:
    models().run(tables)
    rows = models().rows(
        "select person_id, outcome_code, event_date from core.risk_outcome"
        f" where index_month = date '{TEST}' and target_code = '{target}'"
    )
    return {person: rest for person, *rest in rows}  # type: ignore[misc]


def test_windows_follow_each_other_and_each_has_its_year() -> None:
    models().run(region(1))
    assert models().rows("from core.risk_index_month order by index_month") == [
        (date(2017, 7, 1), "train", date(2017, 1, 1), date(2018, 7, 1), True),
        (date(2017, 10, 1), "train", date(2017, 1, 1), date(2018, 10, 1), True),
        (date(2018, 1, 1), "calibrate", date(2017, 1, 1), date(2019, 1, 1), True),
        (TEST, "test", date(2018, 1, 1), SCORE, True),
        (SCORE, "score", date(2019, 1, 1), date(2021, 1, 1), False),
    ]


def test_a_young_register_has_a_day_to_score_and_none_to_learn_from() -> None:
    models().run({"core.register_month": [(month,) for month in MONTHS[:12]]})
    assert models().rows("select index_month, window_code from core.risk_index_month") == [
        (date(2018, 1, 1), "score")
    ]
    models().run({})
    assert models().rows("from core.risk_index_month") == []


def told() -> dict[str, Table]:
    """Something of every kind, before the index day and about it."""
    return region(
        2,
        cost=[
            (
                "encounter",
                1,
                1,
                date(2018, 3, 1),
                "reception_doctor_visit",
                "P01",
                Decimal(100),
            ),
            ("encounter", 2, 1, date(2018, 12, 1), "emergency_visit", "P10", Decimal(50)),
            ("hospital_episode", 3, 1, date(2018, 11, 1), "hospital_stay", "P12", Decimal(900)),
            ("hospital_episode", 4, 1, date(2018, 12, 1), "hospital_stay", "P12", Decimal(7)),
            ("service_period", 5, 1, date(2018, 1, 1), "home_care", "P08", Decimal(20)),
            ("service_period", 6, 1, date(2017, 12, 1), "home_care", "P08", Decimal(3)),
        ],
        hospital_episode=[
            (3, 1, date(2018, 11, 2), datetime(2018, 11, 9, 10)),
            (4, 1, date(2018, 12, 30), datetime(2019, 1, 2, 10)),
        ],
        service_period=[
            period(1, "informal_care", date(2018, 6, 1)),
            period(2, "none", date(2018, 6, 1), cared=1),
        ],
        need_assessment=[
            (1, "MAPLe", date(2018, 2, 1), 3),
            (1, "MAPLe", date(2018, 8, 1), 4),
            (1, "IADL", date(2018, 8, 1), 11),
            (1, "MAPLe", date(2017, 12, 1), 1),
        ],
        morbidity=[
            (1, "heart", date(2018, 10, 1)),
            (1, "dementia", date(2018, 1, 1)),
            (1, "cancer", date(2017, 10, 1)),
            (1, "eye", date(2019, 1, 1)),
        ],
    )


KNOWN = {
    "age_years": 79,
    "history_days": 360,
    "cost_eur": Decimal(1070),
    "recent_cost_eur": Decimal(950),
    "hospital_cost_eur": Decimal(900),
    "social_cost_eur": Decimal(20),
    "encounter_count": 2,
    "episode_count": 1,
    "emergency_count": 1,
    "stay_count": 1,
    "package_count": 4,
    "is_in_hospital": True,
    "ladder_rank": 4,
    "step_days": 214,
    "begun_step_count": 1,
    "carer_age_years": 79,
    "carer_encounter_count": 0,
    "maple_score": 4,
    "first_maple_score": 3,
    "iadl_score": 11,
    "cps_score": None,
    "assessed_before_days": 153,
    "assessed_over_days": 181,
    "morbidity_codes": "dementia,heart",
}


def test_what_is_known_of_a_person_by_hand() -> None:
    found = features(told())
    assert {name: found[1][name] for name in KNOWN} == KNOWN
    assert (found[2]["is_carer"], found[2]["cost_eur"], found[2]["maple_score"]) == (True, 0, None)


def test_growth_is_a_step_up_or_a_higher_score_unless_death_or_a_move_comes_first() -> None:
    base = region(
        6,
        service_period=[
            *(period(p, "home_care", date(2018, 6, 1)) for p in (1, 2, 3, 4, 5)),
            period(1, "regular_home_care", date(2019, 5, 2)),
            period(2, "support", date(2019, 5, 2)),
            period(5, "regular_home_care", date(2020, 1, 1)),
        ],
        need_assessment=[
            (2, "MAPLe", date(2018, 8, 1), 3),
            (2, "MAPLe", date(2019, 2, 1), 3),
            (2, "MAPLe", date(2019, 9, 1), 4),
        ],
    )
    base["core.person"] = [
        (p, "2", date(1940, 1, 1), date(2019, 3, 3) if p == 3 else None) for p in range(1, 7)
    ]
    ends = {3: date(2019, 3, 4), 4: date(2019, 8, 1)}
    base["core.residence"] = [
        (p, "186", date(2000, 1, 1), ends.get(p), None) for p in range(1, 7)
    ] + [(4, "091", date(2019, 8, 1), None, None)]
    base["core.guidance_outcome"] = [
        (1, "need_growth", True, date(2019, 3, 1)),
        (1, "need_growth", True, date(2019, 4, 1)),
        (2, "need_growth", False, date(2019, 4, 1)),
        (2, "high_cost", True, date(2019, 4, 1)),
        (5, "need_growth", True, date(2020, 1, 1)),
    ]
    assert outcomes(base, "need_growth") == {
        1: ["event", date(2019, 5, 2)],
        2: ["event", date(2019, 9, 1)],
        3: ["died", None],
        4: ["moved", None],
        5: ["none", None],
    }
    counts = models().rows(
        "select candidate_count, event_count, died_count, moved_count, acted_on_count,"
        " acted_on_event_count from mart.risk_target_count"
        f" where target_code = 'need_growth' and index_month = date '{TEST}'"
    )
    assert counts == [(5, 2, 1, 1, 1, 1)]


def test_entry_is_asked_of_the_steps_below_and_counts_housing_alone() -> None:
    tables = region(
        4,
        service_period=[
            *(period(p, "informal_care", date(2018, 6, 1)) for p in (1, 2)),
            period(3, "housing_24h", date(2018, 6, 1)),
            period(1, "housing_24h", date(2019, 5, 2)),
            period(2, "sheltered_housing", date(2019, 5, 2)),
            period(3, "institution", date(2019, 5, 2)),
            period(4, "housing_24h", date(2019, 5, 2)),
        ],
    )
    assert outcomes(tables, "housing_24h") == {1: ["event", date(2019, 5, 2)], 2: ["none", None]}


def test_the_dearest_tenth_is_asked_of_everybody() -> None:
    cost = [("encounter", p, p, date(2019, 6, 1), "x", "P01", Decimal(p)) for p in range(1, 20)] + [
        ("encounter", 99, 1, date(2020, 1, 1), "x", "P01", Decimal(5_000))
    ]
    found = outcomes(region(20, cost=cost), "high_cost")
    assert len(found) == 20
    assert sorted(p for p, (code, _) in found.items() if code == "event") == [18, 19]


def test_nobody_is_dear_where_nothing_cost_anything() -> None:
    assert {code for code, _ in outcomes(region(9), "high_cost").values()} == {"none"}


@dataclass(frozen=True)
class History:
    """What happened to person 1, and how many days later whatever is not past yet happens."""

    days: list[int]
    later: int

    def at(self, position: int) -> date:
        """Day of an event: as drawn where it is before the index day, else shifted."""
        day = TEST + timedelta(days=self.days[position])
        return day if day < TEST else day + timedelta(days=self.later)


def tables_of(history: History) -> dict[str, Table]:
    """Each kind of event once or more, on the days of a history."""
    at = history.at
    starts, ends = min(at(0), at(1)), max(at(0), at(1))
    month = [at(n).replace(day=1) for n in range(len(history.days))]
    return region(
        2,
        cost=[
            ("encounter", 1, 1, month[2], "emergency_visit", "P10", Decimal(50)),
            ("hospital_episode", 2, 1, month[3], "hospital_stay", "P12", Decimal(70)),
        ],
        hospital_episode=[(2, 1, at(3), datetime.combine(max(at(3), at(4)), datetime.min.time()))],
        service_period=[
            period(1, "home_care", starts, ends=ends, contacted=at(10), decided=at(5)),
            period(1, "sheltered_housing", at(6), contacted=at(5), decided=at(12)),
            period(2, "none", at(7), ends=max(at(7), at(8)), cared=1, contacted=at(9)),
        ],
        need_assessment=[(1, "MAPLe", at(9), 4), (1, "CPS", at(10), 2)],
        morbidity=[(1, "heart", date(at(11).year, 3 * ((at(11).month - 1) // 3) + 1, 1))],
    ) | {
        "core.person": [
            (1, "2", date(1940, 1, 1), None),
            (2, "1", date(1941, 5, 5), at(12) if at(12) >= TEST else None),
        ],
        "core.residence": [
            (1, "186", date(2000, 1, 1), at(13) if at(13) >= TEST else None, None),
            (2, "186", date(2000, 1, 1), None, None),
        ],
    }


@settings(max_examples=20)
@given(days=st.lists(st.integers(-420, 300), min_size=14, max_size=14), later=st.integers(1, 200))
def test_what_comes_after_the_index_day_changes_no_feature(days: list[int], later: int) -> None:
    history = History(days, later)
    assert features(tables_of(history)) == features(tables_of(replace(history, later=0)))
