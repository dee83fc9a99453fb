"""Rows that must be caught, planted among good ones and listed in the manifest.

Here: which rules are broken and how, where the bad rows go. Not here: catching them. A bad row is
a copy of a good one under a key of its own, so that quarantining it takes nothing away; it breaks
one rule only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.contracts.model import Contract
from dagster_project.synthetic.codes import IdentityCodes, with_wrong_check
from dagster_project.synthetic.draws import date_text
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import Month

Row = dict[str, str | None]
Change = Callable[[Row], str | None]


class Fate(StrEnum):
    """What becomes of a planted row."""

    DIRTY = "dirty"
    """Quarantined, or counted as a duplicate."""
    WARNED = "warned"
    """Accepted and counted."""
    UNRESOLVED = "unresolved"
    """Accepted, and waiting for a row that does not come."""


@dataclass(frozen=True)
class Blemish:
    """One way to spoil a row."""

    rule_id: str
    """The rule that catches it; for unresolved rows the column that refers."""
    changes: Mapping[str, str | Change | None]
    """New text by column."""
    fate: Fate = Fate.DIRTY
    in_month: int | None = None
    """Month of the year (1-12) in which alone it can occur."""
    column: str | None = None
    """Column without which (in an older contract) it cannot occur."""


def _wrong_check(row: Row) -> str | None:
    return with_wrong_check(row["person_id"] or "")


def _negative(row: Row) -> str | None:
    return f"-{row['encounter_id']}"


def _not_a_number(row: Row) -> str | None:
    return f"{row['encounter_id']}O"


def _dirty(rule_id: str, value: str | None, **others: str | None) -> Blemish:
    column = rule_id.split(".", maxsplit=1)[0]
    return Blemish(rule_id, {column: value, **others}, column=column)


_DUPLICATE = Blemish("primary_key.duplicate", {})
_WRONG_CHECK = Blemish("person_id.identity_code", {"person_id": _wrong_check})
_LATER = "2066-01-01"

BLEMISHES: Mapping[str, tuple[Blemish, ...]] = {
    "population_register/residents": (
        _dirty("birth_date.type", "29.2.2017"),
        _dirty("birth_date.required", None),
        _dirty("birth_date.minimum", "14.10.1066"),
        _dirty("birth_date.not_after_delivery", "1.1.2066", moved_date=None),
        _dirty("death_date.not_before_birth", "1.1.1881"),
        _dirty("death_date.not_after_delivery", "1.1.2066"),
        _dirty("moved_date.type", "2017-01-31"),
        _dirty("sex_code.valid_values", "3"),
        _dirty("sex_code.required", None),
        _dirty("municipality_code.pattern", "92"),
        _dirty("postal_code.pattern", "O1900"),
        _dirty("language_code.pattern", "FI"),
        _dirty("birth_country_code.pattern", "FIN"),
        _dirty("has_protection_order.type", "K"),
        _dirty("has_protection_order.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        Blemish("previous_person_id.identity_code", {"previous_person_id": _wrong_check}),
        _DUPLICATE,
        Blemish("moved_date.not_long_after_delivery", {"moved_date": "1.1.2066"}, Fate.WARNED),
    ),
    "apotti/encounters": (
        Blemish("started_at.missing_hour", {}, in_month=3),
        Blemish("encounter_id.type", {"encounter_id": _not_a_number}),
        Blemish("encounter_id.minimum", {"encounter_id": _negative}),
        _dirty("started_at.type", "2017-02-29 10:00:00", ended_at=None),
        _dirty("started_at.required", None, ended_at=None),
        _dirty("started_at.minimum", "1999-12-31 10:00:00", ended_at=None),
        _dirty("started_at.not_after_delivery", f"{_LATER} 10:00:00", ended_at=None),
        _dirty("ended_at.not_before_start", "2001-01-01 10:00:00"),
        _dirty("duration_minutes.type", "12.5"),
        _dirty("duration_minutes.minimum", "-5,0"),
        _dirty("duration_minutes.maximum", "1440,5"),
        _dirty("contact_type_code.valid_values", "R99"),
        _dirty("urgency_code.valid_values", "9"),
        _dirty("site_id.required", None),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        _dirty("updated_at.type", "ei tiedossa"),
        _dirty("contact_language_code.pattern", "suomi"),
        _dirty("service_language_code.pattern", "f1"),
        _DUPLICATE,
        Blemish("profession_code.valid_values", {"profession_code": "9999"}, Fate.WARNED),
        Blemish("service_code.valid_values", {"service_code": "T99"}, Fate.WARNED),
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
    "apotti/diagnoses": (
        Blemish("encounter_id.type", {"encounter_id": _not_a_number}),
        _dirty("diagnosis_number.type", "1,5"),
        _dirty("diagnosis_number.minimum", "0"),
        _dirty("diagnosis_number.maximum", "100"),
        _dirty("icd10_code.pattern", "I10.0", icd10_pair_code=None),
        _dirty("icd10_pair_code.pattern", "e112", icd10_code="N083"),
        _dirty("icpc2_code.pattern", "K8"),
        Blemish(
            "row.code_present", {"icd10_code": None, "icd10_pair_code": None, "icpc2_code": None}
        ),
        _dirty("diagnosed_date.type", "2017-02-29"),
        _dirty("diagnosed_date.required", None),
        _dirty("diagnosed_date.minimum", "1999-12-31"),
        _dirty("diagnosed_date.not_after_delivery", _LATER),
        _dirty("person_id.required", None),
        _WRONG_CHECK,
        _dirty("updated_at.required", None),
        _DUPLICATE,
        Blemish(
            "icd10_pair_code.needs_main_code",
            {"icd10_code": None, "icd10_pair_code": "E112", "icpc2_code": "T90"},
            Fate.WARNED,
        ),
        Blemish("encounter_id", {}, Fate.UNRESOLVED),
    ),
    "enrolment_portal/enrolments": (
        _dirty("start_date.type", "2017-02-29", end_date=None),
        _dirty("end_date.after_start", "2017-01-01"),
        _dirty("service_code.valid_values", "kirurgia"),
        _dirty("channel_code.valid_values", "fax"),
        _dirty("provider_id.required", None),
        _WRONG_CHECK,
        _DUPLICATE,
        Blemish("site_id", {"site_id": "S0000"}, Fate.UNRESOLVED),
    ),
}
"""What is planted, by table; at least once each in the first months, then at random."""

_SPOILED_SHARE = 0.0009
_MOST_FORCED_SHARE = 0.16
"""Of a block's rows: contracts refuse a delivery with more than a fifth in quarantine."""
_FORCED_MONTHS = 6


