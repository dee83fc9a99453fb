"""A letter to the supplier of a source: what was left out of its deliveries, and what to mend.

Record numbers find the rows in the files that were sent; no value and no person is told.

Here: what the letter says, and its table of record numbers. Not here: judging rows (`lake.gate`),
the words of rules (`words`).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.errors import TietoallasError
from dagster_project.expectations.suites import broken_rows_sql, warnings_of
from dagster_project.lake.connection import Lake
from dagster_project.lake.freshness import Freshness, freshness
from dagster_project.quality import html
from dagster_project.quality.html import Cell, Html
from dagster_project.quality.words import Language, in_words

_MOST_SHOWN = 20
"""Record numbers of a rule and delivery in the letter; the table beside it has them all."""


@dataclass(frozen=True)
class Left:
    """One record and the rule it broke."""

    key: str
    sequence: int
    record_number: int
    rule_id: str
    fate: str
    """`left_out`; `waits`: taken in, until what it names comes; `warned`: taken in as it is."""


@dataclass(frozen=True)
class Count:
    """How often a rule was broken in a delivery."""

    key: str
    sequence: int
    rule_id: str
    severity: str
    violated: int
    checked: int


@dataclass(frozen=True)
class Letter:
    """All that a supplier is told."""

    source: str
    as_of: date
    contracts: tuple[Contract, ...]
    deliveries: tuple[tuple[str, int, int, int, int, int], ...]
    """Table, sequence, rows received, accepted, left out, duplicates."""
    left: tuple[Left, ...]
    counts: tuple[Count, ...]
    refusals: tuple[tuple[str, int, str, int | None, str | None], ...]
    """Table, sequence, rule, line and column of files refused whole and not yet taken in."""
    fresh: tuple[tuple[str, Freshness], ...]


def gather(lake: Lake, catalogue: Catalogue, source: str, as_of: date) -> Letter:
    """What the register holds of a source's deliveries.

    Raises:
        TietoallasError: there is no such source.
    """
    contracts = tuple(
        catalogue.latest(key) for key in catalogue.tables() if key.split("/")[0] == source
    )
    if not contracts:
        known = ", ".join(sorted({key.split("/")[0] for key in catalogue.tables()}))
        raise TietoallasError(f"no source {source}; known are: {known}")
    return Letter(
        source,
        as_of,
        contracts,
        deliveries=_rows(lake, _DELIVERIES, source),
        left=(*(Left(*row) for row in _rows(lake, _LEFT, source)), *_warned(lake, contracts)),
        counts=tuple(Count(*row) for row in _rows(lake, _COUNTS, source)),
        refusals=_rows(lake, _REFUSALS, source),
        fresh=tuple((c.key, freshness(lake, c, as_of)) for c in contracts),
    )


def _warned(lake: Lake, contracts: Iterable[Contract]) -> Iterator[Left]:
    """Records taken in with a warning, of the deliveries whose gate counted some."""
    for contract in contracts:
        for rule in warnings_of(contract):
            rows = lake.rows(
                f"select delivery_sequence, record_number from ({broken_rows_sql(contract, rule)})"
                " semi join (select delivery_sequence from ops.rule_result where source = ?"
                " and table_name = ? and rule_id = ? and violated_count > 0)"
                " using (delivery_sequence) order by all",
                [contract.source, contract.table, rule.id],
            )
            yield from (Left(contract.key, s, n, rule.id, "warned") for s, n in rows)


_KEY = "source || '/' || table_name"
_DELIVERIES = (
    f"select {_KEY}, delivery_sequence, received_count, accepted_count, quarantined_count,"
    " duplicate_count from ops.delivery where source = ? order by all"
)
_LEFT = (
    f"select {_KEY}, delivery_sequence, record_number, rule_id, 'left_out' from ops.quarantine"
    f" where source = ? union all select {_KEY}, delivery_sequence, record_number,"
    " reference || '.reference', 'waits' from core.unresolved where source = ? order by all"
)
_COUNTS = (
    f"select {_KEY}, delivery_sequence, rule_id, severity, violated_count, checked_count"
    " from mart.data_quality where source = ? and violated_count > 0 order by all"
)
_REFUSALS = (
    f"select {_KEY}, delivery_sequence, rule_id, min(line_number), min(column_name)"
    " from ops.refusal anti join ops.delivery using (source, table_name, delivery_sequence)"
    " where source = ? group by all order by all"
)


def _rows(lake: Lake, sql: str, source: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(lake.rows(sql, [source] * sql.count("?")))


def record_numbers(letter: Letter) -> str:
    """Every record left out or waiting, as CSV: `;` between fields, UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
    writer.writerow(["table", "delivery_sequence", "record_number", "rule_id", "fate"])
    for one in letter.left:
        writer.writerow([one.key, one.sequence, one.record_number, one.rule_id, one.fate])
    return buffer.getvalue()


