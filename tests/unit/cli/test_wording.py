"""Numbers, times and tables as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from gapless.cli import main as program
from gapless.cli.symbols import bar_text, legend
from gapless.cli.terminal import ago, count, cut, duration, first_line_of, plain_width, table, width
from gapless.cli.user_traceback import shortened
from gapless.views.cells import Cell

NOW = datetime(2024, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_are_as_exact_as_they_are_long(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=40), "40 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1, hours=3), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
        (timedelta(seconds=-5), "just now"),
    ],
)
def test_instants_are_told_by_how_long_ago_they_were(before, text):
    assert ago(NOW - before, NOW) == text


def test_never_is_a_dash():
    assert ago(None, NOW) == "-"


def test_nouns_agree_with_their_number():
    assert count(1, "partition") == "1 partition"
    assert count(1_000, "partition") == "1,000 partitions"
    assert count(2, "query", "queries") == "2 queries"


def test_wide_characters_take_two_columns_and_colours_none():
    assert plain_width("日本") == 4
    assert plain_width("\x1b[31mred\x1b[0m") == 3


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [("short", 10, "short"), ("much too long", 6, "much…"), ("two\nlines", 20, "two lines"), ("日本日本", 5, "日本…")],
)
def test_what_does_not_fit_is_cut_with_a_mark(text, columns, expected):
    assert cut(text, columns) == expected


def test_the_first_line_speaks_for_a_text():
    assert first_line_of("one\ntwo") == "one"
    assert first_line_of(None) == ""


def test_a_table_aligns_numbers_to_the_right_and_leaves_no_trailing_spaces():
    drawn = table(["NAME", "N"], [["日本", "1"], ["plays", "1,000"]], right=(1,))

    assert drawn.splitlines()[1:] == ["日本       1", "plays  1,000"]


@pytest.mark.parametrize(("columns", "expected"), [("20", 60), ("97", 97), ("400", 140)])
def test_lines_are_neither_too_short_nor_too_long_to_read(columns, expected, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)

    assert width() == expected


def test_symbols_differ_without_colour():
    import click

    symbols = [click.unstyle(bar_text([cell])) for cell in Cell]

    assert len(set(symbols)) == len(Cell)


def test_where_unicode_cannot_be_printed_symbols_are_ascii_and_still_differ(monkeypatch):
    import io
    import sys

    import click

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))

    symbols = [click.unstyle(bar_text([cell])) for cell in Cell]

    assert "".join(symbols).isascii()
    assert len(set(symbols)) == len(Cell)


def test_a_legend_explains_only_what_is_there():
    import click

    assert click.unstyle(legend([Cell.MISSING, Cell.NONE, Cell.FAILED, Cell.MISSING])) == "✗ failed  · missing"


OWN = '  File "/home/me/definitions.py", line 3, in plays\n    return pl.read_csv("x")\n'
POLARS = (
    '  File "/env/lib/python3.11/site-packages/polars/io/csv.py", line 5, in read_csv\n'
    "    return scan()\n           ^^^^^^\n"
)


def test_calls_inside_packages_are_counted_not_shown():
    text = f"Traceback (most recent call last):\n{OWN}{POLARS}{POLARS}FileNotFoundError: x"

    assert shortened(text) == (
        "Traceback (most recent call last):\n" + OWN + "  … 2 calls inside polars\nFileNotFoundError: x"
    )


def test_a_callback_from_a_package_keeps_its_place():
    text = f"Traceback (most recent call last):\n{OWN}{POLARS}{OWN}ValueError: x\ntwo lines"

    assert shortened(text).count("definitions.py") == 2
    assert "1 call inside polars" in shortened(text)
    assert shortened(text).endswith("ValueError: x\ntwo lines")


def test_a_traceback_of_packages_only_stays_whole():
    text = f"Traceback (most recent call last):\n{POLARS}ValueError: x"

    assert shortened(text) == text


def test_errors_are_wrapped_for_people_but_excerpts_are_not(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    prose = "there is no asset 'plais'. Did you mean 'plays'? List the assets with: gapless list"

    assert program._wrapped(prose, 7) == (
        "there is no asset 'plais'. Did you mean 'plays'?\n       List the assets with: gapless list"
    )
    assert program._wrapped("  " + prose, 7) == "  " + prose
