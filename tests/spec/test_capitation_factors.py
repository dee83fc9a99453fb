"""What the factors of capitation promise: morbidity paid once, own activity never, all of it shown.

Here: models in a row over a made region with one need model. Not here: each model against its rule
(`tests/property`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.support.model_chain import Chain, chain

MODELS = (
    "core.first_choice",
    "core.morbidity",
    "core.need_profile",
    "core.expected_cost",
    "core.resident_exposure",
    "core.resident_cost",
    "core.prior_use",
    "mart.capitation_tariff",
    "mart.capitation_correction_factor",
    "mart.capitation_need_factor",
)
TABLES = {
    "core.register_month": "exposure_month date",
    "core.person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "core.person_month": "person_id bigint, exposure_month date, municipality_code varchar,"
    " sex_code varchar, birth_date date, resident_days integer",
    "core.residence": "person_id bigint, municipality_code varchar, valid_from_date date,"
    " valid_to_date date, known_to_seq bigint",
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
    "core.diagnosis": "person_id bigint, diagnosis_month date, icd10_code varchar,"
    " icpc2_code varchar",
    "core.cost": "person_id bigint, cost_month date, package_class_code varchar,"
    " cost_eur decimal(18,2)",
    "core.encounter": "person_id bigint, encounter_month date, site_id varchar",
    "core.hospital_episode": "person_id bigint, episode_month date",
    "core.site": "site_id varchar, service_code varchar, provider_id varchar,"
    " municipality_code varchar, sector_code varchar",
    "core.enrolment": "person_id bigint, service_code varchar, provider_id varchar,"
    " valid_from_date date, valid_to_date date, known_to_seq bigint",
    "ops.need_model_run": "",
    "ops.need_model_coefficient": "",
}
MONTHS = [date(y, m, 1) for y in (2016, 2017) for m in range(1, 13)][4:]
CHOICE = date(2017, 5, 1)
PEOPLE = 2_000
SICK_RATIO = 4
"""A diabetic costs four times what others of the age and sex do."""


@pytest.fixture(scope="module")
def factors() -> Chain:
    tables = {name: columns for name, columns in TABLES.items() if columns}
    made = chain(MODELS, tables)
    return Chain(made.connection, made.models, tuple(TABLES))


def need_model(mean: float) -> dict[str, list[tuple[Any, ...]]]:
    """A model that knows diabetes: a quarter of people have it, and cost four times as much."""
    healthy = mean / (1 + (SICK_RATIO - 1) * 0.25)
    rows = [
        ("M", kind, f"{sex}:{band}", value)
        for sex in ("1", "2")
        for band in ("30-44", "45-54")
        for kind, value in (("age_sex", float(np.log(healthy))), ("mean", mean))
    ]
    run = ("M", 1, "reception_need", CHOICE, CHOICE, 12, 1, None, None, None, None, CHOICE, "r")
    return {
        "ops.need_model_run": [run],
        "ops.need_model_coefficient": [
            *rows, ("M", "morbidity", "diabetes", float(np.log(SICK_RATIO)))
        ],
    }  # fmt: skip


def region(
    *, sick: dict[str, int], seed: int | None = None, more: dict[str, Any] | None = None
) -> dict[str, list[tuple[Any, ...]]]:
    """Lists of 500 people that differ in the number of diabetics alone.

    Args:
        sick: Diabetics by provider.
        seed: Of gamma-distributed yearly costs; without it everybody costs their mean.
        more: Rows to add.
    """
    size = PEOPLE // len(sick)
    people = [(i, p, i % size < sick[p]) for i, p in ((i, list(sick)[i // size])
                                                      for i in range(PEOPLE))]  # fmt: skip
    rng = np.random.default_rng(seed)
    cost = {
        i: 100.0 * (SICK_RATIO if is_sick else 1) * (rng.gamma(0.5, 2.0) if seed else 1)
        for i, _, is_sick in people
    }
    born = date(1980, 1, 1)
    tables: dict[str, list[tuple[Any, ...]]] = {
        "core.register_month": [(m,) for m in MONTHS],
        "core.person": [(i, "1", born, None) for i, _, _ in people],
        "core.person_month": [
            (i, m, "106", "1", born, _days(m)) for i, _, _ in people for m in MONTHS
        ],
        "core.residence": [(i, "106", date(2010, 1, 1), None, None) for i, _, _ in people],
        "core.municipality": [("106", True)],
        "core.diagnosis": [(i, date(2016, 8, 1), "E119", None) for i, _, s in people if s],
        "core.cost": [(i, date(2016, 9, 1), "P01", round(cost[i], 2)) for i, _, _ in people],
        "core.site": [
            ("S0", "reception", "M106", "106", "public"),
            *((f"S{p}", "reception", p, "106", "private") for p in sick),
        ],
        "core.enrolment": [(i, "reception", p, CHOICE, None, None) for i, p, _ in people],
        **need_model(175.0),
    }
    for name, rows in (more or {}).items():
        tables[name] = [*tables.get(name, []), *rows]
    return tables


def _days(month: date) -> int:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (following - month).days


def correction(on: Chain, rulebook_id: str) -> dict[str, tuple[Any, ...]]:
    rows = on.rows(
        "select group_id, raw_factor, raw_factor_lower, raw_factor_upper, factor"
        " from mart.capitation_correction_factor"
        f" where rulebook_id = '{rulebook_id}' and version_date = date '2017-05-01'"
    )
    return {name: tuple(rest) for name, *rest in rows}


def need(on: Chain, month: date = CHOICE) -> dict[str, Decimal]:
    rows = on.rows(
        "select provider_id, need_factor from mart.capitation_need_factor"
        f" where rulebook_id = 'reception_need' and settlement_month = date '{month}'"
    )
    return dict(rows)


LISTS = {"A": 175, "B": 75, "C": 125, "D": 125}


def test_a_sicker_list_is_paid_for_that_once(factors: Chain) -> None:
    """175 diabetics of 500 cost (325 + 4 x 175) / 875 = 1.1714 times the region's mean.

    Its need factor says so, and what is left to the residual is exactly nothing.
    """
    factors.run(region(sick=LISTS))
    assert float(need(factors)["A"]) == pytest.approx(1025 / 875, abs=1e-3)
    residual = correction(factors, "reception_need")
    assert {name: row[0] for name, row in residual.items()} == dict.fromkeys(LISTS, Decimal(1))
    trial = correction(factors, "reception")
    assert float(trial["A"][0]) == pytest.approx(1025 / 875, abs=1e-6)


def test_a_list_thirty_per_cent_sicker_is_paid_1_3_and_not_1_69(factors: Chain) -> None:
    """Mean 1.75 healthy people's worth in the region; 212.5 diabetics of 500 would be 1.3 of it."""
    factors.run(region(sick={"A": 213, "B": 37, "C": 125, "D": 125}))
    morbidity = float(need(factors)["A"])
    residual = float(correction(factors, "reception_need")["A"][0])
    assert morbidity == pytest.approx(1.3, abs=0.005)
    assert morbidity * residual == pytest.approx(1.3, abs=0.005)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_lists_differ_in_morbidity_alone_the_residual_is_1_within_its_interval(
    factors: Chain, seed: int
) -> None:
    factors.run(region(sick={"A": 213, "B": 37, "C": 125, "D": 125}, seed=seed))
    for _, low, high, _ in correction(factors, "reception_need").values():
        assert low < 1 < high
    trial = correction(factors, "reception")
    assert trial["A"][1] > 1
    assert trial["B"][2] < 1


