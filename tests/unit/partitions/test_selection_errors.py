"""A selection of partitions that makes no sense is refused at the character, and with nothing else."""

import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.errors import PartitionSelectionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    OrdinalSet,
    StaticPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.sets.selection import select

NOW = datetime(2024, 11, 20, 12, tzinfo=UTC)
DAYS = DailyPartitionsDefinition(start_date="2024-09-15")  # to 2024-11-19
HOURS = HourlyPartitionsDefinition(start_date="2024-11-01-00:00", timezone="America/New_York")
WORKDAYS = DailyPartitionsDefinition(start_date="2024-09-15", exclusions=["0 0 * * 6,0"])
WEEKS = WeeklyPartitionsDefinition(start_date="2024-09-01")
MONTHS = MonthlyPartitionsDefinition(start_date="2023-11-01")
NAMES = StaticPartitionsDefinition(["eu", "us", "last", "x y"])
BY_REGION = MultiPartitionsDefinition({"region": StaticPartitionsDefinition(["eu", "us", "apac"]), "date": DAYS})
TWO_TIMES = MultiPartitionsDefinition({"made": DAYS, "sold": MONTHS})
NO_TIME = MultiPartitionsDefinition({"region": NAMES, "size": StaticPartitionsDefinition(["s", "l"])})
STATUSES = {"missing": OrdinalSet.span(0, 10), "failed": OrdinalSet.of([10])}


def refusal(definition, text, statuses=None):
    with pytest.raises(PartitionSelectionError) as caught:
        select(definition, text, NOW, statuses)
    return caught.value


UNREADABLE = [
    # text, position, what the message says
    ("", 0, "it is empty. Write all for every partition."),
    ("  ", 0, "it is empty"),
    ("2024-11 &", 8, "nothing follows '&'. Examples: 2024-01-05,"),
    ("2024-11,", 7, "nothing follows ','"),
    ("2024-11 or", 8, "nothing follows 'or'"),
    ("not", 0, "nothing follows 'not'"),
    ("& 2024-11", 0, "'&' stands where partitions are expected"),
    ("2024-11 & | 2024", 10, "'|' stands where partitions are expected"),
    ("2024-11,,2024", 8, "',' stands where partitions are expected"),
    ("()", 1, "')' stands where partitions are expected"),
    ("last 1 & (2024-11", 9, "this '(' is not closed. Close it with ')'."),
    ("2024-11)", 7, "this ')' closes nothing"),
    ('last 1, "2024-11', 8, 'the quote is not closed. End the key with ", and write a quote inside it as \\".'),
    (r'"a\b"', 2, r"\b is no escape. Inside quotes a backslash is written \\ and a quote \"."),
    (
        "2024-11-01 10:00",
        11,
        "nothing joins this to '2024-11-01'. Write &, | or a comma between them. If it is one key,"
        ' write "2024-11-01 10:00".',
    ),
    ('2024-11 "2024-10"', 8, "nothing joins this to '2024-11'. Write &, | or a comma between them.\n"),
    ("(2024-11) last 3", 10, "nothing joins this to ')'"),
    ("(2024-11), 2024-10", 9, "',' joins values only. Join selections with | (either) or & (both)."),
    ("2024-11 AND last 3", 8, "'AND' is read as a key. Write 'and'."),
    (
        "2024-11, not 2024",
        9,
        "'not' is a word of the grammar, and a value is expected. The key of that name is written \"not\".",
    ),
    ("2024-11..last 3", 9, "'last' is a word of the grammar"),
    ("2024-10....2024-11", 7, "4 dots in a row. A range is written a..b."),
    ("2024-10..2024-11..", 16, "a range has two ends, and both are values. For example 2024-01..2024-03."),
    ("all..2024-11", 3, "a range has two ends, and both are values"),
    ("..", 0, "a range without a start and an end. Write all for every partition."),
    (
        "last",
        0,
        "'last' is followed by how many, at least 1. For example last 7; the key of that name is written \"last\".",
    ),
    ("first x", 6, "'first' is followed by how many"),
    ("last 0", 5, "'last' is followed by how many"),
    ("last -3", 5, "'last' is followed by how many"),
    ("last ٣", 5, "'last' is followed by how many"),
    ("=eu", 0, "'=' stands where partitions are expected"),
    ("(region)=eu", 8, "'=' follows the name of one dimension. For example region=eu,us & date=2024-01."),
    ("(" * 51 + "a" + ")" * 51, 50, "more than 50 levels of nesting. Write it with fewer."),
    ("not " * 9_000 + "all", 200, "more than 50 levels of nesting"),
    ("(" * 9_000, 50, "more than 50 levels of nesting"),
]


