"""Which list a column is coded by: what of the repository's contracts may be said, and what not.

Here: copies of the repository's contracts with one statement changed. Not here: contracts that
stand alone (`test_contracts_broken`), the verdict on codes (`tests/spec/test_code_use`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project.contracts.lint import main
from dagster_project.contracts.loader import load_catalogue
from dagster_project.contracts.model import CodeList, Severity
from dagster_project.contracts.relations import code_column
from dagster_project.errors import ContractError
from dagster_project.settings import PROJECT_ROOT

ENCOUNTERS = "apotti/encounters/v2.odcs.yaml"
STATED = "{list: reference/avohilmo_codes, set: service_form, asOf: started_at}"


def changed(folder: Path, value: str) -> Path:
    root = folder / "data_contracts"
    shutil.copytree(PROJECT_ROOT / "data_contracts", root)
    path = root / ENCOUNTERS
    text = path.read_text(encoding="utf-8")
    assert text.count(STATED) == 1
    path.write_text(text.replace(STATED, value), encoding="utf-8")
    return root


def test_a_column_says_its_list_set_and_day() -> None:
    catalogue = load_catalogue(PROJECT_ROOT / "data_contracts")
    stated = catalogue.latest("apotti/encounters").column("service_code").code_list
    assert stated == CodeList(
        "reference/avohilmo_codes", "service_form", "started_at", Severity.WARNING
    )


def test_a_contract_may_make_an_unknown_code_an_error(tmp_path: Path) -> None:
    root = changed(tmp_path, STATED.replace("}", ", severity: error}"))
    column = load_catalogue(root).latest("apotti/encounters").column("service_code")
    assert column.code_list is not None
    assert column.code_list.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (STATED.replace("avohilmo_codes", "avohilmo"), "there is no contract reference/avohilmo;"),
        (STATED.replace("service_form", "service"), "has no set service; it has service_form, "),
        (
            STATED.replace("avohilmo_codes", "icpc2_codes"),
            "has no set service_form; it has no sets",
        ),
        ("{list: reference/sites, asOf: started_at}", None),
        ("{list: thl/need_model, asOf: started_at}", "is no dated list of codes"),
        (STATED.replace("}", ", severity: fatal}"), "severity: Input should be"),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    tmp_path: Path,
    value: str,
    message: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = changed(tmp_path, value)
    if message is None:  # sites are a dated list, by their own identifier
        assert main([str(root)]) == 0
        return
    with pytest.raises(ContractError, match=message):
        load_catalogue(root)
    assert main([str(root)]) == 1
    assert ENCOUNTERS in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("reference/avohilmo_codes", "code"),
        ("reference/icd10_codes", "code"),
        ("reference/postal_codes", "postal_code"),
        ("reference/municipalities", "municipality_code"),
        ("reference/permits", None),
        ("apotti/encounters", None),
    ],
)
def test_the_code_of_a_list_is_what_its_key_has_beside_set_and_day(
    key: str, name: str | None
) -> None:
    found = code_column(load_catalogue(PROJECT_ROOT / "data_contracts").latest(key))
    assert (found.name if found else None) == name
