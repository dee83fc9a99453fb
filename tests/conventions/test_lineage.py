"""Every column of every model rests on a column of a contract: the test that holds it.

Here: lineage of what is checked in. Not here: how lineage is followed (`lineage`).
"""

from __future__ import annotations

from functools import cache

import pytest

from dagster_project.errors import BuildError
from dagster_project.lake import checks
from dagster_project.lineage import Root, column_lineage, root_columns
from dagster_project.pipeline import load_definition
from dagster_project.sql_models import Model, ModelGraph

# Columns that count rows or state a constant rest on no column; each says why.
WITHOUT_ROOTS = {
    ("core.code", "code_list"): "a constant: which list the code is on",
    ("core.person_link", "reason"): "a constant: the register is the only source of links so far",
    ("core.population_by_age", "sex_code"): "a constant per column of the published file",
    ("core.cost", "event_kind_code"): "a constant: which table the event is of",
    ("core.costed_activity", "event_kind_code"): "a constant: which table the events are of",
    ("core.costed_activity", "event_count"): "a count of rows",
    ("core.personal_budget_occasion", "history_months"): "a count of rows",
    ("core.personal_budget_rule_version", "rulebook_id"): "a constant: which rulebook it is",
    ("core.voucher_entry", "entry_kind_code"): "a constant: what the entry is of",
    ("mart.budget_balance", "pair_count"): "a count of rows",
    ("mart.budget_balance", "trait_code"): "a constant: which trait is compared",
    ("mart.budget_effect", "budget_count"): "a count of rows",
    ("mart.budget_effect", "control_count"): "a count of rows",
    ("mart.personal_budget_equity", "client_count"): "a count of rows",
    ("mart.personal_budget_equity", "trait_code"): "a constant: which trait is looked at",
    ("mart.personal_budget_reasoning", "step_code"): "a constant: which step it is",
    ("mart.personal_budget_reasoning", "step_number"): "a constant: where the step stands",
    ("core.unit_cost", "cost_source_code"): "a constant: own or national",
    ("core.unresolved", "source"): "a constant: which table the waiting row is of",
    ("core.unresolved", "table_name"): "a constant: which table the waiting row is of",
    ("core.unresolved", "reference"): "a constant: which column the waiting row refers by",
    ("core.indicator_period", "month_count"): "a count of rows",
    ("core.channel_week", "figure_code"): "a constant: what was counted of the channel",
    ("core.channel_figure", "reporter_code"): "a constant: who counted",
    ("core.standardised_use", "event_count"): "a count of rows",
    ("core.treatment_balance", "client_count"): "a count of rows",
    ("indicator.calls_answered", "reporter_code"): "a constant: who counted the calls",
    ("indicator.messages_in_2_days", "reporter_code"): "a constant: who counted the messages",
    ("indicator.continuity_of_care", "numerator"): "an index of counts of rows",
    ("indicator.counted", "indicator_id"): "a constant: which indicator was counted",
    ("indicator.counted", "reporter_code"): "a constant: who reports the indicator",
    ("core.guidance_assessment", "form_code"): "a constant: which form the answers are to",
    ("core.survey_response", "survey_code"): "a constant: which survey the answer is from",
    ("mart.capitation_tariff", "sex_code"): "a constant: an amount for any sex is one for each",
    ("mart.capitation_tariff_change", "sex_code"): "likewise",
    ("mart.capitation_correction_factor", "person_count"): "a count of rows",
    ("mart.need_by_county", "mean_year_count"): "a count of rows",
    ("mart.need_by_list", "sector"): "a constant: which part of the model it is",
    ("mart.need_funding", "model_year_count"): "a count of rows",
    ("mart.visits_by_profession", "encounter_count"): "a count of rows",
    ("core.list_profile", "person_count"): "a count of rows",
    ("mart.enrolled_by_provider", "person_count"): "a count of rows",
    ("mart.client_profile", "person_count"): "a count of rows",
    ("mart.client_profile", "attribute_code"): "a constant: by what the enrolled are grouped",
    ("mart.trial_followup", "span_count"): "a count of rows",
    ("mart.incentive_score", "indicator_count"): "a count of rows",
    **{
        (f"indicator.{name}", "denominator"): "a count of rows"
        for name in (
            "access_7_days",
            "bp_in_balance",
            "continuity_of_care",
            "hba1c_in_balance",
            "ldl_in_target",
            "nps",
            "staff_survey",
            "switches_away",
            "t3_days",
        )
    },
    **{
        (f"indicator.{name}", "numerator"): "a count of rows"
        for name in ("avoidable_admissions", "emergency_use", "specialised_use")
    },
    ("core.realised_wait", "visit_count"): "a count of rows",
    ("mart.wait_by_unit", "clock_code"): "a constant: from where the wait runs",
    ("mart.wait_by_unit", "visit_count"): "a count of rows",
    ("mart.care_guarantee", "visit_count"): "a count of rows",
    ("mart.net_promoter", "response_count"): "a count of rows",
    ("mart.patient_reported_outcome", "response_count"): "a count of rows",
    ("core.patient_reported_score", "survey_code"): "a constant: which survey the answer is from",
    ("mart.net_promoter", "survey_code"): "likewise",
    ("mart.patient_reported_outcome", "group_kind_code"): "a constant: by what persons are grouped",
    ("mart.reporting_calendar", "due_count"): "a count of rows",
    ("core.treatment_result", "result_count"): "a count of rows",
    ("core.client_quarter", "event_count"): "a count of rows",
    ("mart.client_segment", "person_count"): "a count of rows",
    ("mart.segment_pathway", "person_count"): "a count of rows",
    ("mart.discharge_follow_up", "discharge_count"): "a count of rows",
    ("mart.service_chain", "client_count"): "a count of rows",
    ("mart.social_guarantee", "contact_count"): "a count of rows",
    ("mart.equality", "person_count"): "a count of rows",
    ("mart.equality", "attribute_code"): "a constant: by what residents are grouped",
    ("mart.service_language", "encounter_count"): "a count of rows",
    ("mart.equality", "event_count"): "a count of rows",
    ("mart.feedback_pack", "raised_flag_count"): "a count of rows",
    ("mart.feedback_pack", "comment_count"): "a count of rows",
    ("mart.feedback_pack", "action_count"): "a count of rows",
    ("mart.comment_topic", "comment_count"): "a count of rows",
    ("mart.double_payment", "day_count"): "a count of rows",
    ("mart.out_of_list_use", "event_count"): "a count of rows",
    ("mart.out_of_list_use", "person_count"): "a count of rows",
    ("core.population_projection", "sex_code"): "a constant per column of the published file",
    ("core.resident_cost", "event_count"): "a count of rows",
    **{
        (f"core.{name}", "window_code"): "a constant: forecast or backtest"
        for name in ("forecast_window", "forecast_growth", "forecast_use", "service_forecast")
    },
    ("core.forecast_use", "client_count"): "a count of rows",
    ("core.service_forecast", "client_count"): "likewise",
    ("mart.service_forecast", "client_count"): "likewise",
    ("core.joint_care_sign", "sign_code"): "a constant: which sign it is",
    ("core.joint_care_worklist", "sign_count"): "a count of rows",
    ("mart.joint_care_count", "sign_code"): "a constant: which sign is counted",
    ("mart.joint_care_count", "multi_service_count"): "a count of rows",
    ("core.risk_index_month", "window_code"): "a constant: what the day is for",
    ("mart.risk_target_count", "window_code"): "likewise",
    ("mart.risk_target_count", "candidate_count"): "a count of rows",
    ("mart.family_budget", "doubled_service_count"): "a count of rows",
    **{
        ("core.risk_features", f"{name}_count"): "a count of rows"
        for name in ("carer_encounter", "encounter", "episode", "morbidity")
    },
}


