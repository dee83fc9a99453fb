"""Contracts proposed from files, as somebody with a folder of extracts does it.

Here: the questions answered, and the command line as tests call it. Not here: the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from dagster_project.cli import app

ANSWERS = {
    "zone of": "UTC",
    "days after": "10",
    "years that": "12",
    "who is the controller": "Keski-Uudenmaan sote -kuntayhtymä",
    "health, social": "health",
}


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit status."""

    status: int
    text: str


def contracts(*arguments: str | Path) -> Said:
    """`tietoallas contracts …` in this process."""
    result = CliRunner().invoke(app, ["contracts", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.output)


def answer(contract: Path) -> None:
    """Answer every question that a proposed contract leaves open."""

    def answered(match: re.Match[str]) -> str:
        return next((a for words, a in ANSWERS.items() if words in match[0]), "Made up")

    text = re.sub(r"'TODO: [^\n]*'", answered, contract.read_text(encoding="utf-8"))
    contract.write_text(text, encoding="utf-8")


def proposed(file: Path, folder: Path, *, table: str = "things") -> Path:
    """The contract proposed from a file, its questions answered."""
    said = contracts("scaffold", file, "--source", "made", "--table", table, "--output", folder)
    assert said.status == 0, said.text
    contract = folder / "made" / table / "v1.odcs.yaml"
    answer(contract)
    return contract
