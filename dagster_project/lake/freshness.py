"""What each contract promises about time, held against what was taken in.

Here: when the next delivery is due, and by how much it is late. Not here: the clock; the as-of date
is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.contracts.model import Contract, SequenceStep
from dagster_project.lake.connection import Lake


@dataclass(frozen=True)
class Freshness:
    """How one delivered table stands against its promise."""

    delivery_count: int
    covers_to_date: date | None
    """Last day that any delivery covers."""
    due_date: date | None
    """Day by which the next delivery is promised; None where nothing came yet, or none is due."""
    late_days: int
    """Days since `due_date`; 0 while it has not passed."""


def freshness(lake: Lake, contract: Contract, as_of: date) -> Freshness:
    """How late the next delivery of a table is on a given day."""
    count, covers_to = lake.rows(
        "select count(*), max(covers_to_date) from ops.delivery"
        " where source = ? and table_name = ?",
        [contract.source, contract.table],
    )[0]
    due = due_date(contract, covers_to) if covers_to else None
    late = max((as_of - due).days, 0) if due else 0
    return Freshness(count, covers_to, due, late)


def due_date(contract: Contract, covers_to: date) -> date | None:
    """Day by which the delivery after the one that covers up to a given day is promised.

    None for a table whose deliveries are numbered freely: no next one is ever due.
    """
    next_day = covers_to + timedelta(days=1)
    match contract.delivery.sequence_step:
        case SequenceStep.MONTH:
            sequence = next_day.year * 100 + next_day.month
        case SequenceStep.YEAR:
            sequence = next_day.year
        case SequenceStep.YEAR_RELEASE:
            sequence = next_day.year * 100 + 1
        case SequenceStep.SENDER_QUARTER:
            sequence = next_day.year * 1000 + (next_day.month + 2) // 3 * 100 + 1
        case SequenceStep.NONE:
            return None
    return contract.delivery.last_date(sequence) + timedelta(days=contract.freshness_days)


def promised_to(contract: Contract, as_of: date) -> date | None:
    """Last day that deliveries have to cover by a given day, for all of them to be in time.

    None for a table whose deliveries are numbered freely: none is ever due.
    """
    # A delivery is late from the day after it was promised.
    next_day = as_of - timedelta(days=contract.freshness_days)
    match contract.delivery.sequence_step:
        case SequenceStep.MONTH:
            first = next_day.replace(day=1)
        case SequenceStep.YEAR | SequenceStep.YEAR_RELEASE:
            first = next_day.replace(month=1, day=1)
        case SequenceStep.SENDER_QUARTER:
            first = next_day.replace(month=(next_day.month - 1) // 3 * 3 + 1, day=1)
        case SequenceStep.NONE:
            return None
    return first - timedelta(days=1)
