"""Agreements on informal care: carer, person cared for, fee class, leave.

Here: a row a month for each agreement in force, and one when it ends. Who cares for the elderly is
drawn with the services (`social`), who cares for a disabled adult here; class and leave follow from
the agreement's number alone. Not here: services of either. Days count from 1970-01-01.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Visits
from dagster_project.synthetic.draws import Ints, ages, date_text, labels, time_text
from dagster_project.synthetic.guidance_study import send
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Care, Persons, Social
from dagster_project.synthetic.voucher_market import hundredths_text

AGREEMENTS = "apotti/informal_care_agreements"
STREAM = 10
"""Third word of the seed of this table's stream."""
_MONTH_DAYS = 30.4375
_CLASSES = ("1", "2", "3")
_NINE = 9 * 3600


class Carers:
    """Agreements of one chunk, month by month, after Apotti's services."""

    def __init__(
        self,
        sender: Sender,
        settings: Section,
        people: People,
        *,
        social: Social,
        identities: Identities,
        first_id: int,
    ) -> None:
        self._sender, self._settings, self._people = sender, settings, people
        self._social, self._identities, self._first_id = social, identities, first_id
        self._known = self._of_disabled = social.care()

    def deliver(self, visits: Visits) -> None:
        """Send the month's rows; a file with the header alone where there are none."""
        month = visits.month
        if month.index == 0:
            self._of_disabled = self._drawn(month)
        gone = self._people.gone <= month.index
        stay = ~gone[self._of_disabled.carer] & ~gone[self._of_disabled.cared]
        self._of_disabled = self._of_disabled.only(stay)
        now = self._social.care().joined(self._of_disabled)
        ended = self._known.only(~np.isin(self._known.number, now.number))
        persons = Persons.of(self._identities, month)
        begun = now.only(now.started <= month.last)
        rows = [
            self._rows(begun, np.full(len(begun), NEVER), persons),
            self._rows(ended, np.maximum(month.first, ended.started + 1), persons),
        ]
        self._known = now
        send(self._sender, AGREEMENTS, month, pl.concat(rows))

    def _drawn(self, month: Month) -> Care:
        """Disabled adults and who cares for them, of the same municipality; no elderly person."""
        people, rng, settings = self._people, self._sender.rng, self._settings["disabled"]
        years = ages(people.birth, month.first)
        able = people.present(month) & (years >= 18) & (years < 65)
        count = max(int(settings["share"] * able.sum()), settings["fewest"])
        found = []
        for place in np.unique(people.home[able]):
            here = rng.permutation(np.flatnonzero(able & (people.home == place)))
            found.append(here[: len(here) // 2 * 2].reshape(-1, 2))
        pairs = rng.permutation(np.concatenate(found))[:count]
        started = month.first - rng.integers(30, 1_500, len(pairs))
        return Care(self._first_id + np.arange(len(pairs)), pairs[:, 0], pairs[:, 1], started)

    def _rows(self, care: Care, end: Ints, persons: Persons) -> pl.DataFrame:
        month, settings, size = persons.month, self._settings, len(care)
        kind = care.number % len(_CLASSES)
        leave = np.array(settings["leave_month_days"])[kind]
        cents = np.array(settings["fee_cents"])[kind]
        months = np.maximum((month.last - care.started) / _MONTH_DAYS, 0).astype(np.int64)
        share = np.array(settings["leave_shares"])[care.number % len(settings["leave_shares"])]
        taken = np.floor(months * leave * share).astype(np.int64)
        saved = np.full(size, month.last * SECONDS_A_DAY + _NINE)
        return pl.DataFrame(
            {
                "agreement_id": pl.Series(care.number).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(care.carer)),
                "cared_person_id": persons.codes.gather(pl.Series(care.cared)),
                "fee_class_code": labels(_CLASSES, kind),
                "fee_month_eur": hundredths_text(cents),
                "leave_month_days": pl.Series(leave).cast(pl.String),
                "leave_taken_days": pl.Series(taken).cast(pl.String),
                "valid_from_date": date_text(care.started, DATE),
                "valid_to_date": date_text(end, DATE),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": persons.hidden[care.carer] | persons.hidden[care.cared],
            }
        )
