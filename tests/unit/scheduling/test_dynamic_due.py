"""A schedule over dynamic partitions asks for the keys that are there when it ticks."""

import pytest
from scheduling_world import World

import gapless as dg
from gapless.execution.cancel import CancelToken
from gapless.scheduling.preview import foresee, state_of

CUSTOMERS = dg.DynamicPartitionsDefinition(name="customers")


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, "2024-01-10 06:00")
    job = dg.define_asset_job("job", selection=["orders"])
    schedule = dg.build_schedule_from_partitioned_job(
        job, cron_schedule="0 * * * *", default_status=dg.DefaultScheduleStatus.RUNNING
    )
    world.declare([world.asset("orders", CUSTOMERS)], [schedule])
    world.catch_up()
    yield world
    world.ledger.close()


def test_each_tick_asks_for_the_keys_of_its_time(world):
    daemon = world.daemon()
    for hour, added, removed in ((7, ["acme", "bolt"], []), (8, ["cash"], ["acme"]), (9, ["acme"], [])):
        world.ledger.add_dynamic_partitions("customers", added)
        world.ledger.delete_dynamic_partitions("customers", removed)
        world.clock.set(world.clock.now().replace(hour=hour))
        daemon.catch_up(CancelToken())
    assert world.made_of("orders") == ["acme", "bolt", "bolt", "cash", "bolt", "cash", "acme"]


def test_a_tick_without_any_key_makes_nothing(world):
    [outcome] = world.catch_up_at("2024-01-10 07:00")
    assert outcome.note == "nothing was due that is not there"
    assert world.made == []


def test_a_preview_shows_the_keys_that_are_there(world):
    world.ledger.add_dynamic_partitions("customers", ["acme", "bolt"])
    project = world.project.resolved(world.ledger)
    known = state_of(project.schedule("job_schedule"), project.graph, world.ledger, world.clock.now())
    definition = project.graph["orders"].partitions_def
    assert [definition.keys_of(tick.partitions) for tick in foresee(known, 2)] == [["acme", "bolt"]] * 2
