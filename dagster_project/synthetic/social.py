"""Social services and assessments: who declines climbs the ladder of care.

Here: latent need, steps of the ladder, informal carers, other groups' services, scores. Not here:
the shares (`social.yaml`), how rows reach their files (`sending`). Days count from 1970-01-01. The
need is known to the generator alone; it goes to a file beside the manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Numbers, tenths_text
from dagster_project.synthetic.draws import (
    Floats,
    Ints,
    Mask,
    ages,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender

SERVICES, ASSESSMENTS = "apotti/social_services", "apotti/need_assessments"
LADDER = (
    "none",
    "support",
    "home_care",
    "regular_home_care",
    "informal_care",
    "sheltered_housing",
    "housing_24h",
    "institution",
)
"""Steps by rank."""
_INFORMAL, _HOUSING = LADDER.index("informal_care"), LADDER.index("housing_24h")
_HOUR = 3600
_NOBODY = -1
_DECISIONS = ("granted", "refused", "withdrawn")


@dataclass(frozen=True)
class Persons:
    """What others know of a chunk's people in a month: their codes and protection orders."""

    month: Month
    identities: Identities
    codes: pl.Series
    hidden: Mask

    @classmethod
    def of(cls, identities: Identities, month: Month) -> Persons:
        """As the month has them."""
        index = month.index
        return cls(month, identities, identities.current(index), identities.protected(index))


@dataclass
class _Periods:
    """Service periods; element i of every array is period i."""

    person: Ints
    group: Ints
    service: Ints
    step: Ints
    contacted: Ints
    assessed: Ints
    decided: Ints
    started: Ints
    ended: Ints
    tenths: Ints
    """Tenths of an hour a week, -1 for none stated."""
    provider: Ints
    cared: Ints
    """Of carers' periods the person cared for, else -1."""
    decision: Ints
    number: Ints

    def __len__(self) -> int:
        return len(self.person)

    def only(self, chosen: Ints | Mask) -> _Periods:
        """Some of the periods."""
        return _Periods(**{name: column[chosen] for name, column in vars(self).items()})

    def joined(self, other: _Periods) -> _Periods:
        """These and others behind them."""
        return _Periods(
            **{n: np.concatenate([c, getattr(other, n)]) for n, c in vars(self).items()}
        )


@dataclass(frozen=True)
class Care:
    """Informal care that goes on; element i of every array is one pair."""

    number: Ints
    carer: Ints
    cared: Ints
    started: Ints

    def __len__(self) -> int:
        return len(self.number)

    def only(self, chosen: Mask) -> Care:
        """Some of the pairs."""
        return Care(**{name: column[chosen] for name, column in vars(self).items()})

    def joined(self, other: Care) -> Care:
        """These and others behind them."""
        return Care(**{n: np.concatenate([c, getattr(other, n)]) for n, c in vars(self).items()})


@dataclass(frozen=True)
class Services:
    """What services people have, as another source needs it; element i is period i."""

    names: tuple[str, ...]
    person: Ints
    service: Ints
    """Position in `names`."""
    started: Ints
    is_carer: Mask

    def of(self, wanted: Sequence[str]) -> Mask:
        """Whether each period is of one of these services; carers' own are of none."""
        positions = [n for n, name in enumerate(self.names) if name in wanted]
        mask: Mask = np.isin(self.service, positions) & ~self.is_carer
        return mask


class Need:
    """Latent need of each person of a chunk, in the generator's own units."""

    def __init__(self, rng: np.random.Generator, people: People, settings: Section) -> None:
        size = len(people)
        self._people = people
        self._settings = settings
        self._frailty = np.minimum(people.frailty, settings["most_frailty"])
        self._own = settings["chance"] * rng.normal(size=size)
        self.drift = settings["drift_a_year"] * rng.exponential(size=size) * (0.5 + self._frailty)
        self._rng = rng
        self._strays = np.zeros(size)

    def advance(self, month: Month) -> Floats:
        """Let a month's chance happen; need on its first day."""
        chance = self._settings["monthly_chance"]
        self._strays += chance * self._rng.normal(size=len(self._strays))
        return self.at(month)

    def at(self, month: Month) -> Floats:
        """Need on a month's first day; minus infinity for those who are not elderly yet."""
        settings = self._settings
        years = ages(self._people.birth, month.first)
        need: Floats = (
            settings["per_decade"] * (years - settings["from_age"]) / 10
            + settings["per_frailty"] * self._frailty
            + self._own
            + self.drift * month.index / 12
            + self._strays
        )
        return np.where(years >= settings["from_age"], need, -np.inf)


