"""The report of the lake's data quality: verdicts, counts, trends; a page in either language.

Here: what the page says and in which order. Not here: its frame (`html`), the words of rules
(`words`), judging (`expectations`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dagster_project.contracts.model import Catalogue, Contract
from dagster_project.expectations.validation import Judged
from dagster_project.lake.check_model import Status
from dagster_project.lake.connection import Lake
from dagster_project.lake.freshness import Freshness, freshness
from dagster_project.quality import html
from dagster_project.quality.html import Cell, Html
from dagster_project.quality.words import Language, in_words, name_of

_ORDER = (Status.ERROR, Status.FAIL, Status.PASS_WITH_FAILURES, Status.PASS, Status.NOT_APPLICABLE)
_FOUND = (Status.ERROR, Status.FAIL, Status.PASS_WITH_FAILURES)


@dataclass(frozen=True)
class TableFacts:
    """What the register says of one table."""

    contract: Contract
    fresh: Freshness
    received: int
    quarantined: int
    duplicate: int
    shares: tuple[float, ...]
    """Percent left out of each delivery, oldest first."""


@dataclass(frozen=True)
class Findings:
    """All that a page tells."""

    as_of: date
    build_id: int | None
    judged: tuple[Judged, ...]
    tables: tuple[TableFacts, ...]
    refusals: tuple[tuple[str, int, str], ...]
    """Table, sequence and rule of deliveries refused and not yet taken in."""
    drifted: tuple[tuple[str, int, str, float], ...]
    """Table, sequence, column and PSI of the newest deliveries whose distribution has moved."""


def gather(
    lake: Lake, catalogue: Catalogue, judged: tuple[Judged, ...], *, as_of: date, build_id: int
) -> Findings:
    """What the register and the marts add to the verdicts."""
    tables = tuple(_facts(lake, catalogue.latest(key), as_of) for key in catalogue.tables())
    refusals = lake.rows(
        "select distinct source || '/' || table_name, delivery_sequence, rule_id from ops.refusal"
        " anti join ops.delivery using (source, table_name, delivery_sequence) order by all"
    )
    drifted = lake.rows(
        "select source || '/' || table_name, delivery_sequence, column_name, psi"
        " from mart.data_drift where is_drifted"
        " qualify rank() over (partition by source, table_name order by covers_month desc) <= 3"
        " order by all"
    )
    return Findings(as_of, build_id, judged, tables, tuple(refusals), tuple(drifted))


def _facts(lake: Lake, contract: Contract, as_of: date) -> TableFacts:
    rows = lake.rows(
        "select received_count, quarantined_count, duplicate_count from ops.delivery"
        " where source = ? and table_name = ? order by covers_to_date, delivery_sequence",
        [contract.source, contract.table],
    )
    shares = tuple(100 * (q + d) / r if r else 0.0 for r, q, d in rows)
    received, quarantined, duplicate = (sum(row[i] for row in rows) for i in range(3))
    return TableFacts(
        contract, freshness(lake, contract, as_of), received, quarantined, duplicate, shares
    )


def pages(findings: Findings) -> dict[str, str]:
    """The report by file name: `fi.html` and `en.html`, each with a way to the other."""
    return {f"{language}.html": _page(findings, language) for language in Language}


_TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Tietojen laatu", "Data quality"),
    "other": ('<a href="en.html" lang="en">In English</a>', '<a href="fi.html">Suomeksi</a>'),
    "lead": (
        "Jokaiselle taululle on sopimuksesta johdettu odotukset, jotka Great Expectations on"
        " arvioinut altaan hyväksytyistä riveistä ja toimituksista. Sivulla on lukumääriä, ei"
        " yhtäkään lähetettyä arvoa. Sopimuksen omat säännöt on sanottu sopimuksen kielellä.",
        "Every table has expectations derived from its contract, which Great Expectations has"
        " judged over the accepted rows and the deliveries in the lake. The page holds counts, and"
        " no value that was sent.",
    ),
    "as_of": ("Tilanne", "As of"),
    "build": ("koonti", "build"),
    "found": ("Mitä huomattiin", "What was found"),
    "nothing": ("Kaikki odotukset täyttyvät.", "Every expectation holds."),
    "tables": ("Taulut", "Tables"),
    "refused": ("Kokonaan hylätyt toimitukset", "Deliveries refused whole"),
    "drift": ("Muuttuneet jakaumat", "Distributions that have moved"),
    "drift_lead": (
        "Sarakkeet, joiden jakauma poikkeaa edeltävän vuoden toimituksista (PSI yli 0,2 ja yli"
        " sattuman). Muutos voi olla todellinen: kirjaaminen, poiminta tai toiminta.",
        "Columns distributed otherwise than in the year's deliveries before (PSI above 0.2 and"
        " above chance). The change may be real: of recording, of the extract, of the activity.",
    ),
    "all": ("Kaikki odotukset", "All expectations"),
    "h_table": ("Taulu", "Table"),
    "h_rule": ("Odotus", "Expectation"),
    "h_category": ("Ryhmä (Kahn)", "Category (Kahn)"),
    "h_kind": ("Kohde", "About"),
    "h_severity": ("Vakavuus", "Severity"),
    "h_verdict": ("Tulos", "Verdict"),
    "h_violated": ("Rikkoo", "Broken by"),
    "h_checked": ("Tarkastettu", "Checked"),
    "h_share": ("Osuus %", "Share %"),
    "h_deliveries": ("Toimituksia", "Deliveries"),
    "h_received": ("Rivejä saapunut", "Rows received"),
    "h_left": ("Jäänyt ulos", "Left out"),
    "h_trend": ("Ulos jäänyt toimituksittain", "Left out, by delivery"),
    "h_covers": ("Kattaa asti", "Covers to"),
    "h_late": ("Myöhässä, päivää", "Days late"),
    "h_sequence": ("Toimitus", "Delivery"),
    "h_column": ("Sarake", "Column"),
}


def _page(findings: Findings, language: Language) -> str:
    def text(key: str) -> str:
        return _TEXTS[key][language is Language.EN]

    parts = [
        f"<p>{text('lead')}</p>",
        f'<p class="quiet">{text("as_of")} {findings.as_of} · {text("build")}'
        f" {findings.build_id}</p>",
        _tiles(findings.judged, language),
        f"<h2>{text('found')}</h2>",
        _found(findings.judged, language) or f"<p>{text('nothing')}</p>",
        *_refused(findings, language),
        *_drift(findings, language),
        f"<h2>{text('tables')}</h2>",
        _tables(findings.tables, language),
        f"<h2>{text('all')}</h2>",
        *_everything(findings, language),
    ]
    return html.page(language, text("title"), text("other"), "\n".join(parts))


def _headings(language: Language, *keys: str) -> list[str]:
    return [_TEXTS[f"h_{key}"][language is Language.EN] for key in keys]


def _tiles(judged: Iterable[Judged], language: Language) -> str:
    counts = Counter(one.status for one in judged)
    tiles = "".join(
        f'<li class="{status if counts[status] else "none"}"><b>{counts[status]}</b>'
        f"{name_of(f'status.{status}', language)}</li>"
        for status in _ORDER
    )
    return f'<ul class="tiles">{tiles}</ul>'


def _found(judged: Sequence[Judged], language: Language) -> str:
    chosen = sorted(
        (one for one in judged if one.status in _FOUND),
        key=lambda one: (_ORDER.index(one.status), one.contract.key, one.expected.id),
    )
    if not chosen:
        return ""
    headings = _headings(
        language, "table", "rule", "category", "severity", "verdict", "violated", "checked", "share"
    )
    return html.table(headings, [[one.contract.key, *_row(one, language)] for one in chosen])


def _row(one: Judged, language: Language) -> list[Cell]:
    expected = one.expected
    words = name_of(f"status.{one.status}", language)
    is_known = one.status is not Status.ERROR
    return [
        _rule(one.contract, expected.id, language),
        name_of(expected.dimension, language),
        name_of(expected.severity, language),
        html.mark(one.status, words),
        one.violated if is_known else None,
        one.checked,
        html.decimals(100 * one.violated / one.checked, language)
        if one.checked and is_known
        else None,
    ]


def _rule(contract: Contract, rule_id: str, language: Language) -> Html:
    """A rule in words with its id; the contract's own words are marked as English."""
    words = in_words(contract, rule_id, language)
    own = ' lang="en"' if words.is_contracts_own and language is not Language.EN else ""
    colon = ":" if words.is_contracts_own else ""
    subject = f"<b>{html.shown(words.subject)}</b>{colon} " if words.subject else ""
    return Html(
        f"{subject}<span{own}>{html.shown(words.holds)}</span>"
        f' <code class="quiet">{html.shown(rule_id)}</code>'
    )