def own_activity(seed: int) -> dict[str, list[tuple[Any, ...]]]:
    """What provider A does from the first day of choice on: visits, costs and many diagnoses."""
    rng = np.random.default_rng(seed)
    clients = rng.choice(500, 300, replace=False).tolist()
    months = [m for m in MONTHS if m >= CHOICE]
    return {
        "core.diagnosis": [(i, m, "E119", None) for i in clients for m in months],
        "core.encounter": [(i, m, "SA") for i in clients for m in months],
        "core.cost": [(i, m, "P01", 5000) for i in clients for m in months],
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_own_activity_after_enrolment_changes_no_factor_of_ones_own(
    factors: Chain, seed: int
) -> None:
    told = (
        "select * from mart.capitation_correction_factor order by all",
        "select settlement_month, provider_id, need_factor from mart.capitation_need_factor"
        " order by all",
    )
    factors.run(region(sick=LISTS))
    before = [factors.rows(sql) for sql in told]
    factors.run(region(sick=LISTS, more=own_activity(seed)))
    after = [factors.rows(sql) for sql in told]
    assert before[0]
    assert before == after
    later = factors.rows(
        "select count(*) from core.expected_cost where index_month = '2017-10-01'"
        " and relative_need > 1"
    )
    assert later[0][0] > LISTS["A"] + 100, "the diagnoses are seen; they do not count"


def test_factors_multiply_to_the_expected_cost_of_the_list(factors: Chain) -> None:
    """Σ days x base x need x residual = Σ over persons of what each is expected to cost."""
    factors.run(region(sick=LISTS, seed=5))
    by_person = dict(
        factors.rows(
            "select enrolment.provider_id, sum(31 / 365 * tariff.base_eur * need.relative_need)"
            " from core.enrolment as enrolment"
            " inner join core.expected_cost as need on enrolment.person_id = need.person_id"
            " and need.index_month = '2017-04-01'"
            " inner join mart.capitation_tariff as tariff"
            " on tariff.rulebook_id = 'reception_need' and tariff.version_date = '2017-05-01'"
            " and tariff.sex_code = '1' and 37 between tariff.age_from and tariff.age_to"
            " group by all"
        )
    )
    product = dict(
        factors.rows(
            "select provider_id, person_days / 365 * need_factor * (select base_eur"
            " from mart.capitation_tariff where rulebook_id = 'reception_need'"
            " and version_date = '2017-05-01' and sex_code = '1' and age_from = 18)"
            " from mart.capitation_need_factor where rulebook_id = 'reception_need'"
            " and settlement_month = '2017-05-01'"
        )
    )
    residual = correction(factors, "reception_need")
    assert by_person.keys() <= product.keys()
    for name, expected in by_person.items():
        paid = float(product[name]) * float(residual[name][3])
        assert paid == pytest.approx(float(expected) * float(residual[name][3]), rel=0.01)


def test_who_changes_list_keeps_a_year_of_history_and_a_newcomer_has_none(factors: Chain) -> None:
    """Person 0 is a diabetic; one who moved in in March with the same diagnosis is not told."""
    factors.run(
        region(
            sick=LISTS,
            more={
                "core.person": [(9001, "1", date(1980, 1, 1), None)],
                "core.person_month": [
                    (9001, m, "106", "1", date(1980, 1, 1), _days(m))
                    for m in MONTHS
                    if m >= date(2017, 3, 1)
                ],
                "core.residence": [(9001, "106", date(2017, 3, 1), None, None)],
                "core.diagnosis": [(9001, date(2017, 3, 1), "E119", None)],
                "core.enrolment": [(0, "reception", "B", date(2017, 7, 1), None, None)],
            },
        )
    )
    told = dict(
        factors.rows(
            "select person_id, (has_history, relative_need) from core.expected_cost"
            " where index_month = '2017-07-01' and person_id in (0, 9001)"
        )
    )
    assert told[9001] == (False, Decimal(1))
    assert told[0][0]
    assert told[0][1] > 2
