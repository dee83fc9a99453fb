"""Disclosure control of whole tables: what the public shelf holds of an internal one.

Each column is told by the role that its output contract gives it; a column without a role, and one
that is withheld, is not there. `is_redacted` marks rows of which something was left out, so that a
file whose every cell was too small says so, row by row.

Here: roles to columns. Not here: the rule for a cell (`rules.disclosure`), which column has which
role (`data_contracts/published`), the limits (`rulebooks/disclosure.yaml`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from dagster_project.contracts.published import Disclosure, OutputColumn, OutputContract, Role
from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook
from dagster_project.rules import disclosure as rule
from dagster_project.rules.disclosure import Limits
from dagster_project.sql_text import quoted

REDACTED = "is_redacted"
_PLAIN = frozenset({Role.DIMENSION, Role.OPEN})
_SUMMED = frozenset({Role.COUNT, Role.EUROS, Role.WITHHELD})
_ABSENT = frozenset({Role.WITHHELD, Role.ROLLED_UP})
Columns = dict[str, list[Any]]
"""Values by column, of one length."""


@dataclass(frozen=True)
class Disclosed:
    """A table as anybody may read it, and how much was left out."""

    columns: Columns
    types: dict[str, str]
    redacted_count: int


@dataclass(frozen=True)
class InForce:
    """Limits in force, and why, where they tell more than may be told without saying why."""

    limits: Limits
    override: str


def limits_in_force(rulebooks: Sequence[Rulebook]) -> InForce:
    """The newest limits of rulebook `disclosure`.

    Raises:
        ContractError: they are looser than the platform's own and give no reason.
    """
    found = next((book for book in rulebooks if book.name == "disclosure"), None)
    if found is None or not found.rows:
        return InForce(Limits(), "")
    _, row = max(found.rows)
    stated = dict(zip(found.columns, row, strict=True))
    override = stated.pop("override_reason").strip()
    kinds = {field.name: type(getattr(Limits(), field.name)) for field in fields(Limits)}
    limits = Limits(**{name: kinds[name](value) for name, value in stated.items()})
    loose = rule.loosened(limits)
    if loose and not override:
        raise ContractError(
            f"rulebooks/disclosure.yaml: {', '.join(loose)} would tell more than may be told;"
            " tighten it, or state override_reason, which is logged with every release"
        )
    return InForce(limits, override if loose else "")


def rolled_up(query: str, contract: OutputContract) -> str:
    """The query, summed over the columns that are rolled up; as it is where none is."""
    roles = {column.name: _told(column).role for column in contract.columns}
    if Role.ROLLED_UP not in roles.values():
        return query
    kept = [c for c in contract.columns if roles[c.name] is not Role.ROLLED_UP]
    values = ", ".join(
        f"cast(sum({quoted(c.name)}) as {c.sql_type}) as {quoted(c.name)}"
        if roles[c.name] in _SUMMED
        else quoted(c.name)
        for c in kept
    )
    by = ", ".join(quoted(c.name) for c in kept if roles[c.name] not in _SUMMED)
    return f"select {values} from ({query}) group by {by}"


def disclose(exact: Columns, contract: OutputContract, limits: Limits) -> Disclosed:
    """The public table of an internal one, in the same order.

    Args:
        exact: Its columns, rolled up where they are.
        contract: Says the role of every column.
        limits: In force.
    """
    told: Columns = {}
    for column in _ordered(contract):
        if column.name in exact:
            told[column.name] = _TOLD[_told(column).role](column, exact, told, contract, limits)
    shown = [c for c in contract.columns if c.name in told and _told(c).role not in _ABSENT]
    gone = [
        [was is not None and value is None for was, value in zip(exact[n], told[n], strict=True)]
        for n in (c.name for c in shown if _told(c).role not in _PLAIN)
    ]
    length = len(next(iter(exact.values()), []))
    marks = [any(row) for row in zip(*gone, strict=True)] if gone else [False] * length
    return Disclosed(
        columns={c.name: told[c.name] for c in shown} | {REDACTED: marks},
        types={c.name: c.sql_type for c in shown} | {REDACTED: "BOOLEAN"},
        redacted_count=sum(map(sum, gone)),
    )


def _told(column: OutputColumn) -> Disclosure:
    return column.disclosure or Disclosure(role=Role.WITHHELD)


def _ordered(contract: OutputContract) -> list[OutputColumn]:
    """Columns such that what another is worked out from, as it is told, comes first."""
    late = (Role.TOTAL, Role.LOWER, Role.UPPER)
    return sorted(contract.columns, key=lambda column: _told(column).role in late)


def _persons(stated: Disclosure, column: OutputColumn, exact: Columns) -> list[int | None]:
    """How many persons at least are behind each cell."""
    counted = exact[stated.persons or column.name]
    return [None if n is None else int(n) // stated.persons_per for n in counted]


def _as_is(column: OutputColumn, exact: Columns, *_: object) -> list[Any]:
    return exact[column.name]


def _counts(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    persons = _persons(_told(column), column, exact)
    return [
        rule.told_count(n, limits, persons=p)
        for n, p in zip(exact[column.name], persons, strict=True)
    ]


def _totals(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    return [
        rule.total(parts) for parts in zip(*(told[p] for p in _told(column).parts), strict=True)
    ]


def _euros(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    stated = _told(column)
    groups = zip(*(exact[name] for name in contract.euro_group), strict=True)
    within = list(groups) if contract.euro_group else [()] * len(exact[column.name])
    rows = zip(
        exact[column.name],
        _persons(stated, column, exact),
        exact[str(stated.top_two)],
        within,
        strict=True,
    )
    cells = [rule.Euros(a or Decimal(0), p or 0, t or Decimal(0), w) for a, p, t, w in rows]
    return rule.told_euros(cells, limits)


def _factors(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    persons = _persons(_told(column), column, exact)
    return [
        _like(value, rule.told_factor(_decimal(value), limits, persons=p))
        for value, p in zip(exact[column.name], persons, strict=True)
    ]


def _indices(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    return [_like(value, rule.told_index(_decimal(value), limits)) for value in exact[column.name]]


def _rates(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    stated = _told(column)
    names = (column.name, stated.numerator, stated.denominator, stated.interval)
    return [
        rule.told_rate(rule.Rate(*cells), limits)
        for cells in zip(*(exact[str(name)] for name in names), strict=True)
    ]


def _bounds(
    column: OutputColumn, exact: Columns, told: Columns, contract: OutputContract, limits: Limits
) -> list[Any]:
    stated = _told(column)
    of = next(_told(c) for c in contract.columns if c.name == stated.of)
    rows = zip(
        told[str(stated.of)],
        told[str(of.denominator)],
        exact[str(of.interval)],
        exact[str(of.multiplier)],
        strict=True,
    )
    return [
        rule.told_interval(value, base, interval_code=code, multiplier=times, limits=limits)[
            stated.role is Role.UPPER
        ]
        for value, base, code, times in rows
    ]


def _decimal(value: Decimal | float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _like(before: Decimal | float | None, told: Decimal | None) -> Decimal | float | None:
    """A told figure in the type that it was in."""
    return float(told) if isinstance(before, float) and told is not None else told


_TOLD: dict[Role, Callable[..., list[Any]]] = {
    Role.DIMENSION: _as_is,
    Role.OPEN: _as_is,
    Role.WITHHELD: _as_is,
    Role.ROLLED_UP: _as_is,
    Role.COUNT: _counts,
    Role.TOTAL: _totals,
    Role.EUROS: _euros,
    Role.FACTOR: _factors,
    Role.INDEX: _indices,
    Role.RATE: _rates,
    Role.LOWER: _bounds,
    Role.UPPER: _bounds,
}
