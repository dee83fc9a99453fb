"""Measurements, procedures and referrals: what is found, done and asked in contacts.

Here: drawing them from a month's visits by the shares of `clinical.yaml`. Not here: the visits
(`contacts`), how rows reach their files (`sending`). Values are drawn in tenths, times in local
seconds since 1970-01-01 00:00.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from dagster_project.synthetic.contacts import ContactModel
from dagster_project.synthetic.draws import (
    Chooser,
    Floats,
    Ints,
    Mask,
    age_groups,
    ages,
    choose,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender

MEASUREMENTS, PROCEDURES, REFERRALS = (
    "apotti/measurements",
    "apotti/procedures",
    "apotti/referrals",
)
DATE, TIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
"""Formats of dates and times in every contract of this source's newer tables."""
_HOUR = 3600
_VARIANTS = 6
_PERCENT = "%"
_NGSP = (0.09148, 2.152)
"""HbA1c in % (NGSP) from mmol/mol (IFCC): Hoelzel et al., Clin Chem 2004."""
_SMOKING = "72166-2"


@dataclass(frozen=True)
class Visits:
    """A month's encounters that were sent on time; element i of every array is encounter i."""

    month: Month
    ids: Ints
    person: Ints
    site: Ints
    started: Ints
    kind: Ints
    urgency: Ints
    updated: Ints
    codes: pl.Series
    is_protected: Mask
    diagnosed: tuple[Ints, Ints]
    """Person and ICD-10 (position in the code list, -1 for none) of each code of the month."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def day(self) -> Ints:
        """Civil day of each, from 1970-01-01."""
        return self.started // SECONDS_A_DAY


@dataclass
class Numbers:
    """The source's own running numbers of one table in one chunk."""

    next: int

    def take(self, size: int) -> pl.Series:
        """The next numbers as text."""
        taken = np.arange(self.next, self.next + size)
        self.next += size
        return pl.Series(taken).cast(pl.String)


def kinds_like(model: ContactModel, wanted: Sequence[Sequence[str]]) -> Mask:
    """By kind of contact: whether its service, contact type and profession are among those."""
    kinds = model.settings["kinds"]
    listed = {tuple(w) for w in wanted}
    told = [(k["service"], k["contact_type"], k["profession"]) for k in kinds]
    return np.array(
        [t in listed and k["hours"] == "office" for t, k in zip(told, kinds, strict=True)]
    )


def of_profession(model: ContactModel, *names: str) -> Mask:
    """By kind of contact: whether one of these professions takes it."""
    return np.array([k["profession"] in names for k in model.settings["kinds"]])


