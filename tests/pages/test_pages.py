"""The organiser's view and its public sister in a browser, as their readers use them.

Here: what is seen and done on a page. Not here: the questions behind it (`tests/spec`), texts
(`tests/unit`), a page in a release (`tests/pipeline`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dagster_project.publish.view.catalogue import LANGUAGES, load_texts, load_views
from tests.pages.conftest import SHELVES, Opened, opened
from tests.support.shelves import HOSTILE, INTERNAL, PUBLIC, paged

VIEWS = [(shelf, view["view"]) for shelf in SHELVES for view in load_views().of_shelf(shelf)]
NBSP = "\u00a0"


@pytest.fixture(scope="module")
def wide(browser: Browser, files: dict[str, Path]) -> Iterator[dict[str, Opened]]:
    """Either page on a wide screen."""
    found = {shelf: opened(browser, file) for shelf, file in files.items()}
    yield found
    for one in found.values():
        one.page.close()


@pytest.fixture
def internal(browser: Browser, files: dict[str, Path]) -> Iterator[Opened]:
    """The organiser's view, as it is opened."""
    found = opened(browser, files["internal"])
    yield found
    assert found.troubles == []
    found.page.close()


def text(key: str, language: str = "en") -> str:
    return load_texts().of(key, language)


def cells(page: Page, block: str, column: int) -> list[str]:
    """Texts of a column of a block's table, as they stand."""
    found = page.locator(f"#{block} tbody tr > :nth-child({column})").all_inner_texts()
    return [one.replace(NBSP, " ") for one in found]


@pytest.mark.parametrize(("shelf", "view"), VIEWS)
def test_every_view_is_drawn_in_every_language(
    wide: dict[str, Opened], shelf: str, view: str
) -> None:
    blocks = next(v for v in load_views().of_shelf(shelf) if v["view"] == view)["blocks"]
    drawn = [b for b in blocks if b.get("chart", {}).get("kind") not in (None, "figures", "whatif")]
    for language in LANGUAGES:
        page = wide[shelf].show(language, view)
        assert page.locator("h2").inner_text() == text(f"view.{view}", language)
        assert page.locator("html").get_attribute("lang") == language
        for block in drawn:
            section = page.locator(f"#{block['block']}")
            assert section.locator("figure svg").count() >= 1, block
            assert section.locator("table tbody tr").count() >= 1, block
    assert wide[shelf].troubles == []


@pytest.mark.parametrize("shelf", SHELVES)
def test_nothing_sticks_out_of_a_narrow_screen(
    browser: Browser, files: dict[str, Path], shelf: str
) -> None:
    narrow = opened(browser, files[shelf], width=360)
    for view in load_views().of_shelf(shelf):
        page = narrow.show("fi", view["view"])
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view["view"]
    assert narrow.troubles == []
    narrow.page.close()


@pytest.mark.parametrize(("shelf", "view"), VIEWS)
def test_assistive_technology_finds_its_way(wide: dict[str, Opened], shelf: str, view: str) -> None:
    found = Axe().run(wide[shelf].show("sv", view)).response["violations"]
    told = [(v["id"], v["impact"], [n["html"][:120] for n in v["nodes"]]) for v in found]
    assert [v for v in told if v[1] in ("serious", "critical")] == []


def test_a_filter_narrows_charts_and_tables_and_says_so(internal: Opened) -> None:
    page = internal.show("en", "enrolment")
    before = cells(page, "enrolled_by_month", 2)
    page.get_by_label(text("field.provider_id"), exact=True).select_option(
        label="Keltapuron Lääkärit Oy"
    )
    internal.settled()
    assert len(set(before)) > 1
    assert set(cells(page, "enrolled_by_month", 2)) == {"Keltapuron Lääkärit Oy"}
    assert page.get_by_role("status").inner_text() == "Provider: Keltapuron Lääkärit Oy"


def test_numbers_and_days_are_written_as_in_the_language(internal: Opened) -> None:
    found = {}
    for language in LANGUAGES:
        page = internal.show(language, "payments")
        page.get_by_label(text("field.provider_id", language), exact=True).select_option(index=1)
        internal.settled()
        row = page.locator("#paid_by_month tbody tr").first.locator("th, td").all_inner_texts()
        found[language] = [row[0], row[-1].replace(NBSP, " ")]
    assert found == {
        "fi": ["12/2017", "5 995,55 €"],
        "sv": ["12/2017", "5 995,55 €"],
        "en": ["Dec 2017", "€5,995.55"],
    }


