"""The contracts of the repository: valid by everyone's measure, and true of the published files.

Here: what holds of `data_contracts/`. Not here: how a broken contract is refused
(`test_contracts_broken`).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.contracts.lint import main
from dagster_project.contracts.loader import contract_files, load_catalogue
from dagster_project.contracts.model import (
    Catalogue,
    Contract,
    DeliveryMode,
    Dimension,
    Severity,
)
from dagster_project.settings import PROJECT_ROOT

ROOT = PROJECT_ROOT / "data_contracts"
CATALOGUE = load_catalogue(ROOT)
CONTRACTS = [pytest.param(c, id=f"{c.key}/v{c.major}") for c in CATALOGUE.contracts]

# A name means one thing wherever it stands, but for these.
MEANS_TWO_THINGS = {
    "service_code": "AvoHILMO's service of an encounter; the organiser's own list elsewhere",
}

# Of a register of persons, and yet no row tells of one.
WITHOUT_A_CLIENT = {
    "guidance/worker_time": "minutes of client guides by their codes, for no client in particular",
}


@pytest.fixture
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("thl_need_2023_inputs.csv", 202301),
        ("thl_need_2023_r1_inputs.csv", 202301),
        ("thl_need_2023_r12_inputs.csv", 202312),
        ("thl_need_2023_r0_inputs.csv", None),
        ("thl_need_2023_r_inputs.csv", None),
    ],
)
def test_a_year_published_anew_has_a_sequence_of_its_own(name: str, sequence: int | None) -> None:
    delivery = CATALOGUE.latest("thl/need_model").delivery
    assert delivery.sequence_of(name) == sequence
    assert delivery.predecessor(202302) is None
    assert delivery.last_date(202302) == date(2023, 12, 31)


def test_the_tables_of_the_spine(catalogue: Catalogue) -> None:
    assert set(catalogue.tables()) >= {
        "apotti/diagnoses",
        "apotti/encounters",
        "enrolment_portal/enrolments",
        "population_register/residents",
        "reference/municipalities",
        "reference/sites",
        "statfin/population",
        "thl/need_areas",
        "thl/need_model",
    }


def test_our_lint_finds_nothing() -> None:
    assert main([str(ROOT)]) == 0


def test_official_lint_finds_nothing_without_a_network() -> None:
    script = """
import json, socket, sys
def refuse(*_, **__): raise OSError("no network in tests")
socket.socket.connect = socket.getaddrinfo = refuse
from datacontract.data_contract import DataContract
for path in sys.argv[1:]:
    run = DataContract(data_contract_file=path).lint()
    checks = [(c.name, c.result.value, c.reason) for c in run.checks]
    print(json.dumps([path, run.result.value, checks]))