_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Laatupalaute", "Data quality feedback"),
    "lead": (
        "Tämä on palaute toimituksistanne tietoaltaaseen. Siinä on lukumääriä ja tietueiden"
        " järjestysnumeroita, ei henkilötietoja eikä lähetettyjä arvoja. Tietueen numero on sen"
        " järjestysnumero tiedostossa ilman otsikkoriviä, ensimmäinen on 1.",
        "This is feedback on your deliveries to the lake. It holds counts and record numbers, no"
        " personal data and no value that was sent. A record's number is its place in the file"
        " without the header, the first being 1.",
    ),
    "as_of": ("Tilanne", "As of"),
    "mend": ("Mitä pyydämme korjaamaan", "What we ask you to mend"),
    "nothing": ("Ei mitään: kiitos.", "Nothing: thank you."),
    "records": ("Tietueet säännöittäin ja toimituksittain", "Records by rule and delivery"),
    "more": ("ja {} muuta: ks. CSV", "and {} more: see the CSV"),
    "refused": ("Kokonaan hylätyt tiedostot", "Files refused whole"),
    "deliveries": ("Toimitukset", "Deliveries"),
    "late": ("Myöhässä olevat toimitukset", "Deliveries that are late"),
    "warned": ("hyväksytty, varoitus", "accepted, warning"),
    "left_out": ("jätetty ulos", "left out"),
    "waits": ("odottaa viitattua riviä", "waits for the row it names"),
    "h_table": ("Taulu", "Table"),
    "h_sequence": ("Toimitus", "Delivery"),
    "h_rule": ("Sääntö", "Rule"),
    "h_category": ("Seuraus", "What became of them"),
    "h_count": ("Rivejä", "Rows"),
    "h_mend": ("Mitä tehdä", "What to do"),
    "h_records": ("Tietueet", "Records"),
    "h_received": ("Saapunut", "Received"),
    "h_accepted": ("Hyväksytty", "Accepted"),
    "h_left": ("Jätetty ulos", "Left out"),
    "h_duplicate": ("Kaksoiskappaleita", "Duplicates"),
    "h_line": ("Rivi", "Line"),
    "h_column": ("Sarake", "Column"),
    "h_due": ("Luvattu", "Promised"),
    "h_late": ("Päivää myöhässä", "Days late"),
}


def pages(letter: Letter) -> dict[str, str]:
    """The letter and its table by file name: two pages and a CSV."""
    name = f"{letter.source}_{letter.as_of}"
    found = {f"{name}.{language}.html": _page(letter, language, name) for language in Language}
    return found | {f"{name}.csv": record_numbers(letter)}


def _page(letter: Letter, language: Language, name: str) -> str:
    def text(key: str) -> str:
        return _TEXTS[key][language is Language.EN]

    other = Language.FI if language is Language.EN else Language.EN
    label = {"fi": "Suomeksi", "en": "In English"}[other]
    lead = f'<a href="{name}.{other}.html" lang="{other}">{label}</a>'
    parts = [
        f"<p>{text('lead')}</p>",
        f'<p class="quiet">{text("as_of")} {letter.as_of}</p>',
        f"<h2>{text('mend')}</h2>",
        _mend(letter, language) or f"<p>{text('nothing')}</p>",
        *_section(text("late"), _late(letter, language)),
        *_section(text("refused"), _refused(letter, language)),
        *_section(text("records"), _records(letter, language)),
        *_section(text("deliveries"), _deliveries(letter, language)),
    ]
    return html.page(language, f"{text('title')}: {letter.source}", lead, "\n".join(parts))


