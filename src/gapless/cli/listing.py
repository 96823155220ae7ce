"""`gapless list`: what the project declares."""

from __future__ import annotations

from typing import Any

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, table, width
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.project import Project
from gapless.definitions.schedules import DefaultScheduleStatus, Schedule
from gapless.ledger.contract import Ledger
from gapless.ledger.home import open_ledger

__all__ = ["list_"]


@click.command("list")
@project_options
@click.pass_obj
def list_(settings: Settings) -> None:
    """Assets, jobs and schedules."""
    project = settings.load()
    with open_ledger() as ledger:
        running = {name: _is_running(schedule, ledger) for name, schedule in project.schedules.items()}
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
    head = ["ASSET", "PARTITIONS", "READS"]
    rows = [
        [
            asset.name,
            asset.partitions_def.describe() if asset.partitions_def else "unpartitioned",
            ", ".join(_reads(project, asset)) or "-",
        ]
        for asset in project.graph.assets
    ]
    # Columns that say the same of every asset are left out.
    if len({asset.group_name for asset in project.graph.assets}) > 1:
        head.append("GROUP")
        for row, asset in zip(rows, project.graph.assets, strict=True):
            row.append(asset.group_name)
    if any(asset.kinds for asset in project.graph.assets):
        head.append("KINDS")
        for row, asset in zip(rows, project.graph.assets, strict=True):
            row.append(", ".join(sorted(asset.kinds)) or "-")
    if any(asset.description for asset in project.graph.assets):
        taken = sum(max(len(row[i]) for row in [head, *rows]) + 2 for i in range(len(head)))
        room = width() - taken
        if room >= 20:
            head.append("")
            for row, asset in zip(rows, project.graph.assets, strict=True):
                row.append(click.style(cut(_first_line(asset), room), dim=True))
    return table(head, rows)


def _first_line(asset: AssetsDefinition) -> str:
    return next(iter((asset.description or "").strip().splitlines()), "")


def _reads(project: Project, asset: AssetsDefinition) -> list[str]:
    return list(dict.fromkeys(dependency.upstream.to_user_string() for dependency in project.graph.parents(asset.key)))


def _is_running(schedule: Schedule, ledger: Ledger) -> bool:
    told = ledger.schedule(schedule.name).running
    return schedule.default_status is DefaultScheduleStatus.RUNNING if told is None else told


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
