"""Views and texts of the pages as data: all there, in every language, and none for nothing.

Here: the YAML as it is, and what is wrong with one. Not here: a page (`tests/pages`).
"""

from __future__ import annotations

import hashlib
import re
from string import Formatter

import pytest

from dagster_project.errors import BuildError
from dagster_project.pipeline import load_definition
from dagster_project.publish.view.catalogue import (
    FOLDER,
    LANGUAGES,
    fields_of,
    load_texts,
    load_views,
    read_texts,
    read_views,
)
from dagster_project.publish.view.pages import SCRIPTS
from dagster_project.publish.view.tables import QUERIES
from dagster_project.rulebook import load_rulebooks
from dagster_project.settings import PROJECT_ROOT

WORDS = "".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
GOOD_TEXTS = "a.b: {fi: yksi, sv: ett, en: one}\n"


def test_no_text_is_missing_in_any_language() -> None:
    assert load_texts().by_language().keys() == set(LANGUAGES)
    assert load_views().views


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("said", ["", "null", "'  '"])
def test_a_missing_text_is_refused_by_key_and_language(language: str, said: str) -> None:
    others = ", ".join(f"{one}: text" for one in LANGUAGES if one != language)
    document = f"{GOOD_TEXTS}view.new: {{{others}, {language}: {said}}}\n"
    with pytest.raises(BuildError, match=rf"no text for view\.new \({language}\)"):
        read_texts(document)


def test_a_view_without_its_texts_and_kinds_is_refused() -> None:
    document = """
views: {new: {shelves: [internal], blocks: [{block: figures, data: x, columns: [new_count]}]}}
fields: {}
"""
    with pytest.raises(BuildError) as refused:
        read_views(document, load_texts())
    for lacking in ("view.new,", "view.new.lead", "field.new_count", "kind of new_count"):
        assert lacking in str(refused.value)


def test_texts_of_a_key_leave_the_same_places_open() -> None:
    for key, said in load_texts().by_key.items():
        places = {
            frozenset(name for _, name, _, _ in Formatter().parse(t) if name) for t in said.values()
        }
        assert len(places) == 1, key


def test_no_text_is_for_nothing() -> None:
    views = load_views()
    used = {*re.findall(r'"((?:ui|page)\.[\w.]+)"', WORDS), "ui.noscript"}
    used |= {f"ui.{key}" for key in re.findall(r'"(if_\w+)"', WORDS)}
    used |= {f"ui.if_{name}" for name in re.findall(r'input\("(\w+)"', WORDS)}
    used |= {"ui.ascending", "ui.descending"}
    used |= {f"page.{shelf}{part}" for shelf in ("internal", "public") for part in ("", ".about")}
    used |= {f"view.{view['view']}{part}" for view in views.views for part in ("", ".lead")}
    used |= {
        f"block.{b['block']}{part}"
        for v in views.views
        for b in v["blocks"]
        for part in ("", ".note")
    }
    used |= {f"field.{field}" for field in views.kinds}
    plain = {key for key in load_texts().by_key if not key.startswith(("code.", "choice."))}
    assert plain - used == set()
    assert {key for key in used - plain if not key.endswith(".note")} == set()


def test_every_kind_is_of_a_field_that_is_shown() -> None:
    shown = {field for view in load_views().views for field in fields_of(view)}
    assert set(load_views().kinds) == shown


@pytest.mark.parametrize(
    "name", sorted({b["data"] for v in load_views().views for b in v["blocks"]})
)
def test_every_column_is_one_of_the_question(name: str) -> None:
    query = (QUERIES / f"{name}.sql").read_text("utf-8")
    given = set(re.findall(r"\w+", query.rsplit("\nselect\n", 1)[-1].split("\nfrom ")[0]))
    of_provider = {"language_codes", "municipality_codes"}
    for block in (b for v in load_views().views for b in v["blocks"] if b["data"] == name):
        chart = {v for k, v in block.get("chart", {}).items() if k in ("x", "y", "lower", "upper")}
        asked = {*block.get("columns", ()), *chart, *block.get("order", ())} - of_provider
        assert asked <= given, block["block"]


def test_what_the_product_names_has_a_text() -> None:
    texts, definition = load_texts().by_key, load_definition()
    sources = {contract.source for contract in definition.catalogue.contracts}
    books = {book.name: book for book in load_rulebooks()}
    schemes = books["capitation_scheme"]
    rulebooks = {row[list(schemes.columns).index("rulebook_id")] for _, row in schemes.rows}
    units = {
        row[5] for book in definition.rulebooks if book.name == "indicator" for _, row in book.rows
    }
    due = {f"code.source.{one}" for one in sources} | {f"code.rulebook.{one}" for one in rulebooks}
    due |= {f"code.unit.{one}" for one in units}
    followed = books["followed_measure"].rows
    due |= {f"code.followed.{row[0]}" for _, row in followed}
    assert due - texts.keys() == set()


def test_every_question_is_asked() -> None:
    asked = {block["data"] for view in load_views().views for block in view["blocks"]}
    aside = {"provider", "site", "municipality", "indicator"}
    assert {path.stem for path in QUERIES.glob("*.sql")} == asked | aside


def test_the_library_is_the_one_that_the_script_makes() -> None:
    stated = re.search(
        r"^digest=(\w+)$", (PROJECT_ROOT / "scripts" / "vega").read_text(), re.MULTILINE
    )
    library = (FOLDER / "vendor" / "vega.js").read_bytes()
    assert stated is not None
    assert hashlib.sha256(library).hexdigest() == stated[1]
