"""The output contract of a mart, as far as its file and its model say it.

Here: the text. Not here: meanings and roles, which a person decides (`contracts.published`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.errors import TietoallasError
from dagster_project.sql_models import Model

_KINDS = {
    "int64": ("integer", "BIGINT"),
    "int32": ("integer", "INTEGER"),
    "string": ("string", "VARCHAR"),
    "bool": ("boolean", "BOOLEAN"),
    "double": ("number", "DOUBLE"),
    "date32[day]": ("date", "DATE"),
    "timestamp[us]": ("timestamp", "TIMESTAMP"),
}


def proposed(model: Model, release: Path) -> str:
    """A contract to complete and put into `data_contracts/published/<table>/v1.odcs.yaml`.

    Raises:
        TietoallasError: the release has no such table.
    """
    file = release / "internal" / "bi" / f"{model.name}.parquet"
    if not file.exists():
        raise TietoallasError(f"release {release.name} has no {model.name}; `tietoallas run` first")
    return "\n".join(_lines(model, pq.read_schema(file))) + "\n"


def _lines(model: Model, schema: pa.Schema) -> Iterator[str]:
    yield from ("apiVersion: v3.1.0", "kind: DataContract", f"id: published/{model.name}")
    yield from ("name: TODO what it tells", "version: 1.0.0", "status: active")
    yield from ("domain: published", "dataProduct: tietoallas", "schema:")
    yield from (f"  - name: {model.name}", "    logicalType: object")
    yield from ("    description: TODO what it tells, as a sentence.",)
    yield from (f"    dataGranularityDescription: {model.grain}", "    properties:")
    for field in schema:
        logical, physical = _KINDS.get(str(field.type)) or _decimal(field.type)
        yield f"      - name: {field.name}"
        yield f"        logicalType: {logical}"
        yield f"        physicalType: {physical}"
        if field.name in model.key:
            yield "        primaryKey: true"
            yield f"        primaryKeyPosition: {model.key.index(field.name) + 1}"
    yield "customProperties:"
    yield "  - property: shelves"
    yield "    value: [internal]  # public too, once every column has a role in disclosure control"


def _decimal(kind: pa.DataType) -> tuple[str, str]:
    return "number", f"DECIMAL({kind.precision},{kind.scale})"