def _section(title: str, body: str) -> list[str]:
    return [f"<h2>{title}</h2>", body] if body else []


def _table(language: Language, keys: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    body = list(rows)
    headings = [_TEXTS[f"h_{key}"][language is Language.EN] for key in keys]
    return html.table(headings, body) if body else ""


def _contract(letter: Letter, key: str) -> Contract:
    return next(c for c in letter.contracts if c.key == key)


def _rule(letter: Letter, key: str, rule_id: str, language: Language) -> Html:
    words = in_words(_contract(letter, key), rule_id, language)
    own = ' lang="en"' if words.is_contracts_own and language is not Language.EN else ""
    colon = ":" if words.is_contracts_own else ""
    subject = f"<b>{html.shown(words.subject)}</b>{colon} " if words.subject else ""
    return Html(f"{subject}<span{own}>{html.shown(words.holds)}</span>")


def _totals(letter: Letter) -> dict[tuple[str, str, str], int]:
    """Rows by table, rule and what became of them."""
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in letter.left:
        found[one.key, one.rule_id, one.fate] += 1
    told = {(key, rule_id) for key, rule_id, fate in found if fate == "warned"}
    for count in letter.counts:
        if count.severity == "warning" and (count.key, count.rule_id) not in told:
            found[count.key, count.rule_id, "warned"] += count.violated
    return dict(sorted(found.items()))


def _mend(letter: Letter, language: Language) -> str:
    rows: list[list[Cell]] = [
        [
            key,
            _rule(letter, key, rule_id, language),
            _TEXTS[fate][language is Language.EN],
            count,
            in_words(_contract(letter, key), rule_id, language).mend,
        ]
        for (key, rule_id, fate), count in _totals(letter).items()
    ]
    return _table(language, ("table", "rule", "category", "count", "mend"), rows)


def _records(letter: Letter, language: Language) -> str:
    numbers: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for one in letter.left:
        numbers[one.key, one.rule_id, one.sequence].append(one.record_number)
    rows: list[list[Cell]] = [
        [key, str(sequence), _rule(letter, key, rule_id, language), _listed(found, language)]
        for (key, rule_id, sequence), found in sorted(numbers.items())
    ]
    return _table(language, ("table", "sequence", "rule", "records"), rows)


def _listed(numbers: list[int], language: Language) -> str:
    shown = ", ".join(map(str, sorted(numbers)[:_MOST_SHOWN]))
    more = len(numbers) - _MOST_SHOWN
    return shown + (f" {_TEXTS['more'][language is Language.EN].format(more)}" if more > 0 else "")


def _refused(letter: Letter, language: Language) -> str:
    rows: list[list[Cell]] = [
        [
            key,
            str(sequence),
            Html(f"<code>{html.shown(rule_id)}</code>"),
            None if line is None else str(line),
            column,
        ]
        for key, sequence, rule_id, line, column in letter.refusals
    ]
    return _table(language, ("table", "sequence", "rule", "line", "column"), rows)


def _late(letter: Letter, language: Language) -> str:
    rows: list[list[Cell]] = [
        [key, str(fresh.due_date), fresh.late_days]
        for key, fresh in letter.fresh
        if fresh.late_days
    ]
    return _table(language, ("table", "due", "late"), rows)


def _deliveries(letter: Letter, language: Language) -> str:
    keys = ("table", "sequence", "received", "accepted", "left", "duplicate")
    rows: list[list[Cell]] = [
        [key, str(sequence), *counts] for key, sequence, *counts in letter.deliveries
    ]
    return _table(language, keys, rows)
