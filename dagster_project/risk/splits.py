"""Which index days a model learns from, is calibrated by, is judged by, and scores.

What one window learns from had all happened when the test begins; that is the models' own rule
(`sql/core/risk_index_month.sql`). Here: the days that the lake has. Not here: who is a candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dagster_project.errors import SettingsError
from dagster_project.lake.connection import Lake

_WINDOWS = ("train", "calibrate", "test")


@dataclass(frozen=True)
class Windows:
    """Index days by their use, oldest first."""

    train: tuple[date, ...]
    calibrate: date
    test: date


def learning_windows(lake: Lake) -> Windows:
    """The windows that a model is made and judged by.

    Raises:
        SettingsError: the register covers too short a time for all of them.
    """
    days = _days(lake)
    lacking = [name for name in _WINDOWS if name not in days]
    if lacking:
        raise SettingsError(
            f"the register covers too short a time: there is no window to {', '.join(lacking)} by,"
            " each of which needs a year after it (rulebooks/risk_window.yaml); three years of"
            " deliveries are enough"
        )
    return Windows(tuple(days["train"]), days["calibrate"][0], days["test"][0])


def test_month(lake: Lake) -> date:
    """The newest index day whose horizon is over.

    Raises:
        SettingsError: there is none yet.
    """
    days = _days(lake)
    if "test" not in days:
        raise SettingsError(
            "no index day has a whole year after it yet; nothing can be judged before that"
        )
    return days["test"][0]


def score_month(lake: Lake) -> date:
    """The day after the last month that the register covers.

    Raises:
        SettingsError: the register has not been delivered.
    """
    days = _days(lake)
    if "score" not in days:
        raise SettingsError("the population register has not been delivered; nobody can be scored")
    return days["score"][0]


def targets(lake: Lake) -> tuple[str, ...]:
    """Every target of the rulebook."""
    rows = lake.rows("select distinct target_code from rulebook.risk_target order by all")
    return tuple(code for (code,) in rows)


def _days(lake: Lake) -> dict[str, list[date]]:
    found: dict[str, list[date]] = {}
    if lake.has_table("core", "risk_index_month"):
        for window, day in lake.rows(
            "select window_code, index_month from core.risk_index_month order by index_month"
        ):
            found.setdefault(window, []).append(day)
    return found
