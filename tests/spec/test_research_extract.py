"""The extract of the research on budgets: who is told of what, until when, and under which ids.

Here: table 5 of the plan as the extract enforces it. Not here: what each topic's models say.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import BuildError, SettingsError, TietoallasError
from dagster_project.pipeline import Session
from dagster_project.publish.research import TOPICS, write_extract
from dagster_project.rulebook import load_rulebooks
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring, create_research_key, read_research_key
from tests.support.deliveries import reference_lists
from tests.support.homes import person, take_in
from tests.support.identity import code
from tests.support.lakes import bring, quick_lake
from tests.support.search import found_under
from tests.support.study import (
    CLIENT,
    CONTROL,
    JUNE,
    LATER_CODE,
    MAY,
    PROTECTED,
    register,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


@pytest.fixture
def session(study: Session) -> Session:
    return study


def extract(
    session: Session, folder: Path, *, on: datetime, key: bytes = KEY
) -> dict[str, list[dict[str, Any]]]:
    """Rows of each file, of an extract made on a day."""
    dated = replace(session, run=replace(session.run, now=lambda: on))
    write_extract(dated, folder, key=key, actor="tester", purpose="THL/1")
    with duckdb.connect() as connection:
        return {
            file.stem: connection.execute("from read_parquet(?)", [str(file)])
            .to_arrow_table()
            .to_pylist()
            for file in folder.glob("*.parquet")
        }


def research_id(session: Session, of: str, key: bytes = KEY) -> int:
    session.identities.pseudonyms_under(key, audience="research")
    ((found,),) = session.lake.rows(
        "select audience_person_id from audience_person where person_id = ?",
        [person(session, of)],
    )
    return int(found)


LAST_DAY, WITHDRAWN = datetime(2017, 5, 31, 12), datetime(2017, 6, 1, 12)


def test_a_person_is_dropped_on_the_day_that_consent_is_withdrawn(
    session: Session, tmp_path: Path
) -> None:
    control = research_id(session, code(CONTROL))
    before = extract(session, tmp_path / "before", on=LAST_DAY)
    after = extract(session, tmp_path / "after", on=WITHDRAWN)
    assert control in {row["research_person_id"] for row in before["member"]}
    assert control in {row["research_person_id"] for row in before["daily_life"]}
    assert before["dropped"] == []
    told = {
        row.get("research_person_id") for name in after if name != "dropped" for row in after[name]
    }
    assert control not in told
    assert after["dropped"] == [{"research_person_id": control, "dropped_date": date(2017, 6, 1)}]


def test_what_is_told_is_what_table_5_has_for_arm_and_group(
    session: Session, tmp_path: Path
) -> None:
    """All are of group 5; the fourth sought guidance alone, of whom the table has nothing."""
    told = extract(session, tmp_path / "told", on=LAST_DAY)
    arms = {
        name: {row["cohort_code"] for row in rows}
        for name, rows in told.items()
        if rows and "cohort_code" in rows[0]
    }
    assert arms.pop("member") == {"budget", "control"}
    assert arms.pop("daily_life") == {"budget", "control"}
    assert all(found <= {"budget"} for found in arms.values())
    assert research_id(session, LATER_CODE) not in {r["research_person_id"] for r in told["member"]}
    assert [row["worked_minutes"] for row in told["guide_time"]] == [90]


def test_ids_are_of_the_key_and_no_date_or_place_is_told(session: Session, tmp_path: Path) -> None:
    one = extract(session, tmp_path / "one", on=WITHDRAWN)
    other = extract(session, tmp_path / "other", on=WITHDRAWN, key=OTHER_KEY)
    ids = {row["research_person_id"] for row in one["member"]}
    assert research_id(session, code(CLIENT)) in ids
    assert ids.isdisjoint({row["research_person_id"] for row in other["member"]})
    columns = {column for name in one if name != "dropped" for row in one[name] for column in row}
    assert columns.isdisjoint({"person_id", "guide_code", "municipality_code", "answered_date"})
    answered = {row["study_day"] for row in one["daily_life"]}
    assert answered == {8}, "2 to 10 May"


def test_a_protected_person_takes_part_as_everybody(session: Session, tmp_path: Path) -> None:
    told = extract(session, tmp_path / "told", on=WITHDRAWN)
    protected = research_id(session, code(PROTECTED))
    assert protected in {row["research_person_id"] for row in told["guide_assessment"]}


def test_the_form_says_what_the_files_are_and_nothing_holds_a_code(
    session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "told"
    told = extract(session, folder, on=WITHDRAWN)
    stated = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert stated["purpose"] == "THL/1"
    assert ["consent judged on", "2017-06-01"] in stated["facts"]
    assert {f["file"]: f["row_count"] for f in stated["files"]} == {
        f"{name}.parquet": len(rows) for name, rows in told.items()
    }
    assert (folder / "summary.html").stat().st_mode & 0o777 == 0o400
    codes = {code(number) for number in range(4)} | {LATER_CODE}
    assert found_under(codes, folder) == {}
    logged = session.lake.rows("select distinct action, purpose from vault.access_log")
    assert ("research.extract", "THL/1") in logged


def test_deliveries_that_no_build_has_seen_hold_an_extract_back(tmp_path: Path) -> None:
    """One of them might take a consent back."""
    with quick_lake() as opened:
        bring(opened, *reference_lists(), register(MAY))
        take_in(opened, register(JUNE))
        with pytest.raises(BuildError, match="run `tietoallas run`"):
            extract(opened, tmp_path / "told", on=WITHDRAWN)
    assert not (tmp_path / "told").exists()


def test_every_topic_stands_in_the_matrix_and_every_row_of_it_has_a_query() -> None:
    (matrix,) = [book for book in load_rulebooks() if book.name == "study_topic"]
    assert {row[0] for _, row in matrix.rows} == {file.stem for file in TOPICS.glob("*.sql")}


def beside_the_keys(settings: Settings) -> Path:
    assert settings.keys is not None
    return settings.keys.with_name("research.json")


def in_the_home(settings: Settings) -> Path:
    return settings.home / "research.json"


@pytest.mark.parametrize("place", [beside_the_keys, in_the_home])
def test_the_key_lies_elsewhere(place: Any, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", keys=tmp_path / "keys" / "keys.json")
    path = place(settings)
    create_research_key(path)
    with pytest.raises(SettingsError, match="move it"):
        read_research_key(path, settings)


def test_a_file_that_is_no_research_key_is_refused_and_never_shown(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", keys=tmp_path / "keys" / "keys.json")
    good, other = tmp_path / "apart" / "good.json", tmp_path / "apart" / "ring.json"
    create_research_key(good)
    create_keyring(other)
    assert len(read_research_key(good, settings)) == 32
    with pytest.raises(SettingsError, match="that is no research key"):
        read_research_key(other, settings)
    with pytest.raises(TietoallasError, match="exists"):
        create_research_key(good)
    good.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_research_key(good, settings)