class Social:
    """Social services and assessments of one chunk, month by month."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        *,
        first_id: int,
        first_day: int,
    ) -> None:
        self._rng = rng
        self._people = people
        self._settings: Section = parameters.social
        self._parameters = parameters
        self.need = Need(rng, people, self._settings["need"])
        size = len(people)
        limits = self._settings["thresholds"]
        self._limits = np.array([limits.get(step, np.inf) for step in LADDER[1:]])
        self._limits[_INFORMAL - 1] = limits["regular_home_care"]  # not a limit of its own
        self.has_carer = some(rng, self._settings["has_carer_share"], size=size)
        self.step = np.zeros(size, dtype=np.int64)
        self.carer = np.full(size, _NOBODY)
        """By cared person: the carer, where one of the chunk."""
        self._is_carer = np.zeros(size, dtype=np.bool_)
        self._assessed = np.full(size, -1_000)
        self._first_day = first_day
        self._numbers = Numbers(first_id)
        self._assessments = Numbers(first_id)
        self._providers = self._provider_names()
        self._open = self._periods(np.zeros(0, dtype=np.int64))
        self._groups = tuple(
            dict.fromkeys(["elderly", *(g["group"] for g in self._settings["other_groups"])])
        )
        classes = [c for c in self._settings["services"]["classes"] if c]
        others = [g["class"] for g in self._settings["other_groups"]]
        self._classes = tuple(dict.fromkeys([*classes, *others]))

    def _provider_names(self) -> tuple[str | None, ...]:
        """The municipalities' own by place number, then private housing, then none."""
        own = [f"M{code}" for code in self._parameters.area]
        return (*own, *self._settings["services"]["housing_providers"], None)

    def deliver(self, sender: Sender, persons: Persons) -> None:
        """Send a month's changes of services and its assessments."""
        need = self.need.advance(persons.month)
        climbed = self._climb(sender, persons, need)
        self._serve_others(sender, persons)
        self._assess(sender, persons, need, climbed)

    def served(self, month: Month) -> pl.DataFrame:
        """Periods that go on at the end of a month, of those served (not of their carers).

        Columns: client group, service, home (place number), started (day), tenths of an hour a
        week, -1 for none stated.
        """
        going = self._open.only((self._open.started <= month.last) & (self._open.cared < 0))
        return pl.DataFrame(
            {
                "group": labels(self._groups, going.group),
                "service": labels(self._classes, going.service),
                "home": self._people.home[going.person],
                "started": going.started,
                "tenths": going.tenths,
            }
        )

    def state(self, month: Month) -> pl.DataFrame:
        """What the generator alone knows of clients on the ladder, on a month's first day.

        Columns: person (position), step, need, drift a year, birth (day), female, frailty, whether
        they have a carer, months since assessed, and the carer's birth, sex and frailty.
        """
        people = self._people
        stays = people.present(month) & (people.gone >= month.index) & (self.step > 0)
        person = np.flatnonzero(stays)
        carer = self.carer[person]
        known = carer >= 0
        return pl.DataFrame(
            {
                "person": person,
                "step": self.step[person],
                "need": self.need.at(month)[person],
                "drift": self.need.drift[person],
                "birth": people.birth[person],
                "female": people.female[person],
                "frailty": people.frailty[person],
                "has_carer": self.has_carer[person],
                "assessed_before": month.index - self._assessed[person],
                "carer_birth": pl.Series(people.birth[carer]).set(pl.Series(~known), None),
                "carer_female": pl.Series(people.female[carer]).set(pl.Series(~known), None),
                "carer_frailty": pl.Series(people.frailty[carer]).set(pl.Series(~known), None),
            }
        )

    def services(self) -> Services:
        """The periods that go on after the last month delivered."""
        periods = self._open
        is_carer = periods.cared >= 0
        return Services(self._classes, periods.person, periods.service, periods.started, is_carer)

    def care(self) -> Care:
        """Who cares for whom after the last month delivered."""
        pairs = self._open.only(self._open.cared >= 0)
        return Care(pairs.number, pairs.person, pairs.cared, pairs.started)

    # The ladder.

    def _climb(self, sender: Sender, persons: Persons, need: Floats) -> Mask:
        """Move who has outgrown their step, or leaves; returns who begins on a step."""
        month, people = persons.month, self._people
        stays = people.present(month) & (people.gone != month.index)
        stays &= people.entry_day < month.first
        wanted = self._wanted(need)
        rng, settings = self._rng, self._settings
        share = 1.0 if month.index == 0 else settings["climb_share"]
        up = (wanted > self.step) & some(rng, share, size=len(people))
        down = (wanted < self.step) & (self.step < _INFORMAL)
        down &= some(rng, settings["recover_share"], size=len(people))
        tired = (self.step == _INFORMAL) & (rng.random(len(people)) < self._strain(month, need))
        target = np.where(tired, np.maximum(wanted, _HOUSING), wanted)
        moves = stays & (up | down | tired) & (target != self.step)
        leaves = (people.gone == month.index) & people.present(month)
        follows = self.step > 0
        self._end(sender, persons, moves, leaves)
        self.step[leaves] = 0
        self.step[moves] = target[moves]
        movers = np.flatnonzero(moves & (self.step > 0))
        self._begin(sender, persons, self._on_ladder(movers, month, follows[movers]))
        self._care(sender, persons, movers[self.step[movers] == _INFORMAL])
        self._refuse(sender, persons, len(movers), np.flatnonzero(stays & np.isfinite(need)))
        begun: Mask = moves & (self.step > 0)
        return begun

    def _wanted(self, need: Floats) -> Ints:
        """The step that a person's need calls for."""
        rank = np.zeros(len(need), dtype=np.int64)
        for step, limit in enumerate(self._limits, start=1):
            if step != _INFORMAL:
                rank[need >= limit] = step
        at_home = (rank >= LADDER.index("home_care")) & (rank < _HOUSING) & self.has_carer
        rank[at_home] = _INFORMAL
        return rank

    def _strain(self, month: Month, need: Floats) -> Floats:
        """Monthly hazard of the move from informal care to housing."""
        settings, people = self._settings["carer_strain"], self._people
        over = np.where(np.isfinite(need), need, 0.0) - self._settings["thresholds"]["home_care"]
        frailty = np.where(self.carer >= 0, people.frailty[self.carer], 1.0)
        hazard = settings["base"] * np.exp(settings["slope"] * over) * (0.6 + 0.4 * frailty)
        gone = (self.carer >= 0) & (people.gone[self.carer] <= month.index)
        hazard = np.where(gone, settings["when_carer_goes"], hazard)
        self.carer[gone] = _NOBODY
        capped: Floats = np.minimum(hazard, 0.6)
        return capped

    def _on_ladder(self, person: Ints, month: Month, follows: Mask) -> _Periods:
        """New periods of the ladder that begin in a month; in the first one those that go on."""
        settings = self._settings["services"]
        step = self.step[person]
        periods = self._periods(person)
        periods.step = step
        names = [c or "support_services" for c in settings["classes"]]
        periods.service = np.array([self._classes.index(n) for n in names])[step]
        hours = np.array([h or 0 for h in settings["hours"]])[step]
        stray = np.exp(0.4 * self._rng.normal(size=len(person)))
        periods.tenths = np.where(hours > 0, np.rint(hours * stray * 10).astype(np.int64), -1)
        periods.provider = self._people.home[person]
        private = (step >= _INFORMAL + 1) & some(
            self._rng, settings["private_housing_share"], size=len(person)
        )
        count = len(settings["housing_providers"])
        firm = len(self._parameters.area) + (self._people.home[person] + person) % count
        periods.provider = np.where(private, firm, periods.provider)
        periods.provider[step == _INFORMAL] = len(self._providers) - 1
        self._date(periods, month, past_days=1_000, follows=follows)
        return periods

    def _periods(self, person: Ints) -> _Periods:
        """Periods of some people with nothing in them yet."""
        size = len(person)
        zero, never = np.zeros(size, dtype=np.int64), np.full(size, NEVER)
        names = ("group", "service", "step")
        dates = ("contacted", "assessed", "decided", "started", "ended")
        return _Periods(
            person=person,
            **{n: zero.copy() for n in names},
            **{n: never.copy() for n in dates},
            tenths=np.full(size, -1),
            provider=zero.copy(),
            cared=np.full(size, _NOBODY),
            decision=zero.copy(),
            number=zero.copy(),
        )

    def _date(
        self, periods: _Periods, month: Month, *, past_days: int, follows: Mask | None = None
    ) -> None:
        """Phases up to a beginning in the month, or before the window in its first month.

        A period that follows another begins the day after the other's last, the month's first.
        """
        rng, settings, size = self._rng, self._settings["applications"], len(periods)
        day = month.first + (rng.random(size) * month.days).astype(np.int64)
        if follows is not None:
            day = np.where(follows, month.first + 1, day)
        if month.index == 0:
            day = month.first - 1 - rng.integers(0, past_days, size)
        people, person = self._people, periods.person
        earliest = np.maximum(people.birth[person] + 1, people.entry_day[person])
        periods.started = np.maximum(day, earliest)
        periods.decided = self._earlier(periods.started, settings["start_days"], earliest)
        periods.assessed = self._earlier(periods.decided, settings["decision_days"], earliest)
        periods.contacted = self._earlier(periods.assessed, settings["assessment_days"], earliest)

    def _earlier(self, day: Ints, span: Sequence[int], earliest: Ints) -> Ints:
        """Some days before, but not before the person was here."""
        days = self._rng.integers(span[0], span[1] + 1, len(day))
        before: Ints = np.maximum(day - days, np.minimum(earliest, day))
        return before

    def _begin(self, sender: Sender, persons: Persons, periods: _Periods) -> None:
        """Send new periods; those decided in an earlier month of the window came then already."""
        if not len(periods):
            return
        month = persons.month
        periods.number = self._numbers.next + np.arange(len(periods))
        self._numbers.take(len(periods))
        starts = np.array([m.first for m in sender.months])
        decided = np.searchsorted(starts, periods.decided, side="right") - 1
        early = decided < month.index
        before = periods.only(early)
        before.started = np.full(len(before), NEVER)
        codes = persons.identities.codes_at(before.person, np.maximum(decided[early], 0))
        first = self._rows(before, persons, before.decided).with_columns(person_id=codes)
        sender.send_earlier(SERVICES, decided[early], first)
        rows = self._rows(periods, persons, np.maximum(periods.started, month.first))
        sender.send_later(SERVICES, np.full(len(rows), month.index), rows)
        self._open = self._open.joined(periods)

    def _end(self, sender: Sender, persons: Persons, moves: Mask, leaves: Mask) -> None:
        """End the open periods of the ladder of who moves on it, and all of who leaves."""
        month, people, periods = persons.month, self._people, self._open
        of_ladder = periods.step > 0
        cared = np.where(periods.cared >= 0, periods.cared, periods.person)
        is_carers = periods.cared >= 0
        ends = leaves[periods.person] | leaves[cared] | (moves[cared] & (of_ladder | is_carers))
        ends &= periods.started < month.first
        going = periods.only(ends)
        left = np.minimum(people.exit_day[going.person], people.exit_day[cared[ends]])
        going.ended = np.where(left < NEVER, left, month.first)
        going.ended = np.maximum(going.ended, going.started)
        self._is_carer[going.person[going.cared >= 0]] = False
        self.carer[going.cared[going.cared >= 0]] = _NOBODY
        self._open = periods.only(~ends)
        self._send_ends(sender, persons, going)

    def _send_ends(self, sender: Sender, persons: Persons, going: _Periods) -> None:
        rows = self._rows(going, persons, going.ended)
        kept = sender.hold_back(SERVICES, persons.month, rows, self._settings["late_share"])
        sender.send_later(SERVICES, np.full(len(kept), persons.month.index), kept)

    def _care(self, sender: Sender, persons: Persons, cared: Ints) -> None:
        """Find carers for who begins informal care, of the same municipality, spouse or child."""
        people, month = self._people, persons.month
        years = ages(people.birth, month.first)
        able = people.present(month) & (people.gone > month.index) & ~self._is_carer
        able &= (self.step == 0) & (years >= 40) & (years < 88) & (people.entry_day < month.first)
        found: list[tuple[int, int]] = []
        for place in np.unique(people.home[cared]):
            here = cared[people.home[cared] == place]
            pool = self._rng.permutation(np.flatnonzero(able & (people.home == place)))
            found += zip(here.tolist(), pool.tolist(), strict=False)
        if not found:
            return
        pairs = np.array(found)
        self.carer[pairs[:, 0]] = pairs[:, 1]
        self._is_carer[pairs[:, 1]] = True
        periods = self._periods(pairs[:, 1])
        periods.cared = pairs[:, 0]
        periods.service[:] = self._classes.index("informal_care")
        periods.provider[:] = len(self._providers) - 1
        self._date(periods, month, past_days=1_000)
        self._begin(sender, persons, periods)

    def _refuse(self, sender: Sender, persons: Persons, granted: int, able: Ints) -> None:
        """Applications that lead to nothing, about in proportion to those granted."""
        settings, rng = self._settings["applications"], self._rng
        count = rng.poisson(settings["refused_share"] * granted) if persons.month.index else 0
        count = min(count, len(able))
        if not count:
            return
        periods = self._periods(rng.choice(able, count, replace=False))
        periods.service[:] = self._classes.index("home_care")
        periods.provider[:] = len(self._providers) - 1
        self._date(periods, persons.month, past_days=1)
        periods.decided = np.maximum(periods.decided, persons.month.first)
        periods.started[:] = NEVER
        withdrawn = some(rng, settings["withdrawn_share"], size=count)
        periods.decision = np.where(withdrawn, 2, 1)
        periods.number = self._numbers.next + np.arange(count)
        self._numbers.take(count)
        rows = self._rows(periods, persons, periods.decided)
        sender.send_later(SERVICES, np.full(count, persons.month.index), rows)

    def _rows(self, periods: _Periods, persons: Persons, saved: Ints) -> pl.DataFrame:
        """The contract's columns as text; `saved` is the day on which each version was."""
        size = len(periods)
        clock = self._rng.integers(8 * _HOUR, 16 * _HOUR, size)
        group = labels(self._groups, periods.group)
        undecided = periods.cared < 0
        cared = persons.codes.gather(pl.Series(np.maximum(periods.cared, 0)))
        return pl.DataFrame(
            {
                "service_period_id": pl.Series(periods.number).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(periods.person)),
                "service_class_code": labels(self._classes, periods.service),
                "client_group_code": group,
                "contacted_date": date_text(periods.contacted, DATE),
                "assessed_date": date_text(periods.assessed, DATE),
                "decided_date": date_text(periods.decided, DATE),
                "started_date": date_text(periods.started, DATE),
                "ended_date": date_text(periods.ended, DATE),
                "decision_code": labels(_DECISIONS, periods.decision),
                "ladder_code": labels(LADDER, periods.step),
                "hours_a_week": tenths_text(
                    np.maximum(periods.tenths, 0), np.ones(size, dtype=np.bool_)
                ).set(pl.Series(periods.tenths < 0), None),
                "provider_id": labels(self._providers, periods.provider),
                "is_carer": labels(("0", "1"), (periods.cared >= 0).astype(np.int64)),
                "cared_person_id": cared.set(pl.Series(undecided), None),
                "updated_at": time_text(pl.Series(saved * SECONDS_A_DAY + clock), TIME),
                "is_protected": persons.hidden[periods.person],
            }
        )

    # Other groups.

    def _serve_others(self, sender: Sender, persons: Persons) -> None:
        """Begin and end the services beside the ladder, then send the month's file."""
        month, people, rng = persons.month, self._people, self._rng
        years = ages(people.birth, month.first)
        stays = people.present(month) & (people.gone > month.index)
        stays &= people.entry_day < month.first
        for rule in self._settings["other_groups"]:
            share = rule["at_start"] if month.index == 0 else rule["a_year"] / 12
            able = stays & (years >= rule["ages"][0]) & (years < rule["ages"][1])
            chance = share * (0.4 + 0.6 * people.frailty)
            begins = np.flatnonzero(able & (rng.random(len(people)) < chance))
            begins = begins[~np.isin(begins, self._open.person)]
            self._begin(sender, persons, self._beside_ladder(rule, begins, month))
            self._score_total(sender, persons, rule["instrument"], begins)
        self._finish_others(sender, persons)
        sender.send(SERVICES, month, self._rows(self._periods(begins[:0]), persons, begins[:0]))

    def _beside_ladder(self, rule: Section, person: Ints, month: Month) -> _Periods:
        periods = self._periods(person)
        periods.group[:] = self._groups.index(rule["group"])
        periods.service[:] = self._classes.index(rule["class"])
        periods.provider = self._people.home[person]
        if rule["hours"]:
            stray = np.exp(0.5 * self._rng.normal(size=len(person)))
            periods.tenths = np.minimum(np.rint(rule["hours"] * stray * 10).astype(np.int64), 1680)
        if rule["group"] == "disabled":
            housed = some(self._rng, self._settings["disabled_housing_share"], size=len(person))
            periods.step[housed] = _HOUSING
            periods.service[housed] = self._classes.index("housing_24h")
            periods.tenths[housed] = -1
        self._date(periods, month, past_days=30 * rule["months"])
        return periods

    def _finish_others(self, sender: Sender, persons: Persons) -> None:
        month, periods = persons.month, self._open
        mean = {self._groups.index(r["group"]): r["months"] for r in self._settings["other_groups"]}
        months = np.array([mean.get(g, NEVER) for g in range(len(self._groups))])[periods.group]
        ends = (self._rng.random(len(periods)) < 1 / months) & (periods.started < month.first)
        ends &= (periods.cared < 0) & (month.index > 0)
        going = periods.only(ends)
        going.ended = month.first + self._rng.integers(0, month.days, len(going))
        self._open = periods.only(~ends)
        self._send_ends(sender, persons, going)

    # Assessments.

    def _assess(self, sender: Sender, persons: Persons, need: Floats, climbed: Mask) -> None:
        """Score by RAI who has climbed or whose assessment is old, and send the month's file."""
        settings, month, rng = self._settings["assessments"], persons.month, self._rng
        due = (self.step >= 2) & (month.index - self._assessed >= settings["every_months"])
        if month.index == 0:
            due &= some(rng, 1.5 / settings["every_months"], size=len(due))
            missed = (self.step >= 2) & ~due
            self._assessed[missed] = -rng.integers(1, settings["every_months"], missed.sum())
        chosen = due | (climbed & (self.step >= 2) & (month.index > 0))
        chosen &= some(rng, settings["assessed_share"], size=len(due))
        chosen &= self._people.present(month)
        if not chosen.any():  # a file a month, however small the region
            chosen[np.flatnonzero((self.step >= 2) & self._people.present(month))[:1]] = True
        person = np.flatnonzero(chosen)
        self._assessed[person] = month.index
        housed = self.step[person] > _INFORMAL
        scores = np.stack(
            [self._scale(s, need[person]) for s in settings["scales"].values()], axis=1
        )
        instrument = np.where(housed, "RAI-LTC", "RAI-HC").tolist()
        self._put_scores(sender, persons, person, instrument, list(settings["scales"]), scores)
        sender.send(ASSESSMENTS, month, self._no_scores(sender, persons))

    def _scale(self, scale: Section, need: Floats) -> Ints:
        share = (need - scale["from"]) / (scale["to"] - scale["from"])
        share = share + scale["chance"] * self._rng.normal(size=len(need))
        width = scale["high"] - scale["low"]
        score: Ints = scale["low"] + np.rint(np.clip(share, 0, 1) * width).astype(np.int64)
        return score

    def _score_total(
        self, sender: Sender, persons: Persons, instrument: str | None, person: Ints
    ) -> None:
        """Scores of instruments with one total, at the beginning of a service."""
        if instrument is None or not len(person):
            return
        low, high, mean, deviation = self._settings["assessments"]["totals"][instrument]
        stray = self._rng.normal(size=len(person)) + 0.3 * (self._people.frailty[person] - 1)
        signed = -stray if instrument == "FIM" else stray
        scores = np.clip(np.rint(mean + deviation * signed), low, high).astype(np.int64)
        self._put_scores(
            sender, persons, person, [instrument] * len(person), ["TOTAL"], scores[:, None]
        )

    def _put_scores(
        self,
        sender: Sender,
        persons: Persons,
        person: Ints,
        instrument: Sequence[str],
        scales: Sequence[str],
        scores: Ints,
    ) -> None:
        """Put the rows of assessments, one a scale, into the month's file."""
        month, settings = persons.month, self._settings["assessments"]
        size, many = len(person), len(scales)
        day = month.first + self._rng.integers(0, month.days, size)
        # Nobody is assessed after the day on which they left or died.
        day = np.maximum(np.minimum(day, self._people.exit_day[person]), month.first)
        each = np.repeat(np.arange(size), many)
        roles = ("nurse", "practical_nurse") if many > 1 else ("social_worker", "psychologist")
        role = self._rng.integers(0, 2, size)
        saved = day * SECONDS_A_DAY + self._rng.integers(9 * _HOUR, 17 * _HOUR, size)
        rows = pl.DataFrame(
            {
                "assessment_id": self._assessments.take(size).gather(pl.Series(each)),
                "person_id": persons.codes.gather(pl.Series(person[each])),
                "instrument_code": pl.Series(instrument, dtype=pl.String).gather(pl.Series(each)),
                "instrument_version": pl.Series(
                    [settings["versions"][i] for i in instrument], dtype=pl.String
                ).gather(pl.Series(each)),
                "scale_code": pl.Series(list(scales) * size, dtype=pl.String),
                "score": pl.Series(scores.ravel()).cast(pl.String),
                "assessed_date": date_text(day[each], DATE),
                "valid_to_date": date_text(day[each] + settings["valid_days"], DATE),
                "assessor_role_code": labels(roles, role[each]),
                "updated_at": time_text(pl.Series(saved[each]), TIME),
                "is_protected": persons.hidden[person[each]],
            }
        )
        rows = sender.hold_back(ASSESSMENTS, month, rows, settings["late_share"])
        wrong = rows.filter(some(self._rng, settings["corrected_share"], size=len(rows)))
        sender.correct(
            ASSESSMENTS, month, wrong.with_columns(score=pl.lit("3")).filter(_rai(wrong))
        )
        sender.send_later(ASSESSMENTS, np.full(len(rows), month.index), rows)

    def _no_scores(self, sender: Sender, persons: Persons) -> pl.DataFrame:
        columns = [c.name for c in sender.contract(ASSESSMENTS).columns]
        schema = dict.fromkeys(columns, pl.String) | {"is_protected": pl.Boolean}
        return pl.DataFrame(schema=schema)


def _rai(rows: pl.DataFrame) -> pl.Series:
    return rows["instrument_code"].str.starts_with("RAI")
