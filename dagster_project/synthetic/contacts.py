"""Encounters and diagnoses: who contacts primary care, when, where, with whom and about what.

Here: drawing a month's contacts and their codes from the rates and shares of `contacts.yaml` and
`diagnoses.yaml`, late rows and corrections. Not here: people and their frailty (`people`), `dirt`.
Times are local seconds since 1970-01-01 00:00, days count from that day, -1 is "not recorded".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dagster_project.synthetic.draws import (
    AGE_GROUP_STARTS,
    Chooser,
    Floats,
    Ints,
    Mask,
    age_groups,
    ages,
    some,
)
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People

ENCOUNTERS, DIAGNOSES = "apotti/encounters", "apotti/diagnoses"
IDS_A_CHUNK = 20_000_000
"""Encounter numbers that one chunk may use."""
PLACES = ("reception", "dental", "emergency")
_VARIANTS = 6
_HOUR = 3600
_MOST_MINUTES = 180
_OFFICE = [0.0] * 8 + [1.4, 1.6, 1.4, 0.9, 1.0, 1.3, 1.2, 0.8] + [0.0] * 8
_EVENINGS_TOO = [0.0] * 7 + [1.0] * 14 + [0.0] * 3
_ROUND_THE_CLOCK = [0.5] * 8 + [1.2] * 14 + [0.7] * 2


@dataclass(frozen=True)
class Choices:
    """Site chosen, by person and by reception (0) and dental (1); -1 for none."""

    site: Ints
    since: Ints


@dataclass(frozen=True)
class ContactModel:
    """The parameter files as arrays; `kind` is the position in the file's list of kinds."""

    parameters: Parameters
    kinds: Chooser
    """By age group."""
    urgency: Chooser
    """By kind."""
    hours: Chooser
    """By kind."""
    is_office: Mask
    place: Ints
    minutes: Floats
    first: Floats
    second: Floats
    coding: tuple[str, ...]
    sites: Ints
    """Site number by place (as in PLACES), municipality and variant."""
    yearly: Floats
    """Mean contacts a year by sex (0 male) and 5-year band."""
    acute: Chooser
    """ICD-10 by age group and sex."""
    dental: Chooser
    chronic: Chooser
    icpc2: Chooser
    chronic_positions: Ints

    @property
    def settings(self) -> Section:
        """`contacts.yaml`."""
        return self.parameters.contacts


def build_model(parameters: Parameters) -> ContactModel:
    """Turn the parameter files into choosers and tables."""
    kinds = parameters.contacts["kinds"]
    icd10 = [row[0] for row in parameters.diagnoses["icd10"]]
    weights = _code_weights(parameters.diagnoses)
    chronic = np.array([icd10.index(code) for code in parameters.diagnoses["chronic"]])
    dental = np.array([c.startswith(parameters.diagnoses["dental_prefix"]) for c in icd10])
    frequency = np.array([row[2] for row in parameters.diagnoses["icd10"]], dtype=float)
    return ContactModel(
        parameters=parameters,
        kinds=Chooser.of(np.array([k["weights"] for k in kinds], dtype=float).T),
        urgency=Chooser.of([k["urgency"] for k in kinds]),
        hours=Chooser.of([_hours(k) for k in kinds]),
        is_office=np.array([k["hours"] == "office" for k in kinds]),
        place=np.array([PLACES.index(k["place"]) for k in kinds]),
        minutes=np.array([k["minutes"] for k in kinds], dtype=float),
        first=np.array([k["first"] for k in kinds], dtype=float),
        second=np.array([k["second"] for k in kinds], dtype=float),
        coding=tuple(k["coding"] for k in kinds),
        sites=_site_table(parameters),
        yearly=_yearly_rates(parameters),
        acute=Chooser.of(np.where(dental, 0.0, weights)),
        dental=Chooser.of([np.where(dental, frequency, 0.0).tolist()]),
        chronic=Chooser.of(weights[:, chronic] + 1e-9),
        icpc2=Chooser.of([[row[1] for row in parameters.diagnoses["icpc2"]]]),
        chronic_positions=chronic,
    )


