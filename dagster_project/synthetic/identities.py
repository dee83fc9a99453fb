"""Which identity code each person carries when, and who is under a protection order.

Here: first codes, code changes, artificial codes that are later replaced, merges, pairs of codes
that differ in the century mark alone, protection orders. Not here: how a code is formed (`codes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from dagster_project.synthetic.codes import (
    RESERVED_FEMALE,
    RESERVED_MALE,
    IdentityCodes,
    build_codes,
)
from dagster_project.synthetic.draws import Ints, Mask, some
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import NEVER, Month, day_number
from dagster_project.synthetic.parameters import Section
from dagster_project.synthetic.people import People


@dataclass
class Identities:
    """Codes of one chunk; element i of every array is person i, months are window indices."""

    first: pl.Series
    second: pl.Series
    """The later code; null where there is none."""
    changed_from: Ints
    """Month from which the second code is in force."""
    is_artificial: Mask
    """The first code was given until the official one came."""
    sex_changes: Mask
    """The code changed because the person's legal sex did."""
    merged_code: pl.Series
    """Code of another person that the register takes, wrongly, for this one's previous code."""
    merged_from: Ints
    merged_until: Ints
    protected_from: Ints
    pairs: list[list[str]] = field(default_factory=list)
    """Codes that differ in the century mark alone."""
    spare: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Steady persons of the first chunk to whom nothing else happens."""

    def current(self, index: int) -> pl.Series:
        """Code in force in a month, for everybody."""
        return self.first.zip_with(pl.Series(self.changed_from > index), self.second)

    def codes_at(self, person: Ints, index: Ints) -> pl.Series:
        """Code of each of these people in a month of its own."""
        people = pl.Series(person)
        is_first = pl.Series(self.changed_from[person] > index)
        return self.first.gather(people).zip_with(is_first, self.second.gather(people))

    def previous(self, index: int) -> pl.Series:
        """What the register states as the previous code in a month; null for most."""
        changed = pl.Series(self.changed_from <= index)
        own = self.first.zip_with(changed, pl.Series([None], dtype=pl.String))
        merged = pl.Series((self.merged_from <= index) & (self.merged_until > index))
        return self.merged_code.zip_with(merged, own)

    def protected(self, index: int) -> Mask:
        """Who is under a protection order in a month."""
        mask: Mask = self.protected_from <= index
        return mask

    def female(self, people: People, index: int) -> Mask:
        """Legal sex in a month."""
        mask: Mask = people.female ^ (self.sex_changes & (self.changed_from <= index))
        return mask


@dataclass(frozen=True)
class _Plan:
    """What happens to whom, decided before codes are handed out."""

    changing: Ints
    by_sex: Ints
    artificial: Ints


def draw_identities(
    rng: np.random.Generator,
    people: People,
    codes: IdentityCodes,
    *,
    rates: Section,
    months: Sequence[Month],
    is_first_chunk: bool,
) -> Identities:
    """Give everybody codes and orders; the first chunk also holds what must occur at least once."""
    total, last = len(people), len(months) - 1
    pool = rng.permutation(np.flatnonzero(people.entry_day < months[0].first))
    planted, rest = (pool[:20], pool[20:]) if is_first_chunk else (pool[:0], pool)
    people.steady[planted] = True
    pairs = _pair_births(people, planted[:4], months[0]) if is_first_chunk else None
    plan = _plan(rng, people, rest, planted[6:9], rates=rates, last=last)
    changed_from = np.full(total, NEVER, dtype=np.int64)
    if last > 0:
        everyone = np.concatenate([plan.changing, plan.artificial])
        changed_from[everyone] = _later(rng, people.entry[everyone], last)
        changed_from[planted[6:9]] = 1 + np.arange(len(planted[6:9])) % last
    identities = _issue(people, codes, plan=plan, changed_from=changed_from)
    identities.protected_from[:] = _orders(rng, people, planted[8:14], rates=rates, last=last)
    if pairs is not None:
        identities.first = identities.first.scatter(planted[:4].tolist(), pairs)
        identities.pairs = [pairs[:2].to_list(), pairs[2:].to_list()]
    identities.spare = planted[16:]
    if is_first_chunk and last >= 2:
        start = min(2, last - 1)
        _merge(identities, people, planted[4:6], start=start, until=min(start + 2, last))
        _merge(identities, people, planted[14:16], start=start, until=NEVER)
    return identities


def _plan(
    rng: np.random.Generator,
    people: People,
    rest: Ints,
    planted: Ints,
    *,
    rates: Section,
    last: int,
) -> _Plan:
    share = rates["code_changes_per_1000_a_year"] / 1000 * (last + 1) / 12
    changing = rest[some(rng, share, size=len(rest))]
    arrivals = np.flatnonzero((people.entry_day >= 0) & (people.entry < last))
    given = some(rng, rates["artificial_first_code_per_1000_arrivals"] / 1000, size=len(arrivals))
    early = people.entry[arrivals] <= 1
    given |= early & (np.cumsum(early) == 1)  # at least one
    by_sex = np.concatenate([changing[some(rng, 0.1, size=len(changing))], planted[:1]])
    return _Plan(np.concatenate([changing, planted]), by_sex, arrivals[given])


def _later(rng: np.random.Generator, entry: Ints, last: int) -> Ints:
    """A month after entry, within the window; for newcomers soon."""
    span = np.where(entry == 0, last, np.minimum(4, last - entry))
    return entry + 1 + (rng.random(len(entry)) * span).astype(np.int64)


def _issue(people: People, codes: IdentityCodes, *, plan: _Plan, changed_from: Ints) -> Identities:
    total = len(people)
    flag = np.zeros((2, total), dtype=np.bool_)
    flag[0, plan.artificial] = True
    flag[1, plan.by_sex] = True
    changed = np.flatnonzero(changed_from < NEVER)
    first = codes.allocate(people.birth, people.female)
    second = codes.allocate(people.birth[changed], (people.female ^ flag[1])[changed])
    nobody = pl.Series([None], dtype=pl.String).extend_constant(None, total - 1)
    return Identities(
        first=first,
        second=nobody.clone().scatter(changed.tolist(), second),
        changed_from=changed_from,
        is_artificial=flag[0],
        sex_changes=flag[1],
        merged_code=nobody,
        merged_from=np.full(total, NEVER, dtype=np.int64),
        merged_until=np.full(total, NEVER, dtype=np.int64),
        protected_from=np.full(total, NEVER, dtype=np.int64),
    )


def _orders(
    rng: np.random.Generator, people: People, planted: Ints, *, rates: Section, last: int
) -> Ints:
    """Month from which each person is protected; the first planted one also changes code."""
    total = len(people)
    since = np.full(total, NEVER, dtype=np.int64)
    later = some(rng, rates["protected_later_per_1000_a_year"] / 1000 * (last + 1) / 12, size=total)
    since[later] = rng.integers(0, last + 1, later.sum())
    since[some(rng, rates["protected_at_start_per_1000"] / 1000, size=total)] = 0
    since[planted] = np.arange(len(planted)) // 2 * max(1, last // 2)
    since[planted[:1]] = min(1, last)
    since = np.where(since <= last, since, NEVER)
    return np.where(since < NEVER, np.maximum(since, people.entry), NEVER)


def _pair_births(people: People, four: Ints, month: Month) -> pl.Series:
    """Codes that differ in the mark alone: two persons born on one day, two a century apart."""
    young = date(month.year - 1, 6, 15)
    days = [day_number(d) for d in (date(1957, 3, 14), date(1957, 3, 14), young)]
    people.birth[four] = [*days, day_number(young.replace(year=young.year - 100))]
    people.female[four] = people.female[four[[0, 0, 2, 2]]]
    people.moved[four] = NEVER
    numbers = np.where(people.female[four], RESERVED_FEMALE, RESERVED_MALE)
    return build_codes(people.birth[four], pl.Series(["-", "Y", "A", "-"]), numbers)


def _merge(identities: Identities, people: People, two: Ints, *, start: int, until: int) -> None:
    """In some months the second is taken for the first, under a former code."""
    kept, lost = int(two[0]), int(two[1])
    identities.merged_code = identities.merged_code.scatter([kept], [identities.first[lost]])
    identities.merged_from[kept] = people.hidden_from[lost] = start
    identities.merged_until[kept] = people.hidden_until[lost] = until


def record_identities(
    manifest: Manifest, identities: Identities, people: People, months: Sequence[Month]
) -> None:
    """List in the manifest what the chunk's register rows really showed."""
    manifest.century_pairs.extend(identities.pairs)
    _record_changes(manifest, identities, people, months)
    _record_orders(manifest, identities, people, months)
    for kept in np.flatnonzero(identities.merged_from < NEVER).tolist():
        until = int(identities.merged_until[kept])
        manifest.merges.append(
            {
                "code": identities.first[kept],
                "merged_code": identities.merged_code[kept],
                "sequence": months[int(identities.merged_from[kept])].sequence,
                "undone_sequence": months[until].sequence if until < NEVER else None,
            }
        )


def _record_changes(
    manifest: Manifest, identities: Identities, people: People, months: Sequence[Month]
) -> None:
    seen = (identities.changed_from <= people.gone) & (identities.changed_from < NEVER)
    for i in np.flatnonzero(seen).tolist():
        manifest.code_changes.append(
            {
                "previous_code": identities.first[i],
                "code": identities.second[i],
                "sequence": months[int(identities.changed_from[i])].sequence,
                "is_artificial_replaced": bool(identities.is_artificial[i]),
                "is_sex_changed": bool(identities.sex_changes[i]),
            }
        )


def _record_orders(
    manifest: Manifest, identities: Identities, people: People, months: Sequence[Month]
) -> None:
    seen = (identities.protected_from <= people.gone) & (identities.protected_from < NEVER)
    for i in np.flatnonzero(seen).tolist():
        changed = identities.changed_from[i] <= min(int(people.gone[i]), len(months) - 1)
        manifest.protection_orders.append(
            {
                "codes": [identities.first[i], *([identities.second[i]] if changed else [])],
                "sequence": months[int(identities.protected_from[i])].sequence,
            }
        )
