"""The part of `gapless.testing.ledger` that is about the keys of dynamic partitions."""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

import multiprocessing

import pytest

from gapless.errors import InvocationError, PartitionsDefinitionError
from gapless.ledger.contract import Ledger
from gapless.testing.ledger_processes import OpenLedger, add_each, materialized

__all__ = ["AWKWARD_KEYS", "DynamicPartitionsContract"]

# Keys are data: whatever a person may name a partition has to come back as it was.
AWKWARD_KEYS = ["eu|2024", "it's", '"quoted"', "'; drop table statuses; --", "%", "naïve ☃ 日本", " a ", "a" * 3000]


class DynamicPartitionsContract:
    """What every ledger keeps of dynamic partitions; the fixtures are those of `LedgerContract`."""

    def test_keys_come_back_in_the_order_in_which_they_were_added(self, ledger: Ledger) -> None:
        assert list(ledger.get_dynamic_partitions("customers")) == []
        assert ledger.add_dynamic_partitions("customers", ["b", "c"]) == ["b", "c"]
        assert ledger.add_dynamic_partitions("customers", ["a"]) == ["a"]
        assert list(ledger.get_dynamic_partitions("customers")) == ["b", "c", "a"]
        assert list(ledger.get_dynamic_partitions("regions")) == []

    def test_a_key_that_is_there_keeps_its_place_and_the_new_ones_are_told(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", ["a", "b"])
        assert ledger.add_dynamic_partitions("customers", ["c", "a", "c", "d"]) == ["c", "d"]
        assert ledger.add_dynamic_partitions("customers", []) == []
        assert list(ledger.get_dynamic_partitions("customers")) == ["a", "b", "c", "d"]

    def test_removing_tells_what_was_there_and_a_key_that_comes_again_is_last(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", ["a", "b", "c"])
        ledger.add_dynamic_partitions("regions", ["a"])
        assert ledger.delete_dynamic_partitions("customers", ["c", "nope", "a", "c"]) == ["c", "a"]
        assert ledger.delete_dynamic_partition("customers", "a") is False
        assert ledger.delete_dynamic_partition("customers", "b") is True
        assert ledger.delete_dynamic_partitions("customers", []) == []
        assert list(ledger.get_dynamic_partitions("customers")) == []
        assert list(ledger.get_dynamic_partitions("regions")) == ["a"]
        ledger.add_dynamic_partitions("customers", ["b", "c"])
        ledger.delete_dynamic_partition("customers", "b")
        ledger.add_dynamic_partitions("customers", ["b"])
        assert list(ledger.get_dynamic_partitions("customers")) == ["c", "b"]

    def test_what_is_recorded_about_a_removed_key_stays(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", ["a"])
        ledger.record("r", [materialized("orders", "a")])
        ledger.delete_dynamic_partition("customers", "a")
        assert set(ledger.statuses("orders")) == {"a"}

    def test_a_key_is_there_or_not(self, ledger: Ledger) -> None:
        keys = [f"k{number}" for number in range(1200)]
        ledger.add_dynamic_partitions("customers", keys)
        assert ledger.has_dynamic_partition("customers", "k7")
        assert not ledger.has_dynamic_partition("customers", "K7")
        assert not ledger.has_dynamic_partition("regions", "k7")
        assert ledger.get_existing_dynamic_partitions("customers", [*keys[:1100], "nope"]) == set(keys[:1100])
        assert ledger.get_existing_dynamic_partitions("customers", []) == set()

    def test_what_cannot_be_a_key_is_never_there(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", ["a", "b"])
        assert ledger.get_existing_dynamic_partitions("customers", ["caf\udce9", "a\0", "a"]) == {"a"}
        assert not ledger.has_dynamic_partition("customers", "caf\udce9")
        with pytest.raises(InvocationError, match=r"bare string 'ab'\. Write a list: \['ab'\]"):
            ledger.get_existing_dynamic_partitions("customers", "ab")

    @pytest.mark.parametrize("blank", ["", " ", " \u3000 "])
    def test_a_blank_key_is_refused_and_nothing_is_added(self, ledger: Ledger, blank: str) -> None:
        with pytest.raises(InvocationError, match="a key of the dynamic partitions 'customers': it is blank"):
            ledger.add_dynamic_partitions("customers", ["a", blank])
        assert list(ledger.get_dynamic_partitions("customers")) == []
        assert ledger.delete_dynamic_partitions("customers", [blank]) == []

    def test_dynamic_keys_and_names_are_data(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        for name in ("customers", "it's; drop table dynamic_partitions", "日本/x"):
            assert ledger.add_dynamic_partitions(name, AWKWARD_KEYS) == AWKWARD_KEYS
            assert ledger.get_existing_dynamic_partitions(name, AWKWARD_KEYS) == set(AWKWARD_KEYS)
        ledger.close()
        again = open_ledger()
        assert list(again.get_dynamic_partitions("日本/x")) == AWKWARD_KEYS
        assert again.delete_dynamic_partitions("日本/x", AWKWARD_KEYS) == AWKWARD_KEYS
        again.close()

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ("acme", r"bare string 'acme'\. Write a list: \['acme'\]\."),
            (["ok", "a\nb"], r"'a\\nb' cannot be a key of the dynamic partitions 'customers': it has a control char"),
            (["ok", "a...b"], r"it has '\.\.\.', which writes a range of keys\. Use another separator\."),
            (["ok", 7], r"7 cannot be a key .*: it is of type int, not str\. Write '7'\."),
            (["ok", ["a"]], "of type list, not str"),
            (["ok", "caf\udce9"], "it is not valid Unicode"),
        ],
    )
    def test_what_cannot_be_a_key_is_refused_and_nothing_is_added(
        self, ledger: Ledger, keys: list[str], message: str
    ) -> None:
        with pytest.raises(InvocationError, match=message):
            ledger.add_dynamic_partitions("customers", keys)
        assert list(ledger.get_dynamic_partitions("customers")) == []
        with pytest.raises(InvocationError, match=message):
            ledger.delete_dynamic_partitions("customers", keys)

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", None])
    def test_keys_are_added_to_a_name(self, ledger: Ledger, name: str) -> None:
        with pytest.raises(PartitionsDefinitionError, match="is not a name for dynamic partitions"):
            ledger.add_dynamic_partitions(name, ["a"])

    @pytest.mark.parametrize("ascending", [True, False])
    def test_pages_together_are_all_keys(self, ledger: Ledger, ascending: bool) -> None:
        keys = [f"k{number}" for number in range(7)]
        for key in keys:
            ledger.add_dynamic_partitions("customers", [key])
            ledger.add_dynamic_partitions("regions", [key])
        pages, cursor, more = [], None, True
        while more:
            results, cursor, more = ledger.get_paginated_dynamic_partitions("customers", 3, ascending, cursor)
            pages.append(list(results))
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sum(pages, []) == (keys if ascending else keys[::-1])  # noqa: RUF017  three lists

    def test_a_page_that_ends_with_the_last_key_says_so(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", ["a", "b"])
        page = ledger.get_paginated_dynamic_partitions("customers", 2, True)
        assert (list(page.results), page.has_more) == (["a", "b"], False)
        page = ledger.get_paginated_dynamic_partitions("customers", 2, True, page.cursor)
        assert (list(page.results), page.has_more) == ([], False)

    def test_what_changes_between_two_pages_neither_repeats_nor_hides_a_key(self, ledger: Ledger) -> None:
        ledger.add_dynamic_partitions("customers", list("abcdef"))
        first = ledger.get_paginated_dynamic_partitions("customers", 3, True)
        ledger.delete_dynamic_partitions("customers", ["a", "c", "d"])
        ledger.add_dynamic_partitions("customers", ["g", "a"])
        rest = ledger.get_paginated_dynamic_partitions("customers", 9, True, first.cursor)
        assert list(rest.results) == ["e", "f", "g", "a"]

    def test_new_keys_come_after_the_cursor_of_an_empty_page(self, ledger: Ledger) -> None:
        for ascending, expected in ((True, ["a"]), (False, [])):
            name = f"customers, {ascending}"
            empty = ledger.get_paginated_dynamic_partitions(name, 3, ascending)
            assert (list(empty.results), empty.has_more) == ([], False)
            ledger.add_dynamic_partitions(name, ["a"])
            after = ledger.get_paginated_dynamic_partitions(name, 3, True, empty.cursor)
            assert list(after.results) == expected

    @pytest.mark.parametrize("cursor", ["", "nope", "-1", "1.5", "²", "9" * 5000])
    def test_a_cursor_is_that_of_a_page(self, ledger: Ledger, cursor: str) -> None:
        with pytest.raises(
            InvocationError, match=r"is not a cursor\. Pass that of the page before; None for the first page\."
        ):
            ledger.get_paginated_dynamic_partitions("customers", 3, True, cursor)

    def test_a_page_has_at_least_one_key(self, ledger: Ledger) -> None:
        with pytest.raises(InvocationError, match=r"a page of 0 keys was asked for\. Ask for at least one: limit=1\."):
            ledger.get_paginated_dynamic_partitions("customers", 0, True)

    def test_eight_processes_that_add_and_remove_at_once_lose_and_double_nothing(self, open_ledger: OpenLedger) -> None:
        spawn = multiprocessing.get_context("spawn")
        keys = [f"k{number}" for number in range(60)]
        start, answers, processes = spawn.Barrier(8), [], []
        for _ in range(8):
            answer, theirs = spawn.Pipe(duplex=False)
            processes.append(spawn.Process(target=add_each, args=(open_ledger, keys, start, theirs)))
            answers.append(answer)
            processes[-1].start()
            theirs.close()
        added = [key for answer in answers for key in answer.recv()]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 8
        assert sorted(added) == sorted(keys)
        ledger = open_ledger()
        assert sorted(ledger.get_dynamic_partitions("customers")) == sorted(keys)
        assert list(ledger.get_dynamic_partitions("passing")) == []
        ledger.close()
