"""The data dictionary and a note on how the tables fit together, as pages that need nothing else.

Here: what each shelf's two pages say. Not here: the rows (`outputs`), the frame (`quality.html`).
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.contracts.dictionary import DictionaryRow
from dagster_project.contracts.published import OutputContract, Role
from dagster_project.pipeline import Session
from dagster_project.publish.outputs import told
from dagster_project.publish.shelves import INTERNAL, PUBLIC
from dagster_project.quality.html import Html, page, table

DICTIONARY_PAGE = "dictionary.html"
MODEL_PAGE = "semantic_model.html"
_HEADINGS = ("column", "type", "key", "meaning", "codes")


def write(session: Session, release: Path) -> None:
    """Write the pages of both shelves."""
    outputs = session.definition.outputs.contracts
    rows = told(session)
    for shelf in (INTERNAL, PUBLIC):
        contracts = [c for _, c in sorted(outputs.items()) if shelf == INTERNAL or c.is_public]
        names = {contract.table for contract in contracts}
        shown = [
            r for r in rows if shelf == INTERNAL or (r.source == "published" and r.table in names)
        ]
        pages = {
            DICTIONARY_PAGE: dictionary_page(shown),
            MODEL_PAGE: model_page(contracts, is_public=shelf == PUBLIC),
        }
        for name, text in pages.items():
            (release / shelf / name).write_text(text, encoding="utf-8")


def dictionary_page(rows: list[DictionaryRow]) -> str:
    """Every table with its columns."""
    by_table: dict[tuple[str, str], list[DictionaryRow]] = {}
    for row in rows:
        by_table.setdefault((row.source, row.table), []).append(row)
    body = "".join(
        f'<h2 id="{source}.{name}">{source}.{name}</h2>'
        + table(
            _HEADINGS,
            ((r.column, r.sql_type, r.key, r.meaning, "; ".join(r.codes)) for r in columns),
        )
        for (source, name), columns in by_table.items()
    )
    return page("en", "Data dictionary", f"{len(by_table)} tables", body)


def model_page(contracts: list[OutputContract], *, is_public: bool) -> str:
    """Grain and key of each table, and which columns join them: the same name, the same thing."""
    shared: dict[str, list[str]] = {}
    for contract in contracts:
        for column in contract.columns:
            if column.name.endswith(("_id", "_code", "_month", "_date")):
                shared.setdefault(column.name, []).append(contract.table)
    tables = table(
        ("table", "what", "grain", "key", "how it is told"),
        (
            (Html(f"<code>{c.table}</code>"), c.description, c.grain, ", ".join(c.key), _told(c))
            for c in contracts
        ),
    )
    joins = table(
        ("column", "is the same in"),
        ((name, ", ".join(tables)) for name, tables in sorted(shared.items()) if len(tables) > 1),
    )
    body = f"<h2>Tables</h2>{tables}<h2>Columns that join</h2>{joins}<h2>Rules</h2>{_RULES}"
    title = "Public tables: semantic model" if is_public else "Tables: semantic model"
    return page("en", title, "", body)


def _told(contract: OutputContract) -> str:
    roles = [c.disclosure.role for c in contract.columns if c.disclosure]
    if not roles:
        return "exact, for named readers"
    if set(roles) == {Role.OPEN}:
        return "as its source published it"
    parts = [f"{role}: {roles.count(role)}" for role in dict.fromkeys(roles)]
    return ", ".join(parts)


_RULES = (
    "<p>One row of a table is what its grain says; join tables on columns of the same name, and sum"
    " only columns that end in _eur or _count, never person_count over anything but the same day."
    " Months are their first day. Euros are decimals of two digits. An empty cell is not nought."
    "</p><p>On the public shelf counts up to 7 are empty and others go by fives, euros by"
    " thousands; a rate is empty where its cases are too few. is_redacted says so, row by row; a"
    " total is the sum of what is told.</p>"
)