def tenths_text(tenths: Ints, decimals: Mask) -> pl.Series:
    """Tenths with a decimal comma where there are decimals, else whole."""
    number = pl.Series(tenths)
    whole = (number // 10).cast(pl.String)
    return (whole + "," + (number % 10).cast(pl.String)).zip_with(pl.Series(decimals), whole)


@dataclass(frozen=True)
class _Tests:
    """The tests of `clinical.yaml` as arrays; a test is its position in the file."""

    codes: tuple[str, ...]
    units: tuple[str | None, ...]
    """All spellings, `width` a test."""
    unit: Chooser
    median: Floats
    spread: Floats
    noise: Floats
    has_decimals: Mask
    slip: Ints
    """Factor of an impossible value."""
    bounds: tuple[tuple[str, ...], tuple[str, ...]]

    @classmethod
    def of(cls, tests: Mapping[str, Section]) -> _Tests:
        """From the parameter file."""
        width = max(len(t["units"]) for t in tests.values())
        shares = np.zeros((len(tests), width))
        units: list[str | None] = []
        for row, test in enumerate(tests.values()):
            shares[row, : len(test["units"])] = [u[1] for u in test["units"]]
            units += [u[0] for u in test["units"]] + [None] * (width - len(test["units"]))
        rows = list(tests.values())
        return cls(
            codes=tuple(tests),
            units=tuple(units),
            unit=Chooser.of(shares),
            median=np.array([t.get("median", 1.0) for t in rows]),
            spread=np.array([t.get("spread", 0.0) for t in rows]),
            noise=np.array([t.get("noise", 0.0) for t in rows]),
            has_decimals=np.array([t.get("decimals", 0) > 0 for t in rows]),
            slip=np.array([t.get("impossible", 1) for t in rows]),
            bounds=(
                tuple(t.get("below", "") for t in rows),
                tuple(t.get("above", "") for t in rows),
            ),
        )


@dataclass(frozen=True)
class _Panel:
    tests: Ints
    followed: Mask
    """By person."""
    last: Ints
    """By person: month index in which it was last measured."""
    rule: Section


class Measurements:
    """Measurements of one chunk, month by month."""

    def __init__(
        self,
        rng: np.random.Generator,
        people: People,
        model: ContactModel,
        conditions: tuple[Ints, Ints],
        *,
        first_id: int,
    ) -> None:
        self._rng = rng
        self._people = people
        self._model = model
        self._settings: Section = model.parameters.clinical["measurements"]
        self._tests = _Tests.of(self._settings["tests"])
        self._in_group = codes_in_groups(model, self._settings["groups"])
        self._groups = self._held_at_start(conditions)
        self._levels()
        self._smoking = 1 + choose(rng, self._settings["smoking"], size=len(people))
        self._panels = [self._panel(rule) for rule in self._settings["panels"]]
        self._at_visit = kinds_like(model, self._settings["visits"])
        self._numbers = Numbers(first_id)

    def _held_at_start(self, conditions: tuple[Ints, Ints]) -> dict[str, Mask]:
        """By group: who has one of its long-term conditions."""
        counts, held = conditions
        has = np.arange(held.shape[1]) < counts[:, None]
        position = self._model.chronic_positions[held]
        return {g: np.any(belongs[position] & has, axis=1) for g, belongs in self._in_group.items()}

    def _levels(self) -> None:
        """Each person's median of each test in tenths (log), and how far one result strays."""
        size, tests = len(self._people), self._tests
        stray = self._rng.normal(size=(size, len(tests.codes)))
        self._level = np.log(10 * tests.median) + tests.spread * stray
        self._noise = np.broadcast_to(tests.noise, stray.shape).copy()
        for group, held in self._groups.items():
            self._set_levels(group, np.flatnonzero(held))

    def _set_levels(self, group: str, person: Ints) -> None:
        """Give people the levels of those who have a condition."""
        for n, test in enumerate(self._settings["tests"].values()):
            if group in test.get("group", {}):
                spread = test.get("group_spread", test["spread"])
                stray = spread * self._rng.normal(size=len(person))
                self._level[person, n] = np.log(10 * test["group"][group]) + stray
                self._noise[person, n] = test.get("group_noise", test["noise"])

    def _learn(self, diagnosed: tuple[Ints, Ints]) -> None:
        """Follow up from now on whoever got a code of a group in the month."""
        person, code = diagnosed
        for group, belongs in self._in_group.items():
            new = np.unique(person[belongs[code] & (code >= 0)])
            new = new[~self._groups[group][new]]
            self._groups[group][new] = True
            self._set_levels(group, new)
            for panel in self._panels:
                if group in panel.rule["of"]:
                    panel.followed[new] = True

    def _panel(self, rule: Section) -> _Panel:
        followed: Mask = np.any([self._groups[g] for g in rule["of"]], axis=0).copy()
        last = -self._rng.integers(1, 12, len(followed))
        tests = np.array([self._tests.codes.index(t) for t in rule["tests"]])
        return _Panel(tests, followed, last, rule)

    def deliver(self, sender: Sender, visits: Visits, current: pl.Series, hidden: Mask) -> None:
        """Send a month's measurements; `current` and `hidden` are codes and orders by person."""
        self._learn(visits.diagnosed)
        parts = [self._drawn(p, visits, current, hidden) for p in self._panels]
        rows = pl.concat([frame for pair in parts for frame in pair])
        rows = self._valued(rows).with_columns(measurement_id=self._numbers.take(len(rows)))
        rows = sender.hold_back(MEASUREMENTS, visits.month, rows, self._settings["late_share"])
        rows = self._restated(sender, visits.month, rows)
        sent = sender.send(MEASUREMENTS, visits.month, rows)
        count_oddities(sender.manifest, visits.month, sent)

    def _drawn(
        self, panel: _Panel, visits: Visits, current: pl.Series, hidden: Mask
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A panel's rows without values: those of visits, those of samples without one."""
        month, rule = visits.month.index, panel.rule
        able = np.flatnonzero(self._at_visit[visits.kind])
        _, first = np.unique(visits.person[able], return_index=True)
        able = able[first]
        person = visits.person[able]
        is_due = panel.followed[person] & (month - panel.last[person] >= rule["months"])
        adult = ages(self._people.birth[person], visits.month.first) >= 18
        others = ~panel.followed[person] & adult
        chosen = able[is_due | (others & some(self._rng, rule["others"], size=len(able)))]
        at_visits = self._rows_of_visits(panel, visits, chosen)
        panel.last[visits.person[chosen]] = month
        overdue = panel.followed & (month - panel.last >= rule["months"] + 3)
        overdue &= self._people.present(visits.month)
        overdue &= (self._people.entry_day < visits.month.first) & (
            self._people.exit_day > visits.month.last
        )
        sampled = np.flatnonzero(overdue)
        sampled = sampled[some(self._rng, rule["by_sample"], size=len(sampled))]
        panel.last[sampled] = month
        return at_visits, self._rows_of_samples(panel, visits.month, sampled, current, hidden)

    def _rows_of_visits(self, panel: _Panel, visits: Visits, chosen: Ints) -> pl.DataFrame:
        at, test = np.repeat(chosen, len(panel.tests)), np.tile(panel.tests, len(chosen))
        saved = np.where(
            self._is_laboratory(test), self._next_day(visits.started[at]), visits.updated[at]
        )
        return pl.DataFrame(
            {
                "person": visits.person[at],
                "test": test,
                "person_id": visits.codes.gather(pl.Series(at)),
                "encounter_id": pl.Series(visits.ids[at]).cast(pl.String),
                "site": visits.site[at],
                "measured": visits.started[at],
                "updated": np.maximum(saved, visits.started[at]),
                "is_protected": visits.is_protected[at],
            }
        )

    def _rows_of_samples(
        self, panel: _Panel, month: Month, sampled: Ints, current: pl.Series, hidden: Mask
    ) -> pl.DataFrame:
        person, test = np.repeat(sampled, len(panel.tests)), np.tile(panel.tests, len(sampled))
        day = np.repeat(month.first + self._rng.integers(0, 27, len(sampled)), len(panel.tests))
        measured = day * SECONDS_A_DAY + np.repeat(
            self._rng.integers(7 * 12, 10 * 12, len(sampled)) * 300, len(panel.tests)
        )
        site = self._model.sites[0, self._people.home[person], person % _VARIANTS]
        return pl.DataFrame(
            {
                "person": person,
                "test": test,
                "person_id": current.gather(pl.Series(person)),
                "encounter_id": pl.Series([None], dtype=pl.String).new_from_index(0, len(person)),
                "site": site,
                "measured": measured,
                "updated": self._next_day(measured),
                "is_protected": hidden[person],
            }
        )

    def _is_laboratory(self, test: Ints) -> Mask:
        return np.array(["-" not in code for code in self._tests.codes])[test]

    def _next_day(self, seconds: Ints) -> Ints:
        """Office hours of the day after."""
        day = seconds // SECONDS_A_DAY + 1
        return day * SECONDS_A_DAY + self._rng.integers(8 * _HOUR, 18 * _HOUR, len(day))

    def _valued(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The contract's columns as text, with values, units and their oddities."""
        person, test = rows["person"].to_numpy(), rows["test"].to_numpy()
        text, odd_value = self._values(person, test)
        unit = self._tests.unit.choose(self._rng, test)
        number = text.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        in_percent = np.array([u == _PERCENT for u in self._tests.units])
        in_percent = in_percent[test * self._tests.unit.width + unit]
        plain = number.is_not_null().to_numpy() & (odd_value == -1)
        unit = np.where(in_percent & ~plain, 0, unit)
        ngsp = np.rint((number.fill_null(0).to_numpy() * _NGSP[0] + _NGSP[1]) * 10).astype(np.int64)
        percent = tenths_text(ngsp, np.ones_like(in_percent))
        text = percent.zip_with(pl.Series(in_percent & plain), text)
        position = test * self._tests.unit.width + unit
        return pl.DataFrame(
            {
                "person_id": rows["person_id"],
                "encounter_id": rows["encounter_id"],
                "site_id": labels(self._model.parameters.site_ids, rows["site"].to_numpy()),
                "measured_at": time_text(rows["measured"], TIME),
                "test_code": labels(self._tests.codes, test),
                "value_text": text,
                "unit": labels(self._tests.units, position),
                "status_code": pl.Series(["final"]).new_from_index(0, len(rows)),
                "updated_at": time_text(rows["updated"], TIME),
                "is_protected": rows["is_protected"],
                "odd_value": odd_value,
                "odd_unit": unit > 0,
                "is_odd": (odd_value >= 0) | (unit > 0),
            }
        )

    def _values(self, person: Ints, test: Ints) -> tuple[pl.Series, Ints]:
        """Value as text, and its kind of oddity: position in `ODD_VALUES`, -1 for none."""
        rng, tests, settings = self._rng, self._tests, self._settings
        strays = rng.normal(size=len(test)) * self._noise[person, test]
        tenths = np.rint(np.exp(self._level[person, test] + strays)).astype(np.int64)
        is_smoking = np.array([code == _SMOKING for code in tests.codes])[test]
        tenths = np.where(is_smoking, self._smoking[person] * 10, tenths)
        shares = [*settings["missing"].values(), *[settings["bound_share"] / 2] * 2]
        shares.append(settings["impossible_share"])
        odd = choose(rng, [*shares, 1 - sum(shares)], size=len(test))
        odd = np.where((odd == len(shares)) | (is_smoking & (odd >= 4)), -1, odd)
        slipped = odd == ODD_VALUES.index("impossible")
        tenths = np.where(slipped, tenths * tests.slip[test], tenths)
        text = tenths_text(tenths, tests.has_decimals[test] & ~slipped)
        for n, missing in enumerate(settings["missing"]):
            text = text.set(pl.Series(odd == n), missing or None)
        for n, bounds in enumerate(tests.bounds, start=ODD_VALUES.index("below")):
            text = labels(bounds, test).zip_with(pl.Series(odd == n), text)
        return text, odd

    def _restated(self, sender: Sender, month: Month, rows: pl.DataFrame) -> pl.DataFrame:
        """Make some results preliminary, and send these, corrected and cancelled ones again."""
        settings = self._settings
        shares = [settings[f"{s}_share"] for s in ("preliminary", "corrected", "cancelled")]
        fate = choose(self._rng, [*shares, 1 - sum(shares)], size=len(rows))
        fate = np.where(rows["is_odd"].to_numpy(), 3, fate)
        preliminary, corrected, cancelled = (rows.filter(fate == n) for n in range(3))
        sender.correct(MEASUREMENTS, month, preliminary)
        # A result that was somebody else's: the median of the test.
        medians = dict(zip(self._tests.codes, tenths_text(*self._medians()).to_list(), strict=True))
        sender.correct(
            MEASUREMENTS,
            month,
            corrected.with_columns(
                value_text=pl.col("test_code").replace_strict(medians, return_dtype=pl.String),
                status_code=pl.lit("corrected"),
            ),
        )
        nothing = pl.lit(None, pl.String)
        gone = cancelled.with_columns(value_text=nothing, status_code=pl.lit("cancelled"))
        sender.correct(MEASUREMENTS, month, gone)
        status = pl.Series(["final"]).new_from_index(0, len(rows)).set(pl.Series(fate == 0), _EARLY)
        return rows.with_columns(status_code=status)

    def _medians(self) -> tuple[Ints, Mask]:
        return np.rint(self._tests.median * 10).astype(np.int64), self._tests.has_decimals


_EARLY = "preliminary"
ODD_VALUES = (
    "missing NULL",
    "missing NA",
    "missing empty",
    "missing Puuttuu",
    "below",
    "above",
    "impossible",
)
"""Kinds of odd values, in the order of `clinical.yaml`."""


def count_oddities(manifest: Manifest, month: Month, sent: pl.DataFrame) -> None:
    """List how many accepted rows of a month's file hold which odd value or unit."""
    odd = sent.filter(pl.col("odd_value") >= 0)
    kinds = labels(ODD_VALUES, odd["odd_value"].to_numpy()).rename("kind")
    values = kinds.value_counts().iter_rows()
    spellings = sent.filter(pl.col("odd_unit"))["unit"].fill_null("(empty)").value_counts()
    units = ((f"unit {spelling}", count) for spelling, count in spellings.iter_rows())
    for kind, count in sorted([*values, *units]):
        of_kind = manifest.odd_measurements.setdefault(kind, {})
        sequence = str(month.sequence)
        of_kind[sequence] = of_kind.get(sequence, 0) + count


def codes_in_groups(model: ContactModel, groups: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    """By group of conditions: which ICD-10 codes (positions in the list) belong to it."""
    codes = [row[0] for row in model.parameters.diagnoses["icd10"]]
    return {
        group: np.array([code.startswith(tuple(prefixes)) for code in codes])
        for group, prefixes in groups.items()
    }


class Procedures:
    """Procedures of one chunk, month by month."""

    def __init__(
        self, rng: np.random.Generator, people: People, model: ContactModel, *, first_id: int
    ) -> None:
        self._rng = rng
        self._people = people
        self._model = model
        self._settings: Section = model.parameters.clinical["procedures"]
        acts: Mapping[str, list[list[Any]]] = self._settings["acts"]
        kinds = model.settings["kinds"]
        flat = [(profession, *act) for profession, rows in acts.items() for act in rows]
        self._codes = tuple(row[1] for row in flat)
        self._on_tooth = np.array([row[3] for row in flat])
        weights = [[row[2] * (row[0] == k["profession"]) for row in flat] for k in kinds]
        self._act = Chooser.of(np.array(weights, dtype=float))
        is_dental = of_profession(model, "dentist", "dental_hygienist")
        dental, other = self._settings["dental"], self._settings["other"]
        self._first = np.where(is_dental, dental["first"], other["first"])
        self._second = np.where(is_dental, dental["second"], other["second"])
        self._numbers = Numbers(first_id)

    def deliver(self, sender: Sender, visits: Visits) -> None:
        """Send a month's acts."""
        rng, kind = self._rng, visits.kind
        first = np.flatnonzero(rng.random(len(visits)) < self._first[kind])
        second = first[rng.random(len(first)) < (self._second / self._first)[kind[first]]]
        at = np.sort(np.concatenate([first, second]))
        act = self._act.choose(rng, kind[at])
        young = ages(self._people.birth[visits.person[at]], visits.month.first) < 6.5
        tooth = _teeth(rng, young)
        rows = pl.DataFrame(
            {
                "procedure_id": self._numbers.take(len(at)),
                "person_id": visits.codes.gather(pl.Series(at)),
                "encounter_id": pl.Series(visits.ids[at]).cast(pl.String),
                "performed_date": date_text(visits.day[at], DATE),
                "procedure_code": labels(self._codes, act),
                "tooth_code": tooth.set(pl.Series(~self._on_tooth[act]), None),
                "site_id": labels(self._model.parameters.site_ids, visits.site[at]),
                "updated_at": time_text(pl.Series(visits.updated[at]), TIME),
                "is_protected": visits.is_protected[at],
            }
        )
        rows = sender.hold_back(PROCEDURES, visits.month, rows, self._settings["late_share"])
        chosen = rows.filter(some(rng, self._settings["corrected_share"], size=len(rows)))
        is_filling = chosen["procedure_code"].str.starts_with("SFA")
        sender.correct(
            PROCEDURES,
            visits.month,
            chosen.filter(is_filling).with_columns(procedure_code=pl.lit("SFA30")),
        )
        sender.send(PROCEDURES, visits.month, rows)


def _teeth(rng: np.random.Generator, young: Mask) -> pl.Series:
    """A tooth by FDI: of the permanent ones, or of the deciduous where young."""
    quadrant = rng.integers(1, 5, len(young))
    number = rng.integers(0, 40, len(young))
    tooth = np.where(young, (quadrant + 4) * 10 + number % 5 + 1, quadrant * 10 + number % 8 + 1)
    return pl.Series(tooth).cast(pl.String)


class Referrals:
    """Referrals and e-consultations of one chunk, month by month."""

    def __init__(
        self, rng: np.random.Generator, people: People, model: ContactModel, *, first_id: int
    ) -> None:
        self._rng = rng
        self._people = people
        settings: Section = model.parameters.clinical["referrals"]
        self._settings = settings
        self._share = np.where(of_profession(model, "doctor"), settings["doctor_share"], 0.0)
        self._share[of_profession(model, "dentist")] = settings["dentist_share"]
        self._is_dental = of_profession(model, "dentist")
        self._is_office = model.is_office
        self._speciality = Chooser.of(
            np.array([s[1] for s in settings["specialities"]], dtype=float).T
        )
        self._outcome = Chooser.of([settings["outcomes"][k] for k in _KINDS])
        nearest = [settings["hospitals"][m] for m in model.parameters.area]
        self._hospitals = (*nearest, *settings["others"])
        self._numbers = Numbers(first_id)
        self.sent = pl.DataFrame()
        """The month's referrals that were sent on time, with their answers, by whoever follows up:
        the contract's columns, `person` and `answered_day`."""

    def deliver(self, sender: Sender, visits: Visits) -> None:
        """Send a month's referrals: first versions now, answers in the month in which they come."""
        rng, settings, month = self._rng, self._settings, visits.month
        at = np.flatnonzero(rng.random(len(visits)) < self._share[visits.kind])
        kind = some(rng, settings["e_consultation_share"], size=len(at)).astype(np.int64)
        delay = rng.integers(1, 9, len(at)) * 900 * self._is_office[visits.kind[at]]
        sent = visits.started[at] + delay
        answered = self._answers(kind, sent)
        # At night the minute after may be one that a night of March lacks.
        rows = self._rows(visits, at, kind, sent, saved=sent + (delay > 0) * 120)
        answer = pl.DataFrame(
            {
                "answered_at": time_text(pl.Series(answered), TIME),
                "outcome_code": labels(_OUTCOMES, self._outcome.choose(rng, kind)),
                "updated_at": time_text(pl.Series(answered + 600), TIME),
            }
        )
        due = self._month_of(sender, answered // SECONDS_A_DAY)
        at_once = due <= month.index
        full = rows.with_columns(answer)
        sender.send_later(REFERRALS, due[~at_once], full.filter(~at_once))
        settled = sender.hold_back(REFERRALS, month, full.filter(at_once), settings["late_share"])
        wrong = settled.filter(some(rng, settings["corrected_share"], size=len(settled)))
        sender.correct(REFERRALS, month, wrong.with_columns(outcome_code=pl.lit("returned")))
        on_time = pl.concat([rows.filter(~at_once), settled])
        self.sent = full.with_columns(
            person=pl.Series(visits.person[at]), answered_day=pl.Series(answered // SECONDS_A_DAY)
        ).join(on_time.select("referral_id"), on="referral_id", how="semi")
        sender.send(REFERRALS, month, on_time)

    def _answers(self, kind: Ints, sent: Ints) -> Ints:
        """When the receiver answers: days later in office hours, or soon (real-time channel)."""
        rng, settings = self._rng, self._settings
        median = np.array([settings["median_answer_days"][k] for k in _KINDS])[kind]
        days = 1 + np.exp(rng.normal(np.log(median), 0.8)).astype(np.int64)
        clock = rng.integers(8 * _HOUR, 16 * _HOUR, len(kind))
        later = (sent // SECONDS_A_DAY + np.minimum(days, 120)) * SECONDS_A_DAY + clock
        soon = (kind == 1) & some(rng, settings["same_day_answer_share"], size=len(kind))
        soon &= sent % SECONDS_A_DAY > 8 * _HOUR
        return np.where(soon, sent + rng.integers(300, 7200, len(kind)), later)

    def _month_of(self, sender: Sender, day: Ints) -> Ints:
        """Index of the month that a day lies in; beyond the window one past the last."""
        ends = np.array([m.last for m in sender.months])
        return np.searchsorted(ends, day, side="left")

    def _rows(
        self, visits: Visits, at: Ints, kind: Ints, sent: Ints, *, saved: Ints
    ) -> pl.DataFrame:
        rng, settings = self._rng, self._settings
        group = age_groups(ages(self._people.birth[visits.person[at]], visits.month.first))
        speciality = labels(
            [s[0] for s in settings["specialities"]], self._speciality.choose(rng, group)
        )
        is_dental = pl.Series(self._is_dental[visits.kind[at]])
        nearby = some(rng, settings["nearest_share"], size=len(at))
        far = len(self._hospitals) - 1 - rng.integers(0, len(settings["others"]), len(at))
        hospital = np.where(nearby, self._people.home[visits.person[at]], far)
        loose = some(rng, settings["without_encounter"], size=len(at))
        unanswered = pl.Series([None], dtype=pl.String).new_from_index(0, len(at))
        return pl.DataFrame(
            {
                "referral_id": self._numbers.take(len(at)),
                "person_id": visits.codes.gather(pl.Series(at)),
                "encounter_id": pl.Series(visits.ids[at])
                .cast(pl.String)
                .set(pl.Series(loose), None),
                "speciality_code": speciality.set(is_dental, "58"),
                "kind_code": labels(_KINDS, kind),
                "urgency_code": labels(
                    ("1", "2", "3"), choose(rng, settings["urgency"], size=len(at))
                ),
                "sent_at": time_text(pl.Series(sent), TIME),
                "received_by_code": labels(self._hospitals, hospital),
                "answered_at": unanswered,
                "outcome_code": unanswered,
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": visits.is_protected[at],
            }
        )


_KINDS = ("referral", "e_consultation")
_OUTCOMES = ("accepted", "advised", "returned", "cancelled")
