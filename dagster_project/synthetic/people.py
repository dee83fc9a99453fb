"""The invented population and how it changes month by month.

Here: who lives where, births, deaths, moves, latent frailty, long-term conditions, the register's
rows. Not here: identity codes and their changes (`identities`), use of services (`contacts`).
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
    choose,
    date_text,
    labels,
)
from dagster_project.synthetic.months import DAYS_A_YEAR, NEVER, Month
from dagster_project.synthetic.parameters import Parameters

_BANDS = 21
_GROUP_ENDS = np.array([7, 18, 45, 65, 80, 95])


@dataclass
class People:
    """One chunk of people; element i of every array is person i. Days count from 1970-01-01."""

    birth: Ints
    female: Mask
    language: Ints
    country: Ints
    frailty: Floats
    home: Ints
    """Place number in the area; of those who left, the last one."""
    place: Ints
    """Place number the register knows: `home`, or where the person went."""
    postal: Ints
    moved: Ints
    """Day since which at this address; NEVER where since birth."""
    entry: Ints
    """Index of the first month in the register."""
    entry_day: Ints
    gone: Ints
    """Index of the last month in the register."""
    exit_day: Ints
    death: Ints
    steady: Mask
    """Planted persons, who neither die nor move."""
    hidden_from: Ints
    """Month index from which the register omits the person, merged into another."""
    hidden_until: Ints

    def __len__(self) -> int:
        return len(self.birth)

    def present(self, month: Month) -> Mask:
        """Who lives in the area on some day of the month."""
        mask: Mask = (self.entry <= month.index) & (self.gone >= month.index)
        return mask

    def listed(self, month: Month) -> Mask:
        """Whom the register lists at the end of the month."""
        hidden = (self.hidden_from <= month.index) & (self.hidden_until > month.index)
        mask: Mask = self.present(month) & ~hidden
        return mask


def draw_people(
    rng: np.random.Generator, parameters: Parameters, *, residents: int, months: Sequence[Month]
) -> People:
    """Residents of the first day of the window, and those who will be born or move in during it."""
    years = len(months) / 12
    born = max(2, rng.poisson(residents * parameters.dynamics["births_per_1000"] / 1000 * years))
    came = max(2, rng.poisson(residents * parameters.dynamics["moved_in_per_1000"] / 1000 * years))
    total = residents + born + came
    home = parameters.residence.choose(rng, np.zeros(total, dtype=np.int64))
    sex_band = parameters.pyramids.choose(rng, home)
    entry, entry_day = _entries(rng, months, residents=residents, total=total)
    birth = _births(rng, sex_band % _BANDS, day=months[0].first)
    birth[residents : residents + born] = entry_day[residents : residents + born]
    arrived = slice(residents + born, total)
    birth[arrived] = _births_of_arrivals(rng, parameters, entry_day[arrived])
    language = parameters.mother_tongues.choose(rng, home)
    people = People(
        birth=birth,
        female=sex_band >= _BANDS,
        language=language,
        country=_countries(rng, parameters, language),
        frailty=rng.gamma(parameters.dynamics["frailty_shape"], size=total)
        / parameters.dynamics["frailty_shape"],
        home=home,
        place=home.copy(),
        postal=_postal(rng, parameters, home),
        moved=_moved(rng, birth, months[0].first),
        entry=entry,
        entry_day=entry_day,
        gone=_never(total),
        exit_day=_never(total),
        death=_never(total),
        steady=np.zeros(total, dtype=np.bool_),
        hidden_from=_never(total),
        hidden_until=_never(total),
    )
    people.country[residents : residents + born] = 0
    people.moved[arrived] = entry_day[arrived]
    return people


def _never(size: int) -> Ints:
    return np.full(size, NEVER, dtype=np.int64)


def _entries(
    rng: np.random.Generator, months: Sequence[Month], *, residents: int, total: int
) -> tuple[Ints, Ints]:
    entry = np.zeros(total, dtype=np.int64)
    entry[residents:] = rng.integers(0, len(months), total - residents)
    entry[[residents, total - 1]] = min(1, len(months) - 1)  # one of each early, to plant codes in
    first = np.array([month.first for month in months])[entry]
    days = np.array([month.days for month in months])[entry]
    day = first + (rng.random(total) * days).astype(np.int64)
    day[:residents] = -NEVER
    return entry, day


def _births(rng: np.random.Generator, band: Ints, *, day: int) -> Ints:
    years = (band + rng.random(len(band))) * 5
    return day - 1 - (years * DAYS_A_YEAR).astype(np.int64)


def _births_of_arrivals(rng: np.random.Generator, parameters: Parameters, day: Ints) -> Ints:
    group = choose(rng, parameters.dynamics["moved_in_by_age"], size=len(day))
    starts = AGE_GROUP_STARTS[group]
    years: Floats = starts + rng.random(len(day)) * (_GROUP_ENDS[group] - starts)
    born: Ints = day - 1 - (years * DAYS_A_YEAR).astype(np.int64)
    return born


def _countries(rng: np.random.Generator, parameters: Parameters, language: Ints) -> Ints:
    share = parameters.population["born_abroad"]
    percent = np.full(len(parameters.languages), share["other"], dtype=np.float64)
    percent[:2] = share["finnish"], share["swedish"]
    abroad = rng.random(len(language)) * 100 < percent[language]
    return np.where(abroad, language + 1, 0)


def _postal(rng: np.random.Generator, parameters: Parameters, place: Ints) -> Ints:
    counts = parameters.postal_counts
    first = np.cumsum(counts) - counts
    return first[place] + (rng.random(len(place)) * counts[place]).astype(np.int64)


def _moved(rng: np.random.Generator, birth: Ints, day: int) -> Ints:
    moved = day - 1 - (rng.exponential(8.0, len(birth)) * DAYS_A_YEAR).astype(np.int64)
    return np.where(moved > birth, moved, NEVER)


def advance(rng: np.random.Generator, people: People, month: Month, parameters: Parameters) -> None:
    """Let the month's deaths and moves happen; at most one event a person and month."""
    can = people.present(month) & ~people.steady & (people.entry_day < month.first)
    points = rng.random(len(people))
    day = month.first + (rng.random(len(people)) * month.days).astype(np.int64)
    hazards = _hazards(people, month, parameters)
    low = np.zeros(len(people))
    events = []
    for hazard in hazards:
        events.append(np.flatnonzero(can & (points >= low) & (points < low + hazard)))
        low = low + hazard
    dead, left, between, local = events
    people.death[dead] = day[dead]
    people.exit_day[dead] = day[dead]
    people.gone[dead] = month.index
    _leave(rng, people, left, parameters=parameters, day=day, month=month)
    area = len(parameters.area)
    people.home[between] = (people.home[between] + rng.integers(1, area, len(between))) % area
    movers = np.concatenate([between, local])
    people.place[movers] = people.home[movers]
    people.postal[movers] = _postal(rng, parameters, people.home[movers])
    people.moved[movers] = day[movers]


