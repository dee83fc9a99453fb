"""Incentive schemes: their terms from a rulebook, their weights from the indicators themselves.

A version of a scheme begins on a day from which an entry of `rulebooks/incentive_scheme` or a
weight in an indicator's YAML (`sql/indicator/<id>.yaml`) holds; what is not said anew on that day
holds on. The installation's weights sum to 1 on each such day. An indicator of one's own
(`TIETOALLAS_SQL`) takes its weight from them, in proportion, so that all sum to 1 again. In force
for a period of a service is the newest version on the period's first day.

Here: what a version says, what makes one unsound, and the relations that models read. Not here:
scoring by it (`incentive`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook
from dagster_project.rules.incentive import Terms

SCHEMES, WEIGHTS = "incentive_scheme", "incentive_weight"
ACHIEVEMENTS = "achievement_payment"


@dataclass(frozen=True)
class StatedWeight:
    """What an indicator weighs in a scheme from a day on, as its YAML has it."""

    indicator_id: str
    services: tuple[str, ...]
    """Of the indicator."""
    scheme_id: str
    valid_from_date: date
    weight: Decimal
    is_own: bool
    """Whether it is none of the installation's."""

    @property
    def where(self) -> str:
        """For messages."""
        return f"sql/indicator/{self.indicator_id}.yaml, weight, {self.valid_from_date}"


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
    starts: date
    row: Mapping[str, str]
    where: str

    def share(self, column: str) -> Decimal:
        """A number from 0 to 1."""
        found = Decimal(self.row[column])
        if not found.is_finite() or not 0 <= found <= 1:
            raise ContractError(f"{self.where}: {column} is a share from 0 to 1; correct it")
        return found


def read_schemes(
    books: Sequence[Rulebook], weights: Sequence[StatedWeight]
) -> tuple[SchemeVersion, ...]:
    """Every version of every scheme, by service and day.

    Args:
        books: rulebooks as `rulebook.load_rulebooks` reads them.
        weights: of all indicators.

    Raises:
        ContractError: the rulebook is missing, weights do not sum to 1, a weight is of no scheme in
            force or the indicator not of its service, two schemes of a service are in force on one
            day, or a number is out of range. It says file, day, row and what to do.
    """
    book = next((b for b in books if b.name == SCHEMES), None)
    if book is None:
        raise ContractError(f"rulebooks/{SCHEMES}.yaml is missing; incentives need it")
    terms = _terms(book)
    found = (
        _version(said, day, [w for w in weights if w.scheme_id == said.row["scheme_id"]])
        for said, day in _days(terms, weights)
    )
    return tuple(sorted(found, key=lambda v: (v.service_code, v.valid_from_date)))


def relations(versions: Sequence[SchemeVersion]) -> tuple[Rulebook, Rulebook]:
    """What models read of schemes: `rulebook.incentive_scheme` and `rulebook.incentive_weight`."""
    schemes = [
        (
            v.valid_from_date,
            (
                *(v.scheme_id, v.service_code, str(v.terms.neutral_score)),
                *(str(v.terms.bonus_share), str(v.terms.sanction_share)),
                *(str(v.terms.minimum_weight), str(v.is_budget_neutral).lower()),
            ),
        )
        for v in versions
    ]
    weights = [
        (v.valid_from_date, (v.scheme_id, name, str(weight)))
        for v in versions
        for name, weight in sorted(v.weights.items())
    ]
    return _book(SCHEMES, _SCHEME_COLUMNS, schemes), _book(WEIGHTS, _WEIGHT_COLUMNS, weights)


_SHARE = "decimal(18,8)"
_SCHEME_COLUMNS = {
    **{"scheme_id": "varchar", "service_code": "varchar", "neutral_score": _SHARE},
    **{"bonus_share": _SHARE, "sanction_share": _SHARE, "minimum_weight": _SHARE},
    "is_budget_neutral": "boolean",
}
_WEIGHT_COLUMNS = {"scheme_id": "varchar", "indicator_id": "varchar", "weight": _SHARE}


def _book(
    name: str, columns: dict[str, str], rows: Sequence[tuple[date, tuple[str, ...]]]
) -> Rulebook:
    sha256 = hashlib.sha256(repr(rows).encode()).hexdigest()
    return Rulebook(name, "share of 1", columns, tuple(rows), sha256)


def _terms(book: Rulebook) -> list[_Said]:
    """Entries of the rulebook, oldest first; of a service one on a day."""
    found: dict[tuple[str, date], _Said] = {}
    for number, (starts, values) in enumerate(book.rows, start=1):
        row = dict(zip(book.columns, values, strict=True))
        where = f"rulebooks/{book.name}.yaml, {starts}, row {number} ({', '.join(values)})"
        key = (row["service_code"], starts)
        if key in found:
            raise ContractError(
                f"{where}: {found[key].row['scheme_id']} is in force for {key[0]} from that day"
                " too; a service has one scheme at a time, so move or remove one"
            )
        found[key] = _Said(starts, row, where)
    return sorted(found.values(), key=lambda said: said.starts)


