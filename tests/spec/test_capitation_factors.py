"""What the factors of capitation promise: morbidity paid once, own activity never, all of it shown.

Here: models in a row over a made region with one need model. Not here: each model against its rule
(`tests/property`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.support.capitation import BASKET, FACTOR, SCHEME, TARIFF, scheme
from tests.support.model_chain import Chain, chain
from tests.support.settling import Tariff, desk

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
    " valid_from_date date, valid_to_date date, known_to_seq bigint,"
    " is_ended_by_next boolean generated always as (valid_to_date is not null)",
    "ops.need_model_run": "",
    "ops.need_model_coefficient": "",
}
MONTHS = [date(y, m, 1) for y in (2016, 2017) for m in range(1, 13)][4:]
CHOICE, JULY, OCTOBER = (date(2017, month, 1) for month in (5, 7, 10))
PEOPLE = 2_000
SICK_RATIO = 4
"""A diabetic costs four times what others of the age and sex do."""


@pytest.fixture(scope="module")
def factors() -> Chain:
    tables = {name: columns for name, columns in TABLES.items() if columns}
    made = chain(MODELS, tables)
    return Chain(made.connection, made.models, tuple(TABLES))


@pytest.fixture(scope="module")
def priced() -> Chain:
    """The same under a payment scheme and tariff that a test writes."""
    given = {
        "rulebook.capitation_scheme": SCHEME,
        "rulebook.capitation_basket": BASKET,
        "rulebook.capitation_regional_factor": FACTOR,
        "mart.capitation_tariff": TARIFF,
    }
    columns = {name: columns for name, columns in TABLES.items() if columns}
    models = tuple(name for name in MODELS if name != "mart.capitation_tariff")
    made = chain(models, columns | given)
    return Chain(made.connection, models, (*TABLES, *given))


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


Choices = list[tuple[Any, ...]]
Chooser = Callable[[int, str], Choices]
"""Choices of a person: provider, first day, day after the last."""


def once(_: int, provider: str) -> Choices:
    """A choice when choice begins, for good."""
    return [(provider, CHOICE, None)]


def anew(_: int, provider: str) -> Choices:
    """Everybody chooses the same provider again in October."""
    return [(provider, CHOICE, OCTOBER), (provider, OCTOBER, None)]


def some(_: int, provider: str) -> Choices:
    """C's and D's people choose nobody; B's come to it in October."""
    return {"A": [("A", CHOICE, None)], "B": [("B", OCTOBER, None)]}.get(provider, [])


def leaving(person: int, provider: str) -> Choices:
    """Every second of A's is on no list in September, on A's in October, and then on B's."""
    if provider != "A" or person % 2:
        return once(person, provider)
    return [
        ("A", CHOICE, date(2017, 9, 1)),
        ("A", OCTOBER, date(2017, 11, 1)),
        ("B", date(2017, 11, 1), None),
    ]


def chosen(tables: dict[str, Any], choices: Chooser) -> dict[str, Any]:
    """The region with other choices than one of everybody's."""
    rows = [
        (person, service, *choice, None)
        for person, service, provider, *_ in tables["core.enrolment"]
        for choice in choices(person, provider)
    ]
    return {**tables, "core.enrolment": rows}


@pytest.mark.parametrize("choices", [once, anew, some])
def test_own_activity_after_enrolment_changes_no_factor_of_ones_own(
    factors: Chain, choices: Chooser
) -> None:
    told = (
        "select * from mart.capitation_correction_factor order by all",
        "select settlement_month, provider_id, need_factor from mart.capitation_need_factor"
        " order by all",
    )
    factors.run(chosen(region(sick=LISTS), choices))
    before = [factors.rows(sql) for sql in told]
    factors.run(chosen(region(sick=LISTS, more=own_activity(1)), choices))
    after = [factors.rows(sql) for sql in told]
    assert all(before)
    assert before == after
    later = factors.rows(
        "select count(*) from core.expected_cost where index_month = '2017-10-01'"
        " and relative_need > 1"
    )
    assert later[0][0] > LISTS["A"] + 100, "the diagnoses are seen; they do not count"


def test_diagnoses_of_those_who_leave_never_raise_what_one_is_paid(factors: Chain) -> None:
    """They go along and count where they go: the region's mean rises, and all other lists fall."""
    factors.run(chosen(region(sick=LISTS), leaving))
    before = {month: need(factors, month) for month in MONTHS if month >= CHOICE}
    factors.run(chosen(region(sick=LISTS, more=own_activity(1)), leaving))
    gained = {month: need(factors, month)["A"] - then["A"] for month, then in before.items()}
    falls = {month for month, change in gained.items() if change < 0}
    assert falls == {date(2017, 9, 1), date(2017, 11, 1), date(2017, 12, 1)}
    assert all(change <= 0 for change in gained.values())
    november = date(2017, 11, 1)
    assert need(factors, november)["B"] > before[november]["B"]
    assert need(factors, november)["C"] < before[november]["C"]


def test_what_more_is_written_of_everybody_makes_nobody_needier(factors: Chain) -> None:
    """Whoever is on no list in autumn is found to have diabetes: all alike, as ill as they were.

    A's 175 diabetics of 500 were told in May. The other 1 500 had 325, hence a need of
    (1175 + 4 x 325) / 1500 / 1.75 = 0.942857, which is now everybody's.
    """
    found = {"core.diagnosis": [(i, date(2017, 8, 1), "E119", None) for i in range(500, PEOPLE)]}
    factors.run(chosen(region(sick=LISTS, more=found), some))
    december = need(factors, date(2017, 12, 1))
    assert {name: round(float(factor), 6) for name, factor in december.items()} == {
        "A": 1.171429,
        "B": 0.942857,
        "M106": 0.942857,
    }


