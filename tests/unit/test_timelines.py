"""The time lines of the reference are drawn from the code that stands above them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("timelines", ROOT / "docs" / "pictures" / "timelines.py")
assert _SPEC is not None
assert _SPEC.loader is not None
timelines = importlib.util.module_from_spec(_SPEC)
sys.modules["timelines"] = timelines
_SPEC.loader.exec_module(timelines)

PAGES = sorted(timelines.PAGES.glob("*.md"))
KINDS = {"static", "dynamic", "hourly", "daily", "weekly", "monthly", "cron", "calendars", "dimensions", "combinations"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pictures_of_a_page_are_up_to_date_and_shown(page):
    for drawing in timelines.drawings(page):
        file = timelines.PICTURES / f"{drawing.name}.svg"
        assert file.read_text() == timelines.picture(drawing), "run docs/pictures/timelines.py"
        assert f"](../../pictures/timelines/{file.name})" in page.read_text()


def test_every_kind_has_a_page_with_a_picture():
    drawn = {page.stem for page in PAGES if any(timelines.drawings(page))}
    assert drawn >= KINDS


def test_there_is_no_picture_that_no_page_asks_for():
    asked = {drawing.name for page in PAGES for drawing in timelines.drawings(page)}
    assert {file.stem for file in timelines.PICTURES.glob("*.svg")} == asked
