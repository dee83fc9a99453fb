"""The correction factor: the SQL model against the rule in plain Python.

Here: random residents, lists, needs and costs. Not here: what the factor is for (`tests/spec`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.rules.capitation_correction import Correction, Prior, corrections
from dagster_project.rules.capitation_tariff import UNITS_A_YEAR
from tests.support.capitation import CORRECTION_TABLES, scheme
from tests.support.models import Bench, bench

VERSION, CHOICE, WINDOW = date(2018, 1, 1), date(2017, 5, 1), date(2016, 5, 1)
BASES = {"1": Decimal("174.250000"), "2": Decimal("210.123457")}
FACTORS = {"106": Decimal("1"), "611": Decimal("1.02"), None: Decimal("1")}
PUBLIC = {"106": "M106", "611": None, None: None}


@pytest.fixture(scope="module")
def correction() -> Bench:
    return bench("mart.capitation_correction_factor", CORRECTION_TABLES)


@dataclass(frozen=True)
class Drawn:
    """A resident as drawn."""

    municipality: str | None
    sex: str
    age: int
    units: int
    cents: int
    need: Decimal
    chosen: str | None
    has_contact: bool


DRAWN = st.builds(
    Drawn,
    municipality=st.sampled_from(["106", "611", None]),
    sex=st.sampled_from(["1", "2"]),
    age=st.sampled_from([5, 40]),
    units=st.integers(1, UNITS_A_YEAR),
    cents=st.just(0) | st.integers(0, 5_000_000),
    need=st.sampled_from(["0.3", "0.5", "0.9", "1", "1.7", "4"]).map(Decimal)
    | st.integers(1, 10**9).map(lambda n: Decimal(n) / 10**8),
    chosen=st.none() | st.sampled_from(["Y1", "Y2"]),
    has_contact=st.booleans(),
)


def by_sql(
    on: Bench, residents: list[Drawn], mode: str, credibility: Decimal
) -> dict[str, Correction]:
    rows = on.run(
        {
            "rulebook.capitation_scheme": [
                scheme(
                    VERSION,
                    mode_code=mode,
                    adults_from_age=18,
                    credibility_eur=credibility,
                    factor_lower="0.7",
                    factor_upper="1.4",
                    is_shadow_for_public=True,
                )
            ],
            "rulebook.capitation_regional_factor": [(VERSION, "R", "611", "1.02")],
            "mart.capitation_tariff": [
                ("R", VERSION, 18, 200, sex, base) for sex, base in BASES.items()
            ],
            "core.site": [("reception", "M106", "106", "public")],
            "core.prior_use": [
                ("R", WINDOW, CHOICE, n, d.municipality, d.sex, d.age, d.units,
                 Decimal(d.cents) / 100, d.need, d.has_contact)
                for n, d in enumerate(residents)
            ],
            "core.enrolment": [
                (n, "reception", d.chosen, date(2018, 2, 1), None, None)
                for n, d in enumerate(residents)
                if d.chosen
            ],
        }
    )  # fmt: skip
    names = Correction.__dataclass_fields__
    return {r["group_id"]: Correction(**{name: r[name] for name in names}) for r in rows}


def by_rule(residents: list[Drawn], mode: str, credibility: Decimal) -> dict[str, Correction]:
    priors = [
        Prior(
            groups=frozenset({g} if (g := d.chosen or PUBLIC[d.municipality]) else ()),
            base_eur=BASES[d.sex],
            regional_factor=FACTORS[d.municipality],
            relative_need=d.need if mode == "need" else Decimal(1),
            person_units=d.units,
            observed_eur=Decimal(d.cents) / 100,
            has_public_contact=d.has_contact,
        )
        for d in residents
        if d.age >= 18
    ]
    return corrections(
        priors, credibility_eur=credibility, lower=Decimal("0.7"), upper=Decimal("1.4")
    )


@given(
    residents=st.lists(DRAWN, min_size=1, max_size=12),
    mode=st.sampled_from(["trial", "need"]),
    credibility=st.integers(0, 5000).map(Decimal),
)
def test_sql_corrects_as_the_rule_does(
    correction: Bench, residents: list[Drawn], mode: str, credibility: Decimal
) -> None:
    assert by_sql(correction, residents, mode, credibility) == by_rule(residents, mode, credibility)


def test_by_hand() -> None:
    """Two lists of two person-years at 100: they cost 150 and 50 a head, the region 100.

    Raw 1.5 and 0.5; E = 200 and K = 200 weigh half: 1.25, and 0.75 stays above its bound.
    """
    dear, cheap = Decimal(300), Decimal(100)
    residents = [
        Prior(frozenset({name}), Decimal(80), Decimal(1), Decimal(1), 2 * UNITS_A_YEAR, cost)
        for name, cost in (("dear", dear), ("cheap", cheap))
    ]
    found = corrections(
        residents, credibility_eur=Decimal(200), lower=Decimal("0.7"), upper=Decimal("1.2")
    )
    assert found["cheap"].factor == Decimal("0.75")
    assert found["dear"].factor == Decimal("1.2")
    assert (found["dear"].observed_eur, found["dear"].expected_eur) == (dear, Decimal(200))
    assert (found["dear"].raw_factor, found["dear"].credibility_weight) == (
        Decimal("1.5"),
        Decimal("0.5"),
    )