def _leave(
    rng: np.random.Generator,
    people: People,
    left: Ints,
    *,
    parameters: Parameters,
    day: Ints,
    month: Month,
) -> None:
    people.place[left] = rng.integers(len(parameters.area), len(parameters.places), len(left))
    people.postal[left] = _postal(rng, parameters, people.place[left])
    people.moved[left] = people.exit_day[left] = day[left]
    people.gone[left] = month.index


def _hazards(people: People, month: Month, parameters: Parameters) -> list[Floats]:
    rates = parameters.dynamics
    years = ages(people.birth, month.first)
    mobile = np.array(rates["moving_by_age"])[age_groups(years)] / 12_000
    level = np.where(people.female, rates["death"]["female"], rates["death"]["male"])
    death = level * np.exp(rates["death"]["slope"] * years) * np.sqrt(people.frailty) / 12
    moves = ("moved_out_per_1000", "moved_between_per_1000", "moved_locally_per_1000")
    return [np.minimum(death, 0.5), *(mobile * rates[name] for name in moves)]


def long_term(
    rng: np.random.Generator, people: People, parameters: Parameters, *, day: int, chooser: Chooser
) -> tuple[Ints, Ints]:
    """How many long-term conditions each person has (0-3), and their positions in the code list."""
    group = age_groups(ages(people.birth, day))
    mean = np.array(parameters.diagnoses["chronic_by_age"])[group] * np.sqrt(people.frailty)
    count = np.minimum(rng.poisson(mean), 3)
    row = group * 2 + people.female
    return count, np.stack([chooser.choose(rng, row) for _ in range(3)], axis=1)


def register_rows(
    people: People, month: Month, parameters: Parameters, *, form: str
) -> pl.DataFrame:
    """Everybody's columns of the register at the end of the month as text, but codes and sex."""
    gone_now = people.gone == month.index
    return pl.DataFrame(
        {
            "municipality_code": labels(parameters.places, people.place),
            "postal_code": labels(parameters.postal_codes, people.postal),
            "language_code": labels(parameters.languages, people.language),
            "birth_country_code": labels(parameters.countries, people.country),
            "birth_date": date_text(people.birth, form),
            "death_date": date_text(np.where(gone_now, people.death, NEVER), form),
            "moved_date": date_text(people.moved, form),
        }
    )
