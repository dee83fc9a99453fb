"""What the pages ask of their shelf, worked out by hand.

Here: the questions in `sql/view` that reckon. Not here: those that take rows as they are, and what
a page makes of the answers (`tests/pages`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dagster_project.errors import BuildError
from dagster_project.publish.view.tables import Shown
from tests.support.shelves import CORE, INTERNAL, PUBLIC, answered

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def internal(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    return answered(tmp_path_factory.mktemp("view"), "internal", INTERNAL)[0]


def rows(answer: Shown, **chosen: object) -> Rows:
    found = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return [row for row in found if all(row[name] == value for name, value in chosen.items())]


def picked(found: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


def test_steps_of_a_payment_hang_where_the_one_before_ended(internal: dict[str, Shown]) -> None:
    found = rows(internal["payment_step"], provider_id="Y001", settlement_month="2017-12-01")
    assert picked(found, "step_code", "step_eur", "from_eur", "to_eur") == [
        ("base", 1000, 0, 1000),
        ("regional_factor", 100, 1000, 1100),
        ("need_factor", 0, 1100, 1100),
        ("correction_factor", -110, 1100, 990),
        ("incentive", 20, 990, 1010),
        ("adjustment", 5, 1010, 1015),
        ("payment", 1015, 0, 1015),
    ]


def test_a_payment_is_a_product_and_what_is_beside_it(internal: dict[str, Shown]) -> None:
    (found,) = rows(internal["payment_factor"], provider_id="M106", settlement_month="2017-12-01")
    assert found == {
        "rulebook_id": "reception",
        "settlement_month": "2017-12-01",
        "provider_id": "M106",
        "is_shadow": True,
        "person_days": 300,
        "base_eur": 1000,
        "regional_factor": 1.1,
        "need_factor": 1,
        "correction_factor": 0.9,
        "neutrality_factor": None,
        "list_eur": 990,
        "beside_eur": 25,
        "amount_eur": 1015,
    }


def test_key_figures_are_of_the_newest_month_and_the_one_before(internal: dict[str, Shown]) -> None:
    found = picked(
        rows(internal["overview"]), "figure_code", "figure_month", "figure_value", "previous_value"
    )
    # Three age bands of 10 x month x provider's number: 300 x month. Paid: 1000.10 x month x
    # (1 + 2 + 3) - 3 x 5.05. Of four indicators of four providers, and of three
    # of a second service that is overdue, measured are those of two.
    assert found == [
        ("enrolled", "2017-12-01", 900, 600),
        ("paid", "2017-12-01", 17986.65, 11986.05),
        ("shadow", "2017-12-01", 11996.15, 7995.75),
        ("measured", "2017-05-01", 42.11, None),
        ("overdue", "2017-05-01", 7, None),
        ("quarantined", "2017-12-01", 2, 1.33),
    ]


def test_rows_of_a_delivery_count_once_however_many_rules_it_has(
    internal: dict[str, Shown],
) -> None:
    found = rows(internal["quality_table"])
    assert picked(found, "table_name", "delivery_count", "received_count", "quarantined_count") == [
        ("encounters", 2, 200, 4),
        ("services", 1, 50, 0),
    ]
    assert picked(found, "quarantined_pct", "covers_to_date", "behind_days") == [
        (2, "2017-12-31", 0),
        (0, "2017-11-30", 31),
    ]
    sources = picked(rows(internal["quality_source"]), "source", "received_count")
    assert sources == [("apotti", 200), ("ptv", 50)]
    months = rows(internal["quality_month"], source="apotti")
    assert picked(months, "covers_month", "received_count") == [
        ("2017-11-01", 100),
        ("2017-12-01", 100),
    ]
    broken = picked(rows(internal["quality_rule"]), "rule_id", "covers_to_date")
    assert broken == [("site_id.required", "2017-12-31")]


def test_enrolled_are_summed_over_places_and_ages(internal: dict[str, Shown]) -> None:
    found = rows(internal["enrolment"], enrolment_month="2017-12-01")
    assert picked(found, "provider_id", "person_count") == [
        ("M106", 360),
        ("Y001", 90),
        ("Y002", 180),
        ("Y003", 270),
    ]
    ages = rows(internal["enrolment_age"], provider_id="Y001")
    assert picked(ages, "age_band", "person_count") == [
        ("18-64", 30),
        ("7-17", 30),
        ("unknown", 30),
    ]


def test_use_elsewhere_is_summed_over_a_year(internal: dict[str, Shown]) -> None:
    found = rows(internal["elsewhere"], provider_id="Y002", reason_code="emergency")
    assert picked(found, "first_month", "last_month", "event_count", "cost_eur") == [
        ("2017-10-01", "2017-12-01", 12, 601.5)
    ]


def test_an_indicator_stands_against_the_target_in_force(internal: dict[str, Shown]) -> None:
    found = rows(internal["measured"], provider_id="Y002", indicator_id="t3_days")
    # sql/indicator/t3_days.yaml: from 46 to 7 days.
    assert picked(found, "value", "floor_value", "target_value") == [(41, 46, 7), (41, 46, 7)]


def test_unfit_figures_have_no_share_within_the_limit(internal: dict[str, Shown]) -> None:
    found = rows(internal["guarantee_unit"], visit_month="2017-12-01")
    # 60 of the 75 judged who did not choose a later time.
    assert picked(found, "provider_id", "within_limit_pct") == [
        ("Y001", 80),
        ("Y002", 80),
        ("Y003", None),
        ("M106", 80),
    ]


def test_waits_found_unfit_are_in_no_class(internal: dict[str, Shown]) -> None:
    found = rows(internal["wait_unit"], visit_month="2017-12-01", clock_code="contact")
    assert {r["wait_class_code"] for r in found if r["provider_id"] == "Y003"} == {"unfit"}
    assert len({r["wait_class_code"] for r in found if r["provider_id"] == "Y001"}) == 5


def test_budgets_are_paid_less_what_came_back(internal: dict[str, Shown]) -> None:
    found = rows(internal["budget_service"], budget_group_code="1")
    assert picked(found, "service_code", "used_pct") == [("cleaning", 59), ("home_care", 59)]
    balances = rows(internal["budget_balance"], budget_month="2017-12-01", budget_group_code="1")
    assert picked(balances, "balance_code", "balance_eur") == [
        ("paid", 1180),
        ("remaining", 720),
        ("reserved", 100),
    ]


def test_risk_is_told_by_the_newest_model_of_the_newest_window(internal: dict[str, Shown]) -> None:
    found = rows(internal["risk_measure"], measure_code="auroc")
    assert picked(found, "predictor_code", "measure_value") == [
        ("boosted_trees", 0.8),
        ("prior_cost_and_age", 0.65),
    ]
    groups = rows(internal["risk_equity"])
    told = ("trait_code", "trait_value", "ratio_value", "calibration_state_code", "auroc_value")
    assert picked(groups, *told) == [
        ("age", "85-", None, "too_few", None),
        ("language", "other", None, "too_few", None),
        ("sex", "1", 1.1, "within", 0.75),
        ("sex", "2", 1.3, "flagged", None),
    ]
    # A year is over for two of the three index days.
    targets = rows(internal["risk_target"], target_code="need_growth")
    assert picked(targets, "event_pct") == [(5,), (10,)]


def test_a_forecast_stands_beside_a_year_at_present(internal: dict[str, Shown]) -> None:
    found = rows(internal["forecast"], scenario_code="use_falls", package_class_code="P01")
    assert {row["municipality_code"] for row in found} == {"106", "186", "all"}
    told = ("forecast_year", "present_cost_eur", "forecast_cost_eur", "change_pct")
    assert picked([r for r in found if r["municipality_code"] == "106"], *told) == [
        (2018, 2000, 2100, 5),
        (2022, 2000, 2500, 25),
        (2027, 2000, 3000, 50),
    ]
    (first,) = (r for r in found if r["municipality_code"] == "186" and r["forecast_year"] == 2018)
    assert (first["present_event_count"], first["forecast_event_count"]) == (0, 220)


def test_the_interval_of_a_backtest_is_told_as_its_error_is(internal: dict[str, Shown]) -> None:
    told = ("municipality_code", "package_class_code", "error_low_pct", "error_high_pct")
    assert picked(rows(internal["forecast_backtest"]), *told) == [
        ("106", "P01", -5.5, 15.5),
        ("all", "P01", 8, 32),
        ("all", "P09", None, None),
    ]


def test_providers_are_compared_by_the_newest_finished_period(tmp_path: Path) -> None:
    answers, redacted = answered(tmp_path, "public", PUBLIC)
    found = rows(answers["compared"], service_code="reception")
    assert {row["period_start_date"] for row in found} == {"2017-05-01"}
    assert picked(
        found, "provider_id", "quality_index", "seen_in_7_days_pct", "nps_state_code"
    ) == [
        ("M106", 80, 82, "measured"),
        ("Y001", None, None, "too_small"),
        ("Y002", 40, 41, "measured"),
        ("Y003", 60, None, "overdue"),
    ]
    assert picked(rows(answers["compared"], service_code="dental"), "provider_id") == [("Y003",)]
    assert redacted == 6  # of two tables a row a month


def test_a_provider_speaks_what_its_open_sites_speak(tmp_path: Path) -> None:
    closed = (
        f"select * replace (case when site_id = 'S3' then date '2017-06-01' end as valid_to_date)"
        f" from ({CORE['site']})"
    )
    with_closed = CORE | {"site": closed}
    answers, _ = answered(tmp_path, "public", PUBLIC, core=with_closed)
    found = rows(answers["provider"])
    assert picked(found, "provider_id", "language_codes", "municipality_codes") == [
        ("M106", "fi", "106"),
        ("Y001", "fi", "106"),
        ("Y002", "fi,sv", "186"),
        ("Y003", "fi", "186"),
    ]


def test_a_page_reads_its_own_shelf_alone(tmp_path: Path) -> None:
    answers, _ = answered(
        tmp_path, "public", {"enrolled_by_provider": PUBLIC["enrolled_by_provider"]}
    )
    assert set(answers) == {"enrolment", "provider", "site", "municipality", "indicator"}


def test_a_table_without_a_column_that_is_asked_for_is_told_by_question(tmp_path: Path) -> None:
    other = {"capitation_payment": "select 'reception' as rulebook_id"}
    with pytest.raises(BuildError, match=r"sql/view/public_payment\.sql asks .*settlement_month"):
        answered(tmp_path, "public", other)
