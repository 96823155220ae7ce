from __future__ import annotations

import pytest

from gapless import (
    DailyPartitionsDefinition,
    DefaultScheduleStatus,
    Definitions,
    MonthlyPartitionsDefinition,
    StaticPartitionsDefinition,
    WeeklyPartitionsDefinition,
    asset,
    build_schedule_from_partitioned_job,
    define_asset_job,
)
from gapless.definitions.errors import UnknownNameError
from gapless.errors import DefinitionError, UnknownAssetError
from gapless.partitions import MultiPartitionsDefinition

REGIONS = StaticPartitionsDefinition(["eu", "us"])
DAILY = DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")


def made(key: str, deps=(), **how):
    @asset(key=key, deps=deps, **how)
    def function() -> None: ...

    return function


ASSETS = [
    made("names"),
    made("plays", ["names"], partitions_def=DAILY),
    made("errors", ["plays"], partitions_def=DAILY, group_name="core"),
    made("weekly", ["plays"], partitions_def=WeeklyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin")),
    made("monthly", partitions_def=MonthlyPartitionsDefinition("2024-01-01")),
    made("regions", partitions_def=REGIONS),
    made("by_region", partitions_def=MultiPartitionsDefinition({"region": REGIONS, "date": DAILY})),
    made("twice", partitions_def=MultiPartitionsDefinition({"seen": DAILY, "sold": DAILY})),
]


def resolved(*jobs, schedules=()):
    return Definitions(ASSETS, jobs=jobs, schedules=schedules).resolve()


def refusal(*jobs, schedules=()) -> str:
    with pytest.raises(DefinitionError) as caught:
        resolved(*jobs, schedules=schedules)
    assert "test_jobs_and_schedules.py:" in str(caught.value)
    return str(caught.value)


def scheduled(selection, **how):
    schedule = build_schedule_from_partitioned_job(define_asset_job("job", selection), **how)
    return resolved(schedules=[schedule]).schedules["job_schedule"]


def test_a_schedule_of_several_dimensions_follows_the_one_of_time():
    schedule = scheduled("by_region", hour_of_day=3)
    assert (schedule.cron_schedule, schedule.timezone) == ("0 3 * * *", "Europe/Berlin")


def test_a_job_is_its_assets_in_graph_order_with_their_partitions():
    job = resolved(define_asset_job("job", ["errors", "names"], description="d", tags={"a": 1}, config={"x": 1})).job(
        "job"
    )
    assert [str(key) for key in job.selection] == ["names", "errors"]
    assert job.partitions_def == DAILY
    assert (job.description, job.tags, job.config) == ("d", {"a": "1"}, {"x": 1})


def test_a_job_of_unpartitioned_assets_has_no_partitions():
    assert resolved(define_asset_job("job", "names")).job("job").partitions_def is None


def test_the_name_of_a_job_selects_its_assets():
    project = resolved(define_asset_job("job", "+errors"))
    assert [str(key) for key in project.select("job")] == ["plays", "errors"]
    with pytest.raises(UnknownAssetError):
        project.select("jobs")


def test_an_unknown_job_or_schedule_offers_the_closest():
    project = resolved(define_asset_job("nightly", "plays"))
    with pytest.raises(UnknownNameError) as caught:
        project.job("nightl")
    assert str(caught.value) == "there is no job 'nightl'. Did you mean 'nightly'?"
    with pytest.raises(UnknownNameError) as caught:
        project.job("zzz")
    assert str(caught.value) == "there is no job 'zzz'. There are: nightly."
    with pytest.raises(UnknownNameError, match=r"there is no schedule 'x'. None is declared."):
        project.schedule("x")


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("playz", "job 'job' selects asset 'playz', but there is no such asset. Did you mean 'plays'?"),
        ("group:cor", "job 'job': selection 'group:cor': no asset has this group. There is: core."),
        ("plays and names", "job 'job': selection 'plays and names': it selects no asset"),
        ("*", "job 'job' selects assets of different partitions (plays, errors: daily from 2024-01-01"),
        ("*weekly", "make 2 jobs, one for each. By hand you may mix them: gapless materialize '*weekly'"),
        (["plays", "weekly"], "By hand you may mix them: gapless materialize plays weekly"),
    ],
)
def test_a_job_that_cannot_be_looked_up_is_refused(selection, message):
    assert message in refusal(define_asset_job("job", selection))


def test_a_job_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(DefinitionError, match=r"test_jobs.*: job 'job': selection 'a b': nothing can follow"):
        define_asset_job("job", "a b")
    with pytest.raises(DefinitionError, match=r"'a job' is not a name for a job. Use letters, digits"):
        define_asset_job("a job")


def test_a_jobs_own_partitions_must_be_those_of_its_assets():
    assert resolved(define_asset_job("job", "plays", partitions_def=DAILY)).job("job").partitions_def == DAILY
    other = StaticPartitionsDefinition(["a"])
    message = refusal(define_asset_job("job", "plays", partitions_def=other))
    assert "job 'job' has partitions_def static" in message
    assert "but its assets have daily from 2024-01-01" in message


def test_two_jobs_of_one_name_are_refused_with_both_places():
    first, second = define_asset_job("job", "plays"), define_asset_job("job", "names")
    assert refusal(first, second).startswith(f"{second.location}: job 'job' is already declared at {first.location}.")