def _in_force(terms: Sequence[_Said], stated: StatedWeight) -> _Said:
    """The entry that a weight is for: the newest of its scheme, where no other scheme follows."""
    begun = [said for said in terms if said.starts <= stated.valid_from_date]
    found = next((s for s in begun[::-1] if s.row["scheme_id"] == stated.scheme_id), None)
    service = found.row["service_code"] if found else None
    newest = next((s for s in begun[::-1] if s.row["service_code"] == service), None)
    if found is None or newest is not found:
        raise ContractError(
            f"{stated.where}: no scheme {stated.scheme_id} is in force on that day; name one of"
            f" {SCHEMES}.yaml, or move the day"
        )
    return found


def _check_weight(stated: StatedWeight, said: _Said) -> None:
    if not 0 <= stated.weight <= 1:
        raise ContractError(f"{stated.where}: a weight is a share from 0 to 1; correct it")
    if said.row["service_code"] not in stated.services:
        raise ContractError(
            f"{stated.where}: {stated.indicator_id} is not of service {said.row['service_code']};"
            " name another scheme, or add the service"
        )


def _days(terms: Sequence[_Said], weights: Sequence[StatedWeight]) -> Iterator[tuple[_Said, date]]:
    """Days on which a version begins, each with the entry in force."""
    begins = {(said.row["service_code"], said.starts): said for said in terms}
    for stated in weights:
        said = _in_force(terms, stated)
        _check_weight(stated, said)
        begins.setdefault((said.row["service_code"], stated.valid_from_date), said)
    for (_, day), said in begins.items():
        yield said, day


def _version(said: _Said, day: date, weights: Sequence[StatedWeight]) -> SchemeVersion:
    neutral = said.share("neutral_score")
    if not 0 < neutral < 1:
        raise ContractError(f"{said.where}: neutral_score lies between 0 and 1; correct it")
    truth = said.row["is_budget_neutral"].lower()
    if truth not in ("true", "false"):
        raise ContractError(f"{said.where}: is_budget_neutral is true or false; correct it")
    return SchemeVersion(
        scheme_id=said.row["scheme_id"],
        valid_from_date=day,
        service_code=said.row["service_code"],
        is_budget_neutral=truth == "true",
        terms=Terms(
            neutral_score=neutral,
            bonus_share=said.share("bonus_share"),
            sanction_share=said.share("sanction_share"),
            minimum_weight=said.share("minimum_weight"),
        ),
        weights=_weights(said, day, weights),
    )


def _weights(said: _Said, day: date, stated: Sequence[StatedWeight]) -> dict[str, Decimal]:
    """Weights in force on a day: one's own as stated, the installation's what they leave."""
    begun = sorted((w for w in stated if w.valid_from_date <= day), key=lambda w: w.valid_from_date)
    newest = {w.indicator_id: w for w in begun}.values()
    own = sum((w.weight for w in newest if w.is_own), Decimal(0))
    whole = sum((w.weight for w in newest if not w.is_own), Decimal(0))
    if whole != 1 or own >= 1:
        what, due = ("own indicators", "below 1") if whole == 1 else ("indicators", "1")
        raise ContractError(
            f"{said.where}: from {day} on weights of its {what} in sql/indicator/*.yaml sum to"
            f" {own if whole == 1 else whole}; correct them, so that they sum to {due}"
        )
    return {
        w.indicator_id: w.weight if w.is_own else w.weight * (1 - own) for w in newest if w.weight
    }


def check_achievements(books: Sequence[Rulebook], units: Mapping[str, str]) -> None:
    """See that what is paid by achievement are shares, with room between floor and target.

    Args:
        books: as above.
        units: of each indicator there is, by its id.

    Raises:
        ContractError: an entry is not sound; it says which row.
    """
    for book in (b for b in books if b.name == ACHIEVEMENTS):
        for number, (starts, values) in enumerate(book.rows, start=1):
            row = dict(zip(book.columns, values, strict=True))
            said = _Said(starts, row, f"rulebooks/{book.name}.yaml, {starts}, row {number}")
            if units.get(row["indicator_id"]) != "pct":
                raise ContractError(
                    f"{said.where}: {row['indicator_id']} is no indicator that is a share; name one"
                )
            if said.share("floor_share") == said.share("target_share"):
                raise ContractError(
                    f"{said.where}: floor_share and target_share are one; leave room between them"
                )
