"""The lake's tables: staging from the contracts, and the register of what was done.

Here: `create table` statements. Not here: core and mart tables, whose models make them (`builds`),
the payment ledger's (`ledger`), the risk models' (`risk_tables`).
"""

from __future__ import annotations

from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.errors import ContractError
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import create_ledger_tables
from dagster_project.lake.risk_tables import create_risk_tables
from dagster_project.lake.upcast import TECHNICAL_COLUMNS, lake_column_names, upcast_sql
from dagster_project.sql_text import quoted

OPS_TABLES = {
    "delivery": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        sha256 varchar not null, contract_version varchar not null, byte_count bigint not null,
        received_count bigint not null, accepted_count bigint not null,
        quarantined_count bigint not null, duplicate_count bigint not null,
        predecessor_sequence bigint, covers_to_date date not null,
        landed_at timestamp not null, run_id varchar not null""",
    "delivery_event": """
        event_id bigint not null, source varchar not null, table_name varchar not null,
        delivery_sequence bigint not null, event varchar not null, reason varchar,
        occurred_at timestamp not null, run_id varchar not null""",
    "quarantine": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        record_number bigint not null, rule_id varchar not null""",
    "rule_result": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        rule_id varchar not null, severity varchar not null, dimension varchar not null,
        violated_count bigint not null, checked_count bigint not null""",
    "profiled": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null""",
    "column_profile": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        column_name varchar not null, row_count bigint not null, missing_count bigint,
        distinct_count bigint, mean_value double, q1_value double, q2_value double,
        q3_value double""",
    "column_bucket": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        column_name varchar not null, bucket_number bigint, row_count bigint not null""",
    "refusal": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint,
        rule_id varchar not null, line_number bigint, column_name varchar,
        refused_at timestamp not null, run_id varchar not null""",
    "run": """
        run_id varchar not null, started_at timestamp not null, finished_at timestamp,
        code_version varchar not null, contracts_sha256 varchar not null,
        models_sha256 varchar not null, outcome varchar not null""",
    "model_build": """
        model varchar not null, model_sha256 varchar not null, last_event_id bigint not null,
        row_count bigint not null, rebuilt varchar not null, built_at timestamp not null,
        run_id varchar not null""",
    "build": """
        build_id bigint not null, snapshot_id bigint not null, last_event_id bigint not null,
        protection_count bigint not null, models_sha256 varchar not null,
        built_at timestamp not null, run_id varchar not null""",
    "check_result": """
        run_id varchar not null, check_id varchar not null, table_name varchar not null,
        dimension varchar not null, severity varchar not null, status varchar not null,
        violated_count bigint not null, checked_count bigint not null,
        checked_at timestamp not null""",
    "expectation_result": """
        run_id varchar not null, source varchar not null, table_name varchar not null,
        rule_id varchar not null, kind varchar not null, dimension varchar not null,
        severity varchar not null, status varchar not null, violated_count bigint not null,
        checked_count bigint not null, as_of_date date not null, checked_at timestamp not null""",
    "release": """
        release_id varchar not null, build_id bigint not null, snapshot_id bigint not null,
        published_at timestamp not null, run_id varchar not null""",
    "release_event": """
        release_id varchar not null, event varchar not null, reason varchar not null,
        actor varchar not null, occurred_at timestamp not null, run_id varchar not null""",
    "erasure": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        act varchar not null, record_count bigint not null, erased_at timestamp not null,
        run_id varchar not null""",
    "comment_reading": """
        source varchar not null, table_name varchar not null, delivery_sequence bigint not null,
        record_number bigint not null, language_code varchar not null, topic_code varchar,
        sentiment_code varchar, is_integration_failure boolean not null,
        read_at timestamp not null, run_id varchar not null""",
    "need_model_run": """
        model_id varchar not null, event_id bigint not null, rulebook_id varchar not null,
        valid_from_month date not null, index_month date not null, horizon_months bigint not null,
        person_count bigint not null, test_index_month date, test_r_squared double,
        test_age_sex_r_squared double, test_calibration double, trained_at timestamp not null,
        run_id varchar not null""",
    "need_model_coefficient": """
        model_id varchar not null, term_kind varchar not null, term_code varchar not null,
        coefficient double not null""",
    "protection_state": "scrubbed_count bigint not null",
    "staged_version": """
        source varchar not null, table_name varchar not null, contract_version varchar not null""",
}


