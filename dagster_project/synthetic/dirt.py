"""Rows that must be caught, planted among good ones and listed in the manifest.

Here: how many, in which blocks and where. Not here: how a row is spoiled (`blemishes`), catching
it. A bad row is a copy of a good one under a key of its own, so that quarantining it takes nothing
away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from dagster_project.contracts.model import Contract
from dagster_project.synthetic.blemishes import BLEMISHES, DUPLICATE, Blemish, Fate, Row
from dagster_project.synthetic.codes import IdentityCodes
from dagster_project.synthetic.draws import date_text
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import Month

_SPOILED_SHARE = 0.0009
_MOST_FORCED_SHARE = 0.16
"""Of a block's rows: contracts refuse a delivery with more than a fifth in quarantine."""
_FORCED_MONTHS = 6
_SPARSE = frozenset(
    {
        "apotti/third_next_available",
        "apotti/contact_channels",
        "apotti/named_professional",
        "apotti/need_assessments",
        "apotti/social_services",
        "smartum/providers",
        "smartum/service_prices",
        "smartum/budgets",
        "smartum/purchase_authorisations",
        "apotti/informal_care_agreements",
        "guidance/families",
        "smartum/statements",
        "guidance/contacts",
        "guidance/study_enrolment",
        "guidance/worker_time",
        "guidance/worker_assessment",
        "guidance/daily_life_impact",
        "guidance/budget_experience",
        "guidance/outcomes",
        "enrolment_portal/health_survey",
        "enrolment_portal/flags",
        "enrolment_portal/corrective_actions",
        "surveys/patient_reported",
        "surveys/experience",
        "surveys/staff_survey",
    }
)
"""Tables of few rows a month, whose dirt comes as early as it fits."""
_NEAR_THE_LIMIT = 0.96
"""How far these go towards their contract's limit: of a fifth, 0.24 bad rows to each good one."""


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
        usable = np.flatnonzero(_can_be_copied(rows))
        if not len(usable):
            return rows
        blemishes = self._chosen(rng, contract, month, len(rows))
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
        forced = self._forced(contract, able, month, size)
        count = rng.binomial(size, _SPOILED_SHARE)
        if contract.key in _SPARSE:
            count = min(count, int(size * _most_of_sparse(contract)) - len(forced))
        drawn = [able[i] for i in rng.integers(0, len(able), count)]
        return [forced[i] for i in rng.permutation(len(forced))] + drawn

    def _forced(
        self, contract: Contract, able: Sequence[Blemish], month: Month, size: int
    ) -> list[Blemish]:
        """This month's part of what has not occurred yet, the seasonal first."""
        key = contract.key
        waiting = [b for b in able if (key, b.rule_id) not in self._planted]
        total = sum((key, b.rule_id) not in self._planted for b in BLEMISHES[key])
        span = 1 if key in _SPARSE else _FORCED_MONTHS
        left = max(1, min(span, len(self.months)) - month.index)
        most = _most_of_sparse(contract) if key in _SPARSE else _MOST_FORCED_SHARE
        count = min(-(-total // left), int(size * most))
        chosen = sorted(waiting, key=lambda b: b.in_month is None)[:count]
        self._planted.update((key, b.rule_id) for b in chosen)
        return chosen

    def _spoiled(
        self, row: dict[str, object], blemish: Blemish, contract: Contract, month: Month
    ) -> dict[str, object]:
        text: Row = {c.name: row[c.name] for c in contract.columns}  # type: ignore[misc]
        if blemish.fate is not Fate.WARNED and blemish is not DUPLICATE:
            text |= self._own_key(contract, blemish)
        changes = dict(blemish.changes)
        if blemish.rule_id == "started_at.missing_hour":
            changes |= {"started_at": _missing_time(month), "ended_at": None}
        if blemish.rule_id.endswith(".missing_hour"):
            column = blemish.rule_id.partition(".")[0]
            changes = {column: _missing_time(month), **changes}
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
            case "diagnoses":
                return {"encounter_id": str(self._next_key)}
            case "enrolments":
                return {"enrolment_id": f"L{self._next_key}"}
            case "staff_survey":
                return {"respondent_number": str(self._next_key % 1_000_000_000)}
            case table if table in _DAYS_OF_OLD:
                return _DAYS_OF_OLD[table](self._next_key)
            case _:
                return {contract.primary_key[0]: str(self._next_key)}

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
            index = clean_before[base] - 1 if blemish is DUPLICATE else clean_before[-1] + n
            record = first_record + int(rank[index])
            section.append({"file": file, "record_number": record, label: blemish.rule_id})


def _most_of_sparse(contract: Contract) -> float:
    """Bad rows to each good one that the contract's limit on quarantined rows leaves room for."""
    limit = next(r.maximum for r in contract.dataset_rules if r.metric == "quarantined_share")
    percent = limit or 0.0
    return percent / (100 - percent) * _NEAR_THE_LIMIT


def _can_be_copied(rows: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Nobody protected; of an encounter's codes the first, so that no two copies share a key.

    Nothing that is listed already, for its odd value or unit.
    """
    mask: npt.NDArray[np.bool_] = np.ones(len(rows), dtype=np.bool_)
    for column in {"is_protected", "is_odd"} & set(rows.columns):
        mask = mask & ~rows[column].to_numpy()
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


def _day_of_old(days: int) -> str:
    return str(date_text(np.array([_YEAR_2000 + days]), "%Y-%m-%d")[0])


_YEAR_2000 = 10_957
_DAYS_OF_OLD: Mapping[str, Callable[[int], Row]] = {
    "named_professional": lambda key: {
        "valid_from_date": _day_of_old(key % 3_000),
        "valid_to_date": None,
    },
    "third_next_available": lambda key: {"measured_date": _day_of_old(key % 3_000)},
    "worker_time": lambda key: {"worked_date": _day_of_old(key % 3_000)},
    "contact_channels": lambda key: {"week_start_date": _day_of_old(2 + 7 * (key % 430))},
    "statements": lambda key: {
        "month_start_date": f"01.{key % 12 + 1:02d}.{1972 + key // 12 % 25}",
    },
}
"""Keys of their own for bad rows of tables that a date tells apart: days that no good row has."""
