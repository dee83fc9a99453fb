"""Small shelves of published tables, as a page of a release reads them, and the lake beside them.

Here: tables by hand, with names that would break a page that took them for markup. Not here: what a
page makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from dagster_project.lake import connection
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from dagster_project.publish.view.pages import Made, answers, page
from dagster_project.publish.view.tables import NAMES, Shown
from dagster_project.settings import Settings
from dagster_project.sql_text import literal, quoted
from tests.support.quick_lake import QuickLake

SNAPSHOT = 1
HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"
MADE = Made("000007", 7, "2017-12-31")

CORE = {
    "provider": f"""
        select * from (values
            ('Y001', 'Keltapuron Lääkärit Oy', 'private'), ('Y002', {literal(HOSTILE)}, 'private'),
            ('Y003', 'Bergö "Hälso" & Co', 'private'), ('M106', 'Hyvinkään kaupunki', 'public')
        ) as t(provider_id, provider_name, sector_code)""",
    "site": """
        select *, date '2017-05-01' as valid_from_date, cast(null as date) as valid_to_date
        from (values
            ('S1', 'Asema 1', 'Y001', 'reception', '106', 'fi'),
            ('S2', 'Asema 2', 'Y002', 'reception', '186', 'fi,sv'),
            ('S3', 'Asema 3', 'Y003', 'reception', '106', 'sv'),
            ('S4', 'Asema 4', 'Y003', 'dental', '186', 'fi'),
            ('S5', 'Pääterveysasema', 'M106', 'reception', '106', 'fi')
        ) as t(site_id, site_name, provider_id, service_code, municipality_code, language_codes)""",
    "municipality": """
        select * from (values ('106', 'Hyvinkää', 'Hyvinge'), ('186', 'Järvenpää', 'Träskända'))
        as t(municipality_code, name_fi, name_sv)""",
}

_MONTHS = (
    "(values (date '2017-10-01', 1), (date '2017-11-01', 2), (date '2017-12-01', 3)) as m(month, n)"
)
_PROVIDERS = "(values ('Y001', 1), ('Y002', 2), ('Y003', 3), ('M106', 4)) as p(provider_id, k)"

INTERNAL = {
    "enrolled_by_provider": f"""
        select month as enrolment_month, 'reception' as service_code, provider_id,
            '106' as municipality_code, age_band, cast(10 * n * k as bigint) as person_count
        from {_MONTHS}, {_PROVIDERS}, (values ('7-17'), ('18-64'), ('unknown')) as a(age_band)""",
    "out_of_list_use": f"""
        select month as use_month, 'reception' as service_code, provider_id, reason_code,
            'P01' as package_class_code, 2 * k as event_count,
            cast(100.25 * k as decimal(18, 2)) as cost_eur
        from {_MONTHS}, {_PROVIDERS}, (values ('emergency'), ('public_station')) as r(reason_code)
        where provider_id like 'Y%'""",
    "capitation_payment": f"""
        select 'reception' as rulebook_id, month as settlement_month, provider_id,
            provider_id like 'M%' as is_shadow, cast(30 * n * k as bigint) as person_count,
            cast(1000.10 * n * k as decimal(18, 2)) as line_eur,
            cast(-5.05 as decimal(18, 2)) as adjustment_eur,
            cast(1000.10 * n * k - 5.05 as decimal(18, 2)) as amount_eur
        from {_MONTHS}, {_PROVIDERS}""",
    "capitation_explanation": f"""
        select 'reception' as rulebook_id, month as settlement_month, provider_id,
            provider_id like 'M%' as is_shadow, s.*
        from {_MONTHS}, {_PROVIDERS}, (values
            (10, 'list', 300, null, null), (20, 'base', 300, null, 1000.00),
            (30, 'regional_factor', 300, 1.1, 100.00), (40, 'need_factor', 300, 1.0, 0.00),
            (50, 'correction_factor', 300, 0.9, -110.00), (90, 'incentive', 0, null, 20.00),
            (95, 'adjustment', 10, null, 4.00), (95, 'adjustment', 5, null, 1.00),
            (99, 'payment', 300, null, 1015.00)
        ) as s(step_number, step_code, quantity, factor, step_eur)""",
    "capitation_correction_factor": f"""
        select 'reception' as rulebook_id, date '2017-05-01' as version_date,
            provider_id as group_id, 1 + k / 100 as factor, 1 + k / 10 as raw_factor,
            0.8 as raw_factor_lower, 1.5 as raw_factor_upper, 0.1 as credibility_weight,
            0.25 as share_without_contact, 100 * k as person_count,
            date '2016-05-01' as window_from_date, date '2017-05-01' as window_to_date
        from {_PROVIDERS}""",
    "indicator_value": f"""
        select provider_id, service_code, indicator_id, period_start_date,
            period_end_date, period_start_date > date '2017-05-01' as is_to_date,
            case when state_code <> 'too_small' then 30.0 end as numerator,
            cast(10 * k as decimal(18, 4)) as denominator,
            case when is_measured then cast(20.5 * k as decimal(18, 4)) end as value,
            case when is_measured then cast(20 * k as decimal(18, 4)) end as lower_value,
            case when is_measured then cast(21 * k as decimal(18, 4)) end as upper_value,
            state_code, 'lake' as reporter_code
        from {_PROVIDERS}, (values
                (1, 'too_small', false), (2, 'measured', true), (3, 'overdue', false),
                (4, 'measured', true)
            ) as s(number, state_code, is_measured),
            (values ('access_7_days'), ('t3_days'), ('nps'), ('switches_away')) as i(indicator_id),
            (values ('reception'), ('dental')) as v(service_code),
            (values (date '2017-05-01', date '2017-09-30'), (date '2017-10-01', date '2017-12-31'))
            as d(period_start_date, period_end_date)
        where number = k
            and (service_code = 'reception'
            or provider_id = 'Y003' and indicator_id <> 'switches_away')""",
    "incentive_score": f"""
        select provider_id, 'reception' as service_code, period_start_date,
            period_start_date > date '2017-05-01' as is_early_warning,
            case when k > 1 then k / 5.0 end as score, 0.8 as measured_weight,
            case when k > 1 then 0.01 end as share_of_capitation, k as counted_indicator_count,
            1 as too_small_count, 0 as overdue_count, 0 as unreliable_count
        from {_PROVIDERS},
            (values (date '2017-05-01'), (date '2017-10-01')) as d(period_start_date)""",
    "data_quality": """
        select 'apotti' as source, 'encounters' as table_name, delivery_sequence, rule_id,
            'conformance' as dimension, 'error' as severity, violated_count, 100 as checked_count,
            cast(violated_count as double) as violated_pct, 100 as received_count,
            98 as accepted_count, 2 as quarantined_count, 0 as duplicate_count, covers_to_date
        from (values (201711, date '2017-11-30'), (201712, date '2017-12-31'))
            as d(delivery_sequence, covers_to_date),
            (values ('site_id.required', 2), ('started_at.type', 0)) as r(rule_id, violated_count)
        union all by name
        select 'ptv' as source, 'services' as table_name, 201711 as delivery_sequence,
            'name.required' as rule_id, 'completeness' as dimension, 'error' as severity,
            0 as violated_count, 50 as checked_count, 0.0 as violated_pct, 50 as received_count,
            50 as accepted_count, 0 as quarantined_count, 0 as duplicate_count,
            date '2017-11-30' as covers_to_date""",
    "t3_by_unit": f"""
        select month as measured_month, 'S' || k as site_id, provider_id,
            '106' as municipality_code, '2221' as profession_code,
            cast(3 * k as decimal(5, 1)) as without_named_days_median,
            cast(5 * k as decimal(5, 1)) as with_named_days_median,
            10 as without_named_count, 0 as at_horizon_count
        from {_MONTHS}, {_PROVIDERS}""",
    "followed_figure": """
        select *, 'value' as form_code, 'days' as unit_code, 46.0 as printed_value,
            date '2017-10-01' as measured_from_date, date '2017-12-31' as measured_to_date
        from (values
            ('t3_days', 'all', 'goal', date '2022-12-31', date '2022-12-31', 12.0, 'measured',
                false),
            ('low_value_care', '106', 'baseline', date '2020-01-01', date '2020-12-31', null,
                'not_measured', null)
        ) as t(followed_code, unit_id, figure_kind_code, from_date, to_date, measured_value,
            measured_state_code, is_reached)""",
    "wait_by_unit": f"""
        select month as visit_month, clock_code, 'S' || k as site_id, provider_id,
            wait_class_code, cast(10 * k as bigint) as visit_count, provider_id = 'Y003' as is_unfit
        from {_MONTHS}, {_PROVIDERS}, (values ('assessment'), ('contact')) as c(clock_code),
            (values ('0-7'), ('8-14'), ('15-30'), ('31-90'), ('over_90')) as w(wait_class_code)""",
    "care_guarantee": f"""
        select month as visit_month, 'S' || k as site_id, provider_id, 100 as visit_count,
            80 as judged_count, 60 as within_limit_count, 5 as own_choice_count,
            15 as exceeded_count, provider_id = 'Y003' as is_unfit
        from {_MONTHS}, {_PROVIDERS}""",
    "personal_budget_total": f"""
        select month as budget_month, budget_group_code, service_code, '106' as municipality_code,
            cast(2 as bigint) as client_count, cast(1000.00 as decimal(18, 2)) as granted_eur,
            cast(50 as decimal(18, 2)) as reserved_eur,
            cast(200 * n as decimal(18, 2)) as paid_eur, cast(10 as decimal(18, 2)) as returned_eur,
            cast(960 - 200 * n as decimal(18, 2)) as remaining_eur,
            cast(30 as decimal(18, 2)) as client_share_eur
        from {_MONTHS}, (values ('1', 'home_care'), ('1', 'cleaning'), (null, 'shiatsu'))
            as g(budget_group_code, service_code)""",
    "personal_budget_equity": """
        select 2017 as calendar_year, trait_code, trait_value, 8 as client_count,
            900.00 as granted_month_eur, -100.00 as explained_month_eur,
            unexplained as unexplained_month_eur, unexplained - 10 as unexplained_low_eur,
            unexplained + 10 as unexplained_high_eur,
            case when abs(unexplained) > 10 then 'flagged' else 'explained_by_need' end
                as equity_state_code
        from (values ('sex', '1', 3.0), ('sex', '2', -25.5), ('municipality', '106', 0.0))
            as t(trait_code, trait_value, unexplained)""",
    "risk_target_count": f"""
        select target_code, month as index_month, 'test' as window_code, n < 3 as is_covered,
            1000 as candidate_count, 50 * n as event_count, 20 as died_count,
            10 as moved_count, 40 as acted_on_count, 2 * n as acted_on_event_count
        from {_MONTHS}, (values ('housing_24h'), ('need_growth')) as t(target_code)""",
    "service_forecast": """
        select scenario_code, cast(years as integer) as horizon_years, municipality_code,
            package_class_code, cast(date '2018-01-01' + to_years(years - 1) as date)
            as target_from_month, 6 as base_months,
            case when municipality_code = '186' then 0 else 50 * k end as base_event_count,
            cast(1000 * k as decimal(18, 2)) as base_cost_eur,
            cast(110.0 * k as decimal(18, 2)) as forecast_event_count,
            cast(2000 * k + 100 * years as decimal(18, 2)) as forecast_cost_eur,
            cast(1800 * k as decimal(18, 2)) as forecast_low_cost_eur,
            cast(2600 * k as decimal(18, 2)) as forecast_high_cost_eur,
            'forecast' as forecast_state_code
        from (values ('ageing_as_is'), ('use_falls')) as s(scenario_code),
            (values (1), (5), (10)) as h(years),
            (values ('106', 1), ('186', 2), ('', 1), ('all', 4)) as m(municipality_code, k),
            (values ('P01'), ('all')) as c(package_class_code)""",
    "service_forecast_backtest": """
        select municipality_code, package_class_code, date '2017-07-01' as target_from_month,
            6 as base_months, held_cost_eur, forecast_cost_eur,
            cast(0.9 * forecast_cost_eur as decimal(18, 2)) as forecast_low_cost_eur,
            cast(1.1 * forecast_cost_eur as decimal(18, 2)) as forecast_high_cost_eur,
            error_pct, 0.5 as unchanged_error_pct, error_pct < 10 as is_within_interval,
            case when forecast_cost_eur is null then 'no_projection' else 'forecast' end
            as forecast_state_code
        from (values
            ('106', 'P01', 1000, 1050, 5), ('', 'P01', 10, 20, 100), ('all', 'P01', 2000, 2400, 20),
            ('all', 'P09', 500, null, null)
        ) as b(municipality_code, package_class_code, held_cost_eur, forecast_cost_eur, error_pct)
        """,
    "joint_care_count": """
        select quarter_start_date, sign_code, 400 as multi_service_count, sign_client_count
        from (values (date '2017-07-01'), (date '2017-10-01')) as q(quarter_start_date),
            (values ('no_joint_plan', 390), ('any', 398)) as s(sign_code, sign_client_count)""",
    "risk_measure": """
        select model_id, 'need_growth' as target_code, index_month, predictor_code,
            group_kind_code, group_code, measure_code, figure as value,
            figure - 0.05 as low_value, figure + 0.05 as high_value, 1000 as candidate_count,
            100 as event_count
        from (values
            ('a', date '2017-07-01', 'boosted_trees', 'all', '', 'auroc', 0.60),
            ('a', date '2017-10-01', 'boosted_trees', 'all', '', 'auroc', 0.70),
            ('b', date '2017-10-01', 'boosted_trees', 'all', '', 'auroc', 0.80),
            ('b', date '2017-10-01', 'prior_cost_and_age', 'all', '', 'auroc', 0.65),
            ('b', date '2017-10-01', 'boosted_trees', 'all', '', 'brier', 0.09),
            ('b', date '2017-10-01', 'boosted_trees', 'sex', '1', 'observed_to_predicted', 1.1),
            ('b', date '2017-10-01', 'boosted_trees', 'sex', '1', 'auroc', 0.75),
            ('b', date '2017-10-01', 'boosted_trees', 'sex', '1', 'is_flagged', 0),
            ('b', date '2017-10-01', 'boosted_trees', 'sex', '2', 'observed_to_predicted', 1.3),
            ('b', date '2017-10-01', 'boosted_trees', 'sex', '2', 'is_flagged', 1),
            ('b', date '2017-10-01', 'boosted_trees', 'age', '85-', 'observed_to_predicted', null),
            ('b', date '2017-10-01', 'boosted_trees', 'language', 'other', 'auroc', null)
        ) as m(
            model_id, index_month, predictor_code, group_kind_code, group_code, measure_code, figure
        )""",
    "risk_curve": """
        select 'b' as model_id, 'need_growth' as target_code, date '2017-10-01' as index_month,
            'calibration' as curve_code, number as point_number, number / 40 as x_value,
            number / 38 as y_value, 50 as candidate_count
        from range(20) as r(number)""",
}
"""Tables of the internal shelf by name, each a query."""

PUBLIC = {
    "enrolled_by_provider": f"""
        select month as enrolment_month, 'reception' as service_code, provider_id,
            case when k > 1 then cast(10 * n * k as bigint) end as person_count,
            k = 1 as is_redacted
        from {_MONTHS}, {_PROVIDERS}""",
    "capitation_payment": f"""
        select 'reception' as rulebook_id, month as settlement_month, provider_id,
            provider_id like 'M%' as is_shadow,
            case when k > 1 then cast(1000 * n * k as decimal(18, 2)) end as amount_eur,
            k = 1 as is_redacted
        from {_MONTHS}, {_PROVIDERS}""",
    "capitation_correction_factor": f"""
        select 'reception' as rulebook_id, date '2017-05-01' as version_date,
            provider_id as group_id, 1 + k / 100 as factor, 0.25 as share_without_contact,
            false as is_redacted
        from {_PROVIDERS}""",
    "indicator_value": f"""
        select * exclude (numerator), false as is_redacted from ({INTERNAL["indicator_value"]})""",
    "incentive_score": f"select *, false as is_redacted from ({INTERNAL['incentive_score']})",
}
"""Tables of the public shelf by name, as disclosure control leaves them."""


def write_shelf(folder: Path, tables: Mapping[str, str]) -> Path:
    """Write tables as Parquet files of a shelf."""
    (folder / "bi").mkdir(parents=True)
    for name, query in tables.items():
        file = literal(str(folder / "bi" / f"{name}.parquet"))
        duckdb.sql(f"copy ({query}) to {file} (format parquet)")
    return folder


@contextmanager
def lake_beside(folder: Path, core: Mapping[str, str]) -> Iterator[Lake]:
    """A lake that holds the names of providers and places as of a snapshot, and every rulebook."""
    with duckdb.connect() as plain:
        plain.execute("attach ':memory:' as lake")
        plain.execute("create schema lake.kept")
        for schema in connection._VIEW_SCHEMAS:
            plain.execute(f"create schema memory.{schema}")
        for name, query in core.items():
            plain.execute(f'create table lake.kept."{SNAPSHOT} core {name}" as {query}')
        for book in load_definition().rulebooks:
            plain.execute(f"create view memory.rulebook.{quoted(book.name)} as {book.sql}")
        yield QuickLake(plain, Settings(home=folder, keys=folder / "keys"))


def answered(
    folder: Path, shelf: str, tables: Mapping[str, str], *, core: Mapping[str, str] = CORE
) -> tuple[dict[str, Shown], int]:
    """What the page of a shelf with these tables has to show, and how many rows are redacted."""
    on = write_shelf(folder / shelf, tables)
    with lake_beside(folder, core) as lake:
        return answers(lake, on, NAMES, SNAPSHOT)


def paged(folder: Path, shelf: str, tables: Mapping[str, str]) -> Path:
    """The page of a shelf with these tables."""
    file = folder / f"{shelf}.html"
    found, redacted = answered(folder, shelf, tables)
    made = replace(MADE, redacted_count=redacted)
    file.write_text(page(shelf, made, found), encoding="utf-8")
    return file
