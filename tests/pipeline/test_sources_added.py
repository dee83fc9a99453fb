"""A source is added at run time: a contract in a folder is all it takes, whatever the format.

Here: deliveries of a table that nobody else knows, in every format, from landing to staging. Not
here: what each format may hold (`tests/unit`, `tests/bad_input`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import FileFormat
from dagster_project.vault.as_sent import show_record
from tests.support.every_format import COLUMNS, FORMATS, GOOD, KEY, catalogue_with
from tests.support.homes import new_settings, person, silent
from tests.support.identity import code

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.mark.parametrize("form", FileFormat)
def test_a_contract_in_a_folder_lets_a_new_source_in(tmp_path: Path, form: FileFormat) -> None:
    write, dialect = FORMATS[form]
    catalogue = catalogue_with(tmp_path / "contracts", form, dialect)
    definition = replace(pipeline.load_definition(), catalogue=catalogue)
    settings = new_settings(tmp_path)
    path = settings.landing / KEY / f"made_201705.{form.value}"
    path.parent.mkdir(parents=True)
    path.write_bytes(write())
    with pipeline.open_session(settings, definition=definition) as session:
        (outcome,) = pipeline.ingest(session, report=silent).outcomes
        assert outcome.verdict is not None
        assert (outcome.verdict.accepted, outcome.verdict.quarantined) == (1, 1)
        staged = session.lake.rows(f"select {', '.join(COLUMNS)} from staging.diagnoses_made")
        due = (*GOOD[:2], person(session, code(0)), *GOOD[3:5], datetime(2017, 5, 2, 7))
        assert staged == [due]
        assert session.lake.rows("select record_number, rule_id from ops.quarantine") == [
            (2, "icd10_code.pattern")
        ]
        shown = show_record(
            session.blobs,
            session.identities,
            catalogue.latest(KEY),
            sha256=session.lake.value("select sha256 from ops.delivery"),
            record_number=2,
            actor="tester",
            purpose="test",
            at=session.run.now(),
        )
        assert "no code" in str(shown)
