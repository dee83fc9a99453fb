"""The expert team: every two months it agrees corrective actions, and follows up the earlier ones.

Here: actions on the flags and indicators of a region, once all its people have spoken. Not here:
flags themselves (`feedback`), what was counted (`tallies`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import choose, date_text, some, time_text
from dagster_project.synthetic.feedback import PORTAL_TIME
from dagster_project.synthetic.months import EPOCH, SECONDS_A_DAY, Month
from dagster_project.synthetic.opinions import pick
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.tallies import Tallies

ACTIONS = "enrolment_portal/corrective_actions"
_HOUR = 3600
_WORST = 2
"""Indicators taken up at a meeting after a period, the worst ones."""


@dataclass(frozen=True)
class _Ground:
    """Why an action is agreed."""

    provider: str
    topic: str
    flag: str | None
    flag_count: int
    indicator: str | None


class ExpertTeam:
    """The meetings of a region."""

    def __init__(self, sender: Sender, parameters: Parameters, tallies: Tallies) -> None:
        self._sender, self._rng, self._tallies = sender, sender.rng, tallies
        self._settings: Section = parameters.feedback["corrective_actions"]
        self._next = 1

    def deliver(self) -> None:
        """Send what every meeting of the window agreed and followed up."""
        open_actions: pl.DataFrame | None = None
        for month in self._meetings():
            agreed = self._agreed(month, self._grounds(month))
            followed = self._followed_up(month, open_actions)
            rows = agreed if followed is None else pl.concat([agreed, followed])
            if len(rows):
                self._sender.send(
                    ACTIONS, replace(month, sequence=_sequence(self._day(month))), rows
                )
            open_actions = agreed

    def _meetings(self) -> list[Month]:
        settings = self._settings
        return [
            m
            for m in self._sender.months
            if m.sequence >= settings["first_month"] and m.number % settings["every_months"] == 0
        ]

    def _day(self, month: Month) -> int:
        day: int = month.first + self._settings["meeting_day"] - 1
        return day

    def _grounds(self, month: Month) -> list[_Ground]:
        """The matters with most flags since the meeting before, and the worst results."""
        months = {_text(m) for m in self._sender.months if 0 <= month.index - m.index <= 1}
        found: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for (raised, provider, topic), (count, first) in self._tallies.flags.items():
            if raised in months:
                found.setdefault((provider, topic), []).append((count, first))
        grounds = [
            _Ground(provider, topic, min(f for _, f in held), sum(c for c, _ in held), None)
            for (provider, topic), held in found.items()
        ]
        grounds.sort(key=lambda g: (-g.flag_count, g.provider, g.topic))
        worst = self._worst(month)
        return [*worst, *grounds[: self._settings["most"] - len(worst)]]

    def _worst(self, month: Month) -> list[_Ground]:
        """Providers least recommended in the period that ended one or two months ago."""
        recent = {m.sequence for m in self._sender.months if 1 <= month.index - m.index <= 2}
        ended = {p.number for p in self._tallies.periods if p.last in recent}
        scores = sorted(
            (sums[0] / sums[1], provider)
            for (provider, number, indicator), sums in self._tallies.counts.items()
            if number in ended and indicator == "nps" and sums[1] > 0
        )
        return [_Ground(provider, "results", None, 0, "nps") for _, provider in scores[:_WORST]]

    def _agreed(self, month: Month, grounds: list[_Ground]) -> pl.DataFrame:
        rng, settings, size = self._rng, self._settings, len(grounds)
        day = np.full(size, self._day(month))
        due = day + rng.integers(settings["due_days"][0], settings["due_days"][1] + 1, size)
        numbers = range(self._next, self._next + size)
        self._next += size
        conflict = some(rng, settings["conflict_share"], size=size)
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, size)
        return pl.DataFrame(
            {
                "action_id": pl.Series([f"A{n:09d}" for n in numbers], dtype=pl.String),
                "flag_id": pl.Series([g.flag for g in grounds], dtype=pl.String),
                "flag_count": pl.Series([str(g.flag_count) for g in grounds], dtype=pl.String),
                "indicator_code": pl.Series([g.indicator for g in grounds], dtype=pl.String),
                "provider_id": pl.Series([g.provider for g in grounds], dtype=pl.String),
                "topic_code": pl.Series([g.topic for g in grounds], dtype=pl.String),
                "description_text": pl.Series(["Sovittiin kokouksessa."]).new_from_index(0, size),
                "owner_role_code": pick(rng, settings["owners"], size=size),
                "agreed_date": date_text(day, "%Y-%m-%d"),
                "due_date": date_text(due, "%Y-%m-%d"),
                "action_state_code": pl.Series(["agreed"]).new_from_index(0, size),
                "followed_up_date": nothing,
                "follow_up_code": nothing,
                "is_conflict": pl.Series(["true"])
                .new_from_index(0, size)
                .zip_with(pl.Series(conflict), pl.Series(["false"]).new_from_index(0, size)),
                "solution_model_code": nothing,
                "updated_at": self._saved(month, size),
            }
        )

    def _saved(self, month: Month, size: int) -> pl.Series:
        at = self._day(month) * SECONDS_A_DAY + 15 * _HOUR
        return time_text(pl.Series(np.full(size, at)), PORTAL_TIME)

    def _followed_up(self, month: Month, rows: pl.DataFrame | None) -> pl.DataFrame | None:
        """The actions of the meeting before, with what came of them."""
        if rows is None or not len(rows):
            return None
        rng, settings, size = self._rng, self._settings, len(rows)
        outcome = pick(rng, settings["outcomes"], size=size)
        is_done = outcome.is_in(["mended", "partly"])
        state = pl.Series(["done"]).new_from_index(0, size)
        going = pl.Series(["in_progress"]).new_from_index(0, size)
        models = list(settings["solutions"])
        solved = pl.Series(models).gather(
            pl.Series(choose(rng, list(settings["solutions"].values()), size=size))
        )
        return rows.with_columns(
            action_state_code=state.zip_with(is_done, going),
            followed_up_date=date_text(np.full(size, self._day(month)), "%Y-%m-%d"),
            follow_up_code=outcome,
            solution_model_code=solved.set(~((rows["is_conflict"] == "true") & is_done), None),
            updated_at=self._saved(month, size),
        )


def _text(month: Month) -> str:
    return f"{month.year}-{month.number:02}"


def _sequence(day: int) -> int:
    """The day as yyyymmdd."""
    return int((EPOCH + timedelta(days=day)).strftime("%Y%m%d"))
