"""A page from its parts: template, styles, scripts, texts and data, in one file.

Here: putting it together so that nothing in the data can become markup or script. Not here: what is
asked of the lake (`tables`), what is drawn of it (`page.js`, `charts.js`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.publish.outputs import reached_date
from dagster_project.publish.view.catalogue import (
    FOLDER,
    LANGUAGES,
    SHELVES,
    Document,
    Texts,
    load_texts,
    load_views,
)
from dagster_project.publish.view.tables import (
    NAMES,
    Shown,
    ask,
    compact,
    on_shelf,
    redacted_count,
)

FILE = "index.html"
SCRIPTS = ("format.js", "tables.js", "charts.js", "whatif.js", "page.js")
_LOOKED_UP = ("provider", "site", "municipality", "indicator")
"""Questions whose answers name what other answers hold by id."""


@dataclass(frozen=True)
class Made:
    """What a page says of itself: no clock is read, so the same build gives the same page."""

    release_id: str
    build_id: int
    data_date: str | None
    """Last day that any monthly delivery covers."""
    redacted_count: int = 0
    """Rows of the shelf of which something was left out."""


def write_pages(session: Session, staging: Path, release_id: str, snapshot_id: int) -> None:
    """Write the page of each shelf that is in a staged release.

    Raises:
        BuildError: a text is missing.
    """
    graph = session.definition.graph
    names = [name for name in NAMES if f"core.{name}" in {m.full_name for m in graph.models}]
    build_id = int(release_id.split(".", maxsplit=1)[0])
    data_date = reached_date(session.lake) or None
    for shelf in (staging / name for name in SHELVES if (staging / name / "bi").is_dir()):
        tables, redacted = answers(session.lake, shelf, names, snapshot_id)
        made = Made(release_id, build_id, data_date, redacted)
        (shelf / FILE).write_text(page(shelf.name, made, tables), encoding="utf-8")


def answers(
    lake: Lake, shelf: Path, names: Iterable[str], snapshot_id: int
) -> tuple[dict[str, Shown], int]:
    """Answers by question of what the page of a shelf shows, and how many rows are redacted."""
    with lake.transaction(), on_shelf(lake, shelf, names, snapshot_id):
        found = ask(lake, _wanted(shelf.name))
        return found, redacted_count(lake, found)


def _wanted(shelf: str) -> set[str]:
    blocks = (block for view in load_views().of_shelf(shelf) for block in view["blocks"])
    return {*_LOOKED_UP, *(block["data"] for block in blocks)}


def page(shelf: str, made: Made, tables: Mapping[str, Shown]) -> str:
    """The whole page.

    Args:
        shelf: `internal` or `public`.
        made: What it was made from.
        tables: Answers by question. A view of which nothing is answered is left out.
    """
    texts, views = load_texts(), load_views()
    data = {
        "shelf": shelf,
        "made": asdict(made),
        "texts": texts.by_language(),
        "kinds": views.kinds,
        "views": _answered(views.of_shelf(shelf), tables),
        "tables": compact(tables),
    }
    scripts = {
        "library": (FOLDER / "vendor" / "vega.js").read_text(encoding="utf-8"),
        "script": "\n".join(_part(name) for name in SCRIPTS),
    }
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts.values())
    return Template(_part("page.html")).substitute(
        scripts,
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}",
        title=escape(texts.of(f"page.{shelf}", LANGUAGES[0])),
        style=_part("page.css"),
        notices=escape((FOLDER / "vendor" / "NOTICES").read_text(encoding="utf-8")),
        noscript="".join(_paragraph(texts, language) for language in LANGUAGES),
        data=_json(data),
    )


def _answered(views: tuple[Document, ...], tables: Mapping[str, Shown]) -> list[Document]:
    """Views with what there is of them: a view registers itself once its tables are there."""
    kept = [
        {**view, "blocks": [block for block in view["blocks"] if block["data"] in tables]}
        for view in views
    ]
    return [view for view in kept if view["blocks"]]


def _part(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _paragraph(texts: Texts, language: str) -> str:
    return f'<p lang="{language}">{escape(texts.of("ui.noscript", language))}</p>'


def _json(data: Mapping[str, Any]) -> str:
    """JSON that holds no character by which HTML could end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
