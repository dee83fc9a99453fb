"""Client fees of a chunk of people, and what all chunks did, counted for the ledger.

Here: fees by the rules of `finance.yaml`, and the tally of visits, services and enrolled clients.
Not here: the ledger that is written from the tally (`ledger`), how rows reach their files
(`sending`). Money is in cents; days count from 1970-01-01.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from dagster_project.synthetic.care import INPATIENT, KINDS
from dagster_project.synthetic.clinical import Numbers, Visits
from dagster_project.synthetic.contacts import Choices, ContactModel
from dagster_project.synthetic.draws import (
    Floats,
    Ints,
    Mask,
    ages,
    date_text,
    labels,
    some,
    time_text,
)
from dagster_project.synthetic.hospital import Hospital
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import LADDER, Social

FEES = "finance/client_fees"
STREAM = 5
"""Third word of the seed of these tables' streams."""
DATE, TIME = "%-d.%-m.%Y", "%d.%m.%Y %H:%M:%S"
_HOUR = 3600
_HOME_CARE = (LADDER.index("home_care"), LADDER.index("regular_home_care"))
_HOUSED = LADDER.index("sheltered_housing")


@dataclass
class Tally:
    """What happened in the region, by month (first axis of every array)."""

    visits: Ints
    """By kind of contact and site."""
    enrolled: Ints
    """Clients on a list at the end of the month, by site."""
    residents: Ints
    """By place of the area."""
    units: defaultdict[tuple[str, str], Floats] = field(init=False)
    """Days and granted hours (last axis) by place, for each client group and service."""

    def __post_init__(self) -> None:
        months, places = self.residents.shape
        self.units = defaultdict(lambda: np.zeros((months, places, 2)))

    @classmethod
    def of(cls, model: ContactModel, months: int) -> Tally:
        """Nothing counted yet."""
        kinds, sites = len(model.settings["kinds"]), len(model.parameters.site_ids)
        return cls(
            visits=np.zeros((months, kinds, sites), dtype=np.int64),
            enrolled=np.zeros((months, sites), dtype=np.int64),
            residents=np.zeros((months, len(model.parameters.area)), dtype=np.int64),
        )

    def count(self, visits: Visits, people: People, chosen: Choices) -> None:
        """Add a chunk's visits, residents and enrolled clients of a month."""
        month = visits.month
        np.add.at(self.visits[month.index], (visits.kind, visits.site), 1)
        here = people.present(month) & (people.gone > month.index)
        np.add.at(self.residents[month.index], people.home[here], 1)
        listed = (chosen.site >= 0) & (chosen.since <= month.last) & here[:, None]
        np.add.at(self.enrolled[month.index], chosen.site[listed], 1)

    def count_services(self, month: Month, served: pl.DataFrame) -> None:
        """Add a chunk's social services that go on, as `Social.served` gives them."""
        days = np.minimum(month.last - served["started"].to_numpy() + 1, month.days)
        hours = np.maximum(served["tenths"].to_numpy(), 0) / 10 * days / 7
        amounts = np.stack([days.astype(np.float64), hours], axis=1)
        home = served["home"].to_numpy()
        key = served["group"] + "/" + served["service"]
        for name in sorted(set(key)):
            group, service = name.split("/")
            own = (key == name).to_numpy()
            np.add.at(self.units[group, service][month.index], home[own], amounts[own])