@pytest.mark.parametrize(("text", "position", "message"), UNREADABLE, ids=[text[:30] for text, *_ in UNREADABLE])
def test_what_is_not_of_the_grammar_is_refused_at_the_character(text, position, message):
    error = refusal(DAYS, text)

    assert message in f"{error}\n"
    assert str(error).startswith("cannot select partitions: ")
    assert error.position == position


@pytest.mark.parametrize(
    ("definition", "text", "position", "message"),
    [
        (
            DAYS,
            "2024-10, 2024-1-5",
            9,
            "there is no partition '2024-1-5'. Nearest: '2024-09-15'. Its partitions are 2024-09-15 to 2024-11-19.",
        ),
        (DAYS, '"2024-10"', 0, "there is no partition '2024-10'"),
        (DAYS, "2024-11-20", 0, "the partition '2024-11-20' does not exist yet. Nearest: '2024-11-19'."),
        (DAYS, "2024-11-01..2024-11-30", 12, "the partition '2024-11-30' does not exist yet"),
        (DAYS, "2023..2024-11-32", 6, "there is no partition '2024-11-32'"),
        (DAYS, "2023", 0, "no partition in 2023 exists. Its partitions are 2024-09-15 to 2024-11-19."),
        (DAYS, "2024-10 | 2024-12..", 10, "no partition in 2024-12.. exists"),
        (WEEKS, "2024-10-07..2024-10-12", 0, "no partition in 2024-10-07..2024-10-12 exists"),
        (WORKDAYS, "2024-11-08, 2024-11-09", 12, "no partition in 2024-11-09 exists: it is excluded."),
        (
            DAYS,
            "2024-11-05..2024-11-02",
            0,
            "the range runs backwards. Write 2024-11-02..2024-11-05, the earlier one first.",
        ),
        (DAYS, "2024-11..2024-10", 0, "Write 2024-10..2024-11"),
        (NAMES, '"x y"..us', 0, 'Write us.."x y", the earlier one first.'),
        (NAMES, "EU", 0, "there is no partition 'EU'. Nearest: 'eu'."),
        (
            DAYS,
            "region=eu",
            0,
            "'region' is taken for a dimension, because of '=', and there are no dimensions. Write the"
            " value alone; a key with '=' is written in quotes.",
        ),
        (BY_REGION, "date=2024-11 & regoin=eu", 15, "there is no dimension 'regoin'. Did you mean 'region'?"),
        (BY_REGION, "zzz=eu", 0, "there is no dimension 'zzz'. There are date, region."),
        (
            BY_REGION,
            "region=eu, date=2024-11",
            11,
            "',' joins values, not dimensions. Join dimensions with &: region=eu,us & date=2024-01.",
        ),
        (
            BY_REGION,
            "region=(eu | date=2024)",
            13,
            "'date' is a dimension inside the selection of 'region'. Join dimensions with &",
        ),
        (BY_REGION, "region=eu,uk", 10, "there is no partition 'uk' in the dimension 'region'."),
        (
            BY_REGION,
            "region=failed",
            7,
            "'failed' is about whole partitions, not about the dimension 'region'. Write it beside the"
            " dimension: region=… & failed.",
        ),
        (
            BY_REGION,
            "not eu",
            4,
            "'eu' does not say which dimension it is a value of. Write region=eu; a whole key is written in quotes.",
        ),
        (BY_REGION, "2024-10..", 0, "'2024-10' does not say which dimension it is a value of. Write date=2024-10;"),
        (BY_REGION, "zzz", 0, "Write date=zzz or region=zzz;"),
        (
            BY_REGION,
            "last 1 | 2024-11-05|eu",
            9,
            "'2024-11-05|eu' is read as several values, since | joins selections. Write the key in"
            ' quotes, "2024-11-05|eu", or date=2024-11-05 & region=eu.',
        ),
        (
            TWO_TIMES,
            "last 7",
            0,
            "several dimensions are time, so 'last' does not say of which. Write made=last 7 or sold=last 7.",
        ),
        (
            NO_TIME,
            "first 2",
            0,
            "no dimension is time, so 'first' does not say of which. Write region=first 2 or size=first 2.",
        ),
        (
            DAYS,
            "2024-11 & missing",
            10,
            "'missing' asks for what is recorded, and here nothing recorded is known. Ask where an asset is"
            ' named, or pass statuses={"missing": …}.',
        ),
    ],
)
def test_what_is_not_there_is_refused_at_the_character(definition, text, position, message):
    error = refusal(definition, text)

    assert message in str(error)
    assert error.position == position


