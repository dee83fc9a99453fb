"""The job of data quality: every suite judged over what was built, and the pages that tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dagster_runs import codes_in, execute
from tests.support.runs import run_once, small_home

pytestmark = [
    pytest.mark.usefixtures("few_tables"),
    # What Great Expectations imports is deprecated by Python itself.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_the_job_judges_every_suite_and_writes_a_page_in_two_languages(tmp_path: Path) -> None:
    settings = small_home(tmp_path)
    run_once(settings)
    ran = execute(settings, "quality")
    pages = settings.published / "current" / "internal" / "quality"

    assert (ran.failures, ran.succeeded) == ({}, {"ops__expectations"})
    counts = ran.counts("ops", "expectations")
    assert isinstance(counts["pass"], int)
    assert counts["pass"] > 100
    assert "error" not in counts
    for name, heading in (("fi", "Tietojen laatu"), ("en", "Data quality")):
        page = (pages / f"{name}.html").read_bytes()
        assert heading in page.decode()
        assert codes_in(page) == set()