"""
    files = [str(path) for path in contract_files(ROOT)]
    done = subprocess.run(
        [sys.executable, "-c", script, *files], capture_output=True, text=True, check=True
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [path for path, _, _ in reports] == files
    for path, result, checks in reports:
        assert result == "passed", (path, checks)
        assert checks == [["Data contract is valid against ODCS v3.1.0", "passed", None]], path


@pytest.mark.parametrize("contract", CONTRACTS)
def test_rules_and_upcasts_run_in_duckdb(contract: Contract) -> None:
    connection = duckdb.connect()
    columns = ", ".join(f"{c.name} {c.sql_type}" for c in contract.columns)
    connection.execute(f"create table row_of_contract ({columns})")
    for rule in contract.row_rules:
        parameters = {"delivery_date": date(2018, 1, 31)}
        used = parameters if "$delivery_date" in rule.expression else {}
        result = connection.execute(f"select {rule.expression} from row_of_contract", used)
        assert [c[1] for c in result.description or ()] == ["BOOLEAN"], rule.id
    for name, expression in contract.upcast.items():
        newer = CATALOGUE.majors(contract.key)[contract.major]
        connection.execute(
            f"select cast({expression} as {newer.column(name).sql_type}) from row_of_contract"
        )


@pytest.mark.parametrize("contract", CONTRACTS)
def test_descriptions_are_worth_reading(contract: Contract) -> None:
    texts = {c.name: c.description for c in contract.columns}
    assert all(len(text) >= 20 and text.endswith(".") for text in texts.values()), texts
    assert contract.grain.startswith("One row per ")
    assert contract.grain.endswith(".")


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_delivery_is_judged_as_a_whole(contract: Contract) -> None:
    shares = [r for r in contract.dataset_rules if r.metric == "quarantined_share"]
    assert [r.severity for r in shares] == [Severity.ERROR]
    counts = [r for r in contract.dataset_rules if r.metric == "row_count"]
    if contract.delivery.mode is DeliveryMode.SNAPSHOT:
        assert counts, "an empty snapshot would end every row"
        assert all((r.minimum or 0) >= 1 for r in counts)


def test_a_name_has_one_type() -> None:
    newest = [CATALOGUE.latest(key) for key in CATALOGUE.tables()]
    seen: dict[str, tuple[str, str]] = {}
    for contract in newest:
        for column in contract.columns:
            where = seen.setdefault(column.name, (column.sql_type, contract.key))
            assert where[0] == column.sql_type, (column.name, where[1], contract.key)


def test_codes_of_one_name_agree_unless_it_is_said_why() -> None:
    newest = [CATALOGUE.latest(key) for key in CATALOGUE.tables()]
    meanings: dict[tuple[str, str], str] = {}
    for column in (c for contract in newest for c in contract.columns):
        for code, meaning in column.codes:
            known = meanings.setdefault((column.name, code), meaning)
            assert known == meaning or column.name in MEANS_TWO_THINGS, (column.name, code)


def test_names_follow_the_suffixes() -> None:
    for contract in CATALOGUE.contracts:
        for column in contract.columns:
            suffix = column.name.rpartition("_")[2]
            # A month is a date too: its first day.
            assert (suffix in {"date", "month"}) == (column.sql_type == "DATE"), column.name
            assert (suffix == "at") == (column.sql_type == "TIMESTAMP"), column.name
            if column.sql_type == "BOOLEAN":
                assert column.name.startswith(("is_", "has_")), column.name
            if suffix in {"code", "codes"}:
                assert column.sql_type == "VARCHAR", column.name


def test_persons_are_marked_in_every_register_of_persons() -> None:
    for contract in CATALOGUE.contracts:
        identities = [c.name for c in contract.columns if c.is_identity]
        public = contract.register == "public"
        assert bool(identities) != (public or contract.key in WITHOUT_A_CLIENT), contract.key
        for column in contract.columns:
            # What names nobody may still be for the organiser alone: staff, scorecards, actions.
            assert public or column.classification != "public", (contract.key, column.name)


def test_residents_keep_the_protection_order_in_the_vault(catalogue: Catalogue) -> None:
    residents = catalogue.latest("population_register/residents")
    order = residents.column("has_protection_order")
    assert order.is_protection_order
    assert order not in residents.lake_columns
    assert [c.name for c in residents.columns if c.is_place] == ["municipality_code", "postal_code"]
    assert residents.primary_key == ("person_id",)


def test_rules_of_residents_in_order(catalogue: Catalogue) -> None:
    residents = catalogue.latest("population_register/residents")
    rules = {r.id: r for r in residents.row_rules}
    assert list(rules) == [
        "municipality_code.pattern",
        "postal_code.pattern",
        "sex_code.valid_values",
        "language_code.pattern",
        "birth_country_code.pattern",
        "birth_date.minimum",
        "birth_date.not_after_delivery",
        "death_date.not_before_birth",
        "death_date.not_after_delivery",
        "moved_date.not_long_after_delivery",
    ]
    assert rules["sex_code.valid_values"].expression == "sex_code in ('1', '2')"
    assert rules["birth_date.minimum"].expression == "birth_date >= date '1880-01-01'"
    assert rules["birth_date.minimum"].dimension is Dimension.PLAUSIBILITY
    assert rules["postal_code.pattern"].dimension is Dimension.CONFORMANCE
    assert rules["moved_date.not_long_after_delivery"].severity is Severity.WARNING


def test_encounters_gained_languages_in_april_2017(catalogue: Catalogue) -> None:
    older, newer = catalogue.majors("apotti/encounters")
    assert catalogue.in_force("apotti/encounters", 201703) is older
    assert catalogue.in_force("apotti/encounters", 201704) is newer
    added = {c.name for c in newer.columns} - {c.name for c in older.columns}
    assert set(older.upcast) == added == {"contact_language_code", "service_language_code"}
    rest = [c for c in newer.columns if c.name not in added]
    assert [(c.name, c.source_name, c.sql_type) for c in rest] == [
        (c.name, c.source_name, c.sql_type) for c in older.columns
    ]


PUBLISHED = [
    ("statfin/population", "population/005_11re_2018.csv", 31_824),
    ("thl/need_model", "need_model/thl_need_2023_inputs.csv", 274),
    ("thl/need_areas", "need_model/thl_need_2023_areas.csv", 23),
]


@pytest.mark.parametrize(("key", "file", "row_count"), PUBLISHED)
def test_published_files_keep_their_contract(
    shared_data: Path, key: str, file: str, row_count: int
) -> None:
    contract = CATALOGUE.latest(key)
    path = shared_data / file
    sequence = contract.delivery.sequence_of(path.name)
    header, *rows = _read(path, contract)
    assert header == [c.source_name.format(sequence=sequence) for c in contract.columns]
    assert len(rows) == row_count
    connection = _table(contract, rows)
    for rule in contract.row_rules:
        broken = connection.sql(f"select * from delivered where not ({rule.expression})")
        assert broken.fetchall() == [], rule.id
    key_columns = ", ".join(contract.primary_key)
    assert connection.sql(f"select distinct {key_columns} from delivered").shape[0] == row_count


def _read(path: Path, contract: Contract) -> list[list[str]]:
    with path.open(encoding=contract.dialect.encoding, newline="") as lines:
        for _ in range(contract.dialect.header_line - 1):
            next(lines)
        return [row for row in csv.reader(lines, delimiter=contract.dialect.delimiter) if row]


def _table(contract: Contract, rows: list[list[str]]) -> duckdb.DuckDBPyConnection:
    """Rows cast to the contract's types, with NOT NULL where it says required."""
    connection = duckdb.connect()
    columns = ", ".join(
        f"{c.name} {c.sql_type}{' not null' if c.is_required else ''}" for c in contract.columns
    )
    connection.execute(f"create table delivered ({columns})")
    values = [[value or None for value in row] for row in rows]
    connection.execute("begin")
    for start in range(0, len(values), 2000):
        chunk = values[start : start + 2000]
        marks = ", ".join(f"({', '.join('?' * len(contract.columns))})" for _ in chunk)
        connection.execute(
            f"insert into delivered values {marks}", [v for row in chunk for v in row]
        )
    connection.execute("commit")
    return connection
