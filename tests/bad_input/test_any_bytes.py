"""Whatever bytes come: read exactly, quarantined, or refused in words that hold nothing of them.

Sound files of every form, spoiled at random by a stated seed, at the gate. What the gate takes for
sound is read a second time by Python's own readers, and the records must be the same in number.

Here: no crash, conservation, no leak. Not here: which rule a fault breaks (the other tests).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from tests.support.leaks import leaked
from tests.support.made_up import bare_lake
from tests.support.raw_files import CODES, ENROLMENTS, FORMS, Form
from tests.support.spoiling import judge, spoiled


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """As much of a lake as the gate needs: a connection, and persons whose codes are known."""
    with bare_lake(tmp_path_factory.mktemp("any_bytes"), codes=CODES, threads=1) as opened:
        yield opened


def records(form: Form, data: bytes) -> int:
    """How many records Python's readers see: lines of NDJSON; of CSV, the lines that hold any."""
    text = data.decode(form.encoding)
    if form is ENROLMENTS:
        return text.count("\n")
    lines = text.splitlines(keepends=True) if "\r" in text else text.split("\n")
    body = [x if x.endswith(("\n", "\r")) else x + "\n" for x in lines[form.header_line :]]
    dialect = form.contract.dialect
    reader = csv.reader(body, delimiter=dialect.delimiter, skipinitialspace=True)
    return sum(1 for record in reader if record)


def check(lake: Lake, form: Form, data: bytes, path: Path) -> None:
    path.write_bytes(data)
    try:
        verdict = judge(lake, form.contract, form.first_sequence, path)
    except DeliveryRefused as refused:
        check_refusal(refused, form, data)
        return
    left = lake.count("select count(distinct record_number) from gate_left")
    assert verdict.received == records(form, data)
    assert verdict.accepted == verdict.received - left
    assert left == verdict.quarantined + verdict.duplicate
    assert lake.count("select count(*) from gate_left") == left


def check_refusal(refused: DeliveryRefused, form: Form, data: bytes) -> None:
    assert leaked([str(refused)], data, form.contract) == set()
    last = max(form.header_line, data.count(b"\n") + 1)
    assert refused.line is None or 1 <= refused.line <= last


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
@pytest.mark.parametrize(
    "seeds",
    [range(25), pytest.param(range(25, 1_025), marks=pytest.mark.deep)],
    ids=["few", "many"],
)
def test_any_bytes_are_read_quarantined_or_refused(
    lake: Lake, form: Form, seeds: range, tmp_path: Path
) -> None:
    for seed in seeds:
        data = spoiled(form.data, Random(f"{form.key} {seed}"))
        try:
            check(lake, form, data, tmp_path / "delivery")
        except Exception as error:
            error.add_note(f"seed {seed}: {json.dumps(data.decode('iso-8859-1'))}")
            raise


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
def test_a_sound_file_passes_whole(lake: Lake, form: Form, tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(form.data)

    verdict = judge(lake, form.contract, form.first_sequence, path)

    assert (verdict.received, verdict.accepted) == (form.record_count, form.record_count)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
@pytest.mark.deep
def test_a_file_cut_anywhere_is_refused_or_whole_up_to_the_cut(
    lake: Lake, form: Form, tmp_path: Path
) -> None:
    for length in range(0, len(form.data), 7):
        check(lake, form, form.data[:length], tmp_path / "delivery")
