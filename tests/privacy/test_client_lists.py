"""Lists of clients that leave the lake: who can read them, whom they name, and when they are gone.

Here: whole homes, and a list over core. Not here: what the product's own lists say
(`tests/spec/test_guidance`).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pyrage
import pytest
import yaml
from typer.testing import CliRunner

from dagster_project import client_lists, pipeline, rights
from dagster_project.cli import app
from dagster_project.errors import TietoallasError
from dagster_project.settings import Settings
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import new_settings, silent
from tests.support.runs import NOW, copied, files_under, run_once
from tests.support.search import found_under
from tests.support.small_region import (
    CHANGING,
    CODES,
    JUNE,
    LATER_CODE,
    MAY,
    PROTECTED,
    of_month,
)

pytestmark = pytest.mark.usefixtures("few_tables")

GUIDE = pyrage.x25519.Identity.generate()
VISITS = """-- Visits, by place.
select
    visit.person_id,
    cast(visit.encounter_id as varchar) as item_code,
    visit.site_id,
    visit.duration_minutes
from core.encounter as visit
order by visit.encounter_id
"""
LIST = "budget"
"""Of the lists that the rulebook knows, the one that this query stands for."""


@pytest.fixture(scope="module")
def made(few_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home of May, in which nobody is protected yet; no test changes it."""
    settings = new_settings(tmp_path_factory.mktemp("lists"))
    write_all(settings.landing, [*reference_lists(), *of_month(MAY)])
    run_once(settings)
    return settings


@pytest.fixture
def asked(made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The home with a file of one recipient; visits are the list."""
    queries = tmp_path / "queries"
    queries.mkdir()
    (queries / f"{LIST}.sql").write_text(VISITS, encoding="utf-8")
    (queries / "risk.sql").write_text(VISITS, encoding="utf-8")
    monkeypatch.setattr(client_lists, "QUERIES", queries)
    recipients = tmp_path / "recipients.yaml"
    entry = {"public_key": str(GUIDE.to_public()), "lists": [LIST]}
    recipients.write_text(yaml.safe_dump({"guides": entry}), encoding="utf-8")
    recipients.chmod(0o600)
    return made.model_copy(update={"recipients": recipients})


@pytest.fixture
def settings(asked: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may change."""
    return copied(asked, tmp_path / "home")


def delivered(settings: Settings, *, at: datetime = NOW) -> Path:
    with pipeline.open_session(settings, now=lambda: at) as session:
        pipeline.hide_places(session)
        return client_lists.deliver_list(
            session, LIST, to="guides", actor="tester", purpose="calls", legal_basis="Act 42 §"
        ).path


def opened(path: Path) -> list[dict[str, str]]:
    text = pyrage.decrypt(path.read_bytes(), [GUIDE]).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def taken_in(settings: Settings, *, at: datetime = NOW) -> None:
    write_all(settings.landing, of_month(JUNE))
    with pipeline.open_session(settings, now=lambda: at) as session:
        pipeline.ingest(session, report=silent)
        pipeline.build(session, report=silent)


def test_a_list_names_clients_as_sources_do_and_says_why_it_was_given(settings: Settings) -> None:
    path = delivered(settings)
    told = opened(path)
    assert path.name == "RL-201705-01.csv.age"
    assert {row["identity_code"] for row in told} == set(CODES)
    assert told[0] == {
        "delivery_code": "RL-201705-01",
        "list_code": LIST,
        "recipient": "guides",
        "purpose": "calls",
        "legal_basis": "Act 42 §",
        "expires_date": str(NOW.date() + timedelta(days=31)),
        "identity_code": CODES[0],
        "item_code": "20170500",
        "site_id": "S1",
        "duration_minutes": "12,5",
    }


def test_nobody_else_can_read_it(settings: Settings) -> None:
    path = delivered(settings)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [pyrage.x25519.Identity.generate()])
    assert path in files_under(settings.home)
    assert settings.keys is not None
    assert found_under(set(CODES), settings.home, settings.keys) == {}


def test_use_is_logged_for_each_person_and_told_to_them(settings: Settings) -> None:
    delivered(settings)
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        named = session.lake.rows(
            "select identity_code from vault.list_use inner join vault.identity using (person_id)"
            " where delivery_code = 'RL-201705-01' order by 1"
        )
        told = rights.access_report(session, CODES[0], actor="tester", purpose="asked")
    assert named == [(code,) for code in sorted(CODES)]
    assert told["delivered_to"] == [
        {
            "delivered_at": NOW,
            "list_code": LIST,
            "recipient": "guides",
            "actor": "tester",
            "purpose": "calls",
            "legal_basis": "Act 42 §",
            "delivery_code": "RL-201705-01",
        }
    ]


