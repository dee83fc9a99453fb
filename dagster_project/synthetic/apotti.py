"""All that Apotti sends beside encounters and diagnoses, chunk by chunk.

Here: the order of things and their streams of chance, which are their own, so that no other table's
bytes depend on them. Not here: what is drawn (`clinical`, `access`, `social`).
"""

from __future__ import annotations

import pyarrow as pa

from dagster_project.synthetic.access import Access, NamedProfessionals, Sites
from dagster_project.synthetic.clinical import Measurements, Procedures, Referrals, Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK, ContactModel
from dagster_project.synthetic.draws import Ints
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import Month
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons, Social

STREAM = 3
"""Third word of the seed of these tables' streams."""

TRUE_NEED = "true_need.parquet"
TRUE_NEED_SCHEMA = pa.schema(
    [
        ("identity_code", pa.string()),
        ("need_at_start", pa.float64()),
        ("drift_a_year", pa.float64()),
        ("has_carer", pa.bool_()),
    ]
)
"""What the generator alone knows of the need of the elderly, at the start of the window."""


class Apotti:
    """The other tables of one chunk of people."""

    def __init__(
        self,
        sender: Sender,
        *,
        model: ContactModel,
        people: People,
        identities: Identities,
        conditions: tuple[Ints, Ints],
        number: int,
        residents: int,
    ) -> None:
        rng, first_day = sender.rng, sender.months[0].first
        first_id, parameters = (number + 1) * IDS_A_CHUNK, model.parameters
        self._sender, self._identities = sender, identities
        self._sites = Sites(rng, parameters, residents=residents) if number == 0 else None
        self._measurements = Measurements(rng, people, model, conditions, first_id=first_id)
        self._procedures = Procedures(rng, people, model, first_id=first_id)
        self.referrals = Referrals(rng, people, model, first_id=first_id)
        self._access = Access(rng, people, model, first_id=first_id)
        self._named = NamedProfessionals(
            rng, people, parameters, conditions[0], first_day=first_day
        )
        self.social = Social(rng, people, parameters, first_id=first_id, first_day=first_day)

    def deliver(self, visits: Visits) -> None:
        """Send a month's increments, given the encounters that were sent on time."""
        sender, month = self._sender, visits.month
        codes = self._identities.current(month.index)
        hidden = self._identities.protected(month.index)
        self._measurements.deliver(sender, visits, codes, hidden)
        self._procedures.deliver(sender, visits)
        self.referrals.deliver(sender, visits)
        self._access.deliver(sender, visits, self._identities)
        self._named.deliver(sender, month, codes, hidden)
        self.social.deliver(sender, Persons.of(self._identities, month))
        if self._sites is not None:
            self._sites.deliver(sender, month)

    def true_need(self, month: Month) -> pa.Table:
        """What only the generator knows, on a month's first day."""
        need = self.social.need
        columns = [
            self._identities.first.to_list(),
            need.at(month),
            need.drift,
            self.social.has_carer,
        ]
        return pa.table(columns, schema=TRUE_NEED_SCHEMA)
