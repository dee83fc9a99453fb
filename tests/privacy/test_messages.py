"""Files that break their contract in every way with codes in them: no message repeats a code.

Here: what is printed and kept about refused and quarantined records. Not here: whether each is
refused for the right reason (`tests/bad_input`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dagster_project import pipeline
from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import open_lake
from dagster_project.settings import Settings
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    encode,
    reference_lists,
    write_all,
)
from tests.support.homes import new_settings
from tests.support.identity import code
from tests.support.leaks import register_text
from tests.support.runs import command, files_under
from tests.support.search import codes_readable_in, found_under
from tests.support.small_region import MAY, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

HOSTILE_FOLDERS = (f"{RESIDENTS}/{code(70)}", f"apotti/{code(71).lower()}", code(72))


@dataclass(frozen=True)
class Dirty:
    """An installation that was sent dirt, what it was sent, and what it said."""

    settings: Settings
    codes: frozenset[str]
    printed: str


def good_bytes() -> dict[str, bytes]:
    """May's person-level deliveries, as their contracts say."""
    catalogue = pipeline.load_definition().catalogue
    return {s.key: encode(catalogue.in_force(s.key, MAY), s.rows) for s in of_month(MAY)}


def dirty_files() -> Iterator[tuple[str, bytes]]:
    """Path in landing and content: each breaks its contract once, next to a code or in it."""
    good = good_bytes()
    residents, encounters = good[RESIDENTS], good[ENCOUNTERS]
    first, second, *rest = residents.splitlines(keepends=True)
    named = {RESIDENTS: "residents", ENCOUNTERS: "encounters", DIAGNOSES: "diagnoses"}

    def broken(key: str, sequence: int, data: bytes) -> tuple[str, bytes]:
        return f"{key}/{named[key]}_{sequence}.csv", data

    yield broken(RESIDENTS, 201501, b"".join([second, *rest]))  # a row where the header is due
    yield broken(RESIDENTS, 201502, first + second.rstrip() + b";" + code(1).encode() + b"\n")
    yield broken(RESIDENTS, 201503, first + code(2).encode() + b"\n")
    yield broken(RESIDENTS, 201504, first + b'"' + second)
    yield broken(RESIDENTS, 201505, first + second + rest[0].replace(b"-", b"\xe2\x80\x93"))
    yield broken(RESIDENTS, 201506, first + second.replace(b"-", b"\0", 1))
    yield broken(RESIDENTS, 201507, first + second + rest[0][:11])  # cut off within a code
    yield broken(RESIDENTS, 201508, first + second.replace(b"fi", code(3).encode()))
    yield broken(RESIDENTS, 201509, first + second.replace(b"1950", code(4).encode()))
    yield broken(RESIDENTS, 201510, first.replace(b"Kotikunta", code(5).encode()) + second)
    yield broken(RESIDENTS, 201511, residents.replace(b";", b","))
    yield broken(RESIDENTS, 201512, first + second * 3)
    yield broken(ENCOUNTERS, 201501, encounters.replace(b";12,5;", f";{code(6)};".encode()))
    yield broken(ENCOUNTERS, 201502, encounters + code(7).encode() * 200_000 + b"\n")
    yield broken(ENCOUNTERS, 201503, encounters.replace(b"R10", code(8).encode()))
    yield broken(ENCOUNTERS, 201504, encounters.decode("utf-8-sig").encode("utf-16"))
    yield broken(ENCOUNTERS, 201505, encounters + f'1;"{code(9)}\n'.encode())
    yield broken(DIAGNOSES, 201501, good[DIAGNOSES].replace(b"I10", code(10).encode()))
    line = good[ENROLMENTS].splitlines()[0]
    lines = [line] * 5 + [f'{{"{code(11)}": 1}}'.encode(), line[:-9], code(12).encode(), b"[1]"]
    lines += [line.replace(b'"web"', f'{{"a": "{code(13)}"}}'.encode())]
    yield f"{ENROLMENTS}/enrolments_201501.ndjson", b"\n".join(lines) + b"\n"
    yield f"{ENROLMENTS}/enrolments_201502.ndjson", b"\n".join([line] * 30 + lines[5:]) + b"\n"
    for folder in HOSTILE_FOLDERS:
        yield f"{folder}/{code(73)}.csv", residents
    yield f"{RESIDENTS}/residents_{code(74)}.csv", residents
    yield f"{RESIDENTS}/residents_201513_{code(75).lower()}.csv", residents
    yield f"{RESIDENTS}/\x1b[31m{code(76)}\n.csv", residents


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Dirty:
    settings = new_settings(tmp_path_factory.mktemp("dirty"))
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    for path, data in dirty_files():
        (settings.landing / path).parent.mkdir(parents=True, exist_ok=True)
        (settings.landing / path).write_bytes(data)
    files = files_under(settings.landing)
    contents = [codes_readable_in(f.read_bytes() + b"\n" + bytes(f)) for f in files]
    status, output, errors = command(settings, "run")
    assert status == 1
    # Once more, with a sequence that was taken in before under other bytes.
    again = settings.landing / RESIDENTS / f"residents_{MAY}.csv"
    again.write_bytes(good_bytes()[RESIDENTS].replace(b"00100", b"00101"))
    repeated: list[str] = []
    with pipeline.open_session(settings) as session:
        pipeline.ingest(session, report=repeated.append)
    listed = command(settings, "quarantine", "list", "--limit", "1000")
    said = (output, errors, *repeated, *listed[1:])
    assert any("sequence.other_bytes" in line for line in repeated)
    return Dirty(settings, frozenset(set.union(*contents)), "\n".join(said))


