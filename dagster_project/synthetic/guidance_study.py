"""Who is in the study of personal budgets: cohorts, groups, consent.

Here: drawing those outside the trial, consents given and withdrawn, when members leave, and the
rows that say so. Not here: who has a budget (`budget_clients`), what members answer
(`guidance_forms`). Days count from 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from dagster_project.synthetic.budget_clients import BudgetClients
from dagster_project.synthetic.clinical import DATE, TIME, Numbers
from dagster_project.synthetic.draws import Floats, Ints, Mask, ages, date_text, labels, some
from dagster_project.synthetic.draws import time_text as as_time
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons, Services

STUDY = "guidance/study_enrolment"
COHORTS = ("budget", "control", "guidance_only")
GROUPS = ("1", "2", "3", "4", "5", "6")
_HOUR = 3600
_GUIDANCE_ONLY = COHORTS.index("guidance_only")


@dataclass(frozen=True)
class Members:
    """Everybody who was ever taken in; element i of every array is member i."""

    person: Ints
    cohort: Ints
    group: Ints
    """0 for group 1, to 5."""
    place: Ints
    start: Ints
    consent: Ints
    """First day of consent; NEVER where it is not given."""
    withdrawn: Ints
    """First day without it; NEVER while it is in force."""
    client: Ints
    """Row among the clients of the budget, -1 for those outside the trial."""
    trait: Floats
    """How content a member is by nature."""

    def __len__(self) -> int:
        return len(self.person)

    def joined_by(self, other: Members) -> Members:
        """These and others behind them."""
        mine, theirs = vars(self), vars(other)
        return Members(**{f.name: np.concatenate([mine[f.name], theirs[f.name]]) for f in _FIELDS})


_FIELDS = fields(Members)


def _nobody() -> Members:
    nothing = np.zeros(0, dtype=np.int64)
    return Members(
        nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, np.zeros(0)
    )


@dataclass
class _Sent:
    """What the last version of each member's row said, and until when no other may follow it."""

    consent: Ints
    withdrawn: Ints
    left: Ints
    busy: Ints
    """Month index in which a late or corrected version of the row comes."""


