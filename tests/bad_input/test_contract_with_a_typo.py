"""A contract with a typing error stops everything before anything is read or written.

Here: copies of the contracts with one error each, through loader, session and command line's entry.
Not here: every rule of the loader (`tests/unit/test_contracts_broken.py`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.contracts.loader import load_catalogue
from dagster_project.errors import ContractError
from tests.support.homes import new_settings
from tests.support.raw_files import RESIDENTS

TYPOS = {
    "requird for required": ("required: true", "requird: true"),
    "a type that is none": ("logicalType: boolean", "logicalType: bananas"),
    "a rule that is none": ("metric: invalidValues", "metric: invalidValue"),
    "a severity that is none": ("severity: error", "severity: eror"),
    "an encoding that is none": ("encoding: iso-8859-1", "encoding: iso-8895-1"),
    "a rule over a column that is none": ("death_date >= birth_date", "death_date >= brith_date"),
    "an unknown word in the dialect": ("delimiter: ';'", "delimitter: ';'"),
    "a pattern that is none": ("pattern: '[a-z]{2}'", "pattern: '[a-z{2}'"),
}


@pytest.fixture(params=list(TYPOS))
def contracts(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the contracts with one typing error, in the residents' contract."""
    copy = tmp_path / "data_contracts"
    shutil.copytree(pipeline.CONTRACTS, copy)
    file = copy / RESIDENTS.key / "v1.odcs.yaml"
    due, typed = TYPOS[request.param]
    text = file.read_text(encoding="utf-8")
    assert due in text
    file.write_text(text.replace(due, typed, 1), encoding="utf-8")
    return copy


@pytest.fixture
def installed(contracts: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The copy in the place of the installation's own contracts."""
    monkeypatch.setattr(pipeline, "CONTRACTS", contracts)
    return contracts


def test_the_catalogue_is_not_loaded_and_the_error_names_the_file(contracts: Path) -> None:
    with pytest.raises(ContractError, match=r"population_register/residents/v1\.odcs\.yaml"):
        load_catalogue(contracts)


@pytest.mark.usefixtures("installed")
def test_nothing_is_written_and_landing_stays_as_it_is(tmp_path: Path) -> None:
    settings = new_settings(tmp_path)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)

    with pytest.raises(ContractError), pipeline.open_session(settings):
        pass

    assert path.read_bytes() == RESIDENTS.data
    assert [p.name for p in settings.home.iterdir()] == ["landing"]
