"""The way back: a list of clients under their identity codes, sealed for one who acts on it.

A client guide cannot act on a pseudonym. Ids become the codes that sources know a client by here,
in memory; what is written can be read with the addressee's own key alone. Whom a list names is in
the log of use before there is a file.

Here: codes of persons, sealing, the log of use, taking files back. Not here: what is on a list and
who may have it (`client_lists`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyrage

from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.private_files import fsync_directory, fsync_file, make_private_directory
from dagster_project.vault.identities import Identities

PERSON = "person_id"
CODE = "identity_code"
_MOST_A_MONTH = 999
_LATEST_FIRST = "order by delivered_at desc, delivery_code desc"


@dataclass(frozen=True)
class Stated:
    """What is stated of a list that is delivered: it is logged, and stands on every row."""

    list_code: str
    recipient: str
    actor: str
    purpose: str
    legal_basis: str
    delivered_at: datetime
    expires_date: date
    """First day on which the file is to be no more."""


@dataclass(frozen=True)
class Table:
    """Rows of a list, persons by their ids in columns named `person_id` or ending so."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Delivered:
    """A list that was sealed."""

    delivery_code: str
    path: Path
    row_count: int
    person_count: int


def read_recipient(public_key: str) -> pyrage.x25519.Recipient:
    """The public half of an age key.

    Raises:
        SettingsError: it is none.
    """
    try:
        return pyrage.x25519.Recipient.from_str(public_key)
    except pyrage.RecipientError:
        raise SettingsError(
            "that is no public key of age; ask the recipient for theirs, which begins with age1"
        ) from None


def deliver(
    identities: Identities,
    folder: Path,
    stated: Stated,
    table: Table,
    *,
    public_key: str,
    month: date,
    places: frozenset[str],
) -> Delivered:
    """Log whom a list names, and seal it into a new file of the folder.

    Args:
        identities: Whose codes.
        folder: Made with mode 0700 if absent.
        stated: What is logged.
        table: Who was erased is left out of it; where a protected person is, is left out too.
        public_key: Of the recipient.
        month: Newest month of the data, by which the list is numbered.
        places: Columns that tell where a person is.

    Raises:
        SettingsError: the key is none, or the folder is open to others.
        TietoallasError: nobody is on the list.
    """
    recipient = read_recipient(public_key)
    make_private_directory(folder)
    found, persons = _identified(identities, table, places)
    if not found.rows:
        raise TietoallasError(f"nobody is on the list {stated.list_code}; nothing was delivered")
    code = _log(identities, stated, persons, month=month, row_count=len(found.rows))
    sealed = pyrage.encrypt(_document(code, stated, found), [recipient])
    path = folder / _file_name(code)
    staged = folder / f".staging-{path.name}"
    staged.touch(mode=0o600)
    staged.write_bytes(sealed)
    fsync_file(staged)
    staged.replace(path)
    fsync_directory(folder)
    return Delivered(code, path, len(found.rows), len(persons))


def take_back(identities: Identities, folder: Path, *, today: date) -> list[str]:
    """Remove what has expired, and what names someone who was erased or protected since.

    Returns:
        Lists whose file was there.
    """
    if not folder.is_dir():
        return []
    with identities.writing("looking at delivered lists") as connection:
        over = connection.execute(_OVER, [today]).fetchall()
    there = [(code, folder / _file_name(code)) for (code,) in over]
    for staged in folder.glob(".staging-*"):
        staged.unlink()
    removed = [code for code, path in there if path.exists()]
    for _, path in there:
        path.unlink(missing_ok=True)
    fsync_directory(folder)
    return removed


_OVER = """
    select delivery_code from vault.main.list_delivery as delivery where expires_date <= ?
    or exists (
        from vault.main.list_use as named
        left join vault.main.erased_person as erased using (person_id)
        left join vault.main.protection as protection using (person_id)
        where named.delivery_code = delivery.delivery_code
        and (
            erased.person_id is not null
            or protection.protection_number > delivery.protection_count
        )
    ) order by delivery_code
"""


