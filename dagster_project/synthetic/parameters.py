"""The generator's parameter files, read into frozen values.

Here: loading `parameters/*.yaml`. Not here: the numbers themselves or their sources (in the files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dagster_project.synthetic.draws import Chooser, Ints

FOLDER = Path(__file__).parent / "parameters"
Section = Mapping[str, Any]


@dataclass(frozen=True)
class Parameters:
    """All parameter files, by file stem."""

    population: Section
    dynamics: Section
    contacts: Section
    diagnoses: Section
    enrolments: Section
    sites: Section
    municipalities: Section
    clinical: Section
    access: Section
    social: Section
    hospital: Section
    unit_costs: Section
    finance: Section

    @cached_property
    def area(self) -> tuple[str, ...]:
        """Codes of the area's municipalities, in the order that people's place numbers use."""
        return tuple(m["code"] for m in self.population["municipalities"])

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Municipality code by place number: the area first, then where people leave to."""
        return (*self.area, *(o["code"] for o in self.population["outside"]))

    @cached_property
    def postal_codes(self) -> tuple[str, ...]:
        """Postal code by postal number, place after place."""
        own = (code for m in self.population["municipalities"] for code in m["postal_codes"])
        return (*own, *(o["postal_code"] for o in self.population["outside"]))

    @cached_property
    def postal_counts(self) -> Ints:
        """How many postal codes each place has."""
        own = [len(m["postal_codes"]) for m in self.population["municipalities"]]
        return np.array(own + [1] * len(self.population["outside"]))

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Language code by language number: Finnish, Swedish, then the others."""
        return ("fi", "sv", *(x["code"] for x in self.population["other_languages"]))

    @cached_property
    def countries(self) -> tuple[str, ...]:
        """Country of birth by country number: Finland, then one abroad for each language."""
        return ("246", "752", "752", *(x["country"] for x in self.population["other_languages"]))

    @cached_property
    def residence(self) -> Chooser:
        """Municipality by its residents."""
        return Chooser.of([[m["residents"] for m in self.population["municipalities"]]])

    @cached_property
    def pyramids(self) -> Chooser:
        """Sex and 5-year band (0-20 men, 21-41 women) by municipality."""
        return Chooser.of([m["males"] + m["females"] for m in self.population["municipalities"]])

    @cached_property
    def mother_tongues(self) -> Chooser:
        """Language number by municipality."""
        others = np.array([x["weight"] for x in self.population["other_languages"]], dtype=float)
        others /= others.sum()
        rows = []
        for m in self.population["municipalities"]:
            rest = 100 - m["finnish"] - m["swedish"]
            rows.append([m["finnish"], m["swedish"], *(rest * others)])
        return Chooser.of(rows)

    @cached_property
    def site_ids(self) -> tuple[str, ...]:
        """Sites by site number, each once."""
        return tuple(dict.fromkeys(row[0] for row in self.sites["sites"]))

    @cached_property
    def site_providers(self) -> tuple[str, ...]:
        """Provider by site number."""
        provider = {row[0]: row[2] for row in self.sites["sites"]}
        return tuple(provider[site] for site in self.site_ids)


def load_parameters(folder: Path = FOLDER) -> Parameters:
    """Read every parameter file of a folder."""
    names = Parameters.__dataclass_fields__
    return Parameters(**{name: _read(folder / f"{name}.yaml") for name in names})


def _read(path: Path) -> Section:
    section: Section = yaml.safe_load(path.read_text(encoding="utf-8"))
    return section
