"""The frame of a page that needs nothing but itself: no script, no link outwards, no font to fetch.

Here: escaping, tables, tiles, the style sheet. Not here: what a page says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { --ink: #1c2733; --quiet: #5b6875; --line: #d9dfe5; --paper: #fff; --shade: #f4f6f8;
  --good: #1d7a46; --mild: #8a6100; --bad: #b3261e; --none: #5b6875; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem; color: var(--ink);
  background: var(--paper);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: end;
  gap: .5rem 2rem; border-bottom: 2px solid var(--ink); margin-bottom: 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { max-width: 48rem; }
nav a { color: inherit; }
.quiet { color: var(--quiet); font-weight: 400; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0;
  list-style: none; }
.tiles li { flex: 1 1 9rem; border: 1px solid var(--line); border-top: 4px solid var(--none);
  border-radius: 4px; padding: .6rem .8rem; background: var(--shade); }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2; }
.tiles .pass { border-top-color: var(--good); }
.tiles .pass_with_failures { border-top-color: var(--mild); }
.tiles .fail, .tiles .error { border-top-color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .25rem 0 1rem; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line); }
th { background: var(--shade); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mark { white-space: nowrap; font-weight: 600; color: var(--none); }
.mark.pass { color: var(--good); }
.mark.pass_with_failures { color: var(--mild); }
.mark.fail, .mark.error { color: var(--bad); }
details { border: 1px solid var(--line); border-radius: 4px; margin: .4rem 0;
  padding: .3rem .8rem; }
summary { cursor: pointer; font-weight: 600; }
code { font-size: .85em; overflow-wrap: anywhere; }
@media print { details { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Html:
    """Text that is HTML already."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A number with decimals, in the notation of the page's language."""

    text: str


Cell = str | int | Html | Figure | None


def shown(cell: Cell) -> str:
    """A cell as HTML; a missing one as a dash."""
    match cell:
        case None:
            return "–"
        case Html() | Figure():
            return cell.text
        case int():
            return f"{cell:,}".replace(",", "\u00a0")
        case _:
            return escape(cell)


def decimals(value: float, language: str, *, places: int = 2) -> Figure:
    """A number with so many decimals, after a comma in Finnish."""
    text = f"{value:,.{places}f}".replace(",", "\u00a0")
    return Figure(text.replace(".", ",") if language == "fi" else text)


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; columns of numbers are set to the right."""
    body = [list(row) for row in rows]
    numeric = [any(isinstance(row[i], int | Figure) for row in body) for i in range(len(headings))]
    head = "".join(
        f'<th scope="col"{_right(n)}>{escape(h)}</th>'
        for h, n in zip(headings, numeric, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(f"<td{_right(n)}>{shown(c)}</td>" for c, n in zip(row, numeric, strict=True))
        + "</tr>"
        for row in body
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody>'
        "</table></div>"
    )


def _right(is_number: bool) -> str:
    return ' class="n"' if is_number else ""


def mark(status: str, words: str) -> Html:
    """A verdict in its colour; the words say it too."""
    return Html(f'<span class="mark {escape(status)}">{escape(words)}</span>')


def page(language: str, title: str, lead: str, body: str) -> str:
    """A whole page; `lead` stands at the right of its title."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
        f"<header><h1>{escape(title)}</h1><nav>{lead}</nav></header>\n{body}\n</body>\n</html>\n"
    )
