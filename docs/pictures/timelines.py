"""Draw the time lines of the reference: each from the code that stands above it on its page.

A block such as

    ```python draws="hourly" span="2024-11-03T04:00Z/2024-11-03T08:00Z" now="2024-11-03T07:00Z"

is run, and the definition that it assigns last is drawn: the windows that overlap `span`, on an axis of real time.
Those that do not exist `now` (if it is given) are dashed, those that are excluded hatched. Definitions without time
are drawn as what they are: keys in order (of dynamic ones, those that `keys` says), or a table of dimensions.

Run it from the repository's root, with the environment that `make setup` made; a test checks that it would change
nothing:

    .venv/bin/python docs/pictures/timelines.py
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from gapless.partitions import (
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference" / "partitions"
PICTURES = Path(__file__).parent / "timelines"

BLOCK = re.compile(r'^```python draws="(?P<name>[^"]+)"(?P<options>[^\n]*)\n(?P<code>.*?)^```$', re.M | re.S)
OPTION = re.compile(r'(\w+)="([^"]*)"')

WIDTH, MARGIN, ROW, BOX = 860, 28, 38, 30
LETTER = 6.6  # width of one, 11 px monospace
STYLE = """<style>
text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:#1f2937}
.mute{fill:#6b7280}
.window{fill:#d1fae5;stroke:#059669}
.later{fill:none;stroke:#059669;stroke-dasharray:4 3}
.not{fill:url(#hatch);stroke:#9ca3af}
.axis{stroke:#9ca3af}
.now{stroke:#dc2626;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.mute{fill:#9ca3af}.window{fill:#064e3b;stroke:#34d399}
.later{stroke:#34d399}.not{stroke:#6b7280}.axis{stroke:#6b7280}.now{stroke:#f87171}}
</style><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<line x1="0" y1="0" x2="0" y2="6" stroke="#9ca3af" stroke-width="1.5"/></pattern></defs>"""


@dataclass(frozen=True)
class Drawing:
    """One picture.

    Attributes:
        name: Of its file, without the suffix.
        definition: What is drawn.
        options: What the block says: `span` and `now`, ISO instants; `keys`, of dynamic partitions.
    """

    name: str
    definition: PartitionsDefinition
    options: dict[str, str]


@dataclass(frozen=True)
class Store:
    """Keys of dynamic partitions, whatever their name."""

    keys: list[str]

    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        return self.keys


def drawings(page: Path) -> Iterator[Drawing]:
    """The pictures that a page asks for. Its blocks are run in order, in one namespace."""
    namespace: dict[str, Any] = {}
    for block in BLOCK.finditer(page.read_text()):
        before = dict(namespace)
        exec(compile(block["code"], str(page), "exec"), namespace)  # our own pages
        made = [
            value
            for name, value in namespace.items()
            if isinstance(value, PartitionsDefinition) and before.get(name) is not value
        ]
        yield Drawing(block["name"], made[-1], dict(OPTION.findall(block["options"])))


def picture(drawing: Drawing) -> str:
    """The picture as SVG."""
    definition = drawing.definition
    if isinstance(definition, TimeWindowPartitionsDefinition):
        lines, height = timeline(definition, drawing.options)
    elif isinstance(definition, MultiPartitionsDefinition):
        lines, height = table(definition, drawing.options)
    else:
        lines, height = sequence(definition, drawing.options)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    title = f"<title>{escape(definition.describe())}</title>"
    return "\n".join([head, title, STYLE, *lines, "</svg>", ""])


def instants(options: dict[str, str]) -> tuple[datetime, datetime, datetime]:
    start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in options["span"].split("/"))
    now = datetime.fromisoformat(options["now"]).astimezone(UTC) if "now" in options else end + timedelta(days=36500)
    return start, end, now


def timeline(definition: TimeWindowPartitionsDefinition, options: dict[str, str]) -> tuple[list[str], int]:
    """Windows on an axis of real time, with the civil time and its offset from UTC below."""
    start, end, now = instants(options)
    scale = (WIDTH - 2 * MARGIN) / (end - start).total_seconds()

    def x(moment: datetime) -> float:
        return MARGIN + (min(max(moment.astimezone(UTC), start), end) - start).total_seconds() * scale

    shown = [definition.window_at(n) for n in range(*definition.overlapping(TimeWindow(start, end)))]
    lines: list[str] = []
    for window in shown:
        key = definition.get_partition_key_for_timestamp(window.start.timestamp())
        kind = "window" if definition.has_partition_key(key, now) else "later"
        lines += box(x(window.start), MARGIN + 14, x(window.end) - x(window.start), key, kind)
    for before, after in holes(shown, start, end):
        lines += box(x(before), MARGIN + 14, x(after) - x(before), "", "not")
    base = MARGIN + 14 + BOX + 8
    lines.append(f'<line class="axis" x1="{MARGIN}" y1="{base}" x2="{WIDTH - MARGIN}" y2="{base}"/>')
    lines += axis(definition, shown, start, end, x, base)
    if "now" in options:
        lines.append(f'<line class="now" x1="{x(now):.1f}" y1="{MARGIN}" x2="{x(now):.1f}" y2="{base + 4}"/>')
        lines.append(f'<text x="{x(now) + 4:.1f}" y="{MARGIN + 8}">now</text>')
    return lines, base + 44


def holes(shown: list[TimeWindow], start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The stretches between windows that belong to none."""
    for window, following in itertools.pairwise(shown):
        if window.end.timestamp() < following.start.timestamp():
            yield window.end, following.start


def axis(
    definition: TimeWindowPartitionsDefinition,
    shown: list[TimeWindow],
    start: datetime,
    end: datetime,
    x: Any,
    base: int,
) -> Iterator[str]:
    """Where windows begin and end, in civil time, as far as there is room for the words."""
    bounds = sorted({bound.timestamp(): bound for window in shown for bound in window}.items())
    free = 0.0
    days = all(bound.hour == bound.minute == 0 for _, bound in bounds)
    for _, bound in bounds:
        if not start <= bound.astimezone(UTC) <= end:
            continue
        at = x(bound)
        yield f'<line class="axis" x1="{at:.1f}" y1="{base - 4}" x2="{at:.1f}" y2="{base + 4}"/>'
        text = f"{bound:%b %d}" if days else f"{bound:%H:%M}"
        room = len(text) * LETTER
        if at - room / 2 < free:
            continue
        free = at + room / 2 + 6
        yield f'<text x="{at:.1f}" y="{base + 17}" text-anchor="middle">{text}</text>'
        offset = f"{bound:%z}" if not days else f"{bound:%a}"
        yield f'<text class="mute" x="{at:.1f}" y="{base + 31}" text-anchor="middle">{offset}</text>'


def box(left: float, top: float, width: float, label: str, kind: str) -> Iterator[str]:
    yield f'<rect class="{kind}" x="{left + 1:.1f}" y="{top}" width="{max(width - 2, 1):.1f}" height="{BOX}" rx="3"/>'
    size = min(11.0, (width - 6) / max(len(label), 1) / LETTER * 11)
    if label and size >= 6:
        style = f' style="font-size:{size:.1f}px"' if size < 11 else ""
        yield (
            f'<text{style} x="{left + width / 2:.1f}" y="{top + BOX / 2 + 4}" text-anchor="middle">'
            f"{escape(label)}</text>"
        )


def sequence(definition: PartitionsDefinition, options: dict[str, str]) -> tuple[list[str], int]:
    """Keys in order."""
    keys = definition.get_partition_keys(dynamic_partitions_store=Store(options.get("keys", "").split(",")))
    width = min(150.0, (WIDTH - 2 * MARGIN) / max(len(keys), 1))
    return [line for n, key in enumerate(keys) for line in box(MARGIN + n * width, MARGIN, width, key, "window")], 62


def table(definition: MultiPartitionsDefinition, options: dict[str, str]) -> tuple[list[str], int]:
    """A row for each key of all dimensions but the one of time (or the last); its keys are the columns."""
    start, end, now = instants(options)
    names = list(definition.dimensions)
    across = next((name for name in names if definition.dimensions[name].is_time), names[-1])
    dimension = definition.dimensions[across]
    if isinstance(dimension, TimeWindowPartitionsDefinition):
        columns = dimension.keys_of(OrdinalSet.span(*dimension.overlapping(TimeWindow(start, end))))
    else:
        columns = list(dimension.get_partition_keys())
    rows: list[tuple[str, ...]] = [()]
    for name in names:
        if name != across:
            rows = [(*row, key) for row in rows for key in definition.dimensions[name].get_partition_keys()]
    others = [name for name in names if name != across]
    left = MARGIN + 10 + LETTER * max(len(" · ".join(row)) for row in rows)
    width = (WIDTH - MARGIN - left) / len(columns)
    lines = [
        f'<text class="mute" x="{left + (n + 0.5) * width:.1f}" y="{MARGIN + 6}" text-anchor="middle">{key}</text>'
        for n, key in enumerate(columns)
    ]
    for place, row in enumerate(rows):
        top = MARGIN + 16 + place * ROW
        lines.append(f'<text x="{MARGIN}" y="{top + BOX / 2 + 4}">{escape(" · ".join(row))}</text>')
        for n, column in enumerate(columns):
            parts = {**dict(zip(others, row, strict=True)), across: column}
            key = "|".join(parts[name] for name in names)
            if definition.ordinal_of(key) is None:
                lines += box(left + n * width, top, width, "", "not")
                continue
            kind = "window" if definition.has_partition_key(key, now) else "later"
            lines += box(left + n * width, top, width, key, kind)
    return lines, MARGIN + 16 + len(rows) * ROW + 8


def main() -> None:
    """Draw all pictures, and remove what no page asks for any more."""
    PICTURES.mkdir(exist_ok=True)
    wanted = {f"{drawing.name}.svg": drawing for page in sorted(PAGES.glob("*.md")) for drawing in drawings(page)}
    for old in PICTURES.glob("*.svg"):
        if old.name not in wanted:
            old.unlink()
    for name, drawing in wanted.items():
        (PICTURES / name).write_text(picture(drawing))


if __name__ == "__main__":
    main()
