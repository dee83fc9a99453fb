"""What client guidance sends: contacts, the study of personal budgets, guides' time, outcomes.

Here: guides, their contacts and time, what became of risk lists, the order of it all. Not here: who
is in the study (`guidance_study`) and what they answer (`guidance_forms`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dagster_project.synthetic.budget_clients import BudgetClients
from dagster_project.synthetic.clinical import DATE, TIME, Numbers, Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK
from dagster_project.synthetic.draws import (
    Chooser,
    Ints,
    Mask,
    ages,
    choose,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.guidance_forms import Forms
from dagster_project.synthetic.guidance_study import COHORTS, Study, send
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons, Services

STREAM = 8
"""Third word of the seed of these tables' streams."""
CONTACTS, WORKER_TIME, OUTCOMES = "guidance/contacts", "guidance/worker_time", "guidance/outcomes"
_HOUR = 3600
_MOST_GUIDES = 10
"""In a municipality: more would not fit into their codes."""


class Guidance:
    """All tables of one chunk of people, month by month."""

    def __init__(
        self,
        sender: Sender,
        *,
        people: People,
        identities: Identities,
        parameters: Parameters,
        services: Callable[[], Services],
        seed: int,
        number: int,
        residents: int,
    ) -> None:
        rng, settings = sender.rng, parameters.guidance
        first_id, is_first = (number + 1) * IDS_A_CHUNK, number == 0
        self._sender, self._identities, self._services = sender, identities, services
        clients = BudgetClients(people, parameters, seed=seed, chunk=number, months=sender.months)
        self._guides = Guides(people, parameters, residents=residents)
        self._study = Study(
            rng, people, parameters, clients, first_id=first_id, is_first_chunk=is_first
        )
        self._forms = Forms(
            rng, people, settings, self._study, first_id=first_id, is_first_chunk=is_first
        )
        self._contacts = Contacts(rng, settings["contacts"], self._study, first_id=first_id)
        self._time = WorkerTime(rng, settings["worker_time"], self._guides) if is_first else None
        self._outcomes = Outcomes(
            rng, settings["outcomes"], people, first_id=first_id, is_first_chunk=is_first
        )

    def deliver(self, visits: Visits) -> None:
        """Send a month's increments; Apotti's services of the month are known by then."""
        month, sender = visits.month, self._sender
        persons = Persons.of(self._identities, month)
        guides = self._guides.of_everybody()
        self._study.advance(month, self._services())
        self._study.deliver(sender, persons)
        self._forms.deliver(sender, persons, guides)
        acted_on = self._outcomes.deliver(sender, persons, guides)
        self._contacts.deliver(sender, persons, guides, acted_on=acted_on)
        if self._time is not None:
            self._time.deliver(sender, month)


class Guides:
    """Client guides: some in each municipality, by its residents."""

    def __init__(self, people: People, parameters: Parameters, *, residents: int) -> None:
        self._people = people
        rows = parameters.population["municipalities"]
        total = sum(row["residents"] for row in rows)
        each = parameters.guidance["guides"]["residents_a_guide"]
        share = np.array([row["residents"] for row in rows]) / total
        count = np.rint(share * residents / each).astype(np.int64)
        self._count = np.clip(count, 1, _MOST_GUIDES)
        # Place number and running number: who guides whom gives the municipality away.
        self._codes = [f"O{100 + n}" for n in range(len(rows) * _MOST_GUIDES)]

    def of_everybody(self) -> pl.Series:
        """The guide of each person of the chunk, by where they live now."""
        home = self._people.home
        own = np.arange(len(home)) % self._count[home]
        return labels(self._codes, home * _MOST_GUIDES + own)

    def all(self) -> list[str]:
        """Codes of all guides."""
        return [
            self._codes[place * _MOST_GUIDES + n]
            for place, count in enumerate(self._count.tolist())
            for n in range(count)
        ]


