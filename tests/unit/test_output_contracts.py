"""Output contracts: every table of ours has one, and a wrong one is refused with file and line.

Here: the contracts by themselves. Not here: tables held against them (`tests/pipeline`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.contracts.published import Role, load_output
from dagster_project.errors import ContractError
from dagster_project.lake.ledger import READ_WITHIN
from dagster_project.pipeline import CONTRACTS, load_definition
from dagster_project.publish.analyst import QUESTIONS, question_of, tables_read
from dagster_project.publish.meanings import Meanings
from dagster_project.publish.outputs import DICTIONARY, flat_marts
from dagster_project.settings import PROJECT_ROOT

DEFINITION = load_definition()
OUTPUTS = DEFINITION.outputs
MARTS = {model.name: model for model in flat_marts(DEFINITION.graph)}
FILE = CONTRACTS / "published" / "enrolled_by_provider" / "v1.odcs.yaml"


def test_every_published_table_has_a_contract_and_no_other_has() -> None:
    """A mart without one would go to named readers unchecked: `tietoallas release contract`."""
    assert OUTPUTS.contracts.keys() == {*MARTS, *READ_WITHIN, DICTIONARY}


@pytest.mark.parametrize("name", sorted(MARTS))
def test_a_contract_states_grain_and_key_of_its_model(name: str) -> None:
    contract, model = OUTPUTS.contracts[name], MARTS[name]
    assert (contract.grain, contract.key) == (model.grain, model.key)


def test_no_public_table_tells_of_persons_or_exact_sums_beside_rounded_ones() -> None:
    for contract in OUTPUTS.contracts.values():
        for column in contract.columns if contract.is_public else ():
            assert column.disclosure is not None
            assert not column.name.endswith("person_id")
            of_persons = column.name.startswith("person_") and column.name.endswith("_count")
            is_published = {c.disclosure.role for c in contract.columns if c.disclosure} == {
                Role.OPEN
            }
            if of_persons and not is_published:
                assert column.disclosure.role in {Role.COUNT, Role.TOTAL, Role.WITHHELD}


def test_what_contracts_tell_of_is_told_of_below_them_too() -> None:
    """Columns of models that a published table rests on have their sentence for analysts.

    One that no source delivers has it in data_contracts/published/columns.yaml.
    """
    meanings, graph = Meanings(DEFINITION), DEFINITION.graph
    read = {parent for model in MARTS.values() for parent in graph.upstream_models(model)}
    missing = {
        f"{model.full_name}.{column}"
        for model in (*MARTS.values(), *map(graph.model, read))
        for column in model.columns
        if not meanings.of(model, column)
    }
    assert missing == set()


def test_every_view_for_analysts_asks_a_question_of_tables_that_are_there() -> None:
    models = {model.full_name for model in DEFINITION.graph.models}
    for file in QUESTIONS.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        assert question_of(text).endswith("?"), file.name
        assert tables_read(text) <= models, file.name


@pytest.mark.parametrize(
    ("sound", "spoiled", "message"),
    [
        ("value: {role: count}}", "value: {role: kount}}", r"v1.odcs.yaml:\d+: .*role"),
        ("role: count}", "role: count, persons: nobody}", "nobody, which is not there"),
        ("role: count}", "role: euros, persons: age_band}", "role euros lacks top_two"),
        ("physicalType: BIGINT", "physicalType: HUGEINT", "type HUGEINT is not read alike by all"),
        ("name: person_count\n", "name: head_number\n", "has no description"),
        ("  - property: shelves\n", "  - property: shelfs\n", "shelves"),
        ("[internal, public]", "[internal]", "has a role"),
        ("          - {property: disclosure, value: {role: count}}", "", "customProperties"),
        ("role: count}", "role: index}", r"person_count \(index\) does not add up"),
        ("sums: [person_count]", "sums: [persons]", "summary names persons"),
        ("id: published/enrolled", "id: enrolled", "are not the folder's"),
    ],
)
def test_a_wrong_contract_is_refused_with_its_place(
    tmp_path: Path, sound: str, spoiled: str, message: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert sound in text
    file = tmp_path / FILE.parent.name / FILE.name
    file.parent.mkdir()
    file.write_text(text.replace(sound, spoiled), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        load_output(file, OUTPUTS.meanings)


def test_a_column_that_nobody_has_decided_on_is_not_told(tmp_path: Path) -> None:
    """A public table with a column that has no role is refused: it is not told by default."""
    added = "      - {name: site_id, logicalType: string, physicalType: VARCHAR}\n"
    text = FILE.read_text(encoding="utf-8")
    file = tmp_path / FILE.parent.name / FILE.name
    file.parent.mkdir()
    file.write_text(
        text.replace(
            "customProperties:\n  - property: s", f"{added}customProperties:\n  - property: s"
        ),
        encoding="utf-8",
    )
    with pytest.raises(ContractError, match="site_id: has no role in disclosure control"):
        load_output(file, OUTPUTS.meanings)


def test_published_queries_are_of_tables_with_a_contract() -> None:
    names = {path.stem for path in (PROJECT_ROOT / "sql" / "publish").glob("*.sql")}
    assert names <= OUTPUTS.contracts.keys()
