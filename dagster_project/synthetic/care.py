"""Specialised care's kinds, specialities, groups and prices: `hospital.yaml` as arrays.

Here: what a draw chooses among. Not here: drawing (`hospital`, `invoices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dagster_project.synthetic.draws import Chooser, Floats, Ints, Mask
from dagster_project.synthetic.parameters import Parameters, Section

KINDS = ("outpatient_visit", "emergency_visit", "inpatient_stay", "remote_contact")
OUTPATIENT, EMERGENCY, INPATIENT, REMOTE = range(4)
PSYCHIATRY = ("70", "75")
BIRTH_CODES = ("O800", "O821", "Z380", "P073")
"""Main diagnoses of births, behind those of the specialities."""


@dataclass(frozen=True)
class CareModel:
    """`hospital.yaml` as arrays; specialities, units, groups and codes are positions in tuples."""

    settings: Section
    units: tuple[str, ...]
    nearest: Ints
    """Unit by place number."""
    far: Ints
    specialities: tuple[str, ...]
    surgical: Mask
    continuing: Chooser
    """Speciality by age group."""
    emergency: Chooser
    diagnoses: tuple[str, ...]
    diagnosis: Chooser
    """By 3 x speciality + age class."""
    groups: tuple[str, ...]
    """NordDRG groups: of stays, of day surgery, of mothers, of newborns."""
    cents: Ints
    days: Floats
    stay: Chooser
    """Position in `groups` by 3 x speciality + age class."""
    day: Chooser

    @classmethod
    def of(cls, parameters: Parameters) -> CareModel:
        """From the parameter files."""
        settings, known = parameters.hospital, parameters.clinical["referrals"]
        rows: Section = settings["specialities"]
        nearest = [known["hospitals"][m] for m in parameters.area]
        units = tuple(dict.fromkeys([*nearest, *known["others"]]))
        codes, code = _by_speciality(rows, "diagnoses", first=1)
        stays, stay = _by_speciality(rows, "stays", first=3)
        days, day = _by_speciality(rows, "day", first=2)
        births = [row[1:4] for who in ("mother", "child") for row in settings["birth"][who]]
        groups = [row[:3] for row in stays] + [[*row[:2], 0] for row in days] + births
        return cls(
            settings=settings,
            units=units,
            nearest=np.array([units.index(unit) for unit in nearest]),
            far=np.array([units.index(unit) for unit in known["others"]]),
            specialities=tuple(rows),
            surgical=np.array([code in settings["operations"]["surgical"] for code in rows]),
            continuing=Chooser.of(np.array([s["continuing"] for s in rows.values()], float).T),
            emergency=Chooser.of(np.array([s["emergency"] for s in rows.values()], float).T),
            diagnoses=tuple(row[0] for row in codes),
            diagnosis=code,
            groups=tuple(row[0] for row in groups),
            cents=np.array([row[1] * 100 for row in groups]),
            days=np.array([row[2] for row in groups], dtype=float),
            stay=stay,
            day=_shifted(day, len(stays), len(groups)),
        )

    def of_births(self, who: str) -> tuple[Ints, list[str], list[float]]:
        """Groups, main diagnoses and weights of mothers or children."""
        rows = self.settings["birth"][who]
        births = len(self.settings["birth"]["mother"]) + len(self.settings["birth"]["child"])
        first = len(self.groups) - births
        first += len(self.settings["birth"]["mother"]) if who == "child" else 0
        return first + np.arange(len(rows)), [r[0] for r in rows], [r[4] for r in rows]


def _by_speciality(rows: Section, name: str, *, first: int) -> tuple[list[list[Any]], Chooser]:
    """All entries of a list in every speciality, and the choice among a speciality's own."""
    flat = [(n, entry) for n, row in enumerate(rows.values()) for entry in row[name]]
    weights = np.zeros((3 * len(rows), len(flat)))
    for column, (speciality, entry) in enumerate(flat):
        weights[3 * speciality : 3 * speciality + 3, column] = np.array(entry[first:]) + 1e-9
    return [entry for _, entry in flat], Chooser.of(weights)


def _shifted(chooser: Chooser, by: int, width: int) -> Chooser:
    """The same choice where the options stand further on in a longer list."""
    table = np.diff(chooser.steps.reshape(-1, chooser.width), axis=1, prepend=0.0)
    table[:, 0] -= np.arange(len(table))
    weights = np.zeros((len(table), width))
    weights[:, by : by + chooser.width] = table
    return Chooser.of(weights)
