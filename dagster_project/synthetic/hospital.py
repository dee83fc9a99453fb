"""Specialised care: who is referred, falls ill or gives birth is seen, admitted and discharged.

Here: drawing episodes from rates, referrals and emergencies by the shares of `hospital.yaml`. Not
here: referrals (`clinical`), bills (`invoices`), how rows reach their files (`sending`). Times are
local seconds since 1970-01-01 00:00, days count from that day, -1 is "none".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from dagster_project.synthetic.care import (
    BIRTH_CODES,
    EMERGENCY,
    INPATIENT,
    KINDS,
    OUTPATIENT,
    REMOTE,
)
from dagster_project.synthetic.clinical import TIME, Referrals, Visits
from dagster_project.synthetic.contacts import (
    PLACES,
    ContactModel,
    without_missing_hour,
)
from dagster_project.synthetic.draws import (
    Chooser,
    Floats,
    Ints,
    age_groups,
    ages,
    choose,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.invoices import Billing
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender

STREAM = 4
"""Third word of the seed of these tables' streams."""
EPISODES = "hus/specialised_care"
DISCHARGES = ("home", "home_care", "primary_care_ward", "other_hospital", "housing", "deceased")
_AGE_CLASSES = np.array([0, 0, 1, 1, 2, 2])
"""Child, adult or elderly by age group."""
_HOUR = 3600
_OLD_CODE_SHARE = 0.3
"""Of rows in the two months after a change of code that still carry the old one."""
_BY_NIGHT_TOO = [0.5] * 8 + [1.2] * 14 + [0.7] * 2
_EVENT = (
    "person",
    "unit",
    "speciality",
    "kind",
    "urgency",
    "started",
    "ended",
    "referral",
    "group",
    "icd10",
    "discharge",
)


def events(size: int, **columns: Ints | int) -> pl.DataFrame:
    """Events with these columns, and nothing where a column is not given."""
    values = {name: np.broadcast_to(columns.get(name, -1), size) for name in _EVENT}
    return pl.DataFrame({name: pl.Series(v.astype(np.int64)) for name, v in values.items()})