def uses_of(identities: Identities, persons: frozenset[int]) -> list[dict[str, Any]]:
    """The lists that named a person: to whom, when, why, by what right."""
    names = ("delivered_at", "list_code", "recipient", "actor", "purpose", "legal_basis")
    with identities.writing("looking at the log of use") as connection:
        rows = connection.execute(
            f"select distinct {', '.join(names)}, delivery_code from vault.main.list_delivery"
            " inner join vault.main.list_use using (delivery_code)"
            f" where person_id in (select unnest(?)) {_LATEST_FIRST}",
            [sorted(persons)],
        ).fetchall()
    return [dict(zip((*names, "delivery_code"), row, strict=True)) for row in rows]


def delivered_lists(identities: Identities, folder: Path) -> list[tuple[Any, ...]]:
    """Every list: code, what, to whom, when, until when, rows, and whether its file is there."""
    with identities.writing("looking at delivered lists") as connection:
        rows = connection.execute(
            "select delivery_code, list_code, recipient, delivered_at, expires_date, row_count"
            f" from vault.main.list_delivery {_LATEST_FIRST}"
        ).fetchall()
    return [(*row, (folder / _file_name(row[0])).exists()) for row in rows]


def _file_name(delivery_code: str) -> str:
    return f"{delivery_code}.csv.age"


def _identified(
    identities: Identities, table: Table, places: frozenset[str]
) -> tuple[Table, frozenset[int]]:
    """The list under codes, and whom it names.

    A row whose first person has no code, being erased, is left out.
    """
    first, *_ = at = [i for i, name in enumerate(table.columns) if name.endswith(PERSON)]
    hidden = [i for i, name in enumerate(table.columns) if name in places]
    named = {row[i] for row in table.rows for i in at}
    codes, protected = _codes_of(identities, named)

    def told(row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for i in at:
            values[i] = codes.get(row[i])
        if protected & {row[i] for i in at}:
            for i in hidden:
                values[i] = None
        return tuple(values)

    columns = [
        name.removesuffix(PERSON) + CODE if i in at else name
        for i, name in enumerate(table.columns)
    ]
    rows = [told(row) for row in table.rows if row[first] in codes]
    return Table(columns, rows), frozenset(named & set(codes))


def _codes_of(identities: Identities, persons: set[int | None]) -> tuple[dict[int, str], set[int]]:
    """Codes of persons who have one, and who of them is protected."""
    with identities.writing("looking codes up") as connection:
        rows = connection.execute(
            "select person_id, identity_code, person_id in (from protected_person)"
            " from identity_map semi join (select unnest(?) as person_id) as named"
            " using (person_id)",
            [sorted(person for person in persons if person is not None)],
        ).fetchall()
    return {person: code for person, code, _ in rows}, {p for p, _, hidden in rows if hidden}


def _log(
    identities: Identities,
    stated: Stated,
    persons: Iterable[int],
    *,
    month: date,
    row_count: int,
) -> str:
    """Number the list and log it with a row for each person, committed before return."""
    prefix = f"RL-{month:%Y%m}-"
    with identities.writing("logging a list") as connection:
        number = connection.execute(
            "select count(*) + 1 from vault.main.list_delivery where delivery_code like ?",
            [f"{prefix}%"],
        ).fetchall()[0][0]
        if number > _MOST_A_MONTH:
            raise TietoallasError(f"{_MOST_A_MONTH} lists were delivered of {month:%Y-%m} already")
        code = f"{prefix}{number:02d}"
        connection.execute(
            "insert into vault.main.list_delivery select"
            " ?, ?, ?, ?, ?, ?, ?, ?, (select count(*) from vault.main.protection), ?",
            [
                code,
                stated.list_code,
                stated.recipient,
                stated.actor,
                stated.purpose,
                stated.legal_basis,
                stated.delivered_at,
                stated.expires_date,
                row_count,
            ],
        )
        connection.execute(
            "insert into vault.main.list_use select ?, unnest(?)", [code, sorted(persons)]
        )
    return code


def _document(delivery_code: str, stated: Stated, table: Table) -> bytes:
    """CSV as Finnish Excel reads it; each row says what list it is of, why, and until when."""
    heads = {
        "delivery_code": delivery_code,
        "list_code": stated.list_code,
        "recipient": stated.recipient,
        "purpose": stated.purpose,
        "legal_basis": stated.legal_basis,
        "expires_date": stated.expires_date,
    }
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow([*heads, *table.columns])
    writer.writerows(map(_cell, (*heads.values(), *row)) for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:  # noqa: ANN401 - a cell of any column
    match value:
        case None:
            return ""
        case Decimal() | float():
            return str(value).replace(".", ",")
        case _:
            return str(value)
