"""How deliveries come, as far as file names and columns tell: sequence, step, mode.

Here: guesses from names. Not here: what is in the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import DeliveryMode, SequenceStep
from dagster_project.profiling.headings import plain, table_name

_DAY = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_STEPS = (
    (_DAY, SequenceStep.NONE, 8),
    (_MONTH, SequenceStep.MONTH, 6),
    (_YEAR, SequenceStep.YEAR, 4),
)
_WHOLE = re.compile(r"kaikki|full|snapshot|tilanne|nykytila|rekisteri|luettelo|all$")
_PARTIAL = re.compile(r"muuto|delta|lisay|increment|tapahtum|event|transact")


@dataclass(frozen=True)
class Naming:
    """How files are named."""

    pattern: str
    step: SequenceStep
    sequence: int | None
    """Of the newest file; None where its name states none."""
    evidence: str


def naming_of(paths: Sequence[Path]) -> Naming:
    """The pattern of file names, and the sequence that the last one states."""
    newest = paths[-1]
    for form, step, digits in _STEPS:
        match = re.search(rf"(?<!\d){form}(?!\d)", newest.stem)
        if match is None:
            continue
        before, after = newest.stem[: match.start()], newest.stem[match.end() :]
        pattern = (
            rf"{_escaped(before)}(?P<sequence>\d{{{digits}}}){_escaped(after)}"
            rf"{_escaped(newest.suffix)}"
        )
        if all(re.fullmatch(pattern, path.name) for path in paths):
            sequence = int(match.group())
            return Naming(pattern, step, sequence, "The file name states the sequence.")
    pattern = rf"{table_name(newest.stem)}_(?P<sequence>\d{{8}}){_escaped(newest.suffix.lower())}"
    return Naming(
        pattern,
        SequenceStep.NONE,
        None,
        "The file name states no sequence (yyyymmdd, yyyymm or yyyy): name files so to land them.",
    )


def _escaped(text: str) -> str:
    """A literal part of a pattern; parts of a name that are digits may differ."""
    return re.sub(r"\d+", r"\\d+", re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text))


def mode_of(paths: Sequence[Path], *, has_update_time: bool) -> tuple[DeliveryMode, str]:
    """Snapshot or increment, and what speaks for it."""
    name = plain(paths[-1].stem)
    if _WHOLE.search(name):
        return DeliveryMode.SNAPSHOT, "The file name speaks of the whole table."
    if _PARTIAL.search(name):
        return DeliveryMode.INCREMENT, "The file name speaks of changes or events."
    if has_update_time:
        return DeliveryMode.INCREMENT, "Rows have an update time, as increments have."
    return (
        DeliveryMode.INCREMENT,
        "Not known: an increment ends no row. Write snapshot if each file holds the whole table.",
    )
