"""`gapless status`: what is there and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click

from gapless.asset_key import AssetKey
from gapless.cli.blocked import print_blocked
from gapless.cli.recovery import recover, tell_empty_stores
from gapless.cli.settings import Settings, project_options
from gapless.cli.symbols import bar_text, cell_text, legend
from gapless.cli.terminal import ago, count, cut, local_time, plain_width, table, width
from gapless.definitions.project import Project
from gapless.ledger.contract import Ledger
from gapless.ledger.home import open_ledger
from gapless.planning.plan import Plan
from gapless.views.gaps import gaps_plan
from gapless.views.heatmap import HeatMap
from gapless.views.key_ranges import KeyRange
from gapless.views.status import AssetDetail, AssetOverview, ReasonGroup, detail, not_defined, overview

__all__ = ["status"]

_MOST_RANGES = 10  # gaps that are listed
_MOST_GROUPS = 5  # reasons that are listed
_SHORTEST_BAR, _LONGEST_BAR = 8, 24  # columns


@click.command()
@click.argument("selection", nargs=-1, metavar="[ASSET]")
@project_options
@click.pass_obj
def status(settings: Settings, selection: tuple[str, ...]) -> None:
    """What is there and what is missing.

    Without ASSET: counts of all assets. With one: its heat map, its gaps, and why partitions failed.
    """
    # Without the engine, of which half would be imported for nothing: people ask this often.
    declared, now = settings.load(), datetime.now(UTC)
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        recover(project, ledger)
        tell_empty_stores(project, ledger)
        keys = project.select(list(selection) or None)
        if selection and len(keys) == 1:
            found = detail(project, ledger, keys[0], now)
            if settings.as_json:
                settings.print_json(found.to_json())
            else:
                _print_detail(found, now)
                hopeless = _hopeless(project, ledger, [found.overview], now)
                _print_advice(settings, project, [found.overview], hopeless, found.overview.asset.to_user_string())
            return
        overviews = overview(project, ledger, keys, now)
        gone = not_defined(project, ledger) if not selection else {}
        if settings.as_json:
            settings.print_json({"assets": [one.to_json() for one in overviews], "not_defined": gone})
        else:
            _print_overviews(overviews, now)
            _print_not_defined(gone)
            _print_advice(settings, project, overviews, _hopeless(project, ledger, overviews, now))


def _print_overviews(overviews: Sequence[AssetOverview], now: datetime) -> None:
    head = ["ASSET", "", "PARTITIONS", "DONE"]
    states = [name for name in ("failed", "skipped", "running") if any(getattr(one, name) for one in overviews)]
    gone = ["expired"] if any(one.expired for one in overviews) else []
    head += [name.upper() for name in states] + ["MISSING", *(name.upper() for name in gone), "ROWS", "UPDATED"]
    rows = [
        [
            one.asset.to_user_string(),
            "",
            f"{one.extent:,}" if one.partitions else "-",
            f"{one.materialized:,}",
            *(_number(getattr(one, name), _COLOURS[name]) for name in states),
            _number(one.missing),
            *(_number(getattr(one, name)) for name in gone),
            "-" if one.rows is None else f"{one.rows:,}",
            ago(one.updated_at, now),
        ]
        for one in overviews
    ]
    right = range(2, len(head) - 1)
    # The bar takes what the numbers leave.
    taken = max(map(plain_width, table(head, rows, right).splitlines()))
    length = max(_SHORTEST_BAR, min(_LONGEST_BAR, width() - taken))
    for row, one in zip(rows, overviews, strict=True):
        row[1] = bar_text(one.bar(length))
    click.echo(table(head, rows, right))
    click.echo("\n" + legend(cell for one in overviews for cell in one.bar(length)))
    for one in overviews:
        _print_outside(one)


_COLOURS = {"failed": "red", "skipped": "yellow", "running": "blue"}


def _number(number: int, colour: str | None = None) -> str:
    text = f"{number:,}" if number else "-"
    return click.style(text, fg=colour) if number and colour else text


def _print_outside(one: AssetOverview) -> None:
    if one.outside:
        click.echo(
            f"{one.asset}: {count(one.outside, 'partition')} on record "
            f"{'is' if one.outside == 1 else 'are'} not in its partitions definition; not counted."
        )


def _print_not_defined(gone: Mapping[str, int]) -> None:
    if gone:
        listed = ", ".join(f"{asset} ({count(number, 'partition')})" for asset, number in gone.items())
        click.echo(f"recorded, but not defined any more: {listed}. To wipe them, define them again.")


def _hopeless(project: Project, ledger: Ledger, overviews: Sequence[AssetOverview], now: datetime) -> Plan | None:
    """Why no gap at all can be filled now; None if there are none, or some can be."""
    gaps = [one.asset for one in overviews if one.missing]
    if not gaps or any(not project.graph.parents(asset) for asset in gaps):
        return None  # what reads nothing lacks nothing: no plan has to be made to know
    made = gaps_plan(project, ledger, [one.asset for one in overviews], now)
    return made if made.total_blocked and not made.total else None


def _print_advice(
    settings: Settings,
    project: Project,
    overviews: Sequence[AssetOverview],
    hopeless: Plan | None,
    asset: str | None = None,
) -> None:
    """What to type next.

    Args:
        hopeless: The plan for the gaps, if none of them can be filled now.
        asset: The one that was asked about, if it was one.
    """
    if hopeless is not None:
        print_blocked(settings, project.graph, [one.asset for one in overviews], hopeless)
    words = [] if asset is None else [asset]
    advice = []
    advice += [
        ("add a key", settings.command("partitions", "add", name, "KEY"))
        for name in _without_keys(project, [one.asset for one in overviews if not one.extent])
    ]
    if any(one.failed or one.skipped for one in overviews):
        advice.append(("retry what failed", settings.command("materialize", *words, "--failed")))
        worst = max(overviews, key=lambda one: one.failed + one.skipped)
        see = ("runs", "logs", "--failed") if asset else ("status", worst.asset.to_user_string())
        advice.append(("see why", settings.command(*see)))
    if any(one.missing for one in overviews) and hopeless is None:
        advice.append(("fill the gaps", settings.command("materialize", *words)))
    if advice:
        size = max(len(what) for what, _ in advice)
        click.echo()
        for what, command in advice:
            click.echo(f"{what:<{size}}  {click.style(command, bold=True)}")


def _without_keys(project: Project, assets: Iterable[AssetKey]) -> list[str]:
    """The dynamic partitions of these assets that have no key yet."""
    definitions = [definition for asset in assets if (definition := project.graph[asset].partitions_def) is not None]
    parts = [part for each in definitions for part in each.dimensions.values() or [each]]
    # What is dynamic does not depend on the time.
    lacking = [part.dynamic_names for part in parts if part.dynamic_names and not part.existing(datetime.now(UTC))]
    return sorted(frozenset().union(*lacking))


def _print_detail(found: AssetDetail, now: datetime) -> None:
    one = found.overview
    name = one.asset.to_user_string()
    click.echo(f"{click.style(name, bold=True)}  {one.partitions or 'unpartitioned'}")
    _print_facts(one, now)
    if found.heat_map is not None and found.heat_map.shown:
        click.echo()
        _print_heat_map(found.heat_map)
    elif one.partitions:
        click.echo("No partition exists yet.")
    _print_outside(one)
    _print_groups("failed", "red", one.failed, found.failures)
    if found.failed_but_there:
        click.echo(
            f"  {found.failed_but_there:,} of them still {'has' if found.failed_but_there == 1 else 'have'}"
            " the rows of an earlier success."
        )
    _print_groups("skipped", "yellow", one.skipped, found.skips)
    if one.partitions:
        _print_ranges("running", "blue", one.running, found.running)
        _print_ranges("missing", None, one.missing, found.gaps)


def _print_facts(one: AssetOverview, now: datetime) -> None:
    parts = []
    if one.partitions:
        parts.append(f"{one.materialized:,} of {count(one.extent, 'partition')} materialized")
        others = (*_COLOURS, "missing", "expired")
        parts += [f"{getattr(one, state):,} {state}" for state in others if getattr(one, state)]
    else:
        parts.append(next(s for s in ("materialized", *_COLOURS, "missing") if getattr(one, s)))
    if one.rows is not None:
        parts.append(count(one.rows, "row"))
    line = ", ".join(parts)
    if one.updated_at is not None:
        last = f"last committed {ago(one.updated_at, now)} ({local_time(one.updated_at)})"
        line += f", {last}" if len(line) + len(last) + 2 <= width() else f"\n{last}"
    click.echo(line)


def _print_groups(state: str, colour: str, total: int, groups: Sequence[ReasonGroup]) -> None:
    if not groups:
        return
    click.echo(f"\n{click.style(state, fg=colour)}: {total:,}")
    for group in groups[:_MOST_GROUPS]:
        keys = _ranges_text(group.ranges, 3)
        lines = group.reason.splitlines() or [""]
        # The partition first, when that leaves room for the reason; else on a line of its own.
        if plain_width(keys) + plain_width(lines[0]) + 4 <= width() and len(lines) == 1:
            click.echo(f"  {keys}  {lines[0]}")
        else:
            click.echo(f"  {keys}")
            for line in lines:
                click.echo(f"    {line}")
    if len(groups) > _MOST_GROUPS:
        rest = sum(group.count for group in groups[_MOST_GROUPS:])
        click.echo(f"  … and {count(rest, 'partition')} for {count(len(groups) - _MOST_GROUPS, 'other reason')}")


def _print_ranges(state: str, colour: str | None, total: int, ranges: Sequence[KeyRange]) -> None:
    if not ranges:
        return
    click.echo(f"\n{click.style(state, fg=colour) if colour else state}: {total:,}")
    for key_range in ranges[-_MOST_RANGES:]:
        size = f"  ({key_range.count:,})" if key_range.count > 1 else ""
        click.echo(f"  {key_range}{size}")
    if len(ranges) > _MOST_RANGES:
        rest = sum(key_range.count for key_range in ranges[:-_MOST_RANGES])
        click.echo(f"  … and {count(rest, 'earlier partition')} in {count(len(ranges) - _MOST_RANGES, 'range')}")


def _ranges_text(ranges: Sequence[KeyRange], most: int) -> str:
    text = ", ".join(map(str, ranges[:most]))
    rest = sum(key_range.count for key_range in ranges[most:])
    return f"{text} and {rest:,} more" if rest else text


def _print_heat_map(picture: HeatMap) -> None:
    if picture.kind == "names":
        _print_names(picture)
    else:
        _print_rows(picture)
    said = f"{picture.first_key} to {picture.last_key}"
    if picture.hidden:
        where = {"names": "later", "matrix": "later", "product": "other"}.get(picture.kind, "earlier")
        said += f"; {count(picture.hidden, f'{where} partition')} not shown"
    shown = [cell for row in picture.rows for cell in (*row.cells, *([row.folded] if row.folded else []))]
    click.echo(f"\n{legend(shown)}")
    click.echo(click.style(said, dim=True))


def _print_rows(picture: HeatMap) -> None:
    margin = max(plain_width(row.label) for row in picture.rows if not row.folded) + 2
    # A column is as wide as the widest head needs, at most 4, less where the terminal is narrow.
    room = width() - margin - 9
    cell = max(1, min({"months": 4, "weeks": 1, "matrix": 1}.get(picture.kind, 2), room // len(picture.columns)))
    head = [" "] * (cell * len(picture.columns) + 4)
    for place, text in enumerate(picture.columns):
        if cell > 1 or len(text) > 1:
            head[place * cell : place * cell + len(text)] = text
    if any(picture.columns):
        click.echo(click.style(" " * margin + "".join(head).rstrip(), dim=True))
    for row in picture.rows:
        if row.folded:
            click.echo(f"{row.label}  {cell_text(row.folded)} {row.total:,} {row.folded.value}")
            continue
        cells = "".join(cell_text(c) + " " * (cell - 1) for c in row.cells)
        label = row.label + " " * (margin - plain_width(row.label))
        click.echo(f"{label}{cells} {click.style(f'{row.materialized:,}/{row.total:,}', dim=True)}")


def _print_names(picture: HeatMap) -> None:
    """Keys with their symbols, in as many columns as fit, read downward as `ls` prints files."""
    names = [cut(row.label, 40) for row in picture.rows]
    size = max(map(plain_width, names)) + 4
    columns = max(1, min(width() // size, -(-len(names) // 4)))
    height = -(-len(names) // columns)
    for line in range(height):
        entries = range(line, len(names), height)
        text = "".join(
            f"{cell_text(picture.rows[i].cells[0])} {names[i]}{' ' * (size - 2 - plain_width(names[i]))}"
            for i in entries
        )
        click.echo(text.rstrip())
