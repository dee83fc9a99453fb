"""Incentive schemes as the rulebooks have them: read, and held against the indicators there are.

A version of a scheme is its id and the day it takes effect (`rulebooks/incentive_scheme`); its
weights are entries of the same day in `rulebooks/incentive_weight`. In force for a period of a
service is the newest version on the period's first day.

Here: what a version says, and what makes one unsound. Not here: scoring by it (`incentive`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook
from dagster_project.rules.incentive import Terms

SCHEMES, WEIGHTS = "incentive_scheme", "incentive_weight"


@dataclass(frozen=True)
class SchemeVersion:
    """One version of an incentive scheme."""

    scheme_id: str
    valid_from_date: date
    service_code: str
    is_budget_neutral: bool
    terms: Terms
    weights: Mapping[str, Decimal]
    """By indicator; together 1."""


@dataclass(frozen=True)
class _Said:
    row: Mapping[str, str]
    where: str

    def share(self, column: str) -> Decimal:
        """A number from 0 to 1."""
        found = Decimal(self.row[column])
        if not found.is_finite() or not 0 <= found <= 1:
            raise ContractError(f"{self.where}: {column} is a share from 0 to 1; correct it")
        return found


def read_schemes(
    books: Sequence[Rulebook], services: Mapping[str, tuple[str, ...]]
) -> tuple[SchemeVersion, ...]:
    """Every version of every scheme, by service and day.

    Args:
        books: rulebooks as `rulebook.load_rulebooks` reads them.
        services: of each indicator there is, by its id.

    Raises:
        ContractError: a rulebook is missing, weights do not sum to 1, an indicator is not known, is
            named twice or is not of the service, two schemes of a service are in force on one day,
            or a number is out of range. It says file, day, row and what to do.
    """
    by_name = {book.name: book for book in books}
    for name in (SCHEMES, WEIGHTS):
        if name not in by_name:
            raise ContractError(f"rulebooks/{name}.yaml is missing; incentives need it")
    said, weights = _rows(by_name[SCHEMES]), _rows(by_name[WEIGHTS])
    begun: dict[tuple[str, date], str] = {}
    for (_, starts), rows in said.items():
        for one in rows:
            key = (one.row["service_code"], starts)
            if key in begun:
                raise ContractError(
                    f"{one.where}: {begun[key]} is in force for {key[0]} from that day too; a"
                    " service has one scheme at a time, so move or remove one"
                )
            begun[key] = one.row["scheme_id"]
    for scheme_id, starts in sorted(weights.keys() - said.keys()):
        raise ContractError(
            f"rulebooks/{WEIGHTS}.yaml: weights of {scheme_id} of {starts}, of which there is no"
            f" version; add it to {SCHEMES}.yaml, or move them"
        )
    found = [_version(key, rows[0], weights.get(key, []), services) for key, rows in said.items()]
    return tuple(sorted(found, key=lambda v: (v.service_code, v.valid_from_date)))


def _rows(book: Rulebook) -> dict[tuple[str, date], list[_Said]]:
    found: dict[tuple[str, date], list[_Said]] = {}
    for number, (starts, values) in enumerate(book.rows, start=1):
        row = dict(zip(book.columns, values, strict=True))
        where = f"rulebooks/{book.name}.yaml, {starts}, row {number} ({', '.join(values)})"
        found.setdefault((row["scheme_id"], starts), []).append(_Said(row, where))
    return found


def _version(
    key: tuple[str, date],
    said: _Said,
    weights: list[_Said],
    services: Mapping[str, tuple[str, ...]],
) -> SchemeVersion:
    neutral = said.share("neutral_score")
    if not 0 < neutral < 1:
        raise ContractError(f"{said.where}: neutral_score lies between 0 and 1; correct it")
    truth = said.row["is_budget_neutral"].lower()
    if truth not in ("true", "false"):
        raise ContractError(f"{said.where}: is_budget_neutral is true or false; correct it")
    return SchemeVersion(
        scheme_id=key[0],
        valid_from_date=key[1],
        service_code=said.row["service_code"],
        is_budget_neutral=truth == "true",
        terms=Terms(
            neutral_score=neutral,
            bonus_share=said.share("bonus_share"),
            sanction_share=said.share("sanction_share"),
            minimum_weight=said.share("minimum_weight"),
        ),
        weights=_weights(said, weights, services),
    )


def _weights(
    said: _Said, rows: list[_Said], services: Mapping[str, tuple[str, ...]]
) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for one in rows:
        name = one.row["indicator_id"]
        if name not in services:
            raise ContractError(
                f"{one.where}: there is no indicator {name}; correct its id, or add"
                f" sql/indicator/{name}.yaml and its query"
            )
        if said.row["service_code"] not in services[name]:
            raise ContractError(
                f"{one.where}: {name} is not of service {said.row['service_code']}; name another,"
                f" or add the service in sql/indicator/{name}.yaml"
            )
        if name in found:
            raise ContractError(f"{one.where}: a second weight of {name}; remove one")
        found[name] = one.share("weight")
    if sum(found.values()) != 1:
        raise ContractError(
            f"rulebooks/{WEIGHTS}.yaml: weights of the version in {said.where} sum to"
            f" {sum(found.values())}; correct them, so that they sum to 1"
        )
    return found
