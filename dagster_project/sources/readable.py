"""The door for every file format: which module reads which.

Here: the one mapping. To read a new format, write a module with the functions of `formats.Format`
and add its line. Not here: any format.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.sources import delimited, json_documents, json_lines, parquet, workbooks
from dagster_project.sources.formats import Format

FORMATS: dict[FileFormat, Format] = {
    FileFormat.CSV: delimited,
    FileFormat.NDJSON: json_lines,
    FileFormat.JSON: json_documents,
    FileFormat.XLSX: workbooks,
    FileFormat.PARQUET: parquet,
}


def format_of(contract: Contract) -> Format:
    """What reads the deliveries of a contract."""
    return FORMATS[contract.dialect.format]


def readable(
    path: Path, contract: Contract, *, sequence: int, temp: Path
) -> AbstractContextManager[Path]:
    """A path under which the gate can read a delivery.

    Args:
        path: The file in landing.
        contract: What it should keep.
        sequence: Its own.
        temp: Folder for what does not fit elsewhere.

    Raises:
        DeliveryRefused: on entering, where the file breaks its contract as a whole.
    """
    return format_of(contract).prepared(path, contract, sequence=sequence, temp=temp)
