"""What is no delivery is named and left alone, and what is sound beside it is taken in.

Here: names, folders, links, unreadable and unfinished files. Not here: what is in a file
(`test_refused_files`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.pipeline import Ingested, Session
from dagster_project.settings import Settings
from tests.support.homes import new_home, new_settings, silent
from tests.support.identity import code
from tests.support.leaks import register_text
from tests.support.raw_files import ENCOUNTERS, ENROLMENTS, FORMS, RESIDENTS, clear

CODE = code(77)
DATA = RESIDENTS.data


@dataclass(frozen=True)
class Stray:
    """What is no delivery: where it lies, how it comes there, what is said of it."""

    what: str
    place: bytes
    rule_id: str
    label: str
    put: Callable[[Path], None] = lambda path: write(path, DATA)


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def link_out(path: Path) -> None:
    outside = path.parents[3] / "outside.csv"
    outside.write_bytes(DATA)
    path.symlink_to(outside)


def folder_with_file(path: Path) -> None:
    path.mkdir()
    write(path / "residents_201802.csv", DATA)


def linked_folder(path: Path) -> None:
    outside = path.parents[3] / "outside"
    outside.mkdir(exist_ok=True)
    write(outside / "residents_201802.csv", DATA)
    path.symlink_to(outside)


def listen(path: Path) -> None:
    """A socket's address may be short only, so it is bound from its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(before)