def test_what_is_not_recorded_yet_cannot_be_asked_for():
    message = "which partitions are stale is not recorded yet. What is recorded: failed, missing."

    assert message in str(refusal(DAYS, "stale", STATUSES))
    assert "What is recorded: nothing." in str(refusal(DAYS, "stale", {}))


def test_what_is_no_text_is_refused():
    assert "a selection is text, not list" in str(refusal(DAYS, ["2024-11"]))


def test_a_caret_stands_below_the_character():
    assert str(refusal(NAMES, "eu, 東京, b & c")).splitlines()[1:] == ["  eu, 東京, b & c", "      ^"]
    assert str(refusal(NAMES, '"x y", b')).splitlines()[1:] == ['  "x y", b', "         ^"]


def test_a_caret_allows_for_wide_characters_and_for_what_cannot_be_shown():
    definition = StaticPartitionsDefinition(["東京", "e\u0301u"])
    lines = str(refusal(definition, "東京, e\u0301u\n| b")).splitlines()

    assert lines[1:] == ["  東京, e\u0301u | b", "             ^"]


def test_of_a_long_selection_the_part_around_the_character_is_shown():
    lines = str(refusal(NAMES, "eu," * 100 + "b" + ",us" * 100)).splitlines()

    assert len(lines[1]) < 90
    assert lines[1].startswith("  …")
    assert lines[1].endswith("…")
    assert lines[1][lines[2].index("^")] == "b"


def test_the_error_is_a_value_error_that_survives_pickling():
    error = refusal(DAYS, "2024-11 &")
    again = pickle.loads(pickle.dumps(error))

    assert isinstance(again, ValueError)
    assert (again.text, again.position, str(again)) == (error.text, error.position, str(error))


# Whatever is typed.

DEFINITIONS = [DAYS, HOURS, MONTHS, NAMES, BY_REGION, TWO_TIMES]
PIECES = [
    *("2024", "2024-11", "2024-11-05", "2024-11-03-01:00-0500", "9999-12-31", "0000", "0001", "eu", "us", '"x y"'),
    *("last", "first", "7", "0", "99999999999999999999", "not", "and", "or", "all", "none", "missing", "stale"),
    *(",", "=", "&", "|", "(", ")", "..", "...", ".", '"', "\\", " ", "\n", "date", "region", "date=", "made=last 1"),
    *('"2024-11-05|eu"', "\x00", "é", "\ud800", "٣", "-", "+", ":"),
]


def only_kind_refusals(definition, text):
    try:
        found = select(definition, text, NOW, STATUSES)
    except PartitionSelectionError as error:
        refused = error
    else:
        assert found.flat() - definition.existing(NOW) == OrdinalSet.empty()
        return
    assert 0 <= refused.position <= len(text)
    assert str(refused).startswith("cannot select partitions: ")


@given(st.sampled_from(DEFINITIONS), st.text(max_size=40))
def test_any_text_is_understood_or_refused(definition, text):
    only_kind_refusals(definition, text)


@given(st.sampled_from(DEFINITIONS), st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["", " "]))
def test_anything_like_a_selection_is_understood_or_refused(definition, pieces, space):
    only_kind_refusals(definition, space.join(pieces))


@given(
    st.sampled_from(DEFINITIONS),
    st.sampled_from(["region=eu,us & date=2024-11-01.. | not last 7", "not (2024-10..2024-11-05, last 3) & missing"]),
    st.integers(0, 45),
    st.integers(0, 3),
    st.sampled_from([*PIECES, ""]),
)
def test_a_mistyped_selection_is_understood_or_refused(definition, text, at, removed, inserted):
    only_kind_refusals(definition, text[:at] + inserted + text[at + removed :])
