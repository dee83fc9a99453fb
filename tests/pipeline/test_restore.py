"""A home restored from backup: moved, or with parts of another age.

Here: lake, vault and releases that were copied at different times. Not here: crashes
(`tests/faults`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import VaultError
from dagster_project.settings import Settings
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import new_settings, silent
from tests.support.runs import analyst_content, copied, lake_content, run_once
from tests.support.small_region import JUNE, MAY, of_month

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture(scope="module")
def made(few_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with May in it, built and published. No test changes it."""
    settings = new_settings(tmp_path_factory.mktemp("made"))
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    run_once(settings)
    return settings


@pytest.fixture
def settings(made: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may change."""
    return copied(made, tmp_path / "home")


def saved(settings: Settings, *parts: str) -> Path:
    backup = settings.home.parent / "backup"
    for part in parts:
        shutil.copytree(settings.home / part, backup / part)
    return backup


def restored(settings: Settings, backup: Path) -> None:
    for part in backup.iterdir():
        shutil.rmtree(settings.home / part.name)
        shutil.copytree(part, settings.home / part.name)


def test_a_home_under_another_path_takes_in_the_next_month(settings: Settings) -> None:
    moved = settings.model_copy(update={"home": settings.home.rename(settings.home.parent / "b")})
    write_all(moved.landing, of_month(JUNE))
    run_once(moved)
    content = lake_content(moved)
    assert len(content["core.encounter"]) == len(
        analyst_content(moved.published / "current")["core.encounter"]
    )


def test_after_a_restore_a_release_is_made_of_what_is_in_the_lake(settings: Settings) -> None:
    """Its build has the number of one that is no more, whose release still stands."""
    backup = saved(settings, "lake", "vault")
    write_all(settings.landing, of_month(JUNE))
    lost = run_once(settings)
    restored(settings, backup)
    listed, *_ = of_month(JUNE)
    write_all(settings.landing, [listed])
    made = run_once(settings)
    assert (made.build_id, made.release_id) == (lost.build_id, f"{lost.release_id}.1")
    published = analyst_content(settings.published / "current")
    assert len(published["core.encounter"]) == len(lake_content(settings)["core.encounter"])
    assert run_once(settings) == made


def test_a_vault_older_than_the_lake_is_refused_before_anything_is_built(
    settings: Settings,
) -> None:
    """It has lost protection orders, and would number new ones as if the lake knew them."""
    backup = saved(settings, "vault")
    write_all(settings.landing, of_month(JUNE))
    run_once(settings)
    restored(settings, backup)
    with (
        pytest.raises(VaultError, match="older than the lake"),
        pipeline.open_session(settings) as session,
    ):
        pipeline.build(session, report=silent)