def test_factors_of_settled_lines_multiply_to_the_expected_cost_of_the_list(
    priced: Chain,
) -> None:
    """Everybody is expected to cost what they did: more with diabetes, in 106, and with A.

    Base, region, need and residual say their parts, and the lines of May are the whole within one
    per cent.
    """
    cost, base = priced_region(priced)
    on = desk(
        Tariff(CHOICE, bands=((0, 200, "any", str(base)),), regional=PRICES,
               others={"mode_code": "need", "factor_lower": "0.1", "factor_upper": "10"})
    )  # fmt: skip
    on.put("core.provider", *((name, name, name, "private") for name in UNLIKE))
    for table, columns in {
        "person": "n, '1', date '1980-01-01', null",
        "residence": "n, if(n % 2 = 0, '106', '186'), date '2010-01-01', null, 201001, null",
        "enrolment": "'', n, 'reception', substr('ABCD', n // 500 + 1, 1), null,"
        " date '2017-05-01', null, false, 201001, null",
    }.items():
        on.lake.execute(
            f"insert into lake.core.{table} select {columns} from range({PEOPLE}) as r(n)"
        )
    for name, factor in priced.rows(
        "select provider_id, need_factor from mart.capitation_need_factor"
        " where settlement_month = '2017-05-01'"
    ):
        on.put("mart.capitation_need_factor", ("R", CHOICE, CHOICE, name, factor))
    for name, factor in priced.rows(
        "select group_id, factor from mart.capitation_correction_factor"
    ):
        on.put("mart.capitation_correction_factor", ("R", CHOICE, name, factor, *[None] * 7))
    on.settle(CHOICE)
    expected = {
        name: sum(cost[500 * n : 500 * (n + 1)]) * 31 / 365 for n, name in enumerate(UNLIKE)
    }
    assert {name: float(eur) for name, eur in on.paid().items()} == pytest.approx(
        expected, rel=0.01
    )
    lines = on.rows("mart.capitation_line", "regional_factor, need_factor, correction_factor")
    assert len(lines) == 8
    assert all(factor != 1 for line in lines for factor in line)


UNLIKE = {"A": 213, "B": 37, "C": 140, "D": 110}
PRICES = {"106": "1.2", "186": "0.9"}
DEARER = 1.1
"""What A's people cost beside what age, morbidity and place tell."""


def priced_region(on: Chain) -> tuple[list[float], Decimal]:
    """Factors of a region whose people cost by morbidity, place and list.

    Returns:
        Euros a year by person, and the base that the region as a whole costs.
    """
    tables = region(sick=UNLIKE)
    places = [("106", "186")[i % 2] for i in range(PEOPLE)]
    plain = [
        float(row[3]) * (DEARER if i < 500 else 1) for i, row in enumerate(tables["core.cost"])
    ]
    cost = [round(eur * float(PRICES[places[i]]), 2) for i, eur in enumerate(plain)]
    base = Decimal(str(round(sum(plain) / PEOPLE, 6)))
    resident = [(i, m, places[i], *rest) for i, m, _, *rest in tables["core.person_month"]]
    on.run(
        {
            **tables,
            "core.cost": [(i, date(2016, 9, 1), "P01", eur) for i, eur in enumerate(cost)],
            "core.municipality": [(code, True) for code in PRICES],
            "core.residence": [(i, place, date(2010, 1, 1), None, None)
                               for i, place in enumerate(places)],
            "core.person_month": resident,
            "rulebook.capitation_scheme": [scheme(CHOICE, mode_code="need")],
            "rulebook.capitation_basket": [(CHOICE, "R", "P01")],
            "rulebook.capitation_regional_factor": [(CHOICE, "R", *p) for p in PRICES.items()],
            "mart.capitation_tariff": [
                ("R", CHOICE, 0, 200, sex, base) for sex in ("1", "2")
            ],
        }
    )  # fmt: skip
    return cost, base


def test_who_changes_list_keeps_a_year_of_history_and_a_newcomer_has_none(factors: Chain) -> None:
    """In July person 0, a diabetic, leaves A for B; so does one who moved in in March, as ill.

    A diabetic of the region's mean is worth 4 / 1.75, who has no diabetes 1 / 1.75, and a newcomer
    1: B's 502 are 425 / 1.75 + 76 x 4 / 1.75 + 1.
    """
    newcomer = {
        "core.person": [(9001, "1", date(1980, 1, 1), None)],
        "core.person_month": [
            (9001, m, "106", "1", date(1980, 1, 1), _days(m))
            for m in MONTHS
            if m >= date(2017, 3, 1)
        ],
        "core.residence": [(9001, "106", date(2017, 3, 1), None, None)],
        "core.diagnosis": [(9001, date(2017, 3, 1), "E119", None)],
        "core.enrolment": [(9001, "reception", "B", JULY, None, None)],
    }

    def moving(person: int, provider: str) -> Choices:
        if person == 0:
            return [("A", CHOICE, JULY), ("B", JULY, None)]
        return [(provider, JULY if person == 9001 else CHOICE, None)]

    factors.run(chosen(region(sick=LISTS, more=newcomer), moving))
    june, july = need(factors, date(2017, 6, 1)), need(factors, JULY)
    assert float(june["B"]) == pytest.approx((425 + 75 * 4) / 1.75 / 500, abs=1e-7)
    assert float(july["B"]) == pytest.approx(((425 + 76 * 4) / 1.75 + 1) / 502, abs=1e-7)
    assert float(july["A"]) == pytest.approx((325 + 174 * 4) / 1.75 / 499, abs=1e-7)
