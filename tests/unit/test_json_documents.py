"""The array in a JSON document comes out of the gate record by record, as NDJSON would.

Here: sound documents, pointers, and records at fault. Not here: documents that are refused
(`tests/bad_input/test_refused_documents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.lake.connection import Lake
from dagster_project.sources import json_documents
from tests.support.made_up import AMOUNT, FLAG, NAME, NUMBER, Taken, bare_lake, contract, take

NAMED = contract(FileFormat.JSON, NUMBER, NAME, records="/items")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("json_documents")) as opened:
        yield opened


@pytest.fixture
def taken(lake: Lake, tmp_path: Path) -> Any:
    def taken(document: object, stated: Contract = NAMED) -> Taken:
        path = tmp_path / "delivery.json"
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text, encoding="utf-8")
        return take(lake, stated, path)

    return taken


def numbered(*names: object) -> dict[str, object]:
    return {"items": [{"Numero": n, "Nimi": name} for n, name in enumerate(names, start=1)]}


@pytest.mark.parametrize(
    ("pointer", "wrap"),
    [
        ("", lambda items: items),
        ("/a/b", lambda items: {"a": {"b": items}}),
        ("/a~1b/~0", lambda items: {"a/b": {"~": items}}),
        ("/0/x", lambda items: [{"x": items}]),
        ("/", lambda items: {"": items}),
    ],
)
def test_the_records_are_where_the_pointer_leads(taken: Any, pointer: str, wrap: Any) -> None:
    stated = contract(FileFormat.JSON, NUMBER, NAME, records=pointer)
    found = taken(wrap(numbered("Ä", None)["items"]), stated)
    assert (found.rows, found.broken) == ([(1, "Ä"), (2, None)], {})


@pytest.mark.parametrize(
    "name", ["A\nB", "\u2028", '"', "\\", "😀", "\u001f", " A ", "null", "a" * 9999]
)
def test_a_text_comes_out_as_it_was_meant(taken: Any, name: str) -> None:
    assert taken(numbered(name)).rows == [(1, name)]


def test_an_array_without_items_is_no_record(taken: Any) -> None:
    assert taken({"items": []}).rows == []


@pytest.mark.parametrize("version", ["v11", 11, 11.5])
def test_the_version_may_be_text_or_number(taken: Any, version: object) -> None:
    stated = contract(
        FileFormat.JSON,
        *(NUMBER, NAME),
        records="/items",
        version_pointer="/version",
        version=str(version),
    )
    assert len(taken({"version": version, **numbered("A")}, stated).rows) == 1


def test_a_column_may_be_a_pointer_into_the_record(taken: Any) -> None:
    columns = (
        Column("number", "/id", "BIGINT", "", is_required=True, primary_key_position=1),
        Column("name", "/names/0/text", "VARCHAR", ""),
        Column("odd", "/a~1b/c~0d", "VARCHAR", ""),
    )
    stated = contract(FileFormat.JSON, *columns, records="")
    found = taken(
        [
            {"id": 1, "names": [{"text": "Ä", "lang": "fi"}], "a/b": {"c~d": "x"}},
            {"id": 2, "names": []},
            {"id": 3, "names": [{"text": {"fi": "Ä"}}]},
            {"id": 4, "other": 1},
        ],
        stated,
    )
    assert found.rows[:2] == [(1, "Ä", "x"), (2, None, None)]
    assert found.broken == {3: {"row.broken"}, 4: {"row.broken"}}


def test_lines_of_json_know_pointers_too(lake: Lake, tmp_path: Path) -> None:
    columns = (NUMBER, Column("name", "/a/b", "VARCHAR", ""))
    path = tmp_path / "delivery.ndjson"
    path.write_text('{"Numero": 1, "a": {"b": "x"}}\n', encoding="utf-8")
    assert take(lake, contract(FileFormat.NDJSON, *columns), path).rows == [(1, "x")]


def test_a_slash_within_a_name_is_no_pointer(taken: Any) -> None:
    stated = contract(FileFormat.JSON, NUMBER, Column("name", "a/b", "VARCHAR", ""), records="")
    assert taken([{"Numero": 1, "a/b": "x"}], stated).rows == [(1, "x")]


@pytest.mark.parametrize(
    "item",
    [
        *(5, "A", None, [], [1]),
        {"Numero": 2, "Nimi": 5},
        {"Numero": 2, "Nimi": {}},
        {"Numero": 2, "Nimi": "A\0"},
        {"Numero": 2, "Muu": "A"},
        {"Numero": True},
    ],
    ids=str,
)
def test_an_item_that_is_no_record_of_the_contract_breaks_alone(taken: Any, item: object) -> None:
    found = taken({"items": [{"Numero": 1, "Nimi": "A"}, item]})
    assert found.broken.keys() == {2}
    assert "row.broken" in found.broken[2]


def test_numbers_and_truth_are_read_as_the_document_has_them(taken: Any) -> None:
    stated = contract(FileFormat.JSON, NUMBER, AMOUNT, FLAG, records="")
    text = '[{"Numero": 1, "Määrä": 12.50, "Voimassa": true}, {"Numero": 2, "Määrä": 1e999}]'
    found = taken(text, stated)
    assert found.rows[0] == (1, Decimal("12.50"), True)
    assert found.broken == {2: {"amount.type"}}


def test_an_item_is_shown_as_json() -> None:
    data = json.dumps(numbered("Ä", "\ud800")).encode()
    shown = [json_documents.record(data, NAMED, number) for number in (0, 1, 2, 3)]
    assert shown[0] is shown[3] is None
    assert shown[1] == {"record": '{"Numero": 1, "Nimi": "Ä"}'}
    assert shown[2] == {"record": '{"Numero": 2, "Nimi": "\\ud800"}'}


def test_a_moment_is_local_by_the_contract(taken: Any) -> None:
    moment = Column("moment", "Hetki", "TIMESTAMP", "")
    stated = contract(FileFormat.JSON, NUMBER, moment, records="")
    found = taken([{"Numero": 1, "Hetki": "2017-01-02 12:00:00"}], stated)
    assert found.rows == [(1, datetime(2017, 1, 2, 10))]


EVERY = contract(
    FileFormat.JSON,
    Column("id", "/id", "BIGINT", "", is_required=True, primary_key_position=1),
    Column("codes", "/a/*/b", "VARCHAR", ""),
    Column("words", "/w/*", "VARCHAR", ""),
    Column("inner", "/x/*/y/*", "VARCHAR", ""),
    records="",
)


@pytest.mark.parametrize(
    ("item", "due"),
    [
        ({"a": [{"b": "x"}, {"b": "y"}], "w": ["fi", "sv"]}, ("x,y", "fi,sv", None)),
        ({"a": [{"b": 7}], "w": []}, ("7", None, None)),
        ({"a": None}, (None, None, None)),
        ({"x": [{"y": ["p", "q"]}, {"y": []}, {"y": ["r"]}]}, (None, None, "p,q,r")),
    ],
)
def test_a_star_joins_the_values_of_every_item(taken: Any, item: dict[str, Any], due: Any) -> None:
    found = taken([{"id": 1, **item}], EVERY)
    assert (found.rows, found.broken) == ([(1, *due)], {})


@pytest.mark.parametrize(
    "item",
    [
        {"a": {"b": "x"}},
        {"a": "x"},
        {"a": [{"b": "x"}, {"c": "y"}]},
        {"a": [{"b": "x"}, {"b": None}]},
        {"a": [{"b": "x,y"}]},
        {"a": [{"b": {"c": 1}}]},
        {"w": ["fi", 1.5]},
        {"w": ["f\0"]},
        {"x": [{"y": "p"}]},
    ],
    ids=str,
)
def test_a_record_whose_items_cannot_be_joined_breaks_alone(
    taken: Any, item: dict[str, Any]
) -> None:
    found = taken([{"id": 1, **item}, {"id": 2, "w": ["fi"]}], EVERY)
    assert found.broken == {1: {"row.broken"}}
    assert found.rows[1] == (2, None, "fi", None)
