"""A browser over pages of small shelves, and what it complained of.

Here: Chromium from the system, driven headless. Not here: what a page must do.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.shelves import INTERNAL, PUBLIC, paged

CHROMIUM = shutil.which("chromium")
SHELVES = {"internal": INTERNAL, "public": PUBLIC}


@dataclass(frozen=True)
class Opened:
    """A page in the browser, and what went wrong on it."""

    page: Page
    file: Path
    troubles: list[str] = field(default_factory=list)
    """Errors and warnings of the console, uncaught errors, requests for anything but the file."""

    def show(self, language: str, view: str) -> Page:
        """Go to a view and wait until its charts are drawn."""
        self.page.goto(f"{self.file.as_uri()}#{language}/{view}")
        self.settled()
        return self.page

    def settled(self) -> None:
        """Wait until nothing is left to draw."""
        self.page.wait_for_selector("main[aria-busy=false]")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; while it is open, no other test has an event loop."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package `chromium`")
    # As root it has no sandbox of its own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of either shelf."""
    folder = tmp_path_factory.mktemp("pages")
    return {shelf: paged(folder, shelf, tables) for shelf, tables in SHELVES.items()}


def opened(browser: Browser, file: Path, *, width: int = 1280) -> Opened:
    """A file in a fresh page of the browser."""
    page = browser.new_page(viewport={"width": width, "height": 900}, locale="fi-FI")
    page.set_default_timeout(15_000)
    found = Opened(page, file)
    page.on("console", lambda m: found.troubles.append(m.text) if m.type in _BAD else None)
    page.on("pageerror", lambda error: found.troubles.append(str(error)))
    page.on("request", lambda r: found.troubles.append(r.url) if _is_beside(r.url, file) else None)
    page.goto(file.as_uri())
    found.settled()
    return found


_BAD = ("error", "warning")


def _is_beside(url: str, file: Path) -> bool:
    return not url.startswith((file.as_uri(), "data:"))