def test_a_schedule_follows_the_partitions_of_its_job_and_brings_it_along():
    job = define_asset_job("job", "plays")
    schedule = build_schedule_from_partitioned_job(
        job,
        description="d",
        default_status=DefaultScheduleStatus.RUNNING,
        tags={"a": "b"},
        owners=["me@example.org", "team:data"],
    )
    project = resolved(schedules=[schedule])
    found = project.schedule("job_schedule")
    assert (found.cron_schedule, found.timezone) == ("0 0 * * *", "Europe/Berlin")
    assert found.default_status is DefaultScheduleStatus.RUNNING
    assert (found.description, found.tags) == ("d", {"a": "b"})
    assert found.owners == ("me@example.org", "team:data")
    assert found.job is project.job("job")


def test_the_owner_of_a_schedule_is_a_person_or_a_team():
    with pytest.raises(DefinitionError, match="schedule 'job_schedule' has the owner 'me'"):
        build_schedule_from_partitioned_job(define_asset_job("job", "plays"), owners=["me"])


def test_a_schedule_stands_still_until_it_is_said_to_run():
    assert scheduled("plays").default_status is DefaultScheduleStatus.STOPPED


@pytest.mark.parametrize(
    ("selection", "shift", "cron"),
    [
        ("plays", {"hour_of_day": 3}, "0 3 * * *"),
        ("plays", {"hour_of_day": 3, "minute_of_hour": 15}, "15 3 * * *"),
        ("weekly", {"day_of_week": 2, "hour_of_day": 5}, "0 5 * * 2"),
        ("monthly", {"day_of_month": 3}, "0 0 3 * *"),
    ],
)
def test_a_schedule_may_wait_past_the_end_of_the_window(selection, shift, cron):
    assert scheduled(selection, **shift).cron_schedule == cron


def test_a_schedule_over_static_partitions_says_when_itself():
    found = scheduled("regions", cron_schedule="0 6 * * 1", execution_timezone="America/New_York")
    assert (found.cron_schedule, found.timezone) == ("0 6 * * 1", "America/New_York")
    assert scheduled("regions", cron_schedule="0 6 * * 1").timezone == "UTC"


@pytest.mark.parametrize(
    ("selection", "how", "message"),
    [
        (
            "names",
            {},
            "schedule 'job_schedule' has no partitions to follow: none of the assets of job 'job' is partitioned",
        ),
        (
            "plays",
            {"cron_schedule": "0 0 * * *"},
            "has cron_schedule, but its times already follow from the partitions",
        ),
        ("plays", {"execution_timezone": "UTC"}, "has execution_timezone, but its times already follow"),
        ("plays", {"day_of_week": 1}, "schedule 'job_schedule' cannot be shifted: "),
        ("plays", {"hour_of_day": 24}, "schedule 'job_schedule' cannot be shifted: "),
        ("twice", {}, "does not know when to run: the partitions of its job have 2 dimensions of time (seen (daily"),
        ("by_region", {"cron_schedule": "0 0 * * *"}, "has cron_schedule, but its times already follow"),
        ("regions", {}, "does not know when to run: the partitions of its job are no time windows (static"),
        ("regions", {"hour_of_day": 3}, "has hour_of_day, but the partitions of its job are no time windows"),
    ],
)
def test_a_schedule_that_does_not_fit_its_partitions_is_refused(selection, how, message):
    schedule = build_schedule_from_partitioned_job(define_asset_job("job", selection), **how)
    assert message in refusal(schedules=[schedule])


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"cron_schedule": "0 0 * *"}, "the cron schedule '0 0 * *' has 4 fields"),
        ({"cron_schedule": "0 0 * * 9"}, "the cron schedule '0 0 * * 9' is not valid: day of week '9' is not 0 to 7"),
        ({"execution_timezone": "Mars"}, "has execution_timezone='Mars', which is not a time zone"),
        ({"default_status": "RUNNING"}, "has default_status='RUNNING'. Write DefaultScheduleStatus.RUNNING"),
        ({"name": "a b"}, "'a b' is not a name for a schedule"),
    ],
)
def test_a_schedule_with_a_wrong_argument_is_refused_at_once(how, message):
    with pytest.raises(DefinitionError) as caught:
        build_schedule_from_partitioned_job(define_asset_job("job", "plays"), **how)
    assert message in str(caught.value)
    assert "test_jobs_and_schedules.py:" in str(caught.value)


def test_a_schedule_of_no_job_is_refused():
    with pytest.raises(DefinitionError, match=r"got 'job', which is not a job. Pass what define_asset_job"):
        build_schedule_from_partitioned_job("job")


def test_two_schedules_of_one_name_are_refused_with_both_places():
    job = define_asset_job("job", "plays")
    first, second = build_schedule_from_partitioned_job(job), build_schedule_from_partitioned_job(job)
    message = refusal(job, schedules=[first, second])
    assert message.startswith(f"{second.location}: schedule 'job_schedule' is already declared at {first.location}.")


def test_a_schedule_of_another_job_of_the_same_name_is_refused():
    schedule = build_schedule_from_partitioned_job(define_asset_job("job", "plays"))
    assert "job 'job' is already declared at" in refusal(define_asset_job("job", "names"), schedules=[schedule])
