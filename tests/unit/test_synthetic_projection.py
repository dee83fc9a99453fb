"""The synthetic population projection: whom it begins with, how it goes on, and what it looks like.

Here: its counts and its file. Not here: that the lake takes it in (`tests/pipeline`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dagster_project.contracts.loader import load_catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic.months import window
from dagster_project.synthetic.parameters import load_parameters
from dagster_project.synthetic.projection import deliver_projection, projection
from dagster_project.synthetic.writers import Deliveries

PARAMETERS = load_parameters()
RESIDENTS = 311_899


@pytest.mark.parametrize("residents", [1_000, RESIDENTS])
def test_it_begins_with_the_residents_of_each_place_and_band(residents: int) -> None:
    """Whole persons, of which no stretch of ages has one more or fewer than its share."""
    present = projection(PARAMETERS, residents=residents, years=0)[0]
    places = PARAMETERS.population["municipalities"]
    for place, found in zip(places, present, strict=True):
        pyramid = np.array([place["males"], place["females"]])
        due = place["residents"] * residents / RESIDENTS / pyramid.sum() * pyramid
        bands = np.add.reduceat(found, np.arange(0, 101, 5), axis=1)
        assert np.abs(bands - due).max() <= 1
        assert np.abs(bands.cumsum(axis=1) - due.cumsum(axis=1)).max() <= 0.5 + 1e-9


def test_everybody_is_a_year_older_in_a_year_and_the_old_become_more() -> None:
    found = projection(PARAMETERS, residents=RESIDENTS, years=10)
    before, after = (counts.sum(axis=(0, 1)) for counts in found[:2])
    # Of those between forty-five and sixty few die, and as many come as go.
    assert np.abs(after[46:61] / before[45:60] - 1).max() < 0.01
    assert (after[91:100] < before[90:99]).all()
    eighty = [counts[:, :, 80:].sum() for counts in found]
    assert eighty == sorted(eighty)
    assert 1.5 < eighty[-1] / eighty[0] < 2


def test_the_file_is_as_published(tmp_path: Path) -> None:
    deliveries = Deliveries(tmp_path, load_catalogue(PROJECT_ROOT / "data_contracts"))
    deliver_projection(deliveries, PARAMETERS, window(201701, 12), residents=1_000)
    deliveries.finish()
    ((name, count),) = deliveries.records.items()
    assert name == "statfin/population_projection/population_projection_20161031.csv"
    lines = (tmp_path / name).read_bytes().decode("iso-8859-1").split("\r\n")
    assert lines[:3] == [
        '"128v -- Väestöennuste 2016: Väestö iän ja sukupuolen mukaan alueittain, 2016-2029"',
        "",
        '"Alue","Vuosi","Ikä","Tiedot","Miehet","Naiset"',
    ]
    assert len(lines) - 4 == count == 9 * 14 * 102
    assert lines[3].startswith('"Hyvinkää","2016","Yhteensä","Väestö 31.12. (ennuste 2016)",')
