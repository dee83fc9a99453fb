"""The ledger of personal budgets: what each grant and voucher line moves, on accounts that balance.

granted = reserved + paid - returned + remaining, for every entry and every sum of entries. A line
moves its own amount, on one account. What is left of a reservation after all that corrects or
reverses it is let go by the first payment that redeems it. What names no budget of its client and
service is booked beside all budgets.

Here: the rule over one ledger's lines. Not here: which budget a line belongs to
(`sql/core/voucher_transaction.sql`), the query that is held to this (`sql/core/voucher_entry.sql`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

NOUGHT = Decimal("0.00")
_FOLLOWING = ("correction", "reversal")
"""Kinds of lines that go to the account of the line they are about."""


@dataclass(frozen=True)
class Account:
    """A client's budget for a service; without a decision what is booked beside all budgets."""

    person_id: int
    service_code: str
    budget_decision_id: int | None


@dataclass(frozen=True)
class Line:
    """A line of the voucher ledger; of one that refers to another, that one is its own client's."""

    transaction_id: int
    account: Account
    kind: str
    amount_eur: Decimal
    client_share_eur: Decimal
    booked_date: date
    refers_to: int | None = None


@dataclass(frozen=True)
class Grant:
    """What is granted more, or less, from a day on."""

    account: Account
    amount_eur: Decimal
    posted_date: date


@dataclass
class Balance:
    """Sums of one account."""

    granted_eur: Decimal = NOUGHT
    reserved_eur: Decimal = NOUGHT
    paid_eur: Decimal = NOUGHT
    returned_eur: Decimal = NOUGHT
    client_share_eur: Decimal = NOUGHT

    @property
    def remaining_eur(self) -> Decimal:
        """What is left to use."""
        return self.granted_eur - self.reserved_eur - self.paid_eur + self.returned_eur


def balances(
    grants: Iterable[Grant], lines: Iterable[Line], until: date
) -> Mapping[Account, Balance]:
    """Balances at the end of a day, of accounts on which anything was booked by then."""
    book: defaultdict[Account, Balance] = defaultdict(Balance)
    every = sorted(lines, key=lambda line: (line.booked_date, line.transaction_id))
    by_number = {line.transaction_id: line for line in every}
    for grant in grants:
        if grant.posted_date <= until:
            book[grant.account].granted_eur += grant.amount_eur
    released: set[int] = set()
    for line in every:
        if line.booked_date > until:
            continue
        about = by_number.get(line.refers_to) if line.refers_to is not None else None
        _post(book[line.account], line, about.kind if about else None)
        if about and _releases(line, about) and about.transaction_id not in released:
            released.add(about.transaction_id)
            book[about.account].reserved_eur -= _reserved(about, every)
    return book


def _post(balance: Balance, line: Line, about: str | None) -> None:
    """What a line moves of its own: its amount, on one account."""
    balance.client_share_eur += line.client_share_eur
    match about if line.kind in _FOLLOWING else line.kind:
        case "reservation":
            balance.reserved_eur += line.amount_eur
        case "return":
            balance.returned_eur -= line.amount_eur
        case _:
            balance.paid_eur += line.amount_eur


def _releases(line: Line, about: Line) -> bool:
    return about.kind == "reservation" and line.kind == "payment"


def _reserved(reservation: Line, lines: Iterable[Line]) -> Decimal:
    """What is left of a reservation after all that corrects or reverses it."""
    changes = (
        line.amount_eur
        for line in lines
        if line.kind in _FOLLOWING and line.refers_to == reservation.transaction_id
    )
    return reservation.amount_eur + sum(changes, NOUGHT)
