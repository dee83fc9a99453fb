"""Payment schemes as the rulebooks have them: read, held against each other, frozen.

A version of a scheme is a rulebook id and the day it takes effect (`rulebooks/capitation_scheme`);
its amounts, regional factors and basket are entries of the same day in rulebooks of their own. The
version in force for a month is the newest on its first day. Fees of acts, incentives and steps of
list size stand in rulebooks beside, for schemes that have them.

Here: what a version says, and what makes one unsound. Not here: reading YAML (`rulebook`), paying
by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook

LAST_AGE = 200
"""The end of every scheme's last band: nobody is older."""
SEXES = ("1", "2")
_ANY = "any"
_TABLES = ("capitation_amount", "capitation_regional_factor", "capitation_basket")
_BESIDE = ("capitation_act_fee", "capitation_incentive", "capitation_breakpoint")
"""What only some schemes have."""


class Mode(StrEnum):
    """What is paid for: what the trial describes, or need."""

    TRIAL = "trial"
    NEED = "need"


class Base(StrEnum):
    """Where euros per person-year come from: the rulebook, or the cost of the basket."""

    FIXED = "fixed"
    CALIBRATED = "calibrated"


@dataclass(frozen=True, order=True)
class Amount:
    """Euros per person-year of one band of ages, both ends included, and one sex."""

    sex_code: str
    age_from: int
    age_to: int
    eur: Decimal


@dataclass(frozen=True)
class Version:
    """One version of a payment scheme."""

    rulebook_id: str
    valid_from_date: date
    service_code: str
    mode: Mode
    base: Base
    is_budget_neutral: bool
    adults_from_age: int
    choice_delay_days: int
    window_months: int
    credibility_eur: Decimal
    factor_lower: Decimal
    factor_upper: Decimal
    is_shadow_for_public: bool
    amounts: tuple[Amount, ...]
    """By sex and age, sex never `any`: such an amount is there for both."""
    regional_factors: Mapping[str, Decimal]
    """By municipality code."""
    package_class_codes: frozenset[str]
    """Service packages in the basket."""

    @property
    def youngest(self) -> int:
        """Age from which somebody is paid for."""
        return self.adults_from_age

    def amount(self, *, age: int, sex_code: str) -> Decimal:
        """Euros per person-year; nought below the youngest age.

        Raises:
            ContractError: no band holds the age and sex.
        """
        if age < self.youngest:
            return Decimal(0)
        for amount in self.amounts:
            if amount.sex_code == sex_code and amount.age_from <= age <= amount.age_to:
                return amount.eur
        raise ContractError(f"{self.rulebook_id} of {self.valid_from_date}: no amount for {age}")


def read_versions(books: Sequence[Rulebook], area: Collection[str] = ()) -> tuple[Version, ...]:
    """Every version of every scheme, by rulebook id and day.

    Args:
        books: rulebooks as `rulebook.load_rulebooks` reads them, from the installation's folder or
            from that of a draft.
        area: codes of the municipalities that each need a regional factor.

    Raises:
        ContractError: bands of ages leave a gap or overlap, a version lacks amounts, factors or a
            basket, or what the version before it had beside; two entries say different things of
            one day; an amount, factor, fee or share is negative, or steps of list size take more
            than the lowest amount; a mode or base is unknown. It says the file, the day, the row
            and what to do.
    """
    by_name = {book.name: book for book in books}
    for name in ("capitation_scheme", *_TABLES):
        if name not in by_name:
            raise ContractError(f"rulebooks/{name}.yaml is missing; a payment scheme needs it")
    schemes = _rows(by_name["capitation_scheme"])
    tables = {name: _by_version(by_name[name], schemes) for name in _TABLES}
    versions = [_version(key, rows, tables, area) for key, rows in schemes.items()]
    for name in _BESIDE:
        if name in by_name:
            _check_beside(by_name[name], {(v.rulebook_id, v.valid_from_date): v for v in versions})
    return tuple(sorted(versions, key=lambda v: (v.rulebook_id, v.valid_from_date)))


def in_force(versions: Iterable[Version], rulebook_id: str, month: date) -> Version:
    """The version that pays for a month: the newest on its first day.

    Raises:
        ContractError: the scheme is unknown, or has no version yet.
    """
    of_scheme = [v for v in versions if v.rulebook_id == rulebook_id]
    if not of_scheme:
        raise ContractError(
            f"no payment scheme {rulebook_id} in rulebooks/capitation_scheme.yaml; name another,"
            " or add it there"
        )
    begun = [v for v in of_scheme if v.valid_from_date <= month]
    if not begun:
        first = min(v.valid_from_date for v in of_scheme)
        raise ContractError(
            f"rulebooks/capitation_scheme.yaml: no version of {rulebook_id} is in force on {month},"
            f" the first is of {first}; choose a later month, or add an entry that begins earlier"
        )
    return max(begun, key=lambda v: v.valid_from_date)