class Contacts:
    """Contacts of one chunk, month by month."""

    def __init__(
        self, rng: np.random.Generator, settings: Section, study: Study, *, first_id: int
    ) -> None:
        self._rng = rng
        self._settings = settings
        self._study = study
        self._numbers = Numbers(first_id)
        self._topics = list(settings["topics"][COHORTS[0]])
        self._topic = Chooser.of([list(settings["topics"][c].values()) for c in COHORTS])

    def deliver(
        self, sender: Sender, persons: Persons, guides: pl.Series, *, acted_on: Ints
    ) -> None:
        """Send a month's contacts with the cohorts and with those whom a list brought about."""
        month, settings = persons.month, self._settings
        member = self._met(month)
        members = self._study.members
        person = np.concatenate([members.person[member], acted_on])
        as_others = np.full(len(acted_on), COHORTS.index("guidance_only"))
        cohort = np.concatenate([members.cohort[member], as_others])
        rows = self._rows(person, cohort, self._days(member, acted_on, month), persons, guides)
        rows = sender.hold_back(CONTACTS, month, rows, settings["late_share"])
        wrong = rows.filter(some(self._rng, settings["corrected_share"], size=len(rows)))
        sender.correct(CONTACTS, month, wrong.with_columns(duration_minutes=pl.lit("30.0")))
        send(sender, CONTACTS, month, rows)

    def _met(self, month: Month) -> Ints:
        """A member for each contact of the month; new ones are met more often."""
        members, settings = self._study.members, self._settings
        rates = [[settings[k][c] for c in COHORTS] for k in ("first_months", "later")]
        later = (members.start < month.first - 45).astype(np.int64)
        mean = np.array(rates)[later, members.cohort]
        mean[self._study.end() <= month.first] = 0.0
        return np.repeat(np.arange(len(members)), self._rng.poisson(mean))

    def _days(self, member: Ints, acted_on: Ints, month: Month) -> Ints:
        """A day of the month for each, while the member is in the cohort; mostly no weekend."""
        any_day = np.full(len(acted_on), month.first)
        begun = np.concatenate([self._study.members.start[member], any_day])
        ended = np.concatenate([self._study.end()[member], any_day + month.days])
        low, high = np.maximum(begun, month.first), np.minimum(ended - 1, month.last)
        day = low + (self._rng.random(len(low)) * (high - low + 1)).astype(np.int64)
        weekday: Ints = np.maximum(day - np.maximum((day + 3) % 7 - 4, 0), low)
        return weekday

    def _rows(
        self, person: Ints, cohort: Ints, day: Ints, persons: Persons, guides: pl.Series
    ) -> pl.DataFrame:
        rng, settings, size = self._rng, self._settings, len(person)
        began = day * SECONDS_A_DAY + rng.integers(8 * _HOUR, 16 * _HOUR, size) // 300 * 300
        kinds = list(settings["kinds"])
        kind = choose(rng, list(settings["kinds"].values()), size=size)
        median = np.array([settings["minutes"][k] for k in kinds])[kind]
        minutes = median * np.exp(settings["minutes_spread"] * rng.normal(size=size))
        tenths = np.clip(np.rint(minutes / 5), 1, 60).astype(np.int64) * 50
        known = ~some(rng, settings["minutes_missing"], size=size)
        topic = self._topic.choose(rng, cohort)
        of_sector = topic == self._topics.index("third_sector")
        chances = settings["referral"]
        referral = rng.random(size) < np.where(
            of_sector, chances["when_topic"], chances["otherwise"]
        )
        saved = pl.Series(began + tenths * 6 + rng.integers(60, 4 * _HOUR, size))
        return pl.DataFrame(
            {
                "contact_id": self._numbers.take(size),
                "person_id": persons.codes.gather(pl.Series(person)),
                "guide_code": guides.gather(pl.Series(person)),
                "contacted_at": time_text(pl.Series(began), TIME),
                "contact_kind_code": labels(kinds, kind),
                "duration_minutes": _with_point(tenths).set(pl.Series(~known), None),
                "contact_topic_code": labels(self._topics, topic),
                "has_third_sector_referral": labels(("0", "1"), referral.astype(np.int64)),
                "updated_at": time_text(saved, TIME),
                "is_protected": persons.hidden[person],
            }
        )