def _hours(kind: Section) -> list[float]:
    if kind["hours"] == "office":
        return _OFFICE
    return _ROUND_THE_CLOCK if kind["place"] == "emergency" else _EVENINGS_TOO


def _code_weights(diagnoses: Section) -> Floats:
    """Weight of each ICD-10 code, a row for each age group and sex (2 x group + is female)."""
    table = np.zeros((2 * len(AGE_GROUP_STARTS), len(diagnoses["icd10"])))
    for column, (code, _pair, frequency) in enumerate(diagnoses["icd10"]):
        prefixes = [code[:length] for length in range(len(code), 0, -1)]
        trait: Section = next(
            (diagnoses["traits"][p] for p in prefixes if p in diagnoses["traits"]), {}
        )
        low, high = trait.get("ages", (0, 5))
        for row in range(len(table)):
            fits = low <= row // 2 <= high and trait.get("sex") != ("female", "male")[row % 2]
            table[row, column] = frequency * trait.get("weight", 1.0) * fits
    return table


def _site_table(parameters: Parameters) -> Ints:
    number = {site: n for n, site in enumerate(parameters.site_ids)}
    public = {p for p, row in parameters.sites["providers"].items() if row["sector"] == "public"}
    table = np.zeros((len(PLACES), len(parameters.area), _VARIANTS), dtype=np.int64)
    for m, municipality in enumerate(parameters.area):
        for p, place in enumerate(PLACES[:2]):
            own = [
                number[row[0]]
                for row in parameters.sites["sites"]
                if row[2] in public and row[3] == place and row[4] == municipality
            ]
            table[p, m] = [own[v % len(own)] for v in range(_VARIANTS)]
        table[2, m] = number[parameters.sites["emergency"][municipality]]
    return table


def _yearly_rates(parameters: Parameters) -> Floats:
    rates = np.array([parameters.contacts["rates"][sex] for sex in ("male", "female")], dtype=float)
    rows = parameters.population["municipalities"]
    people = np.array([[m["males"], m["females"]] for m in rows], dtype=float)
    size = np.array([m["residents"] for m in rows], dtype=float)
    shares = (people / people.sum(axis=(1, 2), keepdims=True) * size[:, None, None]).sum(axis=0)
    mean: float = (rates * shares).sum() / shares.sum()
    scaled: Floats = rates * (parameters.contacts["contacts_per_resident_year"] / mean)
    return scaled


