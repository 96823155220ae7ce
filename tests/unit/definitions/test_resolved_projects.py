"""A project with the keys of its dynamic partitions as they are at one moment."""

import gapless as dg
from gapless.definitions.definitions import project_of

CUSTOMERS = dg.DynamicPartitionsDefinition(name="customers")
DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-04")


class Store:
    def __init__(self, **keys):
        self.keys, self.asked = keys, []

    def get_dynamic_partitions(self, partitions_def_name):
        self.asked.append(partitions_def_name)
        return list(self.keys.get(partitions_def_name, []))


def asset(name, partitions, deps=()):
    @dg.asset(name=name, partitions_def=partitions, deps=list(deps))
    def made(context: dg.AssetExecutionContext) -> None: ...

    return made


def test_a_project_without_dynamic_partitions_is_its_own_resolution_and_asks_nothing():
    store, project = Store(), project_of([asset("plays", DAILY), asset("report", None)])
    assert project.resolved(store) is project
    assert project.graph.resolved(store) is project.graph
    assert (store.asked, project.graph.dynamic_names) == ([], frozenset())


def test_each_name_is_asked_for_once_and_equal_definitions_are_one():
    orders = asset("orders", CUSTOMERS)
    again = asset("totals", dg.DynamicPartitionsDefinition(name="customers"), [orders])
    both = dg.MultiPartitionsDefinition({"date": DAILY, "customer": CUSTOMERS})
    visits = asset("visits", both)
    shops = asset("shops", dg.DynamicPartitionsDefinition(name="shops"))
    store = Store(customers=["a", "b"], shops=["s"])

    project = project_of([orders, again, visits, shops, asset("report", None, [orders])])
    resolved = project.resolved(store)

    assert sorted(store.asked) == ["customers", "shops"]
    graph = resolved.graph
    assert graph["orders"].partitions_def is graph["totals"].partitions_def
    assert graph["orders"].partitions_def.get_partition_keys() == ["a", "b"]
    assert graph["visits"].partitions_def.get_num_partitions() == 6
    assert graph.keys == project.graph.keys
    assert [edge.upstream for edge in graph.parents(again.key)] == [orders.key]
    assert project.graph["orders"].partitions_def == CUSTOMERS


def test_jobs_and_schedules_have_the_same_keys_as_the_assets():
    job = dg.define_asset_job("job", selection=["orders"])
    schedule = dg.build_schedule_from_partitioned_job(job, cron_schedule="0 6 * * *")
    project = dg.Definitions([asset("orders", CUSTOMERS)], jobs=[job], schedules=[schedule]).resolve()

    resolved = project.resolved(Store(customers=["a"]))

    assert resolved.job("job").partitions_def == resolved.graph["orders"].partitions_def
    assert resolved.schedule("job_schedule").job is resolved.job("job")
    assert resolved.schedule("job_schedule").cron_schedule == "0 6 * * *"


def test_a_resolved_project_can_be_resolved_again():
    store = Store(customers=["a"])
    first = project_of([asset("orders", CUSTOMERS)]).resolved(store)
    store.keys["customers"].append("b")
    assert first.resolved(store).graph["orders"].partitions_def.get_partition_keys() == ["a", "b"]
    assert first.graph["orders"].partitions_def.get_partition_keys() == ["a"]
