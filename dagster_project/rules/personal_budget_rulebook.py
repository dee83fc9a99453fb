"""Rulebooks of the personal budget: held against the scales they speak of and against each other.

An entry of `rulebooks/personal_budget_*` holds from its day until the next of the same rulebook.

Here: what makes them unsound, said with file, day and what to do. Not here: reading YAML
(`rulebook`), proposing by them (`personal_budget`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby

from dagster_project.errors import ContractError
from dagster_project.rulebook import Rulebook
from dagster_project.rules.personal_budget import Band

SCALES = {
    "MAPLe": (1, 5),
    "CPS": (0, 6),
    "ADLH": (0, 6),
    "IADL": (0, 21),
    "AUDIT": (0, 40),
    "BDI": (0, 63),
    "FIM": (18, 126),
    "PERHE": (0, 30),
}
"""Least and greatest score of each scale, as the contract of assessments has them."""
FALLING = frozenset({"FIM"})
"""Scales on which a lower score is more need."""
MOST_CLASSES = 5
_BOOKS = ("class", "unit", "price", "service", "terms", "prior_service")
_SELECTION = ("budget_selection", "budget_selection_need")
_Row = Mapping[str, str]
_Entries = Mapping[date, list[_Row]]


def check_rulebooks(books: Sequence[Rulebook]) -> None:
    """See that every proposal can be reached by what the rulebooks say.

    Raises:
        ContractError: a rulebook is missing; bands of a scale leave a gap, overlap, or give less
            for more need; a class has no units or fewer than the one below it; a service has no
            price or none of a negative one; terms of a group are missing or out of range; a day
            of choice has a group without places, or without a sound weight of need.
    """
    by_name = {book.name: book for book in books}
    for name in (*(f"personal_budget_{name}" for name in _BOOKS), *_SELECTION):
        if name not in by_name:
            raise ContractError(f"rulebooks/{name}.yaml is missing; personal budgets need it")
    entries = {name: _entries(by_name[f"personal_budget_{name}"]) for name in _BOOKS}
    for starts, rows in entries["class"].items():
        _check_classes(rows, f"rulebooks/personal_budget_class.yaml, {starts}")
    for starts, rows in entries["unit"].items():
        _check_units(rows, f"rulebooks/personal_budget_unit.yaml, {starts}")
    for starts, rows in entries["price"].items():
        _check_prices(rows, f"rulebooks/personal_budget_price.yaml, {starts}")
    for starts, rows in entries["terms"].items():
        _check_terms(rows, f"rulebooks/personal_budget_terms.yaml, {starts}")
    _check_together(entries)
    _check_selection(*(_entries(by_name[name]) for name in _SELECTION))


def bands_of(book: Rulebook, service_code: str) -> tuple[Band, ...]:
    """Bands of a service in the newest entry of the rulebook of classes."""
    rows = _entries(book)
    return tuple(_band(row) for row in rows[max(rows)] if row["service_code"] == service_code)


def _entries(book: Rulebook) -> dict[date, list[_Row]]:
    found: dict[date, list[_Row]] = {}
    for starts, values in book.rows:
        found.setdefault(starts, []).append(dict(zip(book.columns, values, strict=True)))
    return found


def _band(row: _Row) -> Band:
    numbers = (int(row[name]) for name in ("score_from", "score_to", "class_number"))
    return Band(row["need_scale_code"], *numbers)


def _by(rows: Iterable[_Row], *names: str) -> list[tuple[tuple[str, ...], list[_Row]]]:
    def key(row: _Row) -> tuple[str, ...]:
        return tuple(row[name] for name in names)

    return [(name, list(group)) for name, group in groupby(sorted(rows, key=key), key)]


def _check_classes(rows: list[_Row], where: str) -> None:
    for (service, scale), group in _by(rows, "service_code", "need_scale_code"):
        place = f"{where}, {service} by {scale}"
        if scale not in SCALES:
            raise ContractError(f"{place}: no such scale; there are {', '.join(SCALES)}")
        _check_bands(sorted(map(_band, group), key=lambda b: b.score_from), SCALES[scale], place)


def _check_bands(bands: list[Band], scale: tuple[int, int], place: str) -> None:
    least, most = scale
    starts = [least, *(band.score_to + 1 for band in bands)]
    if [b.score_from for b in bands] != starts[:-1] or starts[-1] != most + 1:
        raise ContractError(
            f"{place}: bands leave a gap, overlap or do not cover {least} to {most}; mend them"
        )
    if any(band.score_from > band.score_to for band in bands):
        raise ContractError(f"{place}: a band ends before it begins; mend it")
    classes = [band.class_number for band in bands]
    if not all(0 <= number <= MOST_CLASSES for number in classes):
        raise ContractError(f"{place}: classes go from 0 to {MOST_CLASSES}; correct them")
    rising = classes[::-1] if bands[0].need_scale_code in FALLING else classes
    if rising != sorted(rising):
        raise ContractError(f"{place}: more need gives a lower class; correct the classes")


def _check_units(rows: list[_Row], where: str) -> None:
    for (service,), group in _by(rows, "service_code"):
        units = {int(row["class_number"]): Decimal(row["month_units"]) for row in group}
        if sorted(units) != list(range(1, MOST_CLASSES + 1)) or len(group) != MOST_CLASSES:
            raise ContractError(f"{where}, {service}: units of classes 1 to 5 are due, once each")
        if units[1] <= 0 or any(units[n] > units[n + 1] for n in range(1, MOST_CLASSES)):
            raise ContractError(f"{where}, {service}: a higher class has fewer units; correct them")


def _check_prices(rows: list[_Row], where: str) -> None:
    for (service,), group in _by(rows, "service_code"):
        if len(group) != 1:
            raise ContractError(f"{where}, {service}: two prices; keep one")
        if Decimal(group[0]["budget_unit_price_eur"]) <= 0:
            raise ContractError(f"{where}, {service}: a price is above nought; correct it")


def _check_terms(rows: list[_Row], where: str) -> None:
    for (group_code,), group in _by(rows, "budget_group_code"):
        place = f"{where}, group {group_code}"
        if len(group) != 1:
            raise ContractError(f"{place}: two rows of terms; keep one")
        row = group[0]
        share, floor, ceiling, least, most = (
            Decimal(row[name])
            for name in (
                "moderation_share",
                "moderation_floor",
                "moderation_ceiling",
                "least_month_eur",
                "most_month_eur",
            )
        )
        if not 0 <= share <= 1 or not 0 <= floor <= 1 <= ceiling:
            raise ContractError(
                f"{place}: a share of moderation lies from 0 to 1, and the need amount between"
                " floor and ceiling; correct them"
            )
        if not 0 <= least <= most:
            raise ContractError(f"{place}: the least is above the most, or below nought")
        if int(row["window_months"]) < 1 or int(row["least_history_months"]) < 1:
            raise ContractError(f"{place}: months are whole and at least one; correct them")


def _check_together(entries: Mapping[str, _Entries]) -> None:
    """Whatever entries are in force on a day, each service has classes, units and a price."""
    days = sorted({starts for entry in entries.values() for starts in entry})
    first = max(min(entry) for entry in entries.values())
    for day in (day for day in days if day >= first):
        in_force = {name: _in_force(entry, day) for name, entry in entries.items()}
        for row in in_force["service"]:
            for name in ("class", "unit", "price"):
                if not any(r["service_code"] == row["service_code"] for r in in_force[name]):
                    raise ContractError(
                        f"rulebooks/personal_budget_{name}.yaml: nothing of {row['service_code']}"
                        f" on {day}, which personal_budget_service.yaml grants; add it"
                    )
            if not any(
                r["budget_group_code"] == row["budget_group_code"] for r in in_force["terms"]
            ):
                raise ContractError(
                    "rulebooks/personal_budget_terms.yaml: no terms of group"
                    f" {row['budget_group_code']} on {day}; add them"
                )


def _in_force(entry: _Entries, day: date) -> list[_Row]:
    return entry[max(starts for starts in entry if starts <= day)]


def _check_selection(choices: _Entries, weights: _Entries) -> None:
    """Every group has places and, of the same day, weights by which more need is more points."""
    for day, rows in choices.items():
        for row in rows:
            group = row["client_group_code"]
            where = f"rulebooks/budget_selection.yaml, {day}, {group}"
            if int(row["place_count"]) < 1 or int(row["window_months"]) < 1:
                raise ContractError(f"{where}: places and months are at least one; correct them")
            mine = [w for w in weights.get(day, []) if w["client_group_code"] == group]
            if not mine:
                raise ContractError(f"{where}: no weights of that day; add budget_selection_need")
            for weight in mine:
                _check_weight(weight, f"rulebooks/budget_selection_need.yaml, {day}, {group}")


def _check_weight(row: _Row, where: str) -> None:
    scale, weight = row["need_scale_code"], int(row["need_weight"])
    if scale not in SCALES:
        raise ContractError(f"{where}: no scale {scale}; there are {', '.join(SCALES)}")
    if weight == 0 or (weight < 0) != (scale in FALLING):
        raise ContractError(f"{where}: more need by {scale} gives no more points; turn its sign")
