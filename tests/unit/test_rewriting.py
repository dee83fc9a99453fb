"""Deliveries rewritten: some records emptied, all others and every record's place as they were.

Here: `rewritten` of every format. Not here: whose records (`tests/pipeline/test_rights`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.pipeline import load_definition
from dagster_project.sources.formats import Fields
from dagster_project.sources.readable import format_of
from tests.support.every_format import FORMATS, KEY, catalogue_with
from tests.support.identity import code

RESIDENTS = load_definition().catalogue.latest("population_register/residents")
ENROLMENTS = load_definition().catalogue.latest("enrolment_portal/enrolments")


def keep(_: int, __: Fields) -> None:
    """Change nothing."""


def emptied(contract: Contract, data: bytes, due: str) -> bytes:
    """Without every record that has this value."""
    return format_of(contract).rewritten(
        data, contract, lambda _, fields: dict.fromkeys(fields, "") if due in str(fields) else None
    )


@pytest.mark.parametrize("form", FileFormat)
def test_one_record_is_emptied_and_the_other_stays(tmp_path: Path, form: FileFormat) -> None:
    write, dialect = FORMATS[form]
    contract = catalogue_with(tmp_path / "contracts", form, dialect).latest(KEY)
    data, read = write(), format_of(contract)
    assert read.rewritten(data, contract, keep) == data
    rewritten = emptied(contract, data, code(0))
    assert code(0) not in str(read.record(rewritten, contract, 1))
    assert "2017-05-02" not in str(read.record(rewritten, contract, 1))
    assert read.record(rewritten, contract, 2) == read.record(data, contract, 2)
    assert read.record(rewritten, contract, 3) is None


@pytest.mark.parametrize("form", FileFormat)
def test_one_value_is_emptied_and_the_rest_of_its_record_stays(
    tmp_path: Path, form: FileFormat
) -> None:
    write, dialect = FORMATS[form]
    contract = catalogue_with(tmp_path / "contracts", form, dialect).latest(KEY)

    def without_code(_: int, fields: Fields) -> Fields | None:
        name = "Henkilötunnus"
        return {**fields, name: ""} if fields[name] == code(1) else None

    read = format_of(contract)
    record = read.record(read.rewritten(write(), contract, without_code), contract, 2)
    assert "no code" in str(record)
    assert code(1) not in str(record)


def test_lines_quotes_and_title_of_other_records_stay_byte_for_byte() -> None:
    columns = len(RESIDENTS.columns)
    head = ";".join(c.source_name for c in RESIDENTS.columns)
    quoted = f'{code(1)};"a ""b"";\nc"' + ";" * (columns - 2)
    lines = [head, f"{code(0)}" + ";" * (columns - 1), quoted, "", f'  "{code(2)}"' + ";x" * 9]
    data = "\r\n".join(lines).encode("iso-8859-1")
    rewritten = emptied(RESIDENTS, data, code(1)).decode("iso-8859-1")
    assert rewritten == "\r\n".join([*lines[:2], ";" * (columns - 1), *lines[3:]])
    assert emptied(RESIDENTS, data, code(2)) == data[: data.rindex(b'  "')] + b";" * (columns - 1)


def test_a_line_that_is_no_record_is_emptied_whole() -> None:
    data = f'{{"enrolmentId": "L1"}}\n{{"personalIdentityCode": "{code(1)}\n\n'.encode()
    assert emptied(ENROLMENTS, data, code(1)) == b'{"enrolmentId": "L1"}\n{}\n\n'
