"""A proposal of a budget asked for from the command line: who is asked about, and that it is noted.

Here: the command over a lake with two proposals. Not here: what they say
(`tests/spec/test_personal_budget`).
"""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dagster_project import pipeline
from dagster_project.cli import app
from dagster_project.errors import TietoallasError
from dagster_project.settings import Settings
from tests.support.deliveries import RESIDENTS, resident, sent
from tests.support.homes import new_settings, take_in
from tests.support.identity import born, code

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture(scope="module")
def settings(few_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A client with a proposal of March and one of July, and a person without any."""
    made = new_settings(tmp_path_factory.mktemp("explained"))
    with pipeline.open_session(made) as session:
        take_in(session, sent(RESIDENTS, 201701, *(resident(code(n), born(n)) for n in (0, 1))))
        client = session.identities.person_of(code(0))
        session.lake.execute(
            "create table lake.mart.personal_budget_reasoning as select"
            f" cast({client} as bigint) as person_id, '1' as budget_group_code, starts as"
            " proposed_from_date, 40 as step_number, cast(null as varchar) as service_code,"
            " 'Tarve ' || month(starts) as text_fi, 'Behov ' || month(starts) as text_sv,"
            " 'Need ' || month(starts) as text_en"
            " from (values (date '2017-03-01'), (date '2017-07-01')) as proposal(starts)"
        )
    return made


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TIETOALLAS_HOME", str(settings.home))
    monkeypatch.setenv("TIETOALLAS_KEYS", str(settings.keys))
    monkeypatch.setenv("TIETOALLAS_MIN_FREE_DISK_GIB", "0")
    return CliRunner()


def asked(command: CliRunner, *arguments: str, typed: str | None = None) -> str:
    line = ["explain", "budget", "--purpose", "service plan", *arguments]
    done = command.invoke(app, line, input=typed, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def looks(settings: Settings) -> int:
    with pipeline.open_session(settings) as session:
        return session.lake.count(
            "select count(*) from vault.access_log"
            " where action = 'budget.explain' and purpose = 'service plan'"
        )


def test_the_code_is_asked_for_not_shown_and_the_look_is_noted(
    command: CliRunner, settings: Settings
) -> None:
    before = looks(settings)
    said = asked(command, typed=f"{code(0)}\n")
    assert said.splitlines()[-2:] == ["1 2017-07-01", "  Tarve 7"]
    assert code(0) not in said
    assert looks(settings) == before + 1


def test_an_analysts_id_an_earlier_day_and_another_language(
    command: CliRunner, settings: Settings
) -> None:
    with pipeline.open_session(settings) as session:
        session.identities.pseudonyms("analyst")
        ((number,),) = session.lake.rows(
            "select audience_person_id from audience_person where person_id = ?",
            [session.identities.person_of(code(0))],
        )
    said = asked(command, "--person", str(number), "--on", "2017-06-30", "--language", "sv")
    assert said.splitlines() == ["1 2017-03-01", "  Behov 3"]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("arguments", "typed", "message"),
    [
        ((), f"{code(1)}\n", "there is no proposal"),
        ((), f"{code(7)}\n", "nobody is known by that code"),
        (("--person", "12"), None, "nobody has that id"),
        (("--language", "de"), f"{code(0)}\n", "no language 'de'"),
        (("--on", "2017-02-28"), f"{code(0)}\n", "by 2017-02-28"),
    ],
)
def test_what_cannot_be_told_is_said_without_naming_anyone(
    command: CliRunner, arguments: tuple[str, ...], typed: str | None, message: str
) -> None:
    with pytest.raises(TietoallasError, match=message) as failed:
        asked(command, *arguments, typed=typed)
    assert not typed or typed.strip() not in str(failed.value)


def test_a_purpose_is_due(command: CliRunner) -> None:
    with pytest.raises(TietoallasError, match="say why"):
        command.invoke(app, ["explain", "budget", "--purpose", " "], catch_exceptions=False)
