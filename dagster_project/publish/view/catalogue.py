"""Views, fields and texts of the page as data: read from YAML, and held against each other.

Here: what is wrong with them, said before anything is published. Not here: the YAML itself
(`views.yaml`, `texts.yaml`), or drawing it (`page.js`, `charts.js`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dagster_project.errors import BuildError
from dagster_project.rulebook import read_document

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("fi", "sv", "en")
SHELVES = ("internal", "public")

Document = Mapping[str, Any]

_NAMED = ("x", "y", "series", "panel")
"""Of a chart's fields those that are told by their names."""


@dataclass(frozen=True)
class Texts:
    """Every text of the page by key, in every language."""

    by_key: Mapping[str, Mapping[str, str]]

    def of(self, key: str, language: str) -> str:
        """A text in a language."""
        return self.by_key[key][language]

    def by_language(self) -> dict[str, dict[str, str]]:
        """All texts, by language and key."""
        return {
            language: {key: said[language] for key, said in self.by_key.items()}
            for language in LANGUAGES
        }


@dataclass(frozen=True)
class Views:
    """What the pages show: views in order, and what kind of value each field holds."""

    views: tuple[Document, ...]
    kinds: Mapping[str, str]

    def of_shelf(self, shelf: str) -> tuple[Document, ...]:
        """Views of one of the pages."""
        return tuple(view for view in self.views if shelf in view["shelves"])


@lru_cache
def load_texts() -> Texts:
    """The texts of the installation.

    Raises:
        BuildError: one lacks a language.
    """
    return read_texts((FOLDER / "texts.yaml").read_text(encoding="utf-8"))


@lru_cache
def load_views() -> Views:
    """The views of the installation.

    Raises:
        BuildError: a text that they show is missing, or a field has no kind.
    """
    return read_views((FOLDER / "views.yaml").read_text(encoding="utf-8"), load_texts())


def read_texts(document: str) -> Texts:
    """Texts by key from YAML.

    Raises:
        BuildError: one lacks a language; it says which.
    """
    found = read_document(document, "texts.yaml")
    lacking = [
        f"{key} ({language})"
        for key, said in found.items()
        for language in LANGUAGES
        if not isinstance(said, dict) or not str(said.get(language) or "").strip()
    ]
    if lacking:
        raise BuildError(
            f"publish/view/texts.yaml: no text for {', '.join(lacking)}; nothing is published:"
            " write what is missing, then run again"
        )
    return Texts(found)


def read_views(document: str, texts: Texts) -> Views:
    """Views from YAML, every text and kind of theirs there.

    Raises:
        BuildError: a text or a kind is missing; it says which.
    """
    found = read_document(document, "views.yaml")
    views = tuple({"view": name, **view} for name, view in found["views"].items())
    kinds: Mapping[str, str] = found["fields"]
    lacking = sorted({key for key in _keys(views) if key not in texts.by_key})
    lacking += sorted({f"kind of {f}" for v in views for f in fields_of(v) if f not in kinds})
    if lacking:
        raise BuildError(
            f"publish/view: views.yaml names what is not there: {', '.join(lacking)}; add the text"
            " to texts.yaml, the kind of a field to views.yaml, then run again"
        )
    return Views(views, kinds)


def _keys(views: tuple[Document, ...]) -> Iterator[str]:
    """Keys of the texts that views show."""
    for view in views:
        yield from (f"view.{view['view']}", f"view.{view['view']}.lead")
        yield from (f"field.{name}" for name in fields_of(view))
        for block in view["blocks"]:
            yield f"block.{block['block']}"


def fields_of(view: Document) -> Iterator[str]:
    """Fields that a view shows or is chosen by."""
    yield from view.get("filters", {})
    for block in view["blocks"]:
        chart = block.get("chart", {})
        yield from (*block.get("columns", ()), *(chart[k] for k in _NAMED if k in chart))