_Key = tuple[str, date]
_Row = Mapping[str, str]


@dataclass(frozen=True)
class _Said:
    """A row of a rulebook and where it stands, for messages."""

    row: _Row
    where: str


def _rows(book: Rulebook) -> dict[_Key, list[_Said]]:
    found: dict[_Key, list[_Said]] = {}
    for number, (starts, values) in enumerate(book.rows, start=1):
        row = dict(zip(book.columns, values, strict=True))
        where = f"rulebooks/{book.name}.yaml, {starts}, row {number} ({', '.join(values)})"
        found.setdefault((row["rulebook_id"], starts), []).append(_Said(row, where))
    return found


def _by_version(book: Rulebook, schemes: Mapping[_Key, object]) -> dict[_Key, list[_Said]]:
    """Rows of a rulebook by version: each version has some, and there are no others."""
    rows = _rows(book)
    for rulebook_id, starts in sorted(schemes.keys() - rows.keys()):
        raise ContractError(
            f"rulebooks/{book.name}.yaml: no entry of {starts} for {rulebook_id}, whose version of"
            " that day leaves a gap; add its rows, or those of the version before it again"
        )
    for rulebook_id, starts in sorted(rows.keys() - schemes.keys()):
        raise ContractError(
            f"rulebooks/{book.name}.yaml: the entry of {starts} for {rulebook_id} overlaps a"
            " version that begins earlier; add its version to capitation_scheme.yaml, or move it"
        )
    return rows


def _check_beside(book: Rulebook, versions: Mapping[_Key, Version]) -> None:
    """What a version has beside is sound; the next has it too, or says that it ends."""
    rows = _rows(book)
    for key, said in sorted(rows.items()):
        if key not in versions:
            raise ContractError(
                f"{said[0].where}: {key[0]} has no version of {key[1]} in capitation_scheme.yaml;"
                " add it there, or move this entry to the day of one"
            )
        _CHECKS[book.name](said, versions[key])
    for before, after in pairwise(sorted(versions)):
        if before[0] == after[0] and before in rows and after not in rows:
            raise ContractError(
                f"rulebooks/{book.name}.yaml: no entry of {after[1]} for {after[0]}, whose version"
                f" of {before[1]} has some; add its rows again, or rows of 0.00 where they end"
            )


def _check_fees(rows: list[_Said], _: Version) -> None:
    _refuse_twice(rows, "procedure_code")
    for said in rows:
        _positive(said, "fee_eur")


def _check_incentive(rows: list[_Said], _: Version) -> None:
    _refuse_twice(rows, "rulebook_id")
    for said in rows:
        if _positive(said, "incentive_share") > 1:
            raise ContractError(
                f"{said.where}: incentive_share is a share of 1, not a percentage; correct it"
            )


def _check_steps(rows: list[_Said], version: Version) -> None:
    """No person of a long list costs the provider money."""
    _refuse_twice(rows, "list_from_count")
    lowest = min((a.eur for a in version.amounts), default=Decimal(0))
    least = lowest * min(version.regional_factors.values()) * version.factor_lower
    sum_eur = Decimal(0)
    for said in sorted(rows, key=lambda s: _whole(s, "list_from_count")):
        step = Decimal(said.row["amount_eur"])
        if not step.is_finite():
            raise ContractError(f"{said.where}: amount_eur is no amount; correct it")
        sum_eur += step
        if version.base is Base.FIXED and sum_eur < -least:
            raise ContractError(
                f"{said.where}: with this step a further person of the list takes {-sum_eur} EUR a"
                f" year, and the lowest amount with the lowest factors is {least} EUR; take less"
            )


def _refuse_twice(rows: list[_Said], column: str) -> None:
    seen = set()
    for said in rows:
        if said.row[column] in seen:
            raise ContractError(f"{said.where}: a second row for {column} {said.row[column]}")
        seen.add(said.row[column])


_CHECKS: Mapping[str, Callable[[list[_Said], Version], None]] = {
    "capitation_act_fee": _check_fees,
    "capitation_incentive": _check_incentive,
    "capitation_breakpoint": _check_steps,
}


