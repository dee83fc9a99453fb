"""Tables of the risk models: what was trained, how good it is, who was scored.

They are written by training and scoring, never by a build; a person's scores go when they do. Here:
`create table` statements, and taking persons out. Not here: what is written (`risk`).
"""

from __future__ import annotations

from dagster_project.lake.connection import Lake

RISK_TABLES = {
    "model": """
        model_id varchar not null, target_code varchar not null, train_month date not null,
        calibrate_month date not null, test_month date not null, candidate_count bigint not null,
        event_count bigint not null, parameters varchar not null, artefact blob not null,
        artefact_sha256 varchar not null, library_versions varchar not null,
        trained_at timestamp not null, run_id varchar not null""",
    "promotion": """
        model_id varchar not null, target_code varchar not null, promotion_number bigint not null,
        is_promoted boolean not null, reason varchar not null, decided_at timestamp not null,
        run_id varchar not null""",
    "measure": """
        model_id varchar not null, target_code varchar not null, index_month date not null,
        predictor_code varchar not null, group_kind_code varchar not null,
        group_code varchar not null, measure_code varchar not null, value double, low_value double,
        high_value double, candidate_count bigint not null, event_count bigint not null""",
    "curve": """
        model_id varchar not null, target_code varchar not null, index_month date not null,
        curve_code varchar not null, point_number bigint not null, x_value double not null,
        y_value double not null, candidate_count bigint not null""",
    "drift": """
        model_id varchar not null, target_code varchar not null, index_month date not null,
        column_name varchar not null, stability_index double""",
    "score": """
        person_id bigint not null, target_code varchar not null, index_month date not null,
        model_id varchar not null, score_state_code varchar not null, probability double,
        low_probability double, high_probability double, percentile double,
        first_reason_code varchar, second_reason_code varchar, third_reason_code varchar,
        package_count bigint not null""",
}
PUBLISHED = ("measure", "curve", "drift")
"""What readers within the house see, as `risk_<table>`; they name no person."""


def create_risk_tables(lake: Lake) -> None:
    """Make the tables that are missing."""
    for name, columns in RISK_TABLES.items():
        lake.execute(f"create table if not exists lake.risk.{name} ({columns})")


def take_out_scored(lake: Lake, persons_sql: str) -> None:
    """Take persons out of all scores; call it in a transaction.

    Args:
        lake: Where the scores are.
        persons_sql: Trusted query of one column, the ids.
    """
    lake.execute(f"delete from lake.risk.score where person_id in ({persons_sql})")