def yearly_contacts(people: People, model: ContactModel, *, day: int) -> Floats:
    """Each person's expected contacts a year at the age of a day: the generator's truth."""
    band = np.clip((ages(people.birth, day) // 5).astype(np.int64), 0, 20)
    expected: Floats = model.yearly[people.female.astype(np.int64), band] * people.frailty
    return expected


def draw_encounters(
    rng: np.random.Generator,
    people: People,
    model: ContactModel,
    *,
    month: Month,
    chosen: Choices,
    first_id: int,
) -> pl.DataFrame:
    """A month's encounters, with people, sites and kinds as numbers."""
    expected = yearly_contacts(people, model, day=month.first) * people.present(month) / 12
    person = np.repeat(np.arange(len(people)), rng.poisson(expected))
    kind = model.kinds.choose(rng, age_groups(ages(people.birth, month.first))[person])
    day = np.clip(
        _days(rng, model.is_office[kind], month), people.entry_day[person], people.exit_day[person]
    )
    minute = model.hours.choose(rng, kind) * 60 + 5 * rng.integers(0, 12, len(person))
    half_minutes = np.exp(rng.normal(np.log(model.minutes[kind] * 2), 0.45)).astype(np.int64) + 1
    half_minutes = np.minimum(half_minutes, _MOST_MINUTES * 2)
    if month.number == 10:
        _plant_doubled_hour(
            people, month, person=person, day=day, minute=minute, spent=half_minutes
        )
    started = without_missing_hour(day * SECONDS_A_DAY + minute * 60, month)
    ended = started + half_minutes * 30
    unmeasured = some(rng, 0.02, size=len(person))
    spoken, served = _languages(rng, people.language[person], model)
    rows = pl.DataFrame(
        {
            "person": person,
            "site": _sites(rng, people, model, kind=kind, person=person, day=day, chosen=chosen),
            "started": started,
            "ended": np.where(unmeasured, -1, ended),
            "kind": kind,
            "urgency": model.urgency.choose(rng, kind),
            "spoken": spoken,
            "served": served,
            "tenths": np.where(unmeasured, -1, half_minutes * 5),
            "updated": _saved(rng, ended, month),
        }
    ).sort("started", maintain_order=True)
    return rows.with_columns(encounter_id=first_id + np.arange(len(rows)))


def _days(rng: np.random.Generator, is_office: Mask, month: Month) -> Ints:
    every = month.first + np.arange(month.days)
    weekdays = every[(every + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    office = weekdays[rng.integers(0, len(weekdays), len(is_office))]
    return np.where(is_office, office, month.first + rng.integers(0, month.days, len(is_office)))


def _plant_doubled_hour(
    people: People, month: Month, *, person: Ints, day: Ints, minute: Ints, spent: Ints
) -> None:
    """Begin two encounters of people who stay at 3.20, a time that this night has twice."""
    settled = (people.entry_day < month.first) & (people.exit_day == NEVER)
    two = np.flatnonzero(settled[person])[:2]
    day[two], minute[two], spent[two] = month.last_sunday(), 200, 30


def doubled_hour(encounters: pl.DataFrame, month: Month) -> list[int]:
    """Encounters that began between 3 and 4 on the night that has this hour twice."""
    if month.number != 10:
        return []
    start = month.last_sunday() * SECONDS_A_DAY + 3 * _HOUR
    rows = encounters.filter(pl.col("started").is_between(start, start + _HOUR, closed="left"))
    return rows["encounter_id"].to_list()


def without_missing_hour(started: Ints, month: Month) -> Ints:
    """Four hours later, so that none begins or ends in the hour that a night of March lacks."""
    if month.number != 3:
        return started
    midnight = month.last_sunday() * SECONDS_A_DAY
    risky = (started >= midnight) & (started < midnight + 4 * _HOUR)
    return np.where(risky, started + 4 * _HOUR, started)


def _saved(rng: np.random.Generator, ended: Ints, month: Month) -> Ints:
    """When the row was saved: some hours later, by the end of the month if the contact was over."""
    close = (month.last + 1) * SECONDS_A_DAY - 1
    saved = ended + (rng.exponential(6 * _HOUR, len(ended))).astype(np.int64)
    return without_missing_hour(np.maximum(ended, np.minimum(saved, close)), month)


def _languages(rng: np.random.Generator, tongue: Ints, model: ContactModel) -> tuple[Ints, Ints]:
    """Language of choice and of service, as language numbers; -1 where not recorded."""
    english = model.parameters.languages.index("en")
    point = rng.random(len(tongue))
    served = np.zeros(len(tongue), dtype=np.int64)
    served[(tongue == 1) & (point < model.settings["served_in_swedish"])] = 1
    served[(tongue > 1) & (point < model.settings["served_in_english"])] = english
    unasked = some(rng, 0.1, size=len(tongue))
    return np.where(unasked, -1, tongue), np.where(unasked, -1, served)


def _sites(
    rng: np.random.Generator,
    people: People,
    model: ContactModel,
    *,
    kind: Ints,
    person: Ints,
    day: Ints,
    chosen: Choices,
) -> Ints:
    place = model.place[kind]
    public = model.sites[place, people.home[person], person % _VARIANTS]
    column = np.minimum(place, 1)
    own = chosen.site[person, column]
    goes = (place < 2) & (own >= 0) & (chosen.since[person, column] <= day)
    goes &= some(rng, model.settings["at_chosen_site"], size=len(person))
    return np.where(goes, own, public)


def draw_diagnoses(
    rng: np.random.Generator,
    people: People,
    model: ContactModel,
    *,
    encounters: pl.DataFrame,
    conditions: tuple[Ints, Ints],
) -> pl.DataFrame:
    """Codes of a month's encounters; `row` is the encounter's position in the frame."""
    kind = encounters["kind"].to_numpy()
    point = rng.random(len(kind))
    first = np.flatnonzero(point < model.first[kind])
    second = np.flatnonzero(point < model.second[kind])
    row = np.concatenate([first, second])
    number = np.concatenate([np.ones_like(first), np.full_like(second, 2)])
    order = np.lexsort((number, row))
    row, number = row[order], number[order]
    coding = np.array([("icd10", "icpc2", "none").index(c) for c in model.coding])[kind[row]]
    person = encounters["person"].to_numpy()[row]
    day = encounters["started"].to_numpy()[row] // SECONDS_A_DAY
    group = age_groups(ages(people.birth[person], 0) + day / 365.25) * 2 + people.female[person]
    icd10 = _icd10(rng, model, person=person, group=group, conditions=conditions)
    is_dental = model.place[kind[row]] == 1
    icd10[is_dental] = model.dental.choose(rng, np.zeros(is_dental.sum(), dtype=np.int64))
    icpc2 = model.icpc2.choose(rng, np.zeros(len(row), dtype=np.int64))
    return pl.DataFrame(
        {
            "encounter_id": encounters["encounter_id"].to_numpy()[row],
            "diagnosis_number": number,
            "row": row,
            "person": person,
            "icd10": np.where(coding == 0, icd10, -1),
            "icpc2": np.where(coding == 1, icpc2, -1),
            "day": day,
            "updated": encounters["updated"].to_numpy()[row],
        }
    )


def _icd10(
    rng: np.random.Generator,
    model: ContactModel,
    *,
    person: Ints,
    group: Ints,
    conditions: tuple[Ints, Ints],
) -> Ints:
    """A code for each contact: one of the person's long-term conditions, or an acute one."""
    counts, held = conditions
    count = counts[person]
    recurs = some(rng, model.parameters.diagnoses["chronic_share"], size=len(person)) & (count > 0)
    which = (rng.random(len(person)) * count).astype(np.int64)
    own = model.chronic_positions[held[person, which]]
    return np.where(recurs, own, model.acute.choose(rng, group))


@dataclass(frozen=True)
class Mail:
    """Where late and corrected rows wait, and the manifest that counts them."""

    encounters: Outbox
    diagnoses: Outbox
    manifest: Manifest
    months: Sequence[Month]

    def sequence(self, index: int) -> int | None:
        """The month's sequence, or None after the window."""
        return self.months[index].sequence if index < len(self.months) else None


def post(
    rng: np.random.Generator,
    model: ContactModel,
    mail: Mail,
    *,
    month: Month,
    rows: tuple[pl.DataFrame, pl.DataFrame],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A month's increments: on-time encounters and diagnoses, and what waited for the month."""
    encounters, diagnoses = rows
    share = model.settings["late_share"]
    late = some(rng, share, size=len(encounters))
    with_it = some(rng, 1 - model.settings["late_with_diagnosis_on_time"], size=len(encounters))
    late_diagnosis = (late & with_it)[diagnoses["row"].to_numpy()]
    _post_late(mail, ENCOUNTERS, month.index + 1, encounters.filter(late))
    _post_late(mail, DIAGNOSES, month.index + 1, diagnoses.filter(late_diagnosis))
    on_time, coded = encounters.filter(~late), diagnoses.filter(~late_diagnosis)
    _correct_encounters(rng, model, mail, month=month, rows=on_time)
    _correct_diagnoses(rng, model, mail, month=month, rows=coded)
    return mail.encounters.due(month.index, on_time), mail.diagnoses.due(month.index, coded)


def _post_late(mail: Mail, table: str, index: int, rows: pl.DataFrame) -> None:
    sequence = mail.sequence(index)
    if sequence is None:
        return
    outbox = mail.encounters if table == ENCOUNTERS else mail.diagnoses
    outbox.put(index, rows)
    keys = rows["encounter_id"].to_list()
    mail.manifest.count("late_arrivals", table, sequence=sequence, keys=keys)


def _correct_encounters(
    rng: np.random.Generator, model: ContactModel, mail: Mail, *, month: Month, rows: pl.DataFrame
) -> None:
    """Send some again one to three months later with another duration, some in another month."""
    chosen = rows.filter(some(rng, model.settings["corrected_share"], size=len(rows)))
    longer = pl.when(pl.col("tenths") >= 0).then(pl.col("tenths") + 50).otherwise(-1)
    for months_later in (1, 2, 3):
        part = chosen[months_later - 1 :: 3].with_columns(
            longer.alias("tenths"), urgency=pl.lit(1, pl.Int64)
        )
        _post_correction(rng, mail, ENCOUNTERS, index=month.index + months_later, rows=part)
    day = pl.col("started") // SECONDS_A_DAY - month.first
    is_office = pl.Series(model.is_office[rows["kind"].to_numpy()])
    other = ~pl.col("encounter_id").is_in(chosen["encounter_id"].implode())
    can_move = rows.filter(is_office).filter(day.is_between(3, 26), other)
    count = max(int(len(can_move) * model.settings["moved_share"]), 1)
    _move(rng, mail, month=month, rows=can_move.head(count))


def _move(rng: np.random.Generator, mail: Mail, *, month: Month, rows: pl.DataFrame) -> None:
    """Four weeks later: the same weekday of the next month."""
    sequence = mail.sequence(month.index + 1)
    weeks = 28 * SECONDS_A_DAY
    ended = pl.when(pl.col("ended") >= 0).then(pl.col("ended") + weeks).otherwise(-1)
    moved = rows.with_columns(pl.col("started") + weeks, ended.alias("ended"))
    _post_correction(rng, mail, ENCOUNTERS, index=month.index + 1, rows=moved)
    if sequence is not None:
        planted = [
            {"encounter_id": i, "sequence": sequence, "from": month.sequence, "to": sequence}
            for i in rows["encounter_id"]
        ]
        mail.manifest.moved_encounters.extend(planted)


def _correct_diagnoses(
    rng: np.random.Generator, model: ContactModel, mail: Mail, *, month: Month, rows: pl.DataFrame
) -> None:
    """Send some again a month later with another code."""
    share = model.settings["diagnosis_corrected_share"]
    chosen = rows.filter(some(rng, share, size=len(rows)) & (rows["icd10"] >= 0).to_numpy())
    other = model.acute.choose(rng, np.full(len(chosen), 6, dtype=np.int64))
    part = chosen.with_columns(icd10=pl.Series(other))
    _post_correction(rng, mail, DIAGNOSES, index=month.index + 1, rows=part)


def _post_correction(
    rng: np.random.Generator, mail: Mail, table: str, *, index: int, rows: pl.DataFrame
) -> None:
    sequence = mail.sequence(index)
    if sequence is None:
        return
    later = mail.months[index]
    # In the month's last days, after any contact that was moved to it.
    day = later.first + rng.integers(27, later.days, len(rows))
    saved = day * SECONDS_A_DAY + rng.integers(9 * _HOUR, 15 * _HOUR, len(rows))
    outbox = mail.encounters if table == ENCOUNTERS else mail.diagnoses
    outbox.put(index, rows.with_columns(updated=pl.Series(saved)))
    keys = rows["encounter_id"].to_list()
    mail.manifest.count("corrections", table, sequence=sequence, keys=keys)