class Study:
    """Members of one chunk, month by month."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        parameters: Parameters,
        clients: BudgetClients,
        *,
        first_id: int,
        is_first_chunk: bool,
    ) -> None:
        self._rng = rng
        self._people = people
        self._parameters = parameters
        self._settings: Section = parameters.guidance["study"]
        self._others: Section = parameters.guidance["guidance_only"]
        self._clients = clients
        self._is_first_chunk = is_first_chunk
        self._numbers = Numbers(first_id)
        self._ids: pl.Series = pl.Series([], dtype=pl.String)
        nothing = np.zeros(0, dtype=np.int64)
        self.members = _nobody()
        self._sent = _Sent(nothing, nothing, nothing, nothing)

    def advance(self, month: Month, services: Services) -> None:
        """Take in who begins in a month, and let some withdraw their consent."""
        known = int((self.members.client >= 0).sum())
        clients = self._clients.advance(month, services)
        new = np.arange(known, len(clients))
        cohort = clients.is_control[new].astype(np.int64)
        start = clients.start[new]
        before = self._rng.integers(0, self._settings["consent_before_days"] + 1, len(new))
        self._take_in(
            clients.person[new], cohort, clients.group[new] - 1, start, start - before, client=new
        )
        self._take_in_others(month, services)
        self._withdraw(month)

    def _take_in(
        self, person: Ints, cohort: Ints, group: Ints, start: Ints, consent: Ints, *, client: Ints
    ) -> None:
        size = len(person)
        new = Members(
            person=person,
            cohort=cohort,
            group=group,
            place=self._people.home[person],
            start=start,
            consent=consent,
            withdrawn=np.full(size, NEVER),
            client=client,
            trait=self._rng.normal(size=size),
        )
        self.members = self.members.joined_by(new)
        self._ids = pl.concat([self._ids, self._numbers.take(size)])
        never_sent = np.full(size, -1)
        sent = vars(self._sent)
        self._sent = _Sent(**{name: np.concatenate([sent[name], never_sent]) for name in sent})

    def _take_in_others(self, month: Month, services: Services) -> None:
        """Those who turn to guidance and are not in the trial."""
        rng, people, settings = self._rng, self._people, self._others
        years = ages(people.birth, month.first)
        able = people.present(month) & (people.gone > month.index) & ~people.steady & (years >= 18)
        able &= people.entry_day < month.first
        able[self.members.person] = False
        group = self._groups_of(years, services)
        able &= group >= 0
        count = rng.poisson(settings["a_year_per_1000"] / 12_000 * people.present(month).sum())
        count = max(count, settings["fewest_a_month"] if self._is_first_chunk else 0)
        weight = able * (0.1 + people.frailty)
        count = min(count, int(able.sum()))
        if not count:
            return
        found = np.sort(rng.choice(len(weight), count, replace=False, p=weight / weight.sum()))
        start = month.first + rng.integers(0, month.days, len(found))
        consents = some(rng, settings["consents"], size=len(found))
        asked = start + rng.integers(0, settings["consent_days"] + 1, len(found))
        consent = np.where(consents, asked, NEVER)
        cohort = np.full(len(found), _GUIDANCE_ONLY)
        self._take_in(found, cohort, group[found], start, consent, client=np.full(count, -1))

    def _groups_of(self, years: Floats, services: Services) -> Ints:
        """Group (0-based) that each person would be of; -1 for none."""
        group = np.full(len(years), -1)
        for rule in reversed(self._others["groups"]):
            fits = (years >= rule["ages"][0]) & (years < rule["ages"][1])
            if rule["services"] is not None:
                served = np.zeros(len(years), dtype=np.bool_)
                served[services.person[services.of(rule["services"])]] = True
                fits &= served
            group[fits] = rule["group"] - 1
        young = group == 3
        young &= some(self._rng, self._others["share_with_dependants"], size=len(years))
        group[young] = 4
        return group

    def _withdraw(self, month: Month) -> None:
        members, rng = self.members, self._rng
        consenting = (members.consent < month.first) & (members.withdrawn == NEVER)
        consenting &= (members.start < month.first) & (self.end() > month.last)
        chosen = consenting & some(rng, self._settings["withdraws_a_year"] / 12, size=len(members))
        if self._is_first_chunk and month.index in self._settings["first_withdrawals"]:
            cohort = self._settings["first_withdrawals"].index(month.index)
            chosen[np.flatnonzero(consenting & (members.cohort == cohort))[:1]] = True
        day = month.first + rng.integers(0, month.days, len(members))
        members.withdrawn[chosen] = day[chosen]

    def end(self) -> Ints:
        """First day no longer in the cohort, as known now; NEVER for who is."""
        members, people = self.members, self._people
        clients = self._clients.clients
        gone = people.exit_day[members.person]
        gone = np.where(gone < NEVER, gone + 1, NEVER)
        begins = np.full(len(people), NEVER)
        begins[clients.person] = clients.start
        ended = np.minimum(gone, begins[members.person])
        of_trial = members.client >= 0
        ended[of_trial] = clients.end(people)[members.client[of_trial]]
        later: Ints = np.maximum(ended, members.start + 1)
        return later

    def asked(self, member: Ints, day: Ints) -> Mask:
        """Whether each of these members may be asked on a day: in the cohort, consent in force."""
        members = self.members
        consents = (members.consent[member] <= day) & (day < members.withdrawn[member])
        in_cohort = (members.start[member] <= day) & (day < self.end()[member])
        return consents & in_cohort

    def deliver(self, sender: Sender, persons: Persons) -> None:
        """Send the rows that are new or say something new, some late, some wrong at first."""
        month, sent, rng = persons.month, self._sent, self._rng
        known = [self.members.consent, self.members.withdrawn, self.end()]
        state = [np.where(day <= month.last, day, NEVER) for day in known]
        is_new = sent.consent < 0
        changed = is_new.copy()
        for day, told in zip(state, (sent.consent, sent.withdrawn, sent.left), strict=True):
            changed |= day != told
        at = np.flatnonzero(changed & (sent.busy < month.index))
        rows = self._rows(at, [day[at] for day in state], persons)
        sent.consent[at], sent.withdrawn[at], sent.left[at] = (day[at] for day in state)
        late = some(rng, self._settings["late_share"], size=len(at))
        wrong = some(rng, self._settings["wrong_group_share"], size=len(at)) & is_new[at] & ~late
        sent.busy[at[late | wrong]] = month.index + 1
        sender.hold_back(STUDY, month, rows.filter(late), 1.0)
        sender.correct(STUDY, month, rows.filter(wrong))
        neighbours = {str(k): str(v) for k, v in self._settings["neighbours"].items()}
        other = rows["budget_group_code"].replace_strict(neighbours, return_dtype=pl.String)
        group = rows["budget_group_code"].zip_with(pl.Series(~wrong), other)
        send(sender, STUDY, month, rows.with_columns(budget_group_code=group).filter(~late))

    def _rows(self, at: Ints, state: list[Ints], persons: Persons) -> pl.DataFrame:
        """The contract's columns as text, saved on the day of the newest event."""
        members, month = self.members, persons.month
        consent, withdrawn, left = state
        events = [members.start[at], *(np.where(day < NEVER, day, 0) for day in state)]
        day = np.clip(np.max(events, axis=0), month.first, month.last)
        saved = day * SECONDS_A_DAY + self._rng.integers(9 * _HOUR, 16 * _HOUR, len(at))
        person = members.person[at]
        return pl.DataFrame(
            {
                "study_enrolment_id": self._ids.gather(pl.Series(at)),
                "person_id": persons.codes.gather(pl.Series(person)),
                "cohort_code": labels(COHORTS, members.cohort[at]),
                "budget_group_code": labels(GROUPS, members.group[at]),
                "municipality_code": labels(self._parameters.area, members.place[at]),
                "enrolled_date": date_text(members.start[at], DATE),
                "left_date": date_text(left, DATE),
                "consent_given_date": date_text(consent, DATE),
                "consent_withdrawn_date": date_text(withdrawn, DATE),
                "updated_at": as_time(pl.Series(saved), TIME),
                "is_protected": persons.hidden[person],
            }
        )


def send(sender: Sender, key: str, month: Month, rows: pl.DataFrame) -> None:
    """Send a month's file, and where there is nothing to say one with the header alone."""
    if not len(sender.send(key, month, rows)):
        sender.deliveries.append(key, month.sequence, rows)
