"""Bad files alone and among good ones, by the command: what stood stands, and its status tells.

Here: lake, release and command line after refusals. Not here: each fault (`test_refused_files`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring
from tests.bad_input.test_refused_files import CASES
from tests.support.deliveries import reference_lists, write_all
from tests.support.few_tables import install
from tests.support.identity import code
from tests.support.leaks import leaked
from tests.support.raw_files import CODES, FORMS, POPULATION, RESIDENTS
from tests.support.runs import Content, command, lake_content, published_digests

REFUSED = tuple({(c.form.key, c.rule_id): c for c in CASES if len(c.data) < 1_000_000}.values())
"""A file for each rule of each form; the others, and those of megabytes, are seen one by one."""
STRAY_CODE = code(77)
SAID_ONCE = 400
"""Characters that a message takes at most."""
SCHEMES = {"reception", "dental"}
"""Payment schemes have the names of the services that people choose."""


@dataclass(frozen=True)
class Ran:
    """How a run by the command ended, and what stood afterwards."""

    status: int
    output: str
    errors: str
    lake: Content
    published: dict[str, str]


@dataclass(frozen=True)
class History:
    """Runs over one home: good files, bad ones alone, both together, then good ones alone."""

    good: Ran
    bad: Ran
    mixed: Ran
    mended: Ran


def run(settings: Settings) -> Ran:
    status, output, errors = command(settings, "run")
    digests = published_digests(settings.published / "current")
    return Ran(status, output, errors, lake_content(settings), digests)


def new_home(folder: Path) -> Settings:
    settings = Settings(home=folder / "home", keys=folder.parent / "keys", min_free_disk_gib=0)
    write_all(settings.landing, reference_lists())
    land_good(settings, 0)
    return settings


def land_good(settings: Settings, number: int) -> None:
    for form in FORMS:
        form.land(settings.landing, form.sequence(number))


def land_bad(settings: Settings) -> list[Path]:
    """Every bad file under a sequence of its own, and a file that nobody claims."""
    paths = []
    for number, case in enumerate(REFUSED, start=10):
        sequence = case.form.sequence(number)
        data = case.form.dated(sequence, case.data)
        paths.append(case.form.land(settings.landing, sequence, data))
    stray = settings.landing / f"{STRAY_CODE}.csv"
    stray.write_bytes(RESIDENTS.data)
    return [*paths, stray]


@pytest.fixture(scope="module", autouse=True)
def few_and_population() -> Iterator[None]:
    """Whole runs over few tables, and over those of which there are bad files."""
    with pytest.MonkeyPatch.context() as patch:
        install(patch, POPULATION.key)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    create_keyring(folder / "keys")
    return folder


@pytest.fixture(scope="module")
def history(folder: Path) -> History:
    settings = new_home(folder / "mixed")
    good = run(settings)
    bad_files = land_bad(settings)
    bad = run(settings)
    land_good(settings, 1)
    mixed = run(settings)
    assert all(path.exists() for path in bad_files)
    for path in bad_files:
        path.unlink()
    land_good(settings, 2)
    return History(good, bad, mixed, run(settings))


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> Content:
    """What the lake holds that had the good files alone."""
    settings = new_home(folder / "undisturbed")
    land_good(settings, 1)
    land_good(settings, 2)
    assert command(settings, "run")[0] == 0
    return lake_content(settings)


def test_the_status_is_1_while_a_file_is_refused_and_0_again_when_it_is_gone(
    history: History,
) -> None:
    runs = (history.good, history.bad, history.mixed, history.mended)
    assert [ran.status for ran in runs] == [0, 1, 1, 0]


def test_bad_files_change_neither_lake_nor_release(history: History) -> None:
    assert history.bad.lake == history.good.lake
    assert history.bad.published == history.good.published


def test_every_bad_file_is_named_with_its_rule_on_standard_error(history: History) -> None:
    lines = history.bad.errors.splitlines()
    assert len(lines) == len(REFUSED) + 1
    for number, case in enumerate(REFUSED, start=10):
        due = f"refused: {case.form.key} {case.form.sequence(number)}: "
        said = [line for line in lines if line.startswith(due)]
        assert [f"[rule {case.rule_id}{case.where}]" in line for line in said] == [True]


def test_what_is_said_names_no_person_and_is_short(history: History) -> None:
    for ran in (history.bad, history.mixed):
        text = ran.output + ran.errors
        assert [c for c in (*CODES, STRAY_CODE) if c in text] == []
        assert max(map(len, text.splitlines())) < SAID_ONCE
        assert "Traceback" not in text
        for case in REFUSED:
            assert leaked([text], case.data, case.form.contract) <= SCHEMES


def test_good_files_beside_bad_ones_are_taken_in(history: History) -> None:
    for form in FORMS:
        line = f"{form.key} {form.sequence(1)}: {form.record_count} received"
        assert line in history.mixed.output


def test_what_is_built_after_all_is_what_good_files_alone_give(
    history: History, undisturbed: Content
) -> None:
    ours = history.mended.lake
    assert {table: ours[table] for table in undisturbed} == undisturbed