def test_a_choice_stays_when_the_language_is_changed(internal: Opened) -> None:
    page = internal.show("fi", "enrolment")
    page.get_by_label("Tuottaja", exact=True).select_option(label="Hyvinkään kaupunki")
    page.get_by_role("link", name="English").click()
    internal.settled()
    assert set(cells(page, "enrolled_by_month", 2)) == {"Hyvinkään kaupunki"}


def test_a_table_is_sorted_by_its_headings(internal: Opened) -> None:
    page = internal.show("en", "payments")
    heading = page.locator("#correction th", has_text=text("field.person_count"))
    heading.get_by_role("button").press("Enter")
    assert cells(page, "correction", 8) == ["400", "300", "200", "100"]
    assert heading.get_attribute("aria-sort") == "descending"
    heading.get_by_role("button").press("Enter")
    assert cells(page, "correction", 8) == ["100", "200", "300", "400"]


def test_the_keyboard_alone_reaches_a_view(internal: Opened) -> None:
    page = internal.page
    page.bring_to_front()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    while page.evaluate("document.activeElement.textContent") != text("view.indicators", "fi"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    internal.settled()
    assert page.evaluate("document.activeElement.id") == "view-title"
    assert page.locator("h2").inner_text() == text("view.indicators", "fi")
    assert page.locator("nav [aria-current=page]").inner_text() == text("view.indicators", "fi")


def test_what_if_follows_the_formula(internal: Opened) -> None:
    page = internal.show("en", "payments")
    assert cells(page, "what_if", 4)[-1] == "€0.00"
    page.get_by_label(text("ui.if_base")).fill("10")
    # 990.00 for the list; with a tenth more 1 089.00; three providers.
    assert cells(page, "what_if", 3) == ["€1,089.00"] * 3 + ["€3,267.00"]
    page.get_by_label(text("ui.if_lower")).fill("0.95")
    # A correction of 0.9 raised to 0.95: 1 089.00 × 0.95 / 0.9.
    assert cells(page, "what_if", 3)[0] == "€1,149.50"
    page.get_by_label(text("ui.if_correction")).uncheck()
    # Without it: base 1 000.00 × 1.1 × regional 1.1 × need 1.
    assert cells(page, "what_if", 3)[0] == "€1,210.00"
    assert cells(page, "what_if", 5)[0] == "+22.2 %"


def test_the_payment_is_told_step_by_step(internal: Opened) -> None:
    page = internal.show("en", "payments")
    assert cells(page, "payment_steps", 3) == [
        "€1,000.00", "€100.00", "€0.00", "-€110.00", "€20.00", "€5.00", "€1,015.00",
    ]  # fmt: skip


def test_hostile_names_are_text(wide: dict[str, Opened]) -> None:
    for one in wide.values():
        page = one.show("en", "indicators")
        assert HOSTILE in cells(page, "indicator_now", 1)
        assert page.evaluate("window.broken") is None
        assert page.locator("script").count() == 3
        page.locator("#indicator_now figure svg .mark-symbol path").last.hover()
        tip = page.locator("#vg-tooltip-element.visible")
        assert HOSTILE in tip.inner_text()
        assert page.locator("img").count() == 0


def test_the_page_says_how_old_its_data_are(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.new_page()
    for today, said in (
        (datetime(2018, 1, 31, tzinfo=UTC), "Data up to 31 Dec 2017 (31 days ago)"),
        (datetime(2018, 7, 15, tzinfo=UTC), "Data up to 31 Dec 2017 (6 months ago)"),
    ):
        page.clock.set_fixed_time(today)
        page.goto(f"{files['internal'].as_uri()}#en/overview")
        page.reload()
        assert page.locator("#age").inner_text() == said
    page.close()


def test_paper_has_every_row(browser: Browser, tmp_path: Path) -> None:
    many = "select m as enrolment_month, 'reception' as service_code, 'Y001' as provider_id,"
    many += " '106' as municipality_code, '18-64' as age_band, 7 as person_count"
    many += " from range(date '2015-01-01', date '2017-12-31', interval 1 month) as t(m)"
    file = paged(tmp_path, "internal", {"enrolled_by_provider": many})
    page = opened(browser, file).show("fi", "enrolment")
    rows = page.locator("#enrolled_by_month tbody tr:visible")
    assert rows.count() == 12
    page.emulate_media(media="print")
    assert rows.count() == 36
    page.emulate_media(media="screen")
    page.get_by_role("button", name="36").click()
    assert rows.count() == 36
    page.close()


def test_a_public_page_of_groups_all_too_small_says_so(browser: Browser, tmp_path: Path) -> None:
    gone = {
        "indicator_value": "* replace (null::decimal(18, 4) as value, null::decimal(18, 4) as"
        " lower_value, null::decimal(18, 4) as upper_value, null::decimal(18, 4) as denominator,"
        " 'measured' as state_code, true as is_redacted)",
        "incentive_score": "* replace (null::double as score, true as is_redacted)",
        "capitation_payment": "* replace (null::decimal(18, 2) as amount_eur)",
        "enrolled_by_provider": "* replace (null::bigint as person_count)",
    }
    tables = PUBLIC | {name: f"select {gone[name]} from ({PUBLIC[name]})" for name in gone}
    one = opened(browser, paged(tmp_path, "public", tables))
    for view in ("compare", "indicators", "public_enrolment", "public_payments"):
        page = one.show("en", view)
        told = page.locator("main .aside").all_inner_texts()
        assert view == "compare" or text("ui.all_withheld") in told
    assert {*cells(page, "public_paid", 3)} == {text("ui.withheld")}
    assert re.search(r"left out of \d+ rows", page.locator("footer").inner_text())
    assert one.troubles == []
    page.close()


def test_empty_tables_are_told_as_empty(browser: Browser, tmp_path: Path) -> None:
    tables = {name: f"select * from ({query}) limit 0" for name, query in INTERNAL.items()}
    one = opened(browser, paged(tmp_path, "internal", tables))
    for view in load_views().of_shelf("internal"):
        page = one.show("en", view["view"])
        told = page.locator(".block .empty").all_inner_texts()
        assert told == [text("ui.no_rows")] * len(view["blocks"]), view["view"]
    assert one.troubles == []
    page.close()


def test_a_view_is_there_once_its_table_is(browser: Browser, tmp_path: Path) -> None:
    tables = {name: INTERNAL[name] for name in ("personal_budget_total", "data_quality")}
    page = opened(browser, paged(tmp_path, "internal", tables)).page
    assert page.locator("nav li").all_inner_texts() == [
        text("view.budgets", "fi"), text("view.quality", "fi"),
    ]  # fmt: skip
    page.close()


def test_a_shelf_without_anything_to_show_says_so(browser: Browser, tmp_path: Path) -> None:
    file = paged(tmp_path, "internal", {"other": "select 1 as one"})
    page = browser.new_page()
    page.goto(f"{file.as_uri()}#fi")
    assert page.locator("main").inner_text() == text("ui.no_views", "fi")
    page.close()


def test_a_code_without_a_text_is_shown_and_told(internal: Opened) -> None:
    page = internal.show("sv", "budgets")
    assert "shiatsu" in cells(page, "budget_service", 2)
    assert "service: shiatsu" in page.locator("footer").inner_text()


def test_a_chart_that_fails_leaves_its_table(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'vegaEmbed',"
        " { get: () => () => Promise.reject(new Error('no')), set: () => {} })"
    )
    page.goto(f"{files['internal'].as_uri()}#en/enrolment")
    page.wait_for_selector("main[aria-busy=false]")
    assert page.locator("#enrolled_by_month .empty").inner_text() == text("ui.no_chart")
    assert cells(page, "enrolled_by_month", 3)
    page.close()


@pytest.mark.parametrize("shelf", SHELVES)
def test_a_page_is_one_file_that_may_fetch_nothing(files: dict[str, Path], shelf: str) -> None:
    html = files[shelf].read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy[1]
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", html.split("<body>")[0])
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert data is not None
    assert json.loads(data[1])["shelf"] == shelf
    assert len(html.encode()) < 5_000_000
