"""Clients of the personal budget and their controls.

Here: who they are, from when to when, in which group of the trial; drawn from a stream of chance of
their own, so that every source which asks is told of the very same people. Not here: what a client
is granted and buys (`vouchers`), what clients are asked. Days count from 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dagster_project.synthetic.draws import Floats, Ints, Mask, ages, some
from dagster_project.synthetic.months import DAYS_A_YEAR, NEVER, Month, window
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.social import Services

STREAM = (6, 1)
"""Third and fourth word of the seed of this stream."""
RESIDENTS_OF_PLAN = 311_899
"""Residents of the trial area, to which the plan's numbers of clients refer."""
GROUPS = (1, 2, 3, 4, 5, 6)
_NOBODY = -1


@dataclass(frozen=True)
class Clients:
    """Clients and controls of one chunk who have begun; element i of every array is one of them."""

    person: Ints
    """Row in the chunk's people."""
    group: Ints
    """Client group 1 to 6, of a control that of its client."""
    is_control: Mask
    client: Ints
    """Of a control the row (in these arrays) of the client it is matched with, else -1."""
    cohort: Ints
    """Position in the parameter file's list."""
    start: Ints
    """First day as a client or control."""
    given_up: Ints
    """First day no longer a client by choice; NEVER for most, and for controls."""
    place: Ints
    """Place number of the municipality at the beginning."""
    joined: Ints
    """Index of the month in which the budget was decided; 0 also where before the window."""

    def __len__(self) -> int:
        return len(self.person)

    def end(self, people: People) -> Ints:
        """First day no longer one, as known now: given up, died or left the area; else NEVER."""
        gone = people.exit_day[self.person]
        day: Ints = np.minimum(self.given_up, np.where(gone < NEVER, gone + 1, NEVER))
        return np.maximum(day, self.start)

    def active(self, people: People, month: Month) -> Mask:
        """Who is one on some day of the month."""
        mask: Mask = (self.start <= month.last) & (self.end(people) > month.first)
        return mask

    def joined_by(self, other: Clients) -> Clients:
        """These and others behind them."""
        return Clients(**{n: np.concatenate([c, getattr(other, n)]) for n, c in vars(self).items()})


@dataclass(frozen=True)
class _Places:
    """Clients still to be found, one element each."""

    cohort: Ints
    group: Ints
    start: Ints
    due: Ints
    """Month index in which they are looked for."""


