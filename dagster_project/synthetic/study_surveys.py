"""Functioning and quality of life of the study of budgets: asked of clients and their controls.

Here: who is asked when. Not here: what an answer looks like
(`surveys`), who has a budget (`budget_clients`), the study's own forms (`guidance_forms`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from dagster_project.synthetic.budget_clients import BudgetClients
from dagster_project.synthetic.clinical import Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK
from dagster_project.synthetic.draws import Ints, some
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import Month
from dagster_project.synthetic.opinions import Health, NeedAt
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons, Services
from dagster_project.synthetic.surveys import PATIENT_REPORTED, PatientReported

STREAM = 12
"""Third word of the seed of these answers' stream."""
_COHORTS = ("budget", "control")


class StudySurveys:
    """Answers of one chunk's clients and controls, month by month, after the panels'."""

    def __init__(
        self,
        sender: Sender,
        *,
        people: People,
        identities: Identities,
        parameters: Parameters,
        services: Callable[[], Services],
        need: NeedAt,
        number: int,
    ) -> None:
        rng, seed = sender.rng, sender.manifest.region["seed"]
        self._sender, self._people, self._identities = sender, people, identities
        self._settings: Section = parameters.feedback["study"]
        self._services = services
        self._roster = BudgetClients(
            people, parameters, seed=seed, chunk=number, months=sender.months
        )
        # The panels of the chunk number theirs from the first half.
        first_id = (number + 1) * IDS_A_CHUNK + IDS_A_CHUNK // 2
        self._forms = PatientReported(
            rng,
            people,
            parameters,
            Health(rng, people, parameters.feedback["health"], need),
            need,
            first_id=first_id,
            is_first=False,
        )

    def deliver(self, visits: Visits) -> None:
        """Send the forms of those who are due in a month and answer."""
        month = visits.month
        clients = self._roster.advance(month, self._services())
        due = clients.active(self._people, month) & np.isin(
            _months_since(clients.start, month), self._settings["waves"]
        )
        due &= some(self._sender.rng, self._settings["answered"], size=len(clients))
        persons = Persons.of(self._identities, month)
        rows = [
            self._forms.form(name, cohort, clients.person[due & is_of], persons)
            for cohort, is_of in zip(
                _COHORTS, (~clients.is_control, clients.is_control), strict=True
            )
            for name in self._settings["instruments"]
        ]
        self._sender.send(PATIENT_REPORTED, month, pl.concat(rows))


def _months_since(start: Ints, month: Month) -> Ints:
    first = np.array(start, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)
    now = np.array(month.first, dtype="datetime64[D]").astype("datetime64[M]").astype(np.int64)
    since: Ints = now - first
    return since
