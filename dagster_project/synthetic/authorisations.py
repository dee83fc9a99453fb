"""Purchase authorisations: which client may buy a service from which provider.

Here: one for each decision on a service that needs it and provider of it, but for a few that were
never written and a few that end too early, told by the decision's number alone. Not here: decisions
(`vouchers`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import Visits
from dagster_project.synthetic.contacts import IDS_A_CHUNK
from dagster_project.synthetic.draws import Ints, date_text, labels, time_text
from dagster_project.synthetic.guidance_study import send
from dagster_project.synthetic.months import SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons
from dagster_project.synthetic.voucher_market import DATE, TIME, Market
from dagster_project.synthetic.vouchers import Decisions

AUTHORISATIONS = "smartum/purchase_authorisations"
STREAM = 9
"""Third word of the seed of this table's stream."""
_NINE = 9 * 3600
_A_PROVIDER = IDS_A_CHUNK // 10
"""Numbers between authorisations of one decision."""


class Authorisations:
    """Authorisations of one chunk's clients, month by month, after the month's decisions.

    Args:
        sender: With a stream of its own.
        market: Names of services and providers.
        settings: Which services need one; every how many lack it, or have one that ends early.
        decided: Decisions that are new, changed or ended in the month at hand.
        persons: Codes of a month.
    """

    def __init__(
        self,
        sender: Sender,
        market: Market,
        settings: Section,
        *,
        decided: Callable[[], Decisions],
        persons: Callable[[Month], Persons],
    ) -> None:
        self._sender, self._market, self._settings = sender, market, settings
        self._decided, self._persons = decided, persons
        self._providers: dict[int, list[int]] = {}
        """Whom each decision's client has bought from, by its number."""

    def deliver(self, visits: Visits) -> None:
        """Send a month's authorisations; a file with the header alone where there are none."""
        month, settings, held = visits.month, self._settings, self._decided()
        due = [self._market.services.index(name) for name in settings["services"]]
        needs = np.isin(held.service, due) & (held.number % settings["one_missing_in"] != 0)
        held = held.only(np.flatnonzero(needs))
        order = self._order(held)
        start = np.where(order > 0, np.maximum(held.start, month.first), held.start)
        a_third = held.start + np.maximum((held.end - held.start) // 3, 1)
        too_early = held.number % settings["one_early_in"] == 1
        end = np.maximum(np.where(too_early, a_third, held.end), start + 1)
        number = held.number + order * _A_PROVIDER
        persons, size = self._persons(month), len(held)
        saved = np.full(size, month.last * SECONDS_A_DAY + _NINE)
        rows = pl.DataFrame(
            {
                "purchase_authorisation_id": pl.Series(number).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(held.person)),
                "voucher_provider_id": self._market.provider_ids(held.provider),
                "service_code": labels(self._market.services, held.service),
                "valid_from_date": date_text(start, DATE),
                "valid_to_date": date_text(end, DATE),
                "decided_date": date_text(held.decided, DATE),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": persons.hidden[held.person],
            }
        )
        send(self._sender, AUTHORISATIONS, month, rows)

    def _order(self, held: Decisions) -> Ints:
        """Which of each decision's providers so far its present one is; 0 for the first."""
        found = []
        for number, provider in zip(held.number.tolist(), held.provider.tolist(), strict=True):
            known = self._providers.setdefault(number, [])
            if provider not in known:
                known.append(provider)
            found.append(known.index(provider))
        return np.array(found, dtype=np.int64)