def test_every_kind_of_dirt_was_met(dirty: Dirty) -> None:
    """By rule: whole files refused, records quarantined, strays left where they are."""
    for rule in (
        "file.header",
        "file.columns",
        "file.quote",
        "file.encoding",
        "file.nul",
        "file.truncated",
        "dataset.quarantined_share",
        "row.broken",
        "no contract for folder",
        "is not a plain file with a name of the form",
    ):
        assert rule in dirty.printed, rule
    assert dirty.printed.count("REFUSED") >= 2 * 20
    assert "Traceback" not in dirty.printed


def test_no_message_repeats_a_code(dirty: Dirty) -> None:
    assert len(dirty.codes) >= 20
    assert codes_readable_in(dirty.printed.encode()) & dirty.codes == set()


def test_no_message_carries_terminal_controls(dirty: Dirty) -> None:
    assert [c for c in dirty.printed if not c.isprintable() and c != "\n"] == []


def test_no_code_is_kept_of_what_was_refused(dirty: Dirty) -> None:
    home = dirty.settings.home
    places = [folder for folder in home.iterdir() if folder != dirty.settings.landing]
    assert found_under(dirty.codes, *places) == {}


def test_the_register_of_refusals_names_file_rule_line_and_column_but_no_value(
    dirty: Dirty,
) -> None:
    with pipeline.open_session(dirty.settings) as session:
        refusals = session.lake.count("select count(*) from ops.refusal")
        register = register_text(session.lake)
    assert refusals >= 15
    assert codes_readable_in(register.encode()) & dirty.codes == set()


@pytest.mark.parametrize("arguments", [("quarantine", "show"), ("runn",), ("run", "--months", "x")])
def test_a_mistyped_command_is_told_how_it_is_written(
    settings: Settings, arguments: tuple[str, ...]
) -> None:
    status, output, errors = command(settings, *arguments)
    assert (status, output) == (2, "")
    assert "Usage: " in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "failing",
    [
        f"select cast('{code(1)}' as integer)",
        f"select error('{code(1)}')",
        f"select strptime('{code(1)}', '%d.%m.%Y')",
        f'select * from "{code(1)}"',
    ],
)
def test_an_error_of_the_database_itself_is_told_without_its_text(
    settings: Settings, failing: str
) -> None:
    """DuckDB quotes the value it stumbles over; what reaches the user does not, nor its cause."""
    with pytest.raises(TietoallasError) as caught, open_lake(settings) as lake:
        lake.execute(failing)
    assert codes_readable_in(str(caught.value).encode()) == set()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
