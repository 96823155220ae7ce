"""How states look: symbols that differ without colour, and colours besides."""

from __future__ import annotations

from collections.abc import Iterable

import click

from gapless.cli.terminal import speaks_unicode
from gapless.views.cells import Cell

__all__ = ["bar_text", "cell_text", "legend"]

_UNICODE = {
    Cell.NONE: " ",
    Cell.MATERIALIZED: "■",
    Cell.PARTIAL: "▪",
    Cell.FAILED: "✗",
    Cell.SKIPPED: "↷",
    Cell.RUNNING: "▶",
    Cell.MISSING: "·",
    Cell.EXPIRED: "_",
}
_ASCII = {
    Cell.NONE: " ",
    Cell.MATERIALIZED: "#",
    Cell.PARTIAL: "+",
    Cell.FAILED: "x",
    Cell.SKIPPED: "s",
    Cell.RUNNING: ">",
    Cell.MISSING: ".",
    Cell.EXPIRED: "_",
}
_COLOURS = {
    Cell.MATERIALIZED: "green",
    Cell.PARTIAL: "green",
    Cell.FAILED: "red",
    Cell.SKIPPED: "yellow",
    Cell.RUNNING: "blue",
    Cell.MISSING: "bright_black",
    Cell.EXPIRED: "bright_black",
}


def cell_text(cell: Cell) -> str:
    """The symbol of one cell, coloured."""
    symbol = (_UNICODE if speaks_unicode() else _ASCII)[cell]
    colour = _COLOURS.get(cell)
    return click.style(symbol, fg=colour) if colour else symbol


def bar_text(cells: Iterable[Cell]) -> str:
    """A line of cells."""
    return "".join(map(cell_text, cells))


def legend(cells: Iterable[Cell]) -> str:
    """What the symbols of these cells mean; only of those that are there."""
    there = set(cells)
    return "  ".join(f"{cell_text(cell)} {_WORDS[cell]}" for cell in _WORDS if cell in there)


_WORDS = {
    Cell.MATERIALIZED: "materialized",
    Cell.PARTIAL: "partly",
    Cell.RUNNING: "running",
    Cell.FAILED: "failed",
    Cell.SKIPPED: "skipped",
    Cell.MISSING: "missing",
    Cell.EXPIRED: "expired",
}