@cache
def found() -> dict[str, dict[str, frozenset[Root]]]:
    definition = load_definition()
    roots = root_columns(definition.catalogue, definition.rulebooks)
    return column_lineage(definition.graph, roots)


def test_every_column_of_every_model_rests_on_a_contract_a_rulebook_or_the_register() -> None:
    definition = load_definition()
    known = root_columns(definition.catalogue, definition.rulebooks)
    astray = {
        (model, column): root
        for model, columns in found().items()
        for column, roots in columns.items()
        for root in roots
        if root.column not in known.get(root.table, ())
    }
    assert astray == {}


def test_columns_without_a_root_are_those_listed() -> None:
    rootless = {
        (m, c) for m, columns in found().items() for c, roots in columns.items() if not roots
    }
    assert rootless == set(WITHOUT_ROOTS)


def test_a_published_figure_leads_back_to_the_register_extract() -> None:
    roots = found()["mart.enrolled_by_provider"]["age_band"]
    assert Root("effective.residents", "birth_date") in roots


def test_a_model_that_reads_what_nobody_delivers_is_refused() -> None:
    definition = load_definition()
    stray = Model(
        schema="mart",
        name="stray",
        sql="select nobody.figure from staging.nobody as nobody",
        grain="One row per nothing.",
        key=("figure",),
        partition=None,
        touched=(),
        purpose="",
        may_be_empty="",
    )
    graph = ModelGraph((stray,), {})
    with pytest.raises(BuildError, match=r"mart\.stray reads staging\.nobody"):
        column_lineage(graph, root_columns(definition.catalogue, definition.rulebooks))


def test_a_delivered_table_with_a_models_name_is_one_of_its_sources() -> None:
    """Else a delivery of it would leave the model as it was."""
    graph = load_definition().graph
    read = {
        (m.full_name, parent.removeprefix("staging."))
        for m in graph.models
        for parent in m.parents
        if parent.startswith("staging.")
    }
    assert ("core.study_enrolment", "study_enrolment") in read
    assert [name for model, name in read if name not in graph.sources(graph.model(model))] == []


def test_no_model_asks_what_changed_in_a_name_that_two_tables_have() -> None:
    """`changed.<name>` is one view: of the delivered table or of the model."""
    definition = load_definition()
    shared = {m.name for m in definition.graph.models} & {
        key.split("/")[1] for key in definition.catalogue.tables()
    }
    asked = {p for m in definition.graph.models for p in m.parents if p.startswith("changed.")}
    assert asked & {f"changed.{name}" for name in shared} == set()


def test_every_check_reads_only_tables_that_are_made() -> None:
    """Else it would be left out of every run without a word."""
    definition = load_definition()
    due = checks.due_checks(definition.catalogue, definition.graph)
    assert due == checks.all_checks(definition.catalogue)


def test_a_check_of_a_model_that_is_not_installed_is_left_out() -> None:
    definition = load_definition()
    graph = ModelGraph(
        tuple(m for m in definition.graph.models if m.full_name != "core.unresolved"), {}
    )
    left_out = {
        c.id
        for c in checks.all_checks(definition.catalogue)
        if c not in checks.due_checks(definition.catalogue, graph)
    }
    assert "encounters.accepted_is_conserved" in left_out
    assert "encounters.received_is_conserved" not in left_out