HERE = b"population_register/residents/"
LABEL = HERE.decode()
STRAYS = (
    Stray(
        "a file in landing itself", b"residents_201802.csv", "file.folder", "residents_201802.csv"
    ),
    Stray(
        "a file in a source's folder",
        b"population_register/residents_201802.csv",
        "file.folder",
        "population_register/residents_201802.csv",
    ),
    Stray("an unknown source", b"hospital/stays/a.csv", "file.folder", "hospital/stays/a.csv"),
    Stray(
        "an unknown table",
        b"population_register/houses/a_201802.csv",
        "file.folder",
        "population_register/houses/a_201802.csv",
    ),
    Stray("another name", HERE + b"vaki_201802.csv", "file.name", LABEL + "vaki_201802.csv"),
    Stray(
        "another ending",
        HERE + b"residents_201802.txt",
        "file.name",
        LABEL + "residents_201802.txt",
    ),
    Stray(
        "a copy",
        HERE + b"residents_201802 (1).csv",
        "file.name",
        LABEL + "residents_201802 (1).csv",
    ),
    Stray(
        "upper case", HERE + b"RESIDENTS_201802.CSV", "file.name", LABEL + "RESIDENTS_201802.CSV"
    ),
    Stray("month 13", HERE + b"residents_201713.csv", "file.name", LABEL + "residents_201713.csv"),
    Stray("month 0", HERE + b"residents_201700.csv", "file.name", LABEL + "residents_201700.csv"),
    Stray("year 0", HERE + b"residents_000001.csv", "file.name", LABEL + "residents_000001.csv"),
    Stray(
        "a day that is none",
        b"reference/sites/sites_20170230.csv",
        "file.name",
        "reference/sites/sites_20170230.csv",
    ),
    Stray(
        "digits of another script",
        HERE + "residents_٢٠١٨٠٢.csv".encode(),
        "file.name",
        LABEL + "residents_??????.csv",
    ),
    Stray(
        "control characters",
        HERE + b"a\nb\rc\x07\x1b[2J\x1b]0;title\x07.csv",
        "file.name",
        LABEL + "a?b?c??[2J?]0;title?.csv",
    ),
    Stray("quotes", HERE + b"a'b\"c`d.csv", "file.name", LABEL + "a'b\"c`d.csv"),
    Stray(
        "an injection",
        HERE + b"'; drop table staging.residents; --.csv",
        "file.name",
        LABEL + "'; drop table staging.residents; --.csv",
    ),
    Stray("a way upwards", HERE + b"a\\..\\keys.csv", "file.name", LABEL + "a\\..\\keys.csv"),
    Stray("markup", HERE + b"[bold red]{x}%s.csv", "file.name", LABEL + "[bold red]{x}%s.csv"),
    Stray("bytes that are no text", HERE + b"\xff\xfe\xe4.csv", "file.name", LABEL + "???.csv"),
    Stray("a very long name", HERE + b"a" * 250, "file.name", (LABEL + "a" * 250)[:120]),
    Stray("a code in a name", HERE + CODE.encode(), "file.name", LABEL + "??????????"),
    Stray(
        "a code in a folder's name",
        f"{CODE}/residents/residents_201802.csv".encode(),
        "file.folder",
        "??????????/residents/residents_201802.csv",
    ),
    Stray(
        "a code among other things, in lower case and with a dash of its own",
        HERE + f"a-{CODE[:6]}\u2013{CODE[7:].lower()}-b.csv".encode(),
        "file.name",
        LABEL + "a-??????????-b.csv",
    ),
    Stray(
        "a link out of landing",
        HERE + b"residents_201802.csv",
        "file.name",
        LABEL + "residents_201802.csv",
        link_out,
    ),
    Stray(
        "a link to nothing",
        HERE + b"residents_201802.csv",
        "file.name",
        LABEL + "residents_201802.csv",
        lambda path: path.symlink_to(path.parent / "nothing"),
    ),
    Stray(
        "a linked folder",
        b"population_register/more",
        "file.folder",
        "population_register/more",
        linked_folder,
    ),
    Stray(
        "an empty folder with a file's name",
        HERE + b"residents_201802.csv",
        "file.name",
        LABEL + "residents_201802.csv",
        Path.mkdir,
    ),
    Stray("a folder below a table's", HERE + b"old", "file.name", LABEL + "old", folder_with_file),
    Stray(
        "a named pipe",
        HERE + b"residents_201802.csv",
        "file.name",
        LABEL + "residents_201802.csv",
        os.mkfifo,
    ),
    Stray(
        "a socket",
        HERE + b"residents_201802.csv",
        "file.name",
        LABEL + "residents_201802.csv",
        listen,
    ),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with new_home(tmp_path_factory.mktemp("landing")) as opened:
        yield opened


@pytest.fixture
def session(shared: Session) -> Iterator[Session]:
    """The shared lake, with landing left empty."""
    yield shared
    clear(shared.lake.settings.landing)


def landing_of(session: Session) -> Path:
    return session.lake.settings.landing


def taken_in(ingested: Ingested) -> list[str]:
    return [outcome.label for outcome in ingested.outcomes]


@pytest.mark.parametrize(("number", "stray"), list(enumerate(STRAYS)), ids=[s.what for s in STRAYS])
def test_what_is_no_delivery_is_named_and_left_and_the_rest_is_taken_in(
    session: Session, number: int, stray: Stray
) -> None:
    landing, said = landing_of(session), list[str]()
    path = landing / os.fsdecode(stray.place)
    path.parent.mkdir(parents=True, exist_ok=True)
    stray.put(path)
    beside = ENROLMENTS.sequence(number)
    ENROLMENTS.land(landing, beside)

    ingested = pipeline.ingest(session, report=said.append)

    (refusal,) = ingested.refusals
    assert refusal.label == stray.label
    assert f"rule {stray.rule_id}" in refusal.message
    assert taken_in(ingested) == [f"{ENROLMENTS.key} {beside}"]
    assert os.path.lexists(path)
    for text in (*said, refusal.message):
        assert text.isprintable()
        assert text.isascii()
        assert CODE[7:] not in text.upper()
        assert len(text) < 600


def test_refusals_leave_no_identity_code_in_the_register(session: Session) -> None:
    assert CODE not in register_text(session.lake)


@pytest.mark.parametrize("suffix", [".part", ".tmp", ".filepart", ".crdownload"])
def test_a_file_still_being_written_waits_until_it_has_its_name(
    session: Session, suffix: str
) -> None:
    sequence = RESIDENTS.sequence(100 + [".part", ".tmp", ".filepart", ".crdownload"].index(suffix))
    path = RESIDENTS.land(landing_of(session), sequence)
    unfinished = path.with_name(path.name + suffix)
    path.rename(unfinished)

    waiting = pipeline.ingest(session, report=silent)

    assert (waiting.outcomes, waiting.refusals, waiting.unfinished_count) == ((), (), 1)
    unfinished.rename(path)
    assert taken_in(pipeline.ingest(session, report=silent)) == [f"{RESIDENTS.key} {sequence}"]


def test_hidden_files_and_folders_are_unfinished_work(session: Session) -> None:
    folder = landing_of(session) / RESIDENTS.key / ".rsync-partial"
    folder.mkdir(parents=True)
    write(folder / "residents_201802.csv", DATA)
    write(folder.parent / ".residents_201803.csv.x7Y", DATA)

    ingested = pipeline.ingest(session, report=silent)

    assert (ingested.outcomes, ingested.refusals, ingested.unfinished_count) == ((), (), 2)


def changed_at(step: str, change: Callable[[], None]) -> Callable[[str], None]:
    """Change something when the protocol has come to a step, once."""
    steps = [step]

    def on_step(name: str) -> None:
        if name in steps:
            steps.remove(name)
            change()

    return on_step


@pytest.mark.parametrize("step", ["bytes in the vault", "gate passed", "codes registered"])
def test_a_file_that_changes_while_it_is_read_waits_for_the_next_run(
    tmp_path: Path, step: str
) -> None:
    settings = new_settings(tmp_path)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)
    more = DATA + b"".join(DATA.splitlines(keepends=True)[1:2]).replace(b"0101", b"0201")

    on_step = changed_at(step, lambda: write(path, more))
    with pipeline.open_session(settings, on_step=on_step) as session:
        during = pipeline.ingest(session, report=silent)
        after = pipeline.ingest(session, report=silent)

    assert during.outcomes == ()
    assert "rule file.being_written" in during.refusals[0].message
    assert [o.verdict.received for o in after.outcomes if o.verdict] == [7]


