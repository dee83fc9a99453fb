"""The service catalogue's document: what is refused whole, and which records alone are at fault.

Here: the contract of `ptv/services` against documents of its form. Not here: JSON in general
(`test_refused_documents`, `tests/unit/test_json_documents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dagster_project.contracts.model import SequenceStep
from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from tests.support.made_up import bare_lake, take

SERVICES = load_definition().catalogue.latest("ptv/services")
# `take` numbers what it takes by the day.
CONTRACT = replace(SERVICES, delivery=replace(SERVICES.delivery, sequence_step=SequenceStep.NONE))
IDENTIFIER = "0b2f0d3c-7d5a-4c0e-9b57-3f1f0c1d2e{:02d}"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("services")) as opened:
        yield opened


def service(number: int = 1, **changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": IDENTIFIER.format(number),
        "type": "Service",
        "serviceNames": [
            {"language": "fi", "type": "Name", "value": "Kotihoito, iltapalvelu"},
            {"language": "sv", "type": "Name", "value": "Hemvård"},
        ],
        "serviceClasses": [{"code": "P5.1"}, {"code": "P5"}],
        "targetGroups": [{"code": "KR1.2"}],
        "areas": [
            {"type": "Municipality", "municipalities": [{"code": "106"}, {"code": "186"}]},
            {"type": "Municipality", "municipalities": [{"code": "753"}]},
        ],
        "languages": ["fi", "sv"],
        "organizations": [
            {"roleType": "Responsible", "organization": {"businessCode": "9900001-8"}},
            {"roleType": "Producer", "organization": {"businessCode": "9900010-2"}},
        ],
        "serviceChannels": [
            {"serviceChannel": {"type": "Phone", "languages": ["fi"]}},
            {"serviceChannel": {"type": "WebPage", "languages": ["fi", "sv"]}},
        ],
        "publishingStatus": "Published",
        "modified": "2017-01-02T03:04:05Z",
    }
    return record | changes


def page(*records: dict[str, Any], version: str = "v11") -> str:
    return json.dumps({"version": version, "pageNumber": 1, "itemList": records})


def taken(lake: Lake, folder: Path, text: str) -> Any:
    path = folder / "services_201701.json"
    path.write_text(text, encoding="utf-8")
    return take(lake, CONTRACT, path)


def test_arrays_are_joined(lake: Lake, tmp_path: Path) -> None:
    found = taken(lake, tmp_path, page(service()))
    assert found.broken == {}
    row = dict(zip([c.name for c in CONTRACT.columns], found.rows[0], strict=True))
    assert row["name_fi"] == "Kotihoito, iltapalvelu"
    assert row["municipality_codes"] == "106,186,753"
    assert row["business_ids"] == "9900001-8,9900010-2"
    assert row["organisation_role_codes"] == "Responsible,Producer"
    assert row["service_class_codes"] == "P5.1,P5"
    assert row["channel_language_codes"] == "fi,fi,sv"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (page(service(), version="v12"), "file.version"),
        (json.dumps({"itemList": [service()]}), "file.version"),
        (page(service()).replace('"id":', '"type": "Service", "id":', 1), "file.doubled_key"),
        (page(service())[:-20], "file.format"),
        (page(service())[: len(page(service())) // 2], "file.format"),
        ("", "file.format"),
        (json.dumps({"version": "v11", "items": [service()]}), "file.records"),
    ],
    ids=["newer", "unversioned", "doubled key", "cut off", "half", "empty", "renamed"],
)
def test_a_document_that_is_not_the_agreed_one_is_refused_whole(
    lake: Lake, tmp_path: Path, text: str, rule: str
) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        taken(lake, tmp_path, text)
    assert caught.value.rule_id == rule
    assert "Kotihoito" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"organizations": [{"roleType": "Responsible", "organization": {}}]}, "row.broken"),
        ({"languages": "fi"}, "row.broken"),
        ({"areas": [{"type": "Municipality", "municipalities": {"code": "106"}}]}, "row.broken"),
        ({"somethingNew": 1}, "row.broken"),
        ({"areas": []}, "municipality_codes.required"),
        ({"areas": [{"municipalities": [{"code": "49"}]}]}, "municipality_codes.pattern"),
        ({"id": "1"}, "service_id.pattern"),
        (
            {"serviceNames": [{"language": "sv", "value": "Hemvård"}]},
            "name_language_code.valid_values",
        ),
        ({"publishingStatus": "Draft"}, "publishing_status_code.valid_values"),
        ({"modified": "2.1.2017"}, "modified_at.type"),
    ],
    ids=str,
)
def test_a_record_at_fault_stays_out_alone(
    lake: Lake, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    found = taken(lake, tmp_path, page(service(1), service(2, **changes)))
    assert found.broken.keys() == {2}
    assert rule in found.broken[2]
