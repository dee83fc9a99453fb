"""One small delivery in every file format, and a contract for each, made after a real one.

Here: the same two records, a good and a bad one. Not here: what a format may hold
(`tests/bad_input`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from dagster_project import pipeline
from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import Catalogue, FileFormat
from tests.support.identity import code
from tests.support.workbook_files import workbook

KEY = "hospital/diagnoses_made"
NAMES = ("Asiointitunniste", "Järjestysnumero", "Henkilötunnus", "ICD-10", "Todettu", "Päivitetty")
COLUMNS = (
    "encounter_id",
    "diagnosis_number",
    "person_id",
    "icd10_code",
    "diagnosed_date",
    "updated_at",
)
GOOD: tuple[Any, ...] = (1, 1, code(0), "E119", date(2017, 5, 2), datetime(2017, 5, 2, 10))
BAD: tuple[Any, ...] = (2, 1, code(1), "no code", date(2017, 5, 3), datetime(2017, 5, 3, 10))
ROWS = [dict(zip(NAMES, row, strict=True)) for row in (GOOD, BAD)]


def as_csv() -> bytes:
    lines = [NAMES, *(tuple(map(str, row.values())) for row in ROWS)]
    return "".join(";".join(line) + "\n" for line in lines).encode()


def as_ndjson() -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in ROWS).encode()


def as_json() -> bytes:
    return json.dumps({"version": "v11", "items": ROWS}, default=str).encode()


def as_xlsx() -> bytes:
    return workbook([NAMES, *(tuple(row.values()) for row in ROWS)], sheet="Tiedot")


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return bytes(sink.getvalue())


FORMATS: dict[FileFormat, tuple[Callable[[], bytes], dict[str, Any]]] = {
    FileFormat.CSV: (as_csv, {"encoding": "utf-8"}),
    FileFormat.NDJSON: (as_ndjson, {"encoding": "utf-8"}),
    FileFormat.JSON: (
        as_json,
        {"records": "/items", "versionPointer": "/version", "version": "v11"},
    ),
    FileFormat.XLSX: (as_xlsx, {"sheet": "Tiedot"}),
    FileFormat.PARQUET: (as_parquet, {}),
}


def catalogue_with(folder: Path, form: FileFormat, dialect: dict[str, Any]) -> Catalogue:
    """All contracts, and one of a source that is new, made after that of the diagnoses."""
    shutil.copytree(pipeline.CONTRACTS, folder)
    text = (folder / "apotti" / "diagnoses" / "v1.odcs.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text.replace("apotti/diagnoses", KEY))
    table = document["schema"][0]
    table["name"] = table["id"] = KEY.split("/")[1]
    table["properties"] = [p for p in table["properties"] if p["name"] in COLUMNS]
    table["quality"] = []
    for prop in table["properties"]:
        prop.pop("relationships", None)
        prop.pop("quality", None)
        if prop["logicalType"] == "date":
            prop.pop("logicalTypeOptions", None)
    custom = {p["property"]: p for p in document["customProperties"]}
    custom["dialect"]["value"] = {"format": form.value, **dialect}
    custom["delivery"]["value"] = {
        "mode": "increment",
        "filePattern": rf"made_(?P<sequence>\d{{6}})\.{form.value}",
        "sequenceStep": "month",
        "updatedAtColumn": "updated_at",
    }
    target = folder / KEY / "v1.odcs.yaml"
    target.parent.mkdir(parents=True)
    target.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return load_catalogue(folder)
