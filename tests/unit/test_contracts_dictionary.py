"""The dictionary says of every column what a reader must know."""

from __future__ import annotations

from dagster_project.contracts.dictionary import DictionaryRow, dictionary_rows
from dagster_project.contracts.loader import load_catalogue
from dagster_project.settings import PROJECT_ROOT

CATALOGUE = load_catalogue(PROJECT_ROOT / "data_contracts")
ROWS = dictionary_rows(CATALOGUE)


def row(table: str, column: str) -> DictionaryRow:
    return next(r for r in ROWS if (r.table, r.column) == (table, column))


def test_one_row_per_column_of_the_newest_major() -> None:
    expected = [
        (contract.table, contract.version, column.name)
        for contract in map(CATALOGUE.latest, CATALOGUE.tables())
        for column in contract.columns
    ]
    assert [(r.table, r.version, r.column) for r in ROWS] == expected


def test_an_identity() -> None:
    person = row("residents", "person_id")
    assert person.source_name == person.business_name == "Henkilötunnus"
    assert (person.key, person.is_pseudonym, person.is_in_lake) == ("primary 1", True, True)
    assert person.classification == "restricted"
    assert person.rules[:2] == (
        "person_id.type (error): Reads as BIGINT.",
        "person_id.required (error): Is given.",
    )


def test_what_only_the_vault_reads() -> None:
    assert not row("residents", "has_protection_order").is_in_lake
    assert row("residents", "postal_code").is_hidden_by_protection_order


def test_keys_and_references() -> None:
    assert row("encounters", "site_id").key == "-> reference/sites.site_id"
    assert row("diagnoses", "encounter_id").key == "primary 1 -> apotti/encounters.encounter_id"
    assert row("residents", "sex_code").key == ""


def test_codes_and_rules() -> None:
    sex = row("residents", "sex_code")
    assert sex.codes == ("1 = male", "2 = female")
    assert sex.rules[-1].startswith("sex_code.valid_values (error): ")


def test_the_list_that_a_column_is_coded_by() -> None:
    assert row("encounters", "service_code").code_list == "reference/avohilmo_codes service_form"
    assert row("procedures", "procedure_code").code_list == "reference/procedure_codes"
    assert row("encounters", "site_id").code_list == ""


def test_rules_of_the_whole_row_stand_with_the_first_column() -> None:
    rules = [r.column for r in ROWS if any(x.startswith("row.code_present") for x in r.rules)]
    assert rules == ["encounter_id"]
