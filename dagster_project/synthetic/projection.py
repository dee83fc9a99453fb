"""A population projection in the form that Statistics Finland publishes one.

The generator's own births, deaths and moves, run onward year by year without chance: what a
projection made on the first day of the window would have said. Here: these counts and their file.
Not here: what then happens to people (`people`), the numbers (`parameters/dynamics.yaml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import gamma
from pathlib import Path

import numpy as np

from dagster_project.synthetic.draws import AGE_GROUP_STARTS, Floats, Ints, age_groups
from dagster_project.synthetic.months import EPOCH, Month
from dagster_project.synthetic.parameters import Parameters
from dagster_project.synthetic.writers import Deliveries

PROJECTION = "statfin/population_projection"
YEARS_BEYOND = 12
"""Years that the projection reaches beyond the window: ten are foreseen, from the middle of one."""
_AGES = 101
"""Single years, the last of them a hundred and over."""
_BORN_MALE = 0.512
_HEADING = "128v -- Väestöennuste {year}: Väestö iän ja sukupuolen mukaan alueittain, {year}-{last}"


def deliver_projection(
    deliveries: Deliveries, parameters: Parameters, months: Sequence[Month], *, residents: int
) -> None:
    """Write the edition of the autumn before the window."""
    first = EPOCH + timedelta(days=months[0].first)
    last = EPOCH + timedelta(days=months[-1].last)
    year, last_year = first.year - 1, last.year + YEARS_BEYOND
    projected = projection(parameters, residents=residents, years=last_year - year)
    rows = [
        f'"{place["name"]}","{year + step}","{age}","Väestö 31.12. (ennuste {year})",{men},{women}'
        for number, place in enumerate(parameters.population["municipalities"])
        for step, counts in enumerate(projected)
        for age, men, women in _by_age(counts[number])
    ]
    heading = (f'"{_HEADING.format(year=year, last=last_year)}"', "")
    sequence = year * 10_000 + 1031
    contract = deliveries.contract(PROJECTION, sequence)
    names = ",".join(f'"{column.source_name}"' for column in contract.columns)
    text = "".join(f"{line}\r\n" for line in (*heading, names, *rows))
    deliveries.put(
        PROJECTION,
        Path(deliveries.file_name(PROJECTION, sequence)).name,
        text.encode(contract.dialect.encoding),
        record_count=len(rows),
    )


def _by_age(counts: Ints) -> Iterator[tuple[str, int, int]]:
    men, women = counts
    yield "Yhteensä", int(men.sum()), int(women.sum())
    for age in range(_AGES):
        label = str(age) if age < _AGES - 1 else "100 -"
        yield label, int(men[age]), int(women[age])


def projection(parameters: Parameters, *, residents: int, years: int) -> list[Ints]:
    """Persons at the end of each year, the present one first, by place, sex (men first) and age."""
    people = _present(parameters, residents)
    share = people.sum(axis=(1, 2), keepdims=True) / people.sum()
    arrivals = share * _arrivals(parameters, people)
    births = parameters.dynamics["births_per_1000"] / 1000 * residents * share[:, :, 0]
    found = [_whole(people)]
    for _ in range(years):
        people = _a_year_on(parameters, people) + arrivals
        people[:, :, 0] += births * np.array([_BORN_MALE, 1 - _BORN_MALE])
        found.append(_whole(people))
    return found


def _present(parameters: Parameters, residents: int) -> Floats:
    """As people are drawn for the first day: by residents of each place and its pyramid."""
    places = parameters.population["municipalities"]
    bands = np.array([[place["males"], place["females"]] for place in places], dtype=np.float64)
    single = np.repeat(bands / 5, 5, axis=2)
    people = np.concatenate(
        [single[:, :, : _AGES - 1], single[:, :, _AGES - 1 :].sum(axis=2, keepdims=True)], axis=2
    )
    sizes = np.array([place["residents"] for place in places], dtype=np.float64)
    scale = sizes / sizes.sum() * residents / people.sum(axis=(1, 2))
    present: Floats = people * scale[:, None, None]
    return present


def _arrivals(parameters: Parameters, people: Floats) -> Floats:
    """Who moves into the area in a year, by sex and age: as many of either sex as live there."""
    rates = parameters.dynamics
    group = age_groups(np.arange(_AGES, dtype=np.float64))
    width = np.diff([*AGE_GROUP_STARTS, 95])
    by_age = (np.array(rates["moved_in_by_age"]) / width)[group] * (np.arange(_AGES) < 95)
    by_sex = people.sum(axis=(0, 2)) / people.sum()
    arrived: Floats = rates["moved_in_per_1000"] / 1000 * people.sum() * by_sex[:, None] * by_age
    return arrived[None]


def _a_year_on(parameters: Parameters, people: Floats) -> Floats:
    """A year older, without those who died or left; moves within the area go to any other place."""
    rates = parameters.dynamics
    years = np.arange(_AGES, dtype=np.float64)
    mobile = np.array(rates["moving_by_age"])[age_groups(years)] / 1000
    shape = rates["frailty_shape"]
    frail = gamma(shape + 0.5) / gamma(shape) / np.sqrt(shape)  # mean of the root of frailty
    level = np.array([rates["death"]["male"], rates["death"]["female"]])[:, None]
    dying = level * np.exp(rates["death"]["slope"] * (years + 0.5)) * frail
    staying = people * np.exp(-dying - mobile * rates["moved_out_per_1000"])
    moving = staying * (1 - np.exp(-mobile * rates["moved_between_per_1000"]))
    elsewhere = (moving.sum(axis=0, keepdims=True) - moving) / (len(people) - 1)
    settled = staying - moving + elsewhere
    older: Floats = np.zeros_like(settled)
    older[:, :, 1:] = settled[:, :, :-1]
    older[:, :, -1] += settled[:, :, -1]
    return older


def _whole(people: Floats) -> Ints:
    """Whole persons; sums over any stretch of ages stay within one of what they were."""
    ends = np.rint(np.cumsum(people, axis=2)).astype(np.int64)
    return np.diff(ends, axis=2, prepend=0)
