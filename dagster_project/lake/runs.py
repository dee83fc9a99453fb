"""A run, as those who write for it know it: its name, its clock, and the steps it tells of.

Here: what every register row and every step refers to. Not here: the stages of a run (`pipeline`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

OnStep = Callable[[str], None]


def no_step(step: str) -> None:
    """Do nothing between steps; tests put a crash here."""


@dataclass(frozen=True)
class Run:
    """Who does the work and when: every register row names its run."""

    run_id: str
    now: Callable[[], datetime]
    on_step: OnStep = no_step

    def today(self) -> date:
        """The civil day in Helsinki."""
        return self.now().replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Helsinki")).date()