def _refused(findings: Findings, language: Language) -> list[str]:
    if not findings.refusals:
        return []
    title = _TEXTS["refused"][language is Language.EN]
    rows = [[key, str(sequence), rule] for key, sequence, rule in findings.refusals]
    return [f"<h2>{title}</h2>", html.table(_headings(language, "table", "sequence", "rule"), rows)]


def _drift(findings: Findings, language: Language) -> list[str]:
    if not findings.drifted:
        return []
    title, lead = (_TEXTS[key][language is Language.EN] for key in ("drift", "drift_lead"))
    rows: list[list[Cell]] = [
        [key, str(sequence), column, html.decimals(psi, language)]
        for key, sequence, column, psi in findings.drifted
    ]
    headings = [*_headings(language, "table", "sequence", "column"), "PSI"]
    return [f"<h2>{title}</h2>", f"<p>{lead}</p>", html.table(headings, rows)]


def _tables(tables: Sequence[TableFacts], language: Language) -> str:
    headings = _headings(
        language, "table", "deliveries", "received", "left", "share", "trend", "covers", "late"
    )
    return html.table(headings, [_of_table(facts, language) for facts in tables])


def _of_table(facts: TableFacts, language: Language) -> list[Cell]:
    left = facts.quarantined + facts.duplicate
    covers = facts.fresh.covers_to_date
    return [
        facts.contract.key,
        facts.fresh.delivery_count,
        facts.received,
        left,
        html.decimals(100 * left / facts.received, language) if facts.received else None,
        _bars(facts.shares[-36:]),
        str(covers) if covers else None,
        facts.fresh.late_days,
    ]