class ClientFees:
    """Client fees of one chunk, month by month."""

    def __init__(
        self, rng: np.random.Generator, people: People, model: ContactModel, *, first_id: int
    ) -> None:
        self._rng = rng
        self._people = people
        settings: Section = model.parameters.finance
        self._rules: Section = settings["fees"]
        self._late_share: float = settings["late_share"]
        self._kinds = rules_by_kind(model, self._rules["contacts"])
        self._types = tuple(dict.fromkeys(rule["type"] for rule in self._rules["contacts"]))
        size = len(people)
        self._seen = np.zeros(size, dtype=np.int64)
        """Doctor's visits charged in the calendar year."""
        self._charged = np.zeros(size, dtype=np.int64)
        """Cents charged in the calendar year that count to the ceiling."""
        self._year = 0
        monthly = (self._rules["home_care"], self._rules["long_term_care"])
        self._monthly = [
            np.rint(100 * m["median_eur"] * np.exp(m["spread"] * rng.normal(size=size))).astype(
                np.int64
            )
            for m in monthly
        ]
        self._numbers = Numbers(first_id)

    def deliver(
        self,
        sender: Sender,
        visits: Visits,
        identities: Identities,
        *,
        step: Ints,
        treated: pl.DataFrame,
    ) -> None:
        """Send a month's fees.

        Args:
            sender: what they are sent with.
            visits: contacts of the month that was sent on time.
            identities: of the chunk.
            step: by person, the step of the ladder at the end of the month.
            treated: hospital events that were over in the month (`Hospital.over`).
        """
        month = visits.month
        if month.year != self._year:
            self._year = month.year
            self._seen[:], self._charged[:] = 0, 0
        rows = pl.concat(
            [
                self._of_visits(visits),
                self._of_hospital(month, identities, treated),
                self._of_months(month, identities, step),
            ]
        )
        rows = rows.with_columns(fee_id=self._numbers.take(len(rows)))
        rows = sender.hold_back(FEES, month, rows, self._late_share)
        open_rows = rows.filter(rows["status_code"] == "charged")
        waived = some(self._rng, self._rules["waived_share"], size=len(open_rows))
        settled = labels(("paid", "waived"), waived.astype(np.int64))
        sender.correct(FEES, month, open_rows.with_columns(status_code=settled))
        sender.send(FEES, month, rows)

    def _of_visits(self, visits: Visits) -> pl.DataFrame:
        rules = self._rules["contacts"]
        rule = self._kinds[visits.kind]
        years = ages(self._people.birth[visits.person], visits.month.first)
        at = np.flatnonzero((rule >= 0) & (years >= self._rules["adult_from"]))
        at = at[self._is_charged(visits.person[at], rule[at])]
        person, rule = visits.person[at], rule[at]
        cents = np.array([round(100 * r["eur"]) for r in rules])[rule]
        counts = np.array([r["in_ceiling"] for r in rules])[rule]
        free = self._is_above_ceiling(person, np.where(counts, cents, 0)) & counts
        kind = np.array([self._types.index(r["type"]) for r in rules])[rule]
        return self._rows(
            codes=visits.codes.gather(pl.Series(at)),
            hidden=visits.is_protected[at],
            kind=labels(self._types, kind),
            day=visits.day[at],
            cents=np.where(free, 0, cents),
            free=free,
            saved=visits.updated[at],
        )

    def _is_charged(self, person: Ints, rule: Ints) -> Mask:
        """Whether a visit has a fee: of doctor's visits the first three of a year."""
        names = [r["type"] == "doctor_visit" for r in self._rules["contacts"]]
        is_doctor = np.array(names)[rule]
        doctor = np.flatnonzero(is_doctor)
        place = self._seen[person[doctor]] + _rank(person[doctor])
        charged = np.ones(len(person), dtype=np.bool_)
        charged[doctor] = place < self._rules["doctor_visits_a_year"]
        np.add.at(self._seen, person[doctor], 1)
        return charged

    def _is_above_ceiling(self, person: Ints, cents: Ints) -> Mask:
        """Whether the year's ceiling was full before each fee; adds the fees to the year."""
        ceiling = 100 * self._rules["ceiling_eur"]
        before = self._charged[person] + _sum_before(person, cents)
        np.add.at(self._charged, person, cents)
        full: Mask = before >= ceiling
        return full

    def _of_hospital(
        self, month: Month, identities: Identities, treated: pl.DataFrame
    ) -> pl.DataFrame:
        """Fees of visits and of days on a ward, all of which count to the ceiling."""
        rules = [self._rules["hospital"].get(kind) for kind in KINDS]
        years = ages(self._people.birth[treated["person"].to_numpy()], month.first)
        has_fee = np.array([rule is not None for rule in rules])[treated["kind"].to_numpy()]
        rows = treated.filter(has_fee & (years >= self._rules["adult_from"]))
        person, kind = rows["person"].to_numpy(), rows["kind"].to_numpy()
        first = rows["started"].to_numpy() // SECONDS_A_DAY
        last = rows["ended"].to_numpy() // SECONDS_A_DAY
        price = np.array([round(100 * rule["eur"]) if rule else 0 for rule in rules])[kind]
        cents = price * np.where(kind == INPATIENT, np.maximum(last - first, 1), 1)
        free = self._is_above_ceiling(person, cents)
        return self._rows(
            codes=identities.current(month.index).gather(pl.Series(person)),
            hidden=identities.protected(month.index)[person],
            kind=labels([rule["type"] if rule else None for rule in rules], kind),
            day=np.maximum(last, month.first),
            cents=np.where(free, 0, cents),
            free=free,
            saved=np.maximum(last, month.first) * SECONDS_A_DAY + 20 * _HOUR,
        )

    def _of_months(self, month: Month, identities: Identities, step: Ints) -> pl.DataFrame:
        """Monthly fees of home care and of long-term care."""
        here = self._people.present(month) & (self._people.gone > month.index)
        home = np.flatnonzero(here & np.isin(step, _HOME_CARE))
        housed = np.flatnonzero(here & (step >= _HOUSED))
        person = np.concatenate([home, housed])
        kind = np.repeat([0, 1], [len(home), len(housed)])
        cents = np.concatenate([self._monthly[0][home], self._monthly[1][housed]])
        size = len(person)
        return self._rows(
            codes=identities.current(month.index).gather(pl.Series(person)),
            hidden=identities.protected(month.index)[person],
            kind=labels(("home_care", "long_term_care"), kind),
            day=np.full(size, month.last),
            cents=cents,
            free=np.zeros(size, dtype=np.bool_),
            saved=np.full(size, month.last * SECONDS_A_DAY + 18 * _HOUR),
        )

    def _rows(
        self,
        *,
        codes: pl.Series,
        hidden: Mask,
        kind: pl.Series,
        day: Ints,
        cents: Ints,
        free: Mask,
        saved: Ints,
    ) -> pl.DataFrame:
        at_once = some(self._rng, self._rules["paid_at_once"], size=len(day))
        status = np.where(free, 2, np.where(at_once, 0, 1))
        return pl.DataFrame(
            {
                "person_id": codes,
                "fee_type_code": kind,
                "charged_date": date_text(day, DATE),
                "amount_eur": cents_text(cents),
                "status_code": labels(("paid", "charged", "above_ceiling"), status),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": hidden,
            }
        )