@dataclass
class Dirt:
    """Plants dirt in the blocks of a region, and lists it."""

    manifest: Manifest
    codes: IdentityCodes
    months: Sequence[Month]
    _planted: set[tuple[str, str]] = field(default_factory=set)
    _next_key: int = 900_000_000_001

    def spoil(
        self,
        rng: np.random.Generator,
        contract: Contract,
        rows: pl.DataFrame,
        *,
        month: Month,
        file: str,
        first_record: int,
    ) -> pl.DataFrame:
        """The block with bad rows in it; `first_record` is the record number of its first row."""
        blemishes = self._chosen(rng, contract, month, len(rows))
        usable = np.flatnonzero(_can_be_copied(rows))
        base = np.sort(rng.choice(usable, min(len(blemishes), len(usable)), replace=False))
        pairs = list(zip(base.tolist(), blemishes, strict=False))
        bad = [self._spoiled(rows.row(i, named=True), b, contract, month) for i, b in pairs]
        in_place = [i for i, b in pairs if b.fate is Fate.WARNED]
        kept = pl.Series(np.arange(len(rows), dtype=np.float64))
        mask = ~kept.is_in(np.array(in_place, dtype=np.float64))
        added = pl.DataFrame(bad, schema=rows.schema) if bad else rows.clear()
        order = pl.concat(
            [kept.filter(mask), pl.Series([i + 0.5 for i, _ in pairs], dtype=pl.Float64)]
        )
        position = order.arg_sort()
        clean = mask.to_numpy()
        self._list(pairs, position, first_record=first_record, clean=clean, file=file)
        return pl.concat([rows.filter(mask), added]).select(pl.all().gather(position))

    def _chosen(
        self, rng: np.random.Generator, contract: Contract, month: Month, size: int
    ) -> list[Blemish]:
        able = [b for b in BLEMISHES[contract.key] if _can_occur(b, contract, month)]
        forced = self._forced(contract.key, able, month, size)
        count = rng.binomial(size, _SPOILED_SHARE)
        drawn = [able[i] for i in rng.integers(0, len(able), count)]
        return [forced[i] for i in rng.permutation(len(forced))] + drawn

    def _forced(self, key: str, able: Sequence[Blemish], month: Month, size: int) -> list[Blemish]:
        """This month's part of what has not occurred yet, the seasonal first."""
        waiting = [b for b in able if (key, b.rule_id) not in self._planted]
        total = sum((key, b.rule_id) not in self._planted for b in BLEMISHES[key])
        left = max(1, min(_FORCED_MONTHS, len(self.months)) - month.index)
        count = min(-(-total // left), int(size * _MOST_FORCED_SHARE))
        chosen = sorted(waiting, key=lambda b: b.in_month is None)[:count]
        self._planted.update((key, b.rule_id) for b in chosen)
        return chosen

    def _spoiled(
        self, row: dict[str, object], blemish: Blemish, contract: Contract, month: Month
    ) -> dict[str, object]:
        text: Row = {c.name: row[c.name] for c in contract.columns}  # type: ignore[misc]
        if blemish.fate is not Fate.WARNED and blemish is not _DUPLICATE:
            text |= self._own_key(contract, blemish)
        changes = dict(blemish.changes)
        if blemish.rule_id == "started_at.missing_hour":
            changes = {"started_at": _missing_time(month), "ended_at": None}
        text |= {c: v(text) if callable(v) else v for c, v in changes.items()}
        return row | text

    def _own_key(self, contract: Contract, blemish: Blemish) -> Row:
        self._next_key += 1
        match contract.table:
            case "residents":
                born = np.array([_birth_of_ghost(self._next_key)])
                code = self.codes.allocate(born, np.array([self._next_key % 2 == 0]))[0]
                return {"person_id": code, "previous_person_id": None, "death_date": None}
            case "diagnoses" if blemish.fate is not Fate.UNRESOLVED:
                return {"diagnosis_number": "90"}
            case "enrolments":
                return {"enrolment_id": f"L{self._next_key}"}
            case _:
                return {"encounter_id": str(self._next_key)}

    def _list(
        self,
        pairs: Sequence[tuple[int, Blemish]],
        position: pl.Series,
        *,
        first_record: int,
        clean: npt.NDArray[np.bool_],
        file: str,
    ) -> None:
        rank = np.empty(len(position), dtype=np.int64)
        rank[position.to_numpy()] = np.arange(len(position))
        clean_before = np.cumsum(clean)
        sections = {
            Fate.DIRTY: (self.manifest.dirty_rows, "rule_id"),
            Fate.WARNED: (self.manifest.warned_rows, "rule_id"),
            Fate.UNRESOLVED: (self.manifest.unresolved_references, "column"),
        }
        for n, (base, blemish) in enumerate(pairs):
            section, label = sections[blemish.fate]
            # Of two records with one key the last stands, so the duplicate is the one copied from.
            index = clean_before[base] - 1 if blemish is _DUPLICATE else clean_before[-1] + n
            record = first_record + int(rank[index])
            section.append({"file": file, "record_number": record, label: blemish.rule_id})


def _can_be_copied(rows: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Nobody protected; of an encounter's codes the first, so that no two copies share a key."""
    mask: npt.NDArray[np.bool_] = ~rows["is_protected"].to_numpy()
    if "diagnosis_number" in rows.columns:
        mask = mask & (rows["diagnosis_number"] == "1").to_numpy()
    return mask


def _can_occur(blemish: Blemish, contract: Contract, month: Month) -> bool:
    has_column = any(c.name == blemish.column for c in contract.columns)
    in_season = blemish.in_month in (None, month.number)
    return in_season and (blemish.column in (None, "row") or has_column)


def _missing_time(month: Month) -> str:
    """Half past three on the night of March that has no such time."""
    return str(date_text(np.array([month.last_sunday()]), "%Y-%m-%d 03:30:00")[0])


def _birth_of_ghost(key: int) -> int:
    """A day of birth between 1940 and 2000 for a person who exists in one bad row."""
    return -10_957 + key % 21_900