def _with_point(tenths: Ints) -> pl.Series:
    """Tenths with a decimal point."""
    number = pl.Series(tenths)
    return (number // 10).cast(pl.String) + "." + (number % 10).cast(pl.String)


class WorkerTime:
    """The guides' report of one pilot month, of the whole region."""

    def __init__(self, rng: np.random.Generator, settings: Section, guides: Guides) -> None:
        self._rng = rng
        self._settings = settings
        codes = guides.all()
        takes = some(rng, settings["takes_part"], size=len(codes))
        takes[:4] = True
        self._guides = [code for code, part in zip(codes, takes, strict=True) if part]
        self._later: tuple[pl.DataFrame, pl.DataFrame] | None = None

    def deliver(self, sender: Sender, month: Month) -> None:
        """Send the pilot month's minutes, and a month later what was late or corrected."""
        # Numbered by the last day covered, since no file is due in any other month.
        dated = replace(month, sequence=month.sequence * 100 + month.days)
        if month.sequence == self._settings["pilot_month"]:
            sender.send(WORKER_TIME, dated, self._on_time(month))
        elif self._later is not None:
            late, corrected = self._later
            saved = sender.last_days(month, len(corrected))
            corrected = corrected.with_columns(updated_at=time_text(pl.Series(saved), TIME))
            for section, rows in (("late_arrivals", late), ("corrections", corrected)):
                keys = rows["guide_code"].to_list()
                sender.manifest.count(section, WORKER_TIME, sequence=dated.sequence, keys=keys)
            sender.send(WORKER_TIME, dated, pl.concat([late, corrected]))
            self._later = None

    def _on_time(self, month: Month) -> pl.DataFrame:
        settings, rng, rows = self._settings, self._rng, self._rows(month)
        late = some(rng, settings["late_share"], size=len(rows))
        wrong = some(rng, settings["corrected_share"], size=len(rows)) & ~late
        corrected = rows.filter(wrong).with_columns(worked_minutes=pl.lit("60"))
        self._later = rows.filter(late), corrected
        return rows.filter(~late)

    def _rows(self, month: Month) -> pl.DataFrame:
        settings, rng = self._settings, self._rng
        days = np.arange(month.first, month.last + 1)
        days = days[(days + 3) % 7 < 5]
        guide, day = (
            a.ravel() for a in np.meshgrid(np.arange(len(self._guides)), days, indexing="ij")
        )
        works = ~some(rng, settings["away"], size=len(day))
        guide, day = guide[works], day[works]
        weight, often = np.array(list(settings["tasks"].values())).T
        part = weight * rng.gamma(2.0, size=(len(day), len(weight)))
        part *= rng.random(part.shape) < often
        part[:, -1] += 0.01  # something is done every day
        total = settings["minutes_a_day"] * np.exp(0.06 * rng.normal(size=(len(day), 1)))
        minutes = np.rint(part / part.sum(axis=1, keepdims=True) * total / 5).astype(np.int64) * 5
        row, task = np.nonzero(minutes)
        saved = day[row] * SECONDS_A_DAY + rng.integers(15 * _HOUR, 18 * _HOUR, len(row))
        return pl.DataFrame(
            {
                "guide_code": labels(self._guides, guide[row]),
                "worked_date": date_text(day[row], DATE),
                "task_code": labels(list(settings["tasks"]), task),
                "worked_minutes": pl.Series(minutes[row, task]).cast(pl.String),
                "updated_at": time_text(pl.Series(saved), TIME),
            }
        )


@dataclass
class _Cases:
    """Clients of delivered lists whose matter is open; element i of every array is case i."""

    person: Ints
    target: Ints
    listed: Ints
    """Sequence (yyyymm) of the list."""
    number: Ints
    """The row's own number; -1 while nobody has dealt with the client."""
    acted: Mask
    busy: Ints
    """Month index in which a late version of the row comes."""

    def only(self, chosen: Mask) -> _Cases:
        """Some of the cases."""
        return _Cases(**{name: column[chosen] for name, column in vars(self).items()})

    def joined_by(self, other: _Cases) -> _Cases:
        """These and others behind them."""
        theirs = vars(other)
        return _Cases(**{n: np.concatenate([c, theirs[n]]) for n, c in vars(self).items()})


class Outcomes:
    """What guides did about the clients of risk lists, in one chunk."""

    def __init__(
        self,
        rng: np.random.Generator,
        settings: Section,
        people: People,
        *,
        first_id: int,
        is_first_chunk: bool,
    ) -> None:
        self._rng = rng
        self._settings = settings
        self._people = people
        self._is_first_chunk = is_first_chunk
        self._next = first_id
        nothing = np.zeros(0, dtype=np.int64)
        self._open = _Cases(nothing, nothing, nothing, nothing, nothing.astype(np.bool_), nothing)
        self._targets = list(settings["targets"])
        self._results = [*settings["results"], "ended", None]

    def deliver(self, sender: Sender, persons: Persons, guides: pl.Series) -> Ints:
        """Name clients to guidance, deal with some of those who wait, settle some others.

        Returns:
            Whom guides have begun to act on.
        """
        month, rng, settings = persons.month, self._rng, self._settings
        if month.index:
            self._open = self._open.joined_by(self._named(month))
        cases = self._open
        size = len(cases.person)
        gone = self._people.gone[cases.person] <= month.index
        fresh = (cases.number < 0) & (some(rng, settings["dealt_with"], size=size) | gone)
        cases.acted[fresh] = some(rng, settings["acted_on"], size=int(fresh.sum()))
        cases.acted &= ~(fresh & gone)
        cases.number[fresh] = self._next + np.arange(fresh.sum())
        self._next += int(fresh.sum())
        settled = some(rng, settings["settled"], size=size) | gone
        settled &= (cases.number >= 0) & ~fresh & (cases.busy < month.index)
        result = self._result(cases, fresh, settled, gone)
        told = fresh | settled
        rows = self._rows(cases.only(told), result[told], persons, guides)
        late = some(rng, settings["late_share"], size=len(rows))
        cases.busy[np.flatnonzero(told)[late]] = month.index + 1
        sender.hold_back(OUTCOMES, month, rows.filter(late), 1.0)
        self._correct(sender, month, rows.filter(~late & (result[told] < len(self._results) - 2)))
        self._open = cases.only(result == len(self._results) - 1)
        send(sender, OUTCOMES, month, rows.filter(~late))
        begun: Ints = cases.person[fresh & cases.acted]
        return begun

    def _correct(self, sender: Sender, month: Month, settled: pl.DataFrame) -> None:
        """Settled rows have no version to come that a correction could meet."""
        share = self._settings["corrected_share"]
        wrong = settled.filter(some(self._rng, share, size=len(settled)))
        sender.correct(OUTCOMES, month, wrong.with_columns(outcome_code=pl.lit("known")))

    def _named(self, month: Month) -> _Cases:
        """Clients of the month's lists: the older and frailer, none of whom is waiting."""
        people, settings, rng = self._people, self._settings, self._rng
        years = ages(people.birth, month.first)
        able = people.present(month) & (people.gone > month.index)
        able &= (years >= settings["from_age"]) & (people.entry_day < month.first)
        able[self._open.person] = False
        count = rng.poisson(settings["a_month_per_1000"] / 1000 * people.present(month).sum())
        count = max(count, settings["fewest_a_month"] if self._is_first_chunk else 0)
        weight = able * people.frailty * np.exp((years - settings["from_age"]) / 10)
        count = min(count, int(able.sum()))
        share = weight / max(weight.sum(), 1e-9)
        found = np.sort(rng.choice(len(weight), count, replace=False, p=share if count else None))
        return _Cases(
            person=found,
            target=choose(rng, list(settings["targets"].values()), size=count),
            listed=np.full(count, month.sequence),
            number=np.full(count, -1),
            acted=np.zeros(count, dtype=np.bool_),
            busy=np.full(count, -1),
        )

    def _result(self, cases: _Cases, fresh: Mask, settled: Mask, gone: Mask) -> Ints:
        """Position of each case's result; the last is none as yet."""
        results, weights = self._results, list(self._settings["results"].values())
        ended, none = len(results) - 2, len(results) - 1
        drawn = choose(self._rng, weights, size=len(cases.person))
        result = np.where(settled & cases.acted, drawn, none)
        result = np.where(fresh & ~cases.acted, results.index("known"), result)
        closed: Ints = np.where((fresh | settled) & gone, ended, result)
        return closed

    def _rows(
        self, cases: _Cases, result: Ints, persons: Persons, guides: pl.Series
    ) -> pl.DataFrame:
        rng, month, size = self._rng, persons.month, len(cases.person)
        day = month.first + rng.integers(0, month.days, size)
        day -= np.maximum((day + 3) % 7 - 4, 0)
        day = np.maximum(day, month.first)
        listed = pl.Series(cases.listed).cast(pl.String)
        of_target = pl.Series(cases.target + 1).cast(pl.String)
        saved = day * SECONDS_A_DAY + rng.integers(9 * _HOUR, 16 * _HOUR, size)
        open_ = pl.Series(result == len(self._results) - 1)
        return pl.DataFrame(
            {
                "outcome_id": pl.Series(cases.number).cast(pl.String),
                "delivery_code": "RL-" + listed + "-0" + of_target,
                "person_id": persons.codes.gather(pl.Series(cases.person)),
                "target_code": labels(self._targets, cases.target),
                "item_code": pl.Series([None] * size, dtype=pl.String),
                "guide_code": guides.gather(pl.Series(cases.person)),
                "is_acted_on": labels(("0", "1"), cases.acted.astype(np.int64)),
                "outcome_code": labels(self._results, result),
                "outcome_date": date_text(day, DATE).set(open_, None),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": persons.hidden[cases.person],
            }
        )