def create_tables(lake: Lake, catalogue: Catalogue) -> None:
    """Make the tables that are missing, and bring staging up to the newest majors.

    Raises:
        ContractError: a staging table looks like no major of its contract.
    """
    with lake.transaction():  # one commit for all, not one for each
        for name, columns in OPS_TABLES.items():
            lake.execute(f"create table if not exists lake.ops.{name} ({columns})")
        create_ledger_tables(lake)
        create_risk_tables(lake)
        staged = _staged_majors(lake)
        fresh = []
        for key in catalogue.tables():
            newest, major = catalogue.latest(key), staged.get(key)
            if major is None:
                lake.execute(
                    f"create table lake.staging.{quoted(newest.table)} ({staging_columns(newest)})"
                )
                fresh.append(newest)
            elif major != newest.major:
                _bring_up(lake, catalogue, newest, major)
        _note_versions(lake, fresh)
        _check_columns(lake, catalogue)


def staging_columns(contract: Contract) -> str:
    """Column definitions of a staging table: the contract's, then where each row came from."""
    columns = [
        f"{quoted(c.name)} {'bigint' if c.is_identity else c.sql_type}"
        for c in contract.lake_columns
    ]
    return ", ".join([*columns, *(f"{name} bigint not null" for name in TECHNICAL_COLUMNS)])


def _staged_majors(lake: Lake) -> dict[str, int]:
    """By contract key, the major version that a staging table's rows are in."""
    rows = lake.rows("select source, table_name, contract_version from lake.ops.staged_version")
    return {f"{source}/{table}": int(version.split(".")[0]) for source, table, version in rows}


def _note_versions(lake: Lake, contracts: list[Contract]) -> None:
    if contracts:  # one statement for all: each costs the catalog as much
        lake.execute(
            "insert into lake.ops.staged_version values"
            f" {', '.join(['(?, ?, ?)'] * len(contracts))}",
            [value for c in contracts for value in (c.source, c.table, c.version)],
        )


def _bring_up(lake: Lake, catalogue: Catalogue, newest: Contract, major: int) -> None:
    """Rewrite a staging table from an older major of its contract into the newest.

    Raises:
        ContractError: the major it is in is no longer kept.
    """
    older = next((c for c in catalogue.majors(newest.key) if c.major == major), None)
    if older is None:
        raise ContractError(
            f"staging.{newest.table} holds rows of major {major} of contract {newest.key}, which is"
            " not kept; put its file back"
        )
    table = f"lake.staging.{quoted(newest.table)}"
    rows = upcast_sql(f"select * from {table}", older, catalogue)
    lake.execute(f"create temp table upcast as {rows}")
    lake.execute(f"drop table {table}")
    lake.execute(f"create table {table} ({staging_columns(newest)})")
    lake.execute(f"insert into {table} from upcast")
    lake.execute("drop table upcast")
    lake.execute(
        "delete from lake.ops.staged_version where source = ? and table_name = ?",
        [newest.source, newest.table],
    )
    _note_versions(lake, [newest])
    # Its columns are others: they are counted anew, for every delivery.
    for name in ("profiled", "column_profile", "column_bucket"):
        lake.execute(
            f"delete from lake.ops.{name} where source = ? and table_name = ?",
            [newest.source, newest.table],
        )
    # The new major may call a column a place: orders are followed once more, over all rows.
    lake.execute("delete from lake.ops.protection_state")


def _check_columns(lake: Lake, catalogue: Catalogue) -> None:
    """See that staging looks as the contracts say.

    Raises:
        ContractError: a table does not.
    """
    rows = lake.rows(
        "select table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = 'lake' and schema_name = 'staging' group by table_name"
    )
    found = dict(rows)
    for key in catalogue.tables():
        newest = catalogue.latest(key)
        if found[newest.table] != lake_column_names(newest):
            raise ContractError(
                f"staging.{newest.table} does not look as major {newest.major} of contract"
                f" {newest.key} says; a changed column needs a new major, with an upcast in the one"
                " before it"
            )
