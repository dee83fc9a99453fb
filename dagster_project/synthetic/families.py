"""Families that are one client: who gets a budget as one with dependants, and those they live with.

Here: who belongs to a family, and from when. Not here: who has a budget (`budget_clients`). Days
count from 1970-01-01.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from dagster_project.synthetic.clinical import DATE, TIME, Numbers, Visits
from dagster_project.synthetic.draws import Ints, ages, date_text, labels, time_text
from dagster_project.synthetic.guidance_study import send
from dagster_project.synthetic.identities import Identities
from dagster_project.synthetic.months import NEVER, SECONDS_A_DAY, Month
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.social import Persons
from dagster_project.synthetic.vouchers import Decisions, Vouchers

FAMILIES = "guidance/families"
STREAM = 11
"""Third word of the seed of this table's stream."""
_ROLES = ("adult", "child")
_ADULT_YEARS = 18
_NINE = 9 * 3600


class Families:
    """Families of one chunk, month by month, after the month's decisions on budgets."""

    def __init__(
        self,
        sender: Sender,
        people: People,
        settings: Section,
        *,
        vouchers: Vouchers,
        identities: Identities,
        first_id: int,
    ) -> None:
        self._sender, self._people, self._settings = sender, people, settings
        self._vouchers, self._identities = vouchers, identities
        self._members, self._first_id = Numbers(first_id), first_id
        self._in_family = np.zeros(len(people), dtype=np.bool_)

    def deliver(self, visits: Visits) -> None:
        """Send who joins a family in a month; a file with the header alone where nobody does."""
        month = visits.month
        decided = self._vouchers.decided()
        head, start = self._heads(decided)
        rows = [
            self._family(month, int(one), int(day)) for one, day in zip(head, start, strict=True)
        ]
        persons = Persons.of(self._identities, month)
        send(self._sender, FAMILIES, month, self._rows(rows, persons))

    def _heads(self, decided: Decisions) -> tuple[Ints, Ints]:
        """Clients of the groups that come as families who are in none yet, and their first day."""
        fits = np.isin(decided.group, self._settings["groups"]) & ~self._in_family[decided.person]
        head, first = np.unique(decided.person[fits], return_index=True)
        return head, decided.start[fits][first]

    def _family(self, month: Month, head: int, start: int) -> tuple[int, int, Ints]:
        """The head with some who live in the same municipality: another adult or none, children."""
        people, rng = self._people, self._sender.rng
        years = ages(people.birth, month.first)
        near = people.present(month) & (people.gone > month.index) & ~self._in_family
        near &= people.home == people.home[head]
        near[head] = False
        children = np.flatnonzero(near & (years < _ADULT_YEARS))
        adults = np.flatnonzero(near & (years >= _ADULT_YEARS) & (years < 60))
        low, high = self._settings["children"]
        count = min(int(rng.integers(low, high + 1)), len(children))
        found = [head, *rng.permutation(children)[:count]]
        if rng.random() < self._settings["two_adults"]:
            found += list(rng.permutation(adults)[:1])
        members = np.array(found)
        self._in_family[members] = True
        return head, min(start, month.last), members

    def _rows(self, families: list[tuple[int, int, Ints]], persons: Persons) -> pl.DataFrame:
        sizes = np.array([len(members) for *_, members in families], dtype=np.int64)
        nothing = np.zeros(0, dtype=np.int64)
        member = np.concatenate([nothing, *(members for *_, members in families)])
        start = np.repeat([day for _, day, _ in families], sizes).astype(np.int64)
        # A family's number is its head's position, so that no other chunk or month has it.
        family = np.repeat([head for head, *_ in families], sizes).astype(np.int64)
        month, size = persons.month, len(member)
        is_child = ages(self._people.birth, month.first)[member] < _ADULT_YEARS
        saved = np.full(size, month.last * SECONDS_A_DAY + _NINE)
        return pl.DataFrame(
            {
                "family_member_id": self._members.take(size).cast(pl.String),
                "family_id": pl.Series(self._first_id + family).cast(pl.String),
                "person_id": persons.codes.gather(pl.Series(member)),
                "member_role_code": labels(_ROLES, is_child.astype(np.int64)),
                "valid_from_date": date_text(start, DATE),
                "valid_to_date": date_text(np.full(size, NEVER), DATE),
                "updated_at": time_text(pl.Series(saved), TIME),
                "is_protected": persons.hidden[member],
            }
        )
