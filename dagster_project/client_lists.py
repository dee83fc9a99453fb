"""Lists of clients for those who act on them: what is on each, who may have it, for how long.

A list is a query (`sql/guidance/<list>.sql`) over tables of the newest green build; how long it may
be used is a rulebook (`guidance_list`). Who may have which stands in a file of the organiser's own,
so that no list goes to a key that somebody typed in passing.

Here: those three. Not here: codes of persons, sealing, the log of use (`vault.way_back`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.lake.builds import as_built
from dagster_project.pipeline import Session
from dagster_project.rulebook import read_document
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.way_back import Delivered, Stated, Table, deliver, read_recipient

QUERIES = PROJECT_ROOT / "sql" / "guidance"


@dataclass(frozen=True)
class Recipient:
    """Who may have lists, and which."""

    name: str
    public_key: str
    lists: tuple[str, ...]


def known_lists() -> tuple[str, ...]:
    """Lists there are queries of."""
    return tuple(sorted(file.stem for file in QUERIES.glob("*.sql")))


def read_recipients(settings: Settings) -> Mapping[str, Recipient]:
    """The file of recipients, by name.

    Raises:
        SettingsError: none is named, it can be changed by others, or an entry is not sound.
        ContractError: it is no YAML, or says a name twice.
    """
    path = settings.recipients
    if path is None or not path.is_file():
        raise SettingsError(
            "no file of recipients; name each with `public_key` and `lists` in YAML, and set"
            " TIETOALLAS_RECIPIENTS to it"
        )
    if path.stat().st_mode & 0o022:
        raise SettingsError(f"{path} can be changed by others; run: chmod go-w '{path}'")
    entries = read_document(path.read_text(encoding="utf-8"), str(path))
    return {name: _recipient(name, entry, path) for name, entry in entries.items()}


def _recipient(name: str, entry: object, path: Path) -> Recipient:
    where = f"{path}, {name}"
    if not isinstance(entry, Mapping) or set(entry) != {"public_key", "lists"}:
        raise SettingsError(f"{where}: say `public_key` and `lists`, nothing else")
    lists = entry["lists"] if isinstance(entry["lists"], list) else [entry["lists"]]
    if unknown := sorted(set(map(str, lists)) - set(known_lists())):
        raise SettingsError(
            f"{where}: no list {unknown[0]!r}; there are {', '.join(known_lists())}"
        )
    try:
        read_recipient(str(entry["public_key"]))
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
    return Recipient(name, str(entry["public_key"]), tuple(map(str, lists)))


def deliver_list(
    session: Session, list_code: str, *, to: str, actor: str, purpose: str, legal_basis: str
) -> Delivered:
    """Seal a list as of the newest green build for a recipient; whom it names is logged first.

    Raises:
        SettingsError: nobody of that name may have that list.
        TietoallasError: nobody is on it.
        BuildError: there is no green build.
    """
    recipient = read_recipients(session.lake.settings).get(to)
    if recipient is None or list_code not in recipient.lists:
        raise SettingsError(f"{to} may not have the list {list_code!r}; see TIETOALLAS_RECIPIENTS")
    stated = Stated(
        list_code=list_code,
        recipient=to,
        actor=actor,
        purpose=purpose,
        legal_basis=legal_basis,
        delivered_at=session.run.now(),
        expires_date=session.run.today() + timedelta(days=_days_of(session, list_code)),
    )
    contracts = session.definition.catalogue.contracts
    return deliver(
        session.identities,
        session.lake.settings.outgoing,
        stated,
        rows_of(session, list_code),
        public_key=recipient.public_key,
        month=session.lake.value(as_built(session.lake, "select reached_date from core.reached")),
        places=frozenset(c.name for k in contracts for c in k.lake_columns if c.is_place),
    )


def _days_of(session: Session, list_code: str) -> int:
    rows = session.lake.rows(
        "select arg_max(expires_days, valid_from_date) from rulebook.guidance_list"
        " where list_code = ? and valid_from_date <= ?",
        [list_code, session.run.today()],
    )
    if rows[0][0] is None:
        raise TietoallasError(f"rulebooks/guidance_list.yaml does not say how long {list_code} is")
    return int(rows[0][0])


def rows_of(session: Session, list_code: str) -> Table:
    """What is on a list as of the newest green build, persons by their ids."""
    query = (QUERIES / f"{list_code}.sql").read_text(encoding="utf-8")
    cursor = session.lake.execute(as_built(session.lake, query))
    columns = [name for name, *_ in cursor.description or ()]
    return Table(columns, cursor.fetchall())