def _bars(shares: Sequence[float]) -> Html | None:
    """Percent left out of each delivery as bars, the tallest of the table at full height."""
    if not shares:
        return None
    top = max(*shares, 1.0)
    bars = "".join(
        f'<rect x="{4 * i}" y="{20 - 20 * share / top:.1f}" width="3"'
        f' height="{max(20 * share / top, 0.5):.1f}" fill="currentColor"/>'
        for i, share in enumerate(shares)
    )
    label = f"0–{top:.1f} %"
    return Html(
        f'<svg width="{4 * len(shares)}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>{bars}</svg>"
    )


def _everything(findings: Findings, language: Language) -> list[str]:
    headings = _headings(
        language, "kind", "rule", "category", "severity", "verdict", "violated", "checked", "share"
    )
    return [
        _details(facts.contract, mine, headings, language)
        for facts in findings.tables
        if (mine := [one for one in findings.judged if one.contract.key == facts.contract.key])
    ]


def _details(
    contract: Contract, judged: list[Judged], headings: list[str], language: Language
) -> str:
    counts = Counter(one.status for one in judged)
    summary = ", ".join(
        f"{counts[status]} {name_of(f'status.{status}', language)}"
        for status in _ORDER
        if counts[status]
    )
    rows = [[name_of(one.expected.kind, language), *_row(one, language)] for one in judged]
    return (
        f"<details><summary>{html.shown(contract.key)}"
        f' <span class="quiet">{summary}</span></summary>{html.table(headings, rows)}</details>'
    )
