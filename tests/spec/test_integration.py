"""Segments of clients, chains of services and what follows a discharge, by hand.

Here: `core.client_quarter`, `core.chain_client`, `core.client_integration` and what rests on them.
Not here: what an event costs (`test_cost`).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from tests.support.model_chain import Chain, chain

TABLES = {
    "core.cost": (
        "person_id bigint, cost_month date, package_class_code varchar, cost_eur decimal(18,2)"
    ),
    "core.need_assessment": (
        "person_id bigint, instrument_code varchar, scale_code varchar, score integer,"
        " assessed_date date, valid_to_date date"
    ),
    "core.guidance_assessment": (
        "person_id bigint, form_code varchar, item_code varchar, score integer, answered_date date"
    ),
    "core.register_month": "exposure_month date",
    "core.service_period": (
        "service_period_id bigint, person_id bigint, client_group_code varchar, provider_id"
        " varchar, started_date date, ended_date date, is_carer boolean"
    ),
    "core.service_period_month": (
        "service_period_id bigint, person_id bigint, service_month date, service_date date"
    ),
    "core.morbidity": "person_id bigint, morbidity_group_code varchar, diagnosis_quarter date",
    "core.hospital_episode": (
        "episode_id bigint, person_id bigint, unit_code varchar, episode_kind_code varchar,"
        " urgency_code varchar, episode_date date, episode_month date, ended_at timestamp,"
        " discharge_code varchar"
    ),
    "core.encounter": (
        "person_id bigint, site_id varchar, encounter_date date, encounter_month date,"
        " contact_type_code varchar, started_at timestamp"
    ),
    "core.residence": (
        "person_id bigint, municipality_code varchar, valid_from_date date, valid_to_date date,"
        " known_to_seq bigint"
    ),
    "core.site_month": "site_id varchar, calendar_month date, provider_id varchar",
    "core.voucher_transaction": (
        "person_id bigint, voucher_provider_id varchar, service_date date"
    ),
    "core.guidance_contact": (
        "contact_id bigint, person_id bigint, contacted_date date, contact_topic_code varchar,"
        " contact_kind_code varchar"
    ),
    "core.care_relation": "person_id bigint, valid_from_date date, valid_to_date date",
    "core.reached": "reached_date date",
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "mart.patient_reported_outcome": (
        "response_quarter date, group_kind_code varchar, group_code varchar, instrument_code"
        " varchar, scale_code varchar, score_mean decimal(7,2)"
    ),
}
MODELS = (
    *("core.client_quarter", "core.chain_client", "mart.client_segment", "mart.segment_pathway"),
    *("mart.discharge_follow_up", "core.client_integration", "mart.service_chain"),
    *("core.joint_care_sign", "core.joint_care_worklist", "mart.joint_care_count"),
)
WINTER, SPRING = date(2017, 1, 1), date(2017, 4, 1)
MONTHS = [(date(2017, m, 1),) for m in range(1, 7)]
Row = tuple[Any, ...]


def delivered(source: str, *, without: tuple[int, ...] = ()) -> list[Row]:
    """Its months from January to June."""
    table = {"hus": "specialised_care", "apotti": "encounters"}[source]
    return [(source, table, date(2017, m, 28)) for m in range(1, 7) if m not in without]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def run(**given: list[Row]) -> Chain:
    built = models()
    fixed: dict[str, list[Row]] = {
        "core.register_month": MONTHS,
        "core.reached": [(date(2017, 6, 30),)],
        "effective.delivery": [*delivered("hus"), *delivered("apotti")],
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    return built


def costs(person: int, packages: str, *, month: date = WINTER, eur: str = "10") -> list[Row]:
    return [(person, month, package, eur) for package in packages.split()]


ASK_CAPACITY = (
    "select quarter_start_date, capacity_code from core.client_quarter order by quarter_start_date"
)


@pytest.mark.parametrize(
    ("assessed", "winter", "spring"),
    [
        ([("RAI-HC", "MAPLe", 4, date(2017, 3, 31), None)], "weak", "weak"),
        ([("RAI-HC", "MAPLe", 3, date(2017, 4, 1), None)], "not_assessed", "able"),
        ([("RAI-HC", "MAPLe", 5, date(2016, 1, 1), date(2017, 4, 1))], "weak", "not_assessed"),
        ([("RAI-HC", "MAPLe", 5, date(2015, 4, 1), None)], "weak", "not_assessed"),
        ([("RAI-HC", "CPS", 6, date(2017, 1, 1), None)], "not_assessed", "not_assessed"),
        ([("FIM", "TOTAL", 72, date(2017, 1, 1), None)], "weak", "weak"),
        ([("FIM", "TOTAL", 73, date(2017, 1, 1), None)], "able", "able"),
        (
            [
                ("RAI-HC", "MAPLe", 5, date(2017, 1, 1), None),
                ("BDI", "TOTAL", 3, date(2017, 5, 1), None),
            ],
            "weak",
            "able",
        ),
        (
            [("AUDIT", "TOTAL", s, date(2017, 1, 5), None) for s in (15, 16)],
            "weak",
            "weak",
        ),
    ],
)
def test_capacity_is_of_the_newest_assessment_in_force(
    assessed: list[Row], winter: str, spring: str
) -> None:
    built = run(
        core__cost=[*costs(1, "P01"), *costs(1, "P01", month=SPRING)],
        core__need_assessment=[(1, *row) for row in assessed],
    )
    assert built.rows(ASK_CAPACITY) == [(WINTER, winter), (SPRING, spring)]


def test_a_guides_assessment_is_one_and_use_alone_is_none() -> None:
    built = run(
        core__cost=[*costs(1, "P01"), *costs(2, "P01 P02 P08 P09 P12", eur="9999")],
        core__guidance_assessment=[
            (1, "worker_assessment", "coping", 3, date(2017, 2, 1)),
            (1, "worker_assessment", "mood", 1, date(2017, 3, 1)),
        ],
    )
    assert built.rows(
        "select person_id, need_code, capacity_code, is_heavy_user, is_multi_service"
        " from core.client_quarter order by person_id"
    ) == [(1, "few", "weak", False, False), (2, "many", "not_assessed", False, True)]


def test_heavy_users_are_the_dearest_tenth_and_costs_go_by_sector() -> None:
    events = [row for n in range(1, 21) for row in costs(n, "P01", eur=str(n))]
    events += [*costs(20, "P06 P08", eur="5"), *costs(20, "P12", eur="0.50")]
    built = run(core__cost=[*events, (20, date(2017, 3, 1), None, None)])
    assert built.rows(
        "select person_id, event_count, package_count, health_cost_eur, social_cost_eur,"
        " elderly_cost_eur, cost_eur from core.client_quarter where is_heavy_user order by all"
    ) == [
        (19, 1, 1, 19, 0, 0, 19),
        (20, 5, 4, Decimal("20.50"), 5, 5, Decimal("30.50")),
    ]
    assert built.rows(
        "select need_code, is_heavy_user, person_count, multi_service_count, cost_eur"
        " from mart.client_segment order by all"
    ) == [
        ("few", False, 18, 0, 171),
        ("few", True, 1, 0, 19),
        ("many", True, 1, 1, Decimal("30.50")),
    ]


def test_pathways_lead_in_and_out_of_every_field_and_lose_no_one() -> None:
    built = run(
        core__cost=[
            *costs(1, "P01"),
            *costs(1, "P01 P02 P03 P04", month=SPRING),
            *costs(2, "P01"),
            *costs(3, "P01", month=SPRING, eur="7"),
        ]
    )
    assert built.rows("from mart.segment_pathway order by all") == [
        (WINTER, "few", "not_assessed", "many", "not_assessed", 1, 10, 40),
        (WINTER, "few", "not_assessed", "none", "none", 1, 10, 0),
        (WINTER, "none", "none", "few", "not_assessed", 1, 0, 7),
    ]


def test_clients_of_chains_by_service_in_force_or_diagnosis_of_two_years() -> None:
    built = run(
        core__service_period=[
            (1, 1, "elderly", None, date(2017, 3, 31), date(2017, 3, 31), False),
            (2, 2, "elderly", None, date(2017, 4, 1), None, True),
            (3, 3, "substance", None, None, None, False),
            (4, 4, "families", None, date(2016, 1, 1), date(2017, 4, 1), False),
        ],
        core__morbidity=[
            (5, "diabetes", date(2015, 4, 1)),
            (5, "diabetes", WINTER),
            (6, "diabetes", date(2015, 4, 1)),
            (7, "asthma", WINTER),
            (8, "mood_and_anxiety", WINTER),
            (9, "substance", date(2015, 4, 1)),
        ],
    )
    assert built.rows(
        "select chain_code, person_id, quarter_start_date from core.chain_client order by all"
    ) == [
        ("diabetes", 5, WINTER),
        ("diabetes", 5, SPRING),
        ("diabetes", 6, WINTER),
        ("elderly", 1, WINTER),
        ("families", 4, WINTER),
        ("families", 4, SPRING),
        ("mental_health_and_substance", 8, WINTER),
        ("mental_health_and_substance", 8, SPRING),
        ("mental_health_and_substance", 9, WINTER),
    ]


def stay(
    number: int, person: int, begun: date, ended: date | None, *, to: str | None = "home", **o: Any
) -> Row:
    until = datetime.combine(ended, time(12)) if ended else None
    kind, urgency = o.get("kind", "inpatient_stay"), o.get("urgency", "1")
    return (number, person, "HUS-HYV", kind, urgency, begun, begun.replace(day=1), until, to)


def visit(
    person: int, day: date, kind: str = "R10", site: str | None = "S1", hour: int = 13
) -> Row:
    return (person, site, day, day.replace(day=1), kind, datetime.combine(day, time(hour)))


def test_discharges_are_followed_for_a_week_and_thirty_days() -> None:
    out = date(2017, 5, 10)
    begun = date(2017, 5, 1)
    built = run(
        core__hospital_episode=[
            *[stay(n, n, begun, out) for n in range(1, 6)],
            stay(6, 6, begun, out, to="other_hospital"),
            stay(7, 7, begun, date(2017, 6, 1)),  # thirty days are not over
            stay(8, 8, begun, None, to=None),
            stay(13, 3, date(2017, 6, 9), None, to=None, urgency="3"),
            stay(14, 4, date(2017, 6, 10), None, to=None, urgency="3"),
            stay(15, 5, date(2017, 5, 20), None, to=None),
            stay(16, 5, date(2017, 5, 21), date(2017, 5, 21), to=None, kind="emergency_visit"),
        ],
        core__encounter=[
            visit(1, date(2017, 5, 17)),
            visit(2, date(2017, 5, 18)),
            visit(3, out, "R56"),
            visit(4, out, "R72"),
            visit(5, out, hour=11),  # before the discharge
        ],
        core__residence=[
            (1, "106", date(2000, 1, 1), None, None),
            *[(n, "186", date(2000, 1, 1), None, None) for n in range(2, 5)],
            (2, "999", date(2000, 1, 1), None, 7),
        ],
    )
    assert built.rows(
        "select municipality_code, chain_code, discharge_code, discharge_count, contacted_count,"
        " readmitted_count, unplanned_readmission_count from mart.discharge_follow_up order by all"
    ) == [
        ("106", "all", "home", 1, 1, 0, 0),
        ("186", "all", "home", 3, 1, 1, 1),
        (None, "all", "home", 1, 0, 1, 0),
    ]


@pytest.mark.parametrize(
    ("source", "lacking", "judged"),
    [("apotti", (4,), 1), ("apotti", (5,), 0), ("apotti", (6,), 0), ("hus", (6,), 0)],
)
def test_a_discharge_is_judged_when_stays_and_contacts_of_its_time_have_come(
    source: str, lacking: tuple[int, ...], judged: int
) -> None:
    """Late encounters are no lack of contact."""
    other = "hus" if source == "apotti" else "apotti"
    built = run(
        effective__delivery=[*delivered(source, without=lacking), *delivered(other)],
        core__hospital_episode=[stay(1, 1, date(2017, 5, 1), date(2017, 5, 10))],
    )
    assert len(built.rows("select discharge_count from mart.discharge_follow_up")) == judged


def test_a_step_begins_in_its_quarter_or_the_one_before() -> None:
    """Of the second quarter of 1 not every day is at hand; of both of 2 each is."""
    summer = date(2017, 7, 1)
    built = run(
        core__cost=[
            *costs(1, "P01 P08"),
            *costs(1, "P01", month=SPRING),
            *costs(1, "P01 P08", month=summer),
            *costs(2, "P01 P08", month=SPRING),
            *costs(2, "P01 P08", month=summer),
        ],
        core__site_month=[("S1", date(2017, m, 1), "M1") for m in range(1, 10)],
        core__encounter=[
            visit(1, date(2017, 3, 31)),
            visit(1, date(2017, 6, 30)),
            visit(1, date(2017, 9, 1)),
            visit(2, date(2017, 6, 30)),
        ],
        core__hospital_episode=[stay(1, 1, summer, None), stay(2, 2, date(2017, 7, 3), None)],
        core__register_month=[(date(2017, m, 1),) for m in range(1, 10)],
    )
    assert built.rows(
        "select quarter_start_date, step_count, step_days_mean from mart.service_chain"
        " where chain_code = 'all' order by all"
    ) == [
        (WINTER, 0, None),
        (SPRING, 0, None),
        (summer, 2, Decimal("32.50")),  # 62 days from the hospital, and 3 to it
    ]


def test_a_chain_has_organisations_plans_a_responsible_worker_and_steps_between_them() -> None:
    built = run(
        core__cost=[*costs(1, "P01 P08"), *costs(2, "P01"), *costs(3, "P01 P06")],
        core__service_period=[(1, 1, "elderly", "V1", date(2017, 1, 1), None, False)],
        core__service_period_month=[(1, 1, WINTER, WINTER)],
        core__site_month=[("S1", WINTER, "M1")],
        core__encounter=[
            visit(1, date(2017, 1, 3)),
            visit(1, date(2017, 1, 5)),
            visit(1, date(2017, 1, 31), site=None),
            visit(2, date(2017, 1, 6)),
        ],
        core__hospital_episode=[stay(1, 1, date(2017, 1, 9), None)],
        core__voucher_transaction=[(1, "V2", date(2017, 1, 9))],
        core__guidance_contact=[
            (1, 1, date(2016, 4, 1), "planning", "network"),
            (2, 1, date(2017, 3, 31), "planning", "phone"),
            (3, 1, date(2017, 4, 1), "planning", "network"),
            (4, 2, date(2017, 1, 1), "planning", "network"),
        ],
        core__care_relation=[(3, date(2017, 1, 1), date(2017, 3, 31))],
        mart__patient_reported_outcome=[
            (WINTER, "chain", "elderly", "PROMIS-10", "physical", "41.5"),
            (WINTER, "provider", "elderly", "PROMIS-10", "physical", "99"),
        ],
    )
    d = Decimal
    assert built.rows(
        "select chain_code, client_count, multi_service_count, organisation_mean, plan_mean,"
        " joint_plan_count, responsible_count, step_count, step_days_mean, cost_eur,"
        " promis_physical_mean from mart.service_chain order by chain_code"
    ) == [
        # V1 on the 1st, M1 on the 3rd and 5th, then V2 and the hospital on the 9th.
        ("all", 3, 2, d("4.00"), d("1.00"), 1, 1, 3, d("2.00"), 50, None),
        ("elderly", 1, 1, d("4.00"), d("2.00"), 1, 1, 3, d("2.00"), 20, d("41.5")),
    ]


def scattered(person: int, *days: int) -> list[Row]:
    """Visits in spring at three organisations in turn."""
    return [
        visit(person, date(2017, 4, 1) + timedelta(days=day), site=f"S{n % 3 + 1}")
        for n, day in enumerate(days)
    ]


SITES = [(f"S{n}", month, f"M{n}") for n in (1, 2, 3) for (month,) in MONTHS]
EVERY_SIGN = (
    "no joint plan; no responsible worker; a long gap between services; several organisations;"
    " several services"
)


def test_who_lacks_most_comes_first_and_the_list_says_why() -> None:
    many = "P01 P02 P06 P08"
    built = run(
        core__cost=[
            *(row for n in (1, 2, 3, 4, 5) for row in costs(n, many, month=SPRING)),
            *costs(6, "P01 P08", month=SPRING),
            *costs(7, "P01 P02 P03 P04", month=SPRING),  # no social services
            *costs(8, many),  # an earlier quarter
        ],
        core__site_month=SITES,
        core__encounter=[
            *scattered(1, 0, 30, 31),
            *scattered(2, 0, 29, 30),
            *scattered(3, 0, 45, 46),
            *scattered(4, 0, 29, 30),
            *scattered(5, 0, 45, 46),
            *scattered(6, 0, 45, 46),
        ],
        core__guidance_contact=[(1, 3, date(2017, 3, 31), "planning", "network")],
        core__care_relation=[(5, date(2017, 1, 1), None)],
    )
    assert built.rows(
        "select joint_care_rank, person_id, sign_points, organisation_count, longest_gap_days"
        " from core.joint_care_worklist order by all"
    ) == [
        (1, 1, 7, 3, 30),
        (2, 6, 6, 3, 45),
        # A day short of a long gap; those who are alike in all of it share the place.
        (3, 2, 6, 3, 29),
        (3, 4, 6, 3, 29),
    ]
    ((reasons, finnish),) = built.rows(
        "select reasons_en, reasons_fi from core.joint_care_worklist where person_id = 1"
    )
    assert reasons == EVERY_SIGN
    assert finnish.startswith("ei yhteistä suunnitelmaa; ei vastuutyöntekijää; ")


def test_signs_are_counted_by_quarter_and_a_quarter_under_way_has_no_list() -> None:
    built = run(
        core__cost=[*costs(1, "P01 P08"), *costs(1, "P01 P08", month=SPRING), *costs(2, "P01 P08")],
        core__care_relation=[(2, date(2017, 1, 1), None)],
        core__guidance_contact=[(1, 2, date(2017, 3, 31), "planning", "network")],
        core__reached=[(date(2017, 6, 29),)],
    )
    assert built.rows("from mart.joint_care_count order by all") == [
        (WINTER, "any", 2, 1),
        (WINTER, "no_joint_plan", 2, 1),
        (WINTER, "no_responsible", 2, 1),
        (SPRING, "any", 1, 1),
        (SPRING, "no_joint_plan", 1, 1),
        (SPRING, "no_responsible", 1, 1),
    ]
    assert built.rows("select count(*) from core.joint_care_worklist") == [(0,)]
    assert run().rows("select count(*) from core.joint_care_worklist") == [(0,)]