def _version(
    key: _Key,
    schemes: list[_Said],
    tables: Mapping[str, Mapping[_Key, list[_Said]]],
    area: Collection[str],
) -> Version:
    if len(schemes) > 1:
        raise ContractError(f"{schemes[1].where}: a second version of one day; remove one")
    said = schemes[0]
    row = said.row
    if key[1].day != 1:
        raise ContractError(f"{said.where}: a version begins on the first of a month; move it")
    lower, upper = _positive(said, "factor_lower"), _positive(said, "factor_upper")
    if not lower <= 1 <= upper:
        raise ContractError(
            f"{said.where}: bounds hold the factor 1; correct factor_lower or upper"
        )
    youngest = _whole(said, "adults_from_age")
    return Version(
        rulebook_id=key[0],
        valid_from_date=key[1],
        service_code=row["service_code"],
        mode=Mode(_one_of(said, "mode_code", Mode)),
        base=Base(_one_of(said, "base_code", Base)),
        is_budget_neutral=_truth(said, "is_budget_neutral"),
        adults_from_age=youngest,
        choice_delay_days=_whole(said, "choice_delay_days"),
        window_months=_whole(said, "window_months", least=1),
        credibility_eur=_positive(said, "credibility_eur"),
        factor_lower=lower,
        factor_upper=upper,
        is_shadow_for_public=_truth(said, "is_shadow_for_public"),
        amounts=_amounts(tables["capitation_amount"][key], youngest),
        regional_factors=_factors(tables["capitation_regional_factor"][key], area),
        package_class_codes=frozenset(
            s.row["package_class_code"] for s in tables["capitation_basket"][key]
        ),
    )


def _amounts(rows: list[_Said], youngest: int) -> tuple[Amount, ...]:
    """Amounts of each sex, whose bands follow each other from the youngest age to the last."""
    found = []
    for sex in SEXES:
        mine = [s for s in rows if s.row["sex_code"] in (sex, _ANY)]
        ordered = sorted(mine, key=lambda s: (_whole(s, "age_from"), _whole(s, "age_to")))
        _check_bands(ordered, youngest, where=rows[0].where, sex=sex)
        found += [
            Amount(sex, _whole(s, "age_from"), _whole(s, "age_to"), _positive(s, "amount_eur"))
            for s in ordered
        ]
    strange = [s for s in rows if s.row["sex_code"] not in (*SEXES, _ANY)]
    if strange:
        raise ContractError(f"{strange[0].where}: sex_code is 1, 2 or any; correct it")
    return tuple(sorted(found))


def _check_bands(ordered: list[_Said], youngest: int, *, where: str, sex: str) -> None:
    if not ordered:
        raise ContractError(f"{where}: no amounts for sex {sex}; add them, or write sex_code any")
    for said in ordered:
        if _whole(said, "age_from") > _whole(said, "age_to"):
            raise ContractError(f"{said.where}: age_to is before age_from; correct the band")
    first, last = ordered[0], ordered[-1]
    if _whole(first, "age_from") != youngest:
        raise ContractError(
            f"{first.where}: the youngest band of sex {sex} begins at {first.row['age_from']},"
            f" and the scheme pays from {youngest} on; begin it there"
        )
    for before, after in pairwise(ordered):
        due = _whole(before, "age_to") + 1
        if _whole(after, "age_from") != due:
            fault = "a gap" if _whole(after, "age_from") > due else "an overlap"
            raise ContractError(
                f"{after.where}: {fault} in the ages of sex {sex}: the band before it ends at"
                f" {due - 1}; begin this one at {due}"
            )
    if _whole(last, "age_to") != LAST_AGE:
        raise ContractError(
            f"{last.where}: the oldest band of sex {sex} ends at {last.row['age_to']}, which leaves"
            f" a gap; end it at {LAST_AGE}"
        )


def _factors(rows: list[_Said], area: Collection[str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for said in rows:
        code = said.row["municipality_code"]
        if code in found:
            raise ContractError(f"{said.where}: a second factor for {code}; remove one")
        found[code] = _positive(said, "factor")
        if not found[code]:
            raise ContractError(f"{said.where}: a factor of nought pays nobody; correct it")
    missing = sorted(set(area) - found.keys())
    if missing:
        raise ContractError(
            f"{rows[0].where}: the version has no regional factor for municipality"
            f" {', '.join(missing)} of the area; add a row for each"
        )
    return found


def _positive(said: _Said, column: str) -> Decimal:
    value = Decimal(said.row[column])
    if not value.is_finite() or value < 0:
        raise ContractError(f"{said.where}: {column} is negative or no amount; correct it")
    return value


def _whole(said: _Said, column: str, *, least: int = 0) -> int:
    text = said.row[column]
    if not text.isdecimal() or int(text) < least:
        raise ContractError(f"{said.where}: {column} is a whole number from {least} on; correct it")
    return int(text)


def _truth(said: _Said, column: str) -> bool:
    text = said.row[column].lower()
    if text not in ("true", "false"):
        raise ContractError(f"{said.where}: {column} is true or false; correct it")
    return text == "true"


def _one_of(said: _Said, column: str, kinds: type[Mode] | type[Base]) -> str:
    known = [kind.value for kind in kinds]
    if said.row[column] not in known:
        raise ContractError(
            f"{said.where}: {column} {said.row[column]!r} is unknown; it is {' or '.join(known)}"
        )
    return said.row[column]
