"""`gapless list`: what the project declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, plain_width, table, width
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.project import Project
from gapless.ledger.home import open_ledger
from gapless.scheduling.state import is_running

__all__ = ["list_"]

_SHORTEST_DESCRIPTION = 20  # columns; less says nothing


@click.command("list")
@project_options
@click.pass_obj
def list_(settings: Settings) -> None:
    """Assets, jobs and schedules."""
    project = settings.load()
    with open_ledger() as ledger:
        running = {name: is_running(schedule, ledger.schedule(name)) for name, schedule in project.schedules.items()}
    if settings.as_json:
        settings.print_json(_json(project, running))
        return
    click.echo(f"{project.source}: {count(len(project.graph), 'asset')}\n")
    click.echo(_assets(project))
    if project.jobs:
        rows = [
            [job.name, ", ".join(map(str, job.selection)), cut(job.description or "", 40)]
            for job in project.jobs.values()
        ]
        click.echo("\n" + table(["JOB", "ASSETS", ""], rows))
    if project.schedules:
        rows = [
            [s.name, s.job.name, s.cron_schedule, s.timezone, "running" if running[s.name] else "stopped"]
            for s in project.schedules.values()
        ]
        click.echo("\n" + table(["SCHEDULE", "JOB", "CRON", "TIMEZONE", "STATE"], rows))


def _assets(project: Project) -> str:
    assets = project.graph.assets
    columns = {
        "ASSET": [asset.name for asset in assets],
        "PARTITIONS": [a.partitions_def.describe() if a.partitions_def else "unpartitioned" for a in assets],
        "READS": [", ".join(_reads(project, asset)) or "-" for asset in assets],
    }
    # What says the same of every asset is left out.
    if len({asset.group_name for asset in assets}) > 1:
        columns["GROUP"] = [asset.group_name for asset in assets]
    if any(asset.kinds for asset in assets):
        columns["KINDS"] = [", ".join(sorted(asset.kinds)) or "-" for asset in assets]
    if any(_checks(project, asset) for asset in assets):
        columns["CHECKS"] = [", ".join(check["check"] for check in _checks(project, a)) or "-" for a in assets]
    # Where the terminal is narrow, so is the least needed: a line that breaks is harder to read than one that ends.
    if _room(columns) < 0 and "CHECKS" in columns:
        columns["CHECKS"] = [str(len(_checks(project, asset)) or "-") for asset in assets]
    for least in ("KINDS", "GROUP", "CHECKS"):
        if _room(columns) < 0:
            columns.pop(least, None)
    if (room := _room(columns)) < 0:
        longest = max(map(plain_width, columns["PARTITIONS"]))
        columns["PARTITIONS"] = [cut(text, max(longest + room, 20)) for text in columns["PARTITIONS"]]
    if any(asset.description for asset in assets) and (room := _room(columns) - 2) >= _SHORTEST_DESCRIPTION:
        columns[""] = [click.style(cut(_first_line(asset), room), dim=True) for asset in assets]
    return table(list(columns), [list(row) for row in zip(*columns.values(), strict=True)])


def _room(columns: Mapping[str, Sequence[str]]) -> int:
    """Columns of the terminal that a table leaves free; negative if it is too wide."""
    return width() + 2 - sum(max(map(plain_width, (head, *cells))) + 2 for head, cells in columns.items())


def _first_line(asset: AssetsDefinition) -> str:
    return next(iter((asset.description or "").strip().splitlines()), "")


def _reads(project: Project, asset: AssetsDefinition) -> list[str]:
    return list(dict.fromkeys(dependency.upstream.to_user_string() for dependency in project.graph.parents(asset.key)))


def _checks(project: Project, asset: AssetsDefinition) -> list[dict[str, Any]]:
    specs = [*(check.spec for check in project.graph.checks_of(asset.key)), *asset.check_specs]
    return [
        {
            "check": spec.name,
            "blocking": spec.blocking,
            "description": spec.description,
            "metadata": dict(spec.metadata),
        }
        for spec in specs
    ]


def _json(project: Project, running: dict[str, bool]) -> dict[str, Any]:
    return {
        "source": project.source,
        "assets": [
            {
                "asset": asset.name,
                "partitions": asset.partitions_def.describe() if asset.partitions_def else None,
                "group": asset.group_name,
                "kinds": sorted(asset.kinds),
                "owners": list(asset.owners),
                "tags": dict(asset.tags),
                "reads": _reads(project, asset),
                "checks": _checks(project, asset),
                "description": asset.description,
                "location": asset.where,
            }
            for asset in project.graph.assets
        ],
        "jobs": [
            {"job": job.name, "assets": [str(key) for key in job.selection], "description": job.description}
            for job in project.jobs.values()
        ],
        "schedules": [
            {
                "schedule": schedule.name,
                "job": schedule.job.name,
                "cron": schedule.cron_schedule,
                "timezone": schedule.timezone,
                "running": running[schedule.name],
            }
            for schedule in project.schedules.values()
        ],
    }
