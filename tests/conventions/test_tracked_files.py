"""What may stand in the repository's files, whatever they are.

Here: rules over the text of every tracked file. Not here: rules over Python code (`test_modules`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from dagster_project.settings import PROJECT_ROOT

# Bracketed so that this file does not find itself.
INDEX_ADDRESS = re.compile(r"--(?:extra-)?index-[u]rl\b|--find-[l]inks\b|://\S*/[s]imple\b")
MACHINE_PATH = re.compile(
    r"(?<![\w.~$}])/(?:[r]oot|[h]ome|[U]sers|[w]ork)/|[f]ile:///|\b[A-Z]:\\[U]sers"
)
# Law 661/2009 section 11, decree 128/2010 as amended by 690/2022 (new century marks).
IDENTITY_CODE = re.compile(
    r"(?<!\w)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}"
    r"[-+YXWVUABCDEF](?P<individual>\d{3})[0-9A-FHJ-NPR-Y](?!\w)"
)


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Path and text, read as Latin-1, of each file that is tracked or would be."""
    git = shutil.which("git")
    if git is None or not (PROJECT_ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nothing says which files are tracked")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT_ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        path = PROJECT_ROOT / name
        if path.is_file():
            yield name, path.read_text(encoding="latin-1")


def places(pattern: re.Pattern[str]) -> list[str]:
    """`file:line` of every match; the match itself is not repeated."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in tracked_texts()
        for match in pattern.finditer(text)
    ]


def test_no_package_index_address() -> None:
    assert places(INDEX_ADDRESS) == []


def test_no_path_of_a_machine() -> None:
    assert places(MACHINE_PATH) == []


def test_identity_codes_come_only_from_artificial_individual_numbers() -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in tracked_texts()
        for match in IDENTITY_CODE.finditer(text)
        if int(match["individual"]) < 900
    ]
    assert found == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (INDEX_ADDRESS, "pip install --index-" + "url https://example.org"),
        (INDEX_ADDRESS, "https://example.org/" + "simple/duckdb"),
        (MACHINE_PATH, "data in /" + "home/maija/lake"),
        (IDENTITY_CODE, "010190-" + "123A"),
        (IDENTITY_CODE, "311299X" + "901Y"),
    ],
)
def test_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["$HOME/lake", "src/home/x", "a1b2c3010190A123B", "2024-01-15"])
def test_patterns_leave_other_text_alone(text: str) -> None:
    assert not any(p.search(text) for p in (INDEX_ADDRESS, MACHINE_PATH, IDENTITY_CODE))