def test_a_file_that_comes_under_the_same_name_meanwhile_is_not_removed_unread(
    tmp_path: Path,
) -> None:
    settings = new_settings(tmp_path)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)
    other = DATA.replace(b";091;", b";106;")

    def replace() -> None:
        write(path.with_suffix(".part"), other)
        path.with_suffix(".part").replace(path)

    on_step = changed_at("delivery committed", replace)
    with pipeline.open_session(settings, on_step=on_step) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        kept = path.read_bytes()
        again = pipeline.ingest(session, report=silent)

    assert kept == other
    assert "rule sequence.other_bytes" in again.refusals[0].message


def test_a_file_that_goes_away_is_refused_and_the_rest_is_taken_in(tmp_path: Path) -> None:
    settings = new_settings(tmp_path)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)
    ENCOUNTERS.land(settings.landing, ENCOUNTERS.first_sequence)

    on_step = changed_at("bytes in the vault", path.unlink)
    with pipeline.open_session(settings, on_step=on_step) as session:
        ingested = pipeline.ingest(session, report=silent)

    assert taken_in(ingested) == [f"{ENCOUNTERS.key} {ENCOUNTERS.first_sequence}"]
    assert "rule file.unreadable" in ingested.refusals[0].message


def test_a_file_that_may_not_be_read_is_refused_and_the_rest_is_taken_in(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a stand-in for the system, since an administrator may read everything."""
    closed = RESIDENTS.land(landing_of(session), RESIDENTS.sequence(200))
    ENCOUNTERS.land(landing_of(session), ENCOUNTERS.sequence(200))
    really = os.open

    def open_or_not(path: Path, flags: int, mode: int = 0o777) -> int:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return really(path, flags, mode)

    monkeypatch.setattr("os.open", open_or_not)
    ingested = pipeline.ingest(session, report=silent)

    assert taken_in(ingested) == [f"{ENCOUNTERS.key} {ENCOUNTERS.sequence(200)}"]
    assert "rule file.unreadable" in ingested.refusals[0].message


def test_a_folder_that_may_not_be_listed_is_refused_not_overlooked(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = RESIDENTS.land(landing_of(session), RESIDENTS.sequence(201)).parent
    really = os.scandir

    def list_or_not(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(closed))
        return really(path)

    monkeypatch.setattr("os.scandir", list_or_not)
    ingested = pipeline.ingest(session, report=silent)

    (refusal,) = ingested.refusals
    assert (refusal.label, "rule file.unreadable" in refusal.message) == (RESIDENTS.key, True)


def test_a_landing_file_that_may_not_be_removed_stops_the_run_after_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = new_settings(tmp_path)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)

    with pipeline.open_session(settings) as session:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse(Path.unlink, path))
            with pytest.raises(SettingsError, match="was taken in, but cannot be removed"):
                pipeline.ingest(session, report=silent)
        again = pipeline.ingest(session, report=silent)

    assert [outcome.verdict for outcome in again.outcomes] == [None]
    assert not path.exists()


def refuse(really: Callable[..., None], closed: Path) -> Callable[..., None]:
    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        really(path, missing_ok)

    return unlink


def test_a_home_whose_name_reads_as_a_pattern_is_taken_literally(tmp_path: Path) -> None:
    """DuckDB would look for other files by it."""
    settings = new_settings(tmp_path / "a[bc]*'; {x}")
    for form in FORMS:
        form.land(settings.landing, form.first_sequence)

    with pipeline.open_session(settings) as session:
        ingested = pipeline.ingest(session, report=silent)

    assert not ingested.refusals
    accepted = [o.verdict.accepted for o in ingested.outcomes if o.verdict]
    assert sum(accepted) == sum(form.record_count for form in FORMS)


def test_files_may_be_kept_in_landing_and_are_taken_in_once(tmp_path: Path) -> None:
    settings: Settings = new_settings(tmp_path, keep_landing=True)
    path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence)

    with pipeline.open_session(settings) as session:
        first = pipeline.ingest(session, report=silent)
        second = pipeline.ingest(session, report=silent)

    assert [o.verdict is None for o in (*first.outcomes, *second.outcomes)] == [False, True]
    assert path.exists()