@dataclass(frozen=True)
class Clients:
    """What the finance system hears of a chunk's people."""

    people: People
    identities: Identities
    chosen: Choices
    social: Social
    hospital: Hospital


class Finance:
    """What the finance system knows of one chunk: its fees, and its part of the tally."""

    def __init__(
        self, sender: Sender, tally: Tally, clients: Clients, *, model: ContactModel, first_id: int
    ) -> None:
        self._sender, self._tally, self._clients = sender, tally, clients
        self._fees = ClientFees(sender.rng, clients.people, model, first_id=first_id)

    def deliver(self, visits: Visits) -> None:
        """Send a month's fees, and count what the ledger will tell of."""
        clients = self._clients
        self._tally.count(visits, clients.people, clients.chosen)
        self._tally.count_services(visits.month, clients.social.served(visits.month))
        self._fees.deliver(
            self._sender,
            visits,
            clients.identities,
            step=clients.social.step,
            treated=clients.hospital.over,
        )


def cents_text(cents: Ints) -> pl.Series:
    """Whole cents as euros with a decimal comma."""
    size = pl.Series(np.abs(cents))
    euros = (size // 100).cast(pl.String) + "," + (size % 100).cast(pl.String).str.zfill(2)
    minus = pl.Series(np.where(cents < 0, "-", ""), dtype=pl.String)
    return minus + euros


def rules_by_kind(model: ContactModel, rules: list[Mapping[str, object]]) -> Ints:
    """By kind of contact the position of the rule that names it, -1 for none."""
    words = ("service", "contact_type", "profession", "place")
    positions = {tuple(rule[w] for w in words): n for n, rule in enumerate(rules)}
    kinds = model.settings["kinds"]
    return np.array([positions.get(tuple(k[w] for w in words), -1) for k in kinds])


def _rank(keys: Ints) -> Ints:
    """Position of each element among those with the same key, from 0, in the order given."""
    return _sum_before(keys, np.ones(len(keys), dtype=np.int64))


def _sum_before(keys: Ints, amounts: Ints) -> Ints:
    """Sum of the amounts that came before each one under the same key."""
    order = np.argsort(keys, kind="stable")
    summed = np.cumsum(amounts[order]) - amounts[order]
    is_first = np.r_[True, keys[order][1:] != keys[order][:-1]][: len(keys)]
    start = np.maximum.accumulate(np.where(is_first, np.arange(len(keys)), 0))
    before = np.empty(len(keys), dtype=np.int64)
    before[order] = summed - summed[start] if len(keys) else summed
    return before