def test_a_new_code_is_the_one_told_and_who_is_protected_since_has_no_place(
    settings: Settings,
) -> None:
    before = delivered(settings)
    taken_in(settings)
    assert not before.exists(), "it says where somebody is who is protected now"
    told = opened(delivered(settings))
    codes = {row["identity_code"] for row in told}
    assert LATER_CODE in codes
    assert CODES[CHANGING] not in codes
    places = {row["site_id"] for row in told if row["identity_code"] == CODES[PROTECTED]}
    assert places == {""}
    assert {row["site_id"] for row in told if row["identity_code"] == CODES[0]} == {"S1"}


@pytest.mark.deep
def test_an_order_that_no_green_build_has_followed_hides_places_all_the_same(
    settings: Settings,
) -> None:
    write_all(settings.landing, of_month(JUNE))
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        pipeline.ingest(session, report=silent)
    told = opened(delivered(settings))
    assert {r["site_id"] for r in told if r["identity_code"] == CODES[PROTECTED]} == {""}


def test_a_person_who_is_erased_disappears_from_what_was_delivered(settings: Settings) -> None:
    before = delivered(settings)
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        rights.erase_person(session, CODES[0], actor="tester", purpose="asked", report=silent)
    assert not before.exists()
    assert CODES[0] not in {row["identity_code"] for row in opened(delivered(settings))}


def test_a_list_expires_and_its_log_stays(settings: Settings) -> None:
    path = delivered(settings)
    left = delivered(settings, at=NOW + timedelta(days=30))
    assert path.exists()
    last = delivered(settings, at=NOW + timedelta(days=31))
    assert not path.exists()
    assert left.exists()
    assert last.name == "RL-201705-03.csv.age"
    with pipeline.open_session(settings) as session:
        assert session.lake.count("select count(*) from vault.list_delivery") == 3


def entry(settings: Settings, **changes: object) -> None:
    assert settings.recipients is not None
    known = yaml.safe_load(settings.recipients.read_text(encoding="utf-8"))["guides"]
    settings.recipients.write_text(yaml.safe_dump({"guides": known | changes}), encoding="utf-8")


def open_to_others(settings: Settings) -> None:
    assert settings.recipients is not None
    settings.recipients.chmod(0o622)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: entry(s, public_key="age1nobody"), "guides: that is no public key of age"),
        (lambda s: entry(s, lists=["names"]), "no list 'names'; there are budget, risk"),
        (lambda s: entry(s, email="x"), "say `public_key` and `lists`, nothing else"),
        (open_to_others, "can be changed by others"),
        (lambda s: s.recipients.unlink(), "no file of recipients"),
    ],
)
def test_a_file_of_recipients_that_is_not_sound_is_refused_with_what_to_do(
    asked: Settings, spoil: Callable[[Settings], None], message: str
) -> None:
    spoil(asked)
    with pytest.raises(TietoallasError, match=message):
        client_lists.read_recipients(asked)


def test_nothing_is_delivered_to_who_is_not_known_for_it(settings: Settings) -> None:
    entry(settings, lists=["risk"])
    with pytest.raises(TietoallasError, match="guides may not have the list 'budget'"):
        delivered(settings)
    with pipeline.open_session(settings) as session:
        assert session.lake.count("select count(*) from vault.list_use") == 0


@pytest.mark.parametrize(("purpose", "basis"), [(" ", "Act 42 §"), ("calls", "")])
def test_purpose_and_legal_basis_are_due(purpose: str, basis: str) -> None:
    line = ["guidance", "deliver", LIST, "--to", "guides", "--purpose", purpose, "--basis", basis]
    with pytest.raises(TietoallasError, match="say why"):
        CliRunner().invoke(app, line, catch_exceptions=False)


@pytest.mark.deep
def test_by_command_the_list_is_sealed_and_shown_among_those_delivered(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "keys", "recipients"):
        monkeypatch.setenv(f"TIETOALLAS_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("TIETOALLAS_MIN_FREE_DISK_GIB", "0")
    line = ["guidance", "deliver", LIST, "--to", "guides", "--purpose", "calls", "--basis", "42 §"]
    done = CliRunner().invoke(app, line, catch_exceptions=False)
    assert "RL-201705-01: 6 rows on 6 persons" in done.output
    listed = CliRunner().invoke(app, ["guidance", "list"], catch_exceptions=False).output
    assert listed.split()[:3] == ["RL-201705-01", LIST, "guides"]
    assert listed.split()[-1] == "there"