class Hospital:
    """Specialised care of one chunk of people, month by month."""

    def __init__(
        self,
        sender: Sender,
        *,
        model: ContactModel,
        people: People,
        identities: Identities,
        condition_count: Ints,
        referrals: Referrals,
        billing: Billing,
        first_id: int,
    ) -> None:
        self._sender, self._rng = sender, sender.rng
        self._people, self._identities = people, identities
        self._referrals = referrals
        self._billing, self._care = billing, billing.care
        self._settings: Section = self._care.settings
        self._is_emergency = model.place == PLACES.index("emergency")
        illness = people.frailty * (1 + self._settings["per_condition"] * condition_count)
        shape = self._settings["in_care_shape"]
        in_care = sender.rng.gamma(shape, size=len(people)) / shape
        self._illness = {
            "emergency_by_age": illness,
            "continuing_by_age": illness * in_care,
        }
        self._scale: dict[str, float] = {}
        self._planned = Outbox()
        self._until = np.full(len(people), -1, dtype=np.int64)
        """By person: the second at which the last stay ends."""
        self._open = events(0).with_columns(episode=pl.Series([], dtype=pl.Int64))
        self._next = first_id
        self.over = events(0).with_columns(episode=pl.Series([], dtype=pl.Int64))
        """What was over by the end of the last month sent, and not before it."""

    def deliver(self, visits: Visits) -> None:
        """Send a month's episodes and bills."""
        month = visits.month
        self._plan_visits(month)
        planned = self._kept_plans(month)
        seen = self._seen(month, planned)
        emergencies = self._emergencies(visits)
        stays = self._stays(month, planned, emergencies)
        begun = pl.concat([seen, emergencies, stays]).sort("started", maintain_order=True)
        begun = begun.with_columns(episode=self._next + np.arange(len(begun)))
        self._next += len(begun)
        self._send(month, begun)
        self._billing.deliver(month)

    # What is planned.

    def _plan_visits(self, month: Month) -> None:
        """First visits and follow-ups of the referrals that were sent and accepted this month."""
        rng, settings = self._rng, self._settings["referrals"]
        sent = self._referrals.sent.filter(pl.col("outcome_code") == "accepted")
        urgency = sent["urgency_code"].cast(pl.Int64).to_numpy() - 1
        first = sent["answered_day"].to_numpy() + _around(
            rng, np.array(settings["wait_days"])[urgency]
        )
        many = rng.poisson(settings["follow_ups"], len(sent))
        many[urgency == 2] = 0
        at = np.repeat(np.arange(len(sent)), many)
        rank = np.arange(len(at)) - np.repeat(np.cumsum(many) - many, many) + 1
        later = first[at] + rank * _around(rng, np.full(len(at), float(settings["gap_days"])))
        is_remote = some(rng, self._settings["remote_share"], size=len(at))
        which = np.concatenate([np.arange(len(sent)), at])
        units = sent["received_by_code"].replace_strict(
            list(self._care.units), range(len(self._care.units)), return_dtype=pl.Int64
        )
        specialities = sent["speciality_code"].replace_strict(
            list(self._care.specialities),
            range(len(self._care.specialities)),
            return_dtype=pl.Int64,
        )
        self._plan(
            month,
            np.concatenate([first, later]),
            person=sent["person"].to_numpy()[which],
            unit=units.to_numpy()[which],
            speciality=specialities.to_numpy()[which],
            kind=np.concatenate(
                [np.full(len(sent), OUTPATIENT), np.where(is_remote, REMOTE, OUTPATIENT)]
            ),
            urgency=np.concatenate([urgency, np.zeros(len(at), dtype=np.int64)]),
            referral=sent["referral_id"].cast(pl.Int64).to_numpy()[which],
        )

    def _plan(self, month: Month, day: Ints, **columns: Ints | int) -> None:
        """Keep events for the months of their days, moved from weekends to Mondays."""
        weekday = (day + 3) % 7
        day = np.where(weekday > 4, day + 7 - weekday, day)
        rows = events(len(day), started=day, **columns)
        ends = np.array([m.last for m in self._sender.months])
        index = np.maximum(np.searchsorted(ends, day, side="left"), month.index)
        for due in np.unique(index[index < len(ends)]):
            self._planned.put(int(due), rows.filter(index == due))

    def _kept_plans(self, month: Month) -> pl.DataFrame:
        """What was planned for the month and those who are still there for it."""
        rows = self._planned.due(month.index, events(0))
        day, person = rows["started"].to_numpy(), rows["person"].to_numpy()
        comes = (day < self._people.exit_day[person]) & (day >= self._people.entry_day[person])
        return rows.filter(comes & self._people.present(month)[person])

    # Visits.

    def _seen(self, month: Month, planned: pl.DataFrame) -> pl.DataFrame:
        """The month's visits and remote contacts, and the operations that they lead to."""
        rng = self._rng
        own = pl.concat([planned.filter(pl.col("kind") != INPATIENT), self._continuing(month)])
        size, kind = len(own), own["kind"].to_numpy()
        started = own["started"].to_numpy() * SECONDS_A_DAY
        started = started + rng.integers(8 * 12, 16 * 12, size) * 300
        minutes = np.where(kind == REMOTE, 15, 35) * np.exp(0.4 * rng.normal(size=size))
        free = started > self._until[own["person"].to_numpy()]
        urgency = np.maximum(
            own["urgency"].to_numpy(), some(rng, self._settings["urgent_share"], size=size)
        )
        rows = own.with_columns(
            started=pl.Series(started),
            ended=pl.Series(started + np.minimum(minutes, 240).astype(np.int64) * 60),
            urgency=pl.Series(urgency),
            icd10=pl.Series(self._diagnosed(own, month)),
        ).filter(free)
        self._plan_operations(
            month, rows.filter((rows["kind"] == OUTPATIENT) & (rows["group"] < 0))
        )
        return rows

    def _continuing(self, month: Month) -> pl.DataFrame:
        """Visits of those who are in care already, as events on days."""
        rng, levels = self._rng, self._settings["levels"]
        left = levels["earlier_left"]
        level = levels["continuing"]
        if month.index < len(left):
            level += levels["earlier_referrals"] * left[month.index]
        person, day = self._fall_ill(month, "continuing_by_age", level)
        group = age_groups(ages(self._people.birth[person], month.first))
        speciality = self._fitting(person, self._care.continuing.choose(rng, group))
        is_remote = some(rng, self._settings["remote_share"], size=len(person))
        weekday = (day + 3) % 7
        friday = np.maximum(np.where(weekday > 4, day - weekday + 4, day), month.first)
        return events(
            len(person),
            person=person,
            unit=self._units(person),
            speciality=speciality,
            kind=np.where(is_remote, REMOTE, OUTPATIENT),
            urgency=0,
            started=np.maximum(friday, self._people.entry_day[person]),
        )

    def _fall_ill(self, month: Month, by_age: str, level: float) -> tuple[Ints, Ints]:
        """Persons and days of events that come to `level` a resident and year."""
        rng, people = self._rng, self._people
        group = age_groups(ages(people.birth, month.first))
        raw = (
            np.array(self._settings[by_age])[group] * self._illness[by_age] * people.present(month)
        )
        if by_age not in self._scale:
            self._scale[by_age] = people.present(month).sum() / raw.sum()
        expected = raw * self._scale[by_age] * level / 12
        person = np.repeat(np.arange(len(people)), rng.poisson(expected))
        day = month.first + rng.integers(0, month.days, len(person))
        lives = (day >= people.entry_day[person]) & (day < people.exit_day[person])
        return person[lives], day[lives]

    def _fitting(self, person: Ints, speciality: Ints) -> Ints:
        """Surgery in place of gynaecology where the patient is a man."""
        surgery, gynaecology = (self._care.specialities.index(code) for code in ("20", "30"))
        is_wrong = (speciality == gynaecology) & ~self._people.female[person]
        return np.where(is_wrong, surgery, speciality)

    def _units(self, person: Ints) -> Ints:
        nearest = self._care.nearest[self._people.home[person]]
        far = self._care.far[self._rng.integers(0, len(self._care.far), len(person))]
        return np.where(
            some(self._rng, self._settings["nearest_share"], size=len(person)), nearest, far
        )

    def _age_class(self, person: Ints, month: Month) -> Ints:
        classes: Ints = _AGE_CLASSES[age_groups(ages(self._people.birth[person], month.first))]
        return classes

    def _diagnosed(self, rows: pl.DataFrame, month: Month) -> Ints:
        """A main diagnosis of each event's speciality; -1 where none is stated."""
        person, speciality = rows["person"].to_numpy(), rows["speciality"].to_numpy()
        chosen = self._care.diagnosis.choose(
            self._rng, 3 * speciality + self._age_class(person, month)
        )
        gynaecology = self._care.specialities.index("30")
        is_strange = (speciality == gynaecology) & ~self._people.female[person]
        share = self._settings["unstated_diagnosis_share"]
        return np.where(is_strange | some(self._rng, share, size=len(person)), -1, chosen)

    def _plan_operations(self, month: Month, visits: pl.DataFrame) -> None:
        """Let a share of visits lead to day surgery or a stay in a later month."""
        rng, settings = self._rng, self._settings["operations"]
        is_surgical = self._care.surgical[visits["speciality"].to_numpy()]
        share = np.where(is_surgical, settings["surgical_share"], settings["other_share"])
        rows = visits.filter(rng.random(len(visits)) < share)
        person, speciality = rows["person"].to_numpy(), rows["speciality"].to_numpy()
        day = rows["started"].to_numpy() // SECONDS_A_DAY
        day = day + _around(rng, np.full(len(rows), float(settings["wait_days"])))
        is_day = some(rng, settings["day_share"], size=len(rows))
        row = 3 * speciality + self._age_class(person, month)
        group = np.where(is_day, self._care.day.choose(rng, row), self._care.stay.choose(rng, row))
        self._plan(
            month,
            np.maximum(day, month.last + 1),
            person=person,
            unit=rows["unit"].to_numpy(),
            speciality=speciality,
            kind=np.where(is_day, OUTPATIENT, INPATIENT),
            urgency=0,
            referral=rows["referral"].to_numpy(),
            group=group,
        )

    # Emergencies.

    def _emergencies(self, visits: Visits) -> pl.DataFrame:
        """Emergency visits: sent on by primary care the same day, and straight."""
        rng, month = self._rng, visits.month
        share = np.array(self._settings["sent_on_share"])[visits.urgency]
        at = np.flatnonzero(self._is_emergency[visits.kind] & (rng.random(len(visits)) < share))
        level = self._settings["levels"]["emergency"]
        straight, day = self._fall_ill(month, "emergency_by_age", level)
        person = np.concatenate([visits.person[at], straight])
        hour = choose(rng, _BY_NIGHT_TOO, size=len(straight))
        came = day * SECONDS_A_DAY + hour * _HOUR + rng.integers(0, 60, len(day)) * 60
        sent_on = visits.started[at] + rng.integers(_HOUR, 3 * _HOUR, len(at))
        started = self._by_the_end(month, np.concatenate([sent_on, came]))
        hours = self._settings["day_of_emergency_hours"] * np.exp(
            0.5 * rng.normal(size=len(person))
        )
        ended = started + (np.clip(hours, 0.5, 23) * _HOUR).astype(np.int64)
        group = age_groups(ages(self._people.birth[person], month.first))
        rows = events(
            len(person),
            person=person,
            unit=self._units(person),
            speciality=self._fitting(person, self._care.emergency.choose(rng, group)),
            kind=EMERGENCY,
            urgency=np.where(some(rng, 0.7, size=len(person)), 2, 1),
            started=started,
            ended=self._by_the_end(month, ended),
        )
        rows = rows.with_columns(icd10=pl.Series(self._diagnosed(rows, month)))
        return rows.filter(started > self._until[person])

    def _by_the_end(self, month: Month, seconds: Ints) -> Ints:
        """No later than the month's last minute, and at a time that there is."""
        close = (month.last + 1) * SECONDS_A_DAY - 60
        return without_missing_hour(np.minimum(seconds, close), month)

    # Stays.

    def _stays(
        self, month: Month, planned: pl.DataFrame, emergencies: pl.DataFrame
    ) -> pl.DataFrame:
        """The month's admissions, one a person at most; `ended` is when they are to end."""
        rows = pl.concat(
            [
                self._dying(month),
                self._births(month),
                self._admitted(month, emergencies),
                self._on_the_day(planned.filter(pl.col("kind") == INPATIENT)),
                self._psychiatric(month),
            ]
        )
        person, started = rows["person"].to_numpy(), rows["started"].to_numpy()
        is_first = np.zeros(len(rows), dtype=np.bool_)
        is_first[np.unique(person, return_index=True)[1]] = True
        rows = self._grouped(rows.filter(is_first & (started > self._until[person])), month)
        self._until[rows["person"].to_numpy()] = rows["ended"].to_numpy()
        return rows

    def _admitted(self, month: Month, emergencies: pl.DataFrame) -> pl.DataFrame:
        person = emergencies["person"].to_numpy()
        group = age_groups(ages(self._people.birth[person], month.first))
        share = np.array(self._settings["admitted_share"])[group]
        chosen = emergencies.filter(self._rng.random(len(person)) < share)
        started = self._by_the_end(month, chosen["ended"].to_numpy() + 600)
        none = pl.lit(-1, pl.Int64)
        return chosen.with_columns(
            kind=pl.lit(INPATIENT, pl.Int64), started=pl.Series(started), ended=none
        )

    def _on_the_day(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Planned stays begin in the morning of their day."""
        morning = self._rng.integers(7 * 12, 9 * 12, len(rows)) * 300
        return rows.with_columns(started=rows["started"] * SECONDS_A_DAY + pl.Series(morning))

    def _psychiatric(self, month: Month) -> pl.DataFrame:
        level = self._settings["levels"]["psychiatric_stays"]
        person, day = self._fall_ill(month, "continuing_by_age", level * 1.2)
        grown = ages(self._people.birth[person], month.first) >= 16
        person, day = person[grown], day[grown]
        morning = self._rng.integers(9 * 12, 16 * 12, len(person)) * 300
        return events(
            len(person),
            person=person,
            unit=self._units(person),
            speciality=self._care.specialities.index("70"),
            kind=INPATIENT,
            urgency=1,
            started=day * SECONDS_A_DAY + morning,
        )

    def _births(self, month: Month) -> pl.DataFrame:
        """Stays of mothers (any women of the age) and of the children of the month."""
        people, rng = self._people, self._rng
        years = ages(people.birth, month.first)
        fertile = people.female & (years >= 20) & (years < 43) & people.present(month)
        hazard = self._settings["levels"]["births"] / 12
        mothers = np.flatnonzero(fertile & some(rng, hazard, size=len(people)))
        day = month.first + rng.integers(0, month.days, len(mothers))
        lives = (day >= people.entry_day[mothers]) & (day < people.exit_day[mothers])
        born = (people.entry == month.index) & (people.entry_day == people.birth)
        children = np.flatnonzero(born & (people.exit_day > people.birth))
        return pl.concat(
            [
                self._delivered("mother", "30", mothers[lives], day[lives]),
                self._delivered("child", "40", children, people.birth[children]),
            ]
        )

    def _delivered(self, who: str, speciality: str, person: Ints, day: Ints) -> pl.DataFrame:
        groups, codes, weights = self._care.of_births(who)
        chosen = choose(self._rng, weights, size=len(person))
        position = len(self._care.diagnoses) + np.array([BIRTH_CODES.index(c) for c in codes])
        return events(
            len(person),
            person=person,
            unit=self._care.nearest[self._people.home[person]],
            speciality=self._care.specialities.index(speciality),
            kind=INPATIENT,
            urgency=2,
            started=day * SECONDS_A_DAY + self._rng.integers(5 * 12, 12 * 12, len(person)) * 300,
            group=groups[chosen],
            icd10=position[chosen],
        )

    def _dying(self, month: Month) -> pl.DataFrame:
        """Stays of some of those who die in the month, from days before until then."""
        people, rng = self._people, self._rng
        dead = np.flatnonzero((people.death >= month.first) & (people.death <= month.last))
        dead = dead[some(rng, self._settings["dying_share"], size=len(dead))]
        day = people.death[dead] - rng.poisson(self._settings["dying_days"], len(dead))
        day = np.maximum(np.maximum(day, month.first), people.entry_day[dead])
        return events(
            len(dead),
            person=dead,
            unit=self._units(dead),
            speciality=self._care.specialities.index("10"),
            kind=INPATIENT,
            urgency=2,
            started=day * SECONDS_A_DAY + 6 * _HOUR,
            ended=people.death[dead] * SECONDS_A_DAY + 12 * _HOUR,
        )

    def _grouped(self, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
        """Groups, ends and diagnoses of stays, where they have none."""
        rng, care = self._rng, self._care
        person, started = rows["person"].to_numpy(), rows["started"].to_numpy()
        row = 3 * rows["speciality"].to_numpy() + self._age_class(person, month)
        given, ended, code = (rows[c].to_numpy() for c in ("group", "ended", "icd10"))
        group = np.where(given < 0, care.stay.choose(rng, row), given)
        nights = np.rint(care.days[group] * np.exp(0.55 * rng.normal(size=len(rows))))
        leaves = (started // SECONDS_A_DAY + nights.astype(np.int64)) * SECONDS_A_DAY
        leaves += rng.integers(10 * 12, 15 * 12, len(rows)) * 300
        leaves = np.maximum(leaves, started + 3 * _HOUR)
        return rows.with_columns(
            group=pl.Series(group),
            ended=pl.Series(np.where(ended < 0, leaves, ended)),
            icd10=pl.Series(np.where(code < 0, self._diagnosed(rows, month), code)),
        )

    def _ending(self, stays: pl.DataFrame, month: Month) -> pl.DataFrame:
        """Stays with their ends and discharges, cut where the patient died or left."""
        people, person = self._people, stays["person"].to_numpy()
        started, ended = stays["started"].to_numpy(), stays["ended"].to_numpy()
        goes = people.gone[person] == month.index
        out = np.where(goes, people.exit_day[person] * SECONDS_A_DAY + 12 * _HOUR, ended)
        ended = np.minimum(ended, np.maximum(out, started + 600))
        where = Chooser.of(self._settings["discharge"]).choose(
            self._rng, self._age_class(person, month)
        )
        is_dead = people.death[person] == ended // SECONDS_A_DAY
        discharge = np.where(is_dead, DISCHARGES.index("deceased"), where)
        self._until[person] = ended
        return stays.with_columns(ended=pl.Series(ended), discharge=pl.Series(discharge))

    # Sending.

    def _send(self, month: Month, begun: pl.DataFrame) -> None:
        """Send what was over by the end of the month, and that other stays go on."""
        is_stay = pl.col("kind") == INPATIENT
        close = (month.last + 1) * SECONDS_A_DAY - 60
        earlier = self._ending(self._open, month)
        stays = self._ending(begun.filter(is_stay), month)
        over = pl.col("ended") <= close
        whole = pl.concat([begun.filter(~is_stay), stays.filter(over)])
        self._open = pl.concat([earlier.filter(~over), stays.filter(~over)])
        going = stays.filter(~over).with_columns(
            pl.lit(-1, pl.Int64).alias(c) for c in ("ended", "group", "discharge")
        )
        self.over = pl.concat([whole, earlier.filter(over)])
        self._billing.note(month, self.over)
        settings, sender = self._settings, self._sender
        rows = sender.hold_back(EPISODES, month, self._text(whole, month), settings["late_share"])
        wrong = rows.filter(some(self._rng, settings["corrected_share"], size=len(rows)))
        sender.correct(EPISODES, month, wrong.with_columns(icd10_code=pl.lit("Z038")))
        others = self._text(pl.concat([going, earlier.filter(over)]), month)
        sender.send(EPISODES, month, pl.concat([rows, others]))

    def _text(self, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
        """The contract's columns as text."""
        rng, care = self._rng, self._care
        person, ended = rows["person"].to_numpy(), rows["ended"]
        unstated = some(rng, self._settings["unstated_urgency_share"], size=len(rows))
        urgency = np.where(unstated, -1, rows["urgency"].to_numpy())
        saved = np.where(ended.to_numpy() < 0, rows["started"].to_numpy(), ended.to_numpy())
        saved = saved + (rng.exponential(6 * _HOUR, len(rows))).astype(np.int64)
        return pl.DataFrame(
            {
                "episode_id": rows["episode"].cast(pl.String),
                "person_id": _codes(rng, self._identities, person, month),
                "unit_code": labels(care.units, rows["unit"].to_numpy()),
                "episode_kind_code": labels(KINDS, rows["kind"].to_numpy()),
                "speciality_code": labels(care.specialities, rows["speciality"].to_numpy()),
                "urgency_code": _named(("1", "2", "3"), urgency),
                "started_at": time_text(rows["started"], TIME),
                "ended_at": time_text(ended.set(ended < 0, None), TIME),
                "referral_id": rows["referral"].set(rows["referral"] < 0, None).cast(pl.String),
                "drg_code": _named(care.groups, rows["group"].to_numpy()),
                "icd10_code": _named((*care.diagnoses, *BIRTH_CODES), rows["icd10"].to_numpy()),
                "discharge_code": _named(DISCHARGES, rows["discharge"].to_numpy()),
                "updated_at": time_text(pl.Series(self._by_the_end(month, saved)), TIME),
                "is_protected": self._identities.protected(month.index)[person],
            }
        )


def _named(names: Sequence[str], positions: Ints) -> pl.Series:
    """The name at each position, nothing at -1."""
    return labels((*names, None), np.where(positions < 0, len(names), positions))


def _around(rng: np.random.Generator, median: Floats | Ints) -> Ints:
    """Whole days spread around medians, at least one."""
    days: Ints = np.rint(median * np.exp(0.55 * rng.normal(size=len(median)))).astype(np.int64)
    return np.maximum(days, 1)


def _codes(
    rng: np.random.Generator, identities: Identities, person: Ints, month: Month
) -> pl.Series:
    """Code that each row's person goes by; rows may lag behind a change."""
    current = identities.current(month.index).gather(pl.Series(person))
    since = month.index - identities.changed_from[person]
    old = (since >= 0) & (since < 2) & some(rng, _OLD_CODE_SHARE, size=len(person))
    return identities.first.gather(pl.Series(person)).zip_with(pl.Series(old), current)