class BudgetClients:
    """The clients of one chunk, month by month.

    Every source makes its own and calls `advance` once a month, after Apotti's deliveries: the same
    seed, chunk and people give the same clients.
    """

    def __init__(
        self,
        people: People,
        parameters: Parameters,
        *,
        seed: int,
        chunk: int,
        months: Sequence[Month],
    ) -> None:
        self._rng = np.random.default_rng([seed, chunk, *STREAM])
        self._people = people
        self._parameters = parameters
        self._settings: Section = parameters.budget_clients
        self._months = months
        self._places = self._planned(is_first_chunk=chunk == 0)
        self.clients = _nobody()

    def _planned(self, *, is_first_chunk: bool) -> _Places:
        """How many begin when, in proportion to the chunk's residents of the first day."""
        share = (self._people.entry_day < self._months[0].first).sum() / RESIDENTS_OF_PLAN
        parts = []
        for number, cohort in enumerate(self._settings["cohorts"]):
            expected = np.array(cohort["clients"], dtype=np.float64) * share
            count = np.floor(expected + self._rng.random(len(expected))).astype(np.int64)
            fewest = self._settings["fewest_a_group"] if is_first_chunk and number == 0 else 0
            group = np.repeat(GROUPS, np.maximum(count, fewest))
            at = _span(cohort)
            month = self._rng.integers(0, len(at), len(group))
            start = self._first_days(at, month)
            due = np.array([m.sequence for m in at])[month]
            parts.append(self._place(number, group, start, due, fewest=fewest))
        return _Places(*(np.concatenate(c) for c in zip(*parts, strict=True)))

    def _first_days(self, at: Sequence[Month], month: Ints) -> Ints:
        first = np.array([m.first for m in at])[month]
        later = (self._rng.random(len(month)) * 28).astype(np.int64)
        is_first = some(self._rng, self._settings["first_of_month_share"], size=len(month))
        day: Ints = first + np.where(is_first, 0, later)
        return day

    def _place(
        self, cohort: int, group: Ints, start: Ints, sequence: Ints, *, fewest: int
    ) -> tuple[Ints, Ints, Ints, Ints]:
        """Month indices of beginnings; the fewest of each group begin in the first two months."""
        months = np.array([m.sequence for m in self._months])
        due = np.searchsorted(months, np.maximum(sequence, months[0]))
        rank = np.arange(len(group)) - np.searchsorted(group, group)
        early = rank < fewest
        due[early] = rank[early] % min(2, len(months))
        firsts = np.array([m.first for m in self._months])
        start = np.where(early, firsts[np.minimum(due, len(months) - 1)] + start % 7, start)
        return np.full(len(group), cohort), group, start, due

    def advance(self, month: Month, services: Services) -> Clients:
        """Find those who begin in a month; returns all who have begun so far."""
        for number, cohort in enumerate(self._settings["cohorts"]):
            for group in GROUPS:
                places = self._places
                chosen = (places.due == month.index) & (places.cohort == number)
                start = places.start[chosen & (places.group == group)]
                if len(start):
                    self._fill(month, services, cohort, number, group=group, start=start)
        return self.clients

    def _fill(
        self,
        month: Month,
        services: Services,
        cohort: Section,
        number: int,
        *,
        group: int,
        start: Ints,
    ) -> None:
        weight = self._weights(month, services, cohort, group)
        has_controls = cohort["has_controls"]
        found = self._picked(weight, len(start) * (2 if has_controls else 1))
        client, control = self._paired(found) if has_controls else (found, found[:0])
        start = start[: len(client)]
        given_up = start + (self._years_kept(len(client)) * DAYS_A_YEAR).astype(np.int64)
        # Who had given up before the window is nowhere to be seen in it.
        kept = np.flatnonzero(given_up > self._months[0].first)
        of_control = kept if has_controls else kept[:0]
        new = self._new(client[kept], number, group, start[kept], given_up[kept], month)
        matched = self._new(
            control[of_control], number, group, start[of_control], _never(len(of_control)), month
        )
        rows = len(self.clients) + np.arange(len(matched))
        matched = replace(matched, is_control=_true(len(matched)), client=rows)
        self.clients = self.clients.joined_by(new).joined_by(matched)

    def _new(
        self, person: Ints, cohort: int, group: int, start: Ints, given_up: Ints, month: Month
    ) -> Clients:
        size = len(person)
        return Clients(
            person=person,
            group=np.full(size, group),
            is_control=~_true(size),
            client=np.full(size, _NOBODY),
            cohort=np.full(size, cohort),
            start=start,
            given_up=given_up,
            place=self._people.home[person],
            joined=np.full(size, month.index),
        )

    def _years_kept(self, size: int) -> Floats:
        years: Floats = self._rng.exponential(1 / self._settings["gives_up_a_year"], size)
        return years

    def _weights(self, month: Month, services: Services, cohort: Section, group: int) -> Floats:
        """How readily each person is taken; zero for those who cannot be."""
        people, rule = self._people, self._settings["groups"][group - 1]
        years = ages(people.birth, month.first)
        area = [n for n, c in enumerate(self._parameters.area) if c in cohort["municipalities"]]
        able = people.present(month) & (people.gone > month.index) & ~people.steady
        able &= (people.entry_day < month.first) & np.isin(people.home, area)
        able &= (years >= rule["ages"][0]) & (years < rule["ages"][1])
        able[self.clients.person] = False
        weight = 0.1 + people.frailty
        fits = services.of(rule["services"])
        weight[services.person[fits]] *= self._settings["weight_of_service"]
        if rule["new_days"] is not None:
            new = fits & (services.started >= month.first - rule["new_days"])
            weight[services.person[new]] *= self._settings["weight_of_new"]
        return np.where(able, weight, 0.0)

    def _picked(self, weight: Floats, count: int) -> Ints:
        """`count` people by weight, or as many as there are."""
        keys = np.full(len(weight), np.inf)
        draws = self._rng.exponential(size=len(weight))
        np.divide(draws, weight, out=keys, where=weight > 0)
        count = min(count, int((weight > 0).sum()))
        return np.argsort(keys, kind="stable")[:count]

    def _paired(self, found: Ints) -> tuple[Ints, Ints]:
        """Neighbours in age, of whom chance makes one the client and the other the control."""
        order = found[np.argsort(self._people.birth[found], kind="stable")]
        two = order[: len(order) // 2 * 2].reshape(-1, 2)
        turned = some(self._rng, 0.5, size=len(two))
        two[turned] = two[turned, ::-1]
        return two[:, 0], two[:, 1]


def _span(cohort: Section) -> tuple[Month, ...]:
    """The months in which a cohort begins."""
    first, last = cohort["first_month"], cohort["last_month"]
    return window(first, (last // 100 - first // 100) * 12 + last % 100 - first % 100 + 1)


def _never(size: int) -> Ints:
    return np.full(size, NEVER)


def _true(size: int) -> Mask:
    return np.ones(size, dtype=np.bool_)


def _nobody() -> Clients:
    nothing = np.zeros(0, dtype=np.int64)
    return Clients(nothing, nothing, _true(0), *[nothing] * 6)
