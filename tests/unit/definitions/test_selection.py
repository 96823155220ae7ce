from __future__ import annotations

import pytest

from gapless import AssetKey, AssetSelection, asset
from gapless.definitions.errors import SelectionError
from gapless.definitions.graph import AssetGraph
from gapless.definitions.selection_text import parse_selection, select
from gapless.errors import UnknownAssetError


def made(key: str, deps=(), **how):
    @asset(key=key, deps=deps, **how)
    def function(): ...

    return function


#  raw/in → plays → weekly → report
#           plays → daily  → report        alone
PLAYS = made(
    "plays", ["raw/in"], group_name="core", owners=["me@x.org"], kinds={"duckdb"}, tags={"k": "v", "empty": ""}
)
GRAPH = AssetGraph.build(
    [
        made("raw/in", tags={"k": "w"}),
        PLAYS,
        made("weekly", ["plays"], group_name="marts"),
        made("daily", ["plays"], group_name="marts"),
        made("report", ["weekly", "daily"], owners=["team:a b"]),
        made("alone"),
    ]
)
ALL = ["raw/in", "plays", "weekly", "daily", "report", "alone"]


def selected(selection) -> list[str]:
    return [key.to_user_string() for key in select(GRAPH, selection)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plays", ["plays"]),
        ("raw/in", ["raw/in"]),
        ("*", ALL),
        ("plays*", ["plays", "weekly", "daily", "report"]),
        ("*weekly", ["raw/in", "plays", "weekly"]),
        ("*weekly*", ["raw/in", "plays", "weekly", "report"]),
        ("+weekly", ["plays", "weekly"]),
        ("++weekly", ["raw/in", "plays", "weekly"]),
        ("2+weekly", ["raw/in", "plays", "weekly"]),
        ("plays+", ["plays", "weekly", "daily"]),
        ("plays+2", ["plays", "weekly", "daily", "report"]),
        ("+weekly+", ["plays", "weekly", "report"]),
        ("group:marts", ["weekly", "daily"]),
        ("+group:marts", ["raw/in", "plays", "weekly", "daily"]),
        ("1+group:marts", ["plays", "weekly", "daily"]),
        ('key:"raw/in"+1', ["raw/in", "plays"]),
        ("group:marts+", ["weekly", "daily", "report"]),
        ("owner:me@x.org", ["plays"]),
        ("kind:duckdb", ["plays"]),
        ("tag:k", ["raw/in", "plays"]),
        ("tag:k=v", ["plays"]),
        ("tag:empty", ["plays"]),
        ("tag:empty=", ["plays"]),
        ('owner:"team:a b"', ["report"]),
        ("key:raw/*", ["raw/in"]),
        ("key:*ly", ["weekly", "daily"]),
        ("weekly,alone", ["weekly", "alone"]),
        ("alone , weekly", ["weekly", "alone"]),
        ("alone or weekly OR plays", ["plays", "weekly", "alone"]),
        ("plays* and group:marts", ["weekly", "daily"]),
        ("group:marts and not daily", ["weekly"]),
        ("not plays*", ["raw/in", "alone"]),
        ("plays or group:marts and daily", ["plays", "daily"]),
        ("(plays or group:marts) and not daily", ["plays", "weekly"]),
        ('"plays"*', ["plays", "weekly", "daily", "report"]),
        (["plays", "daily"], ["plays", "daily"]),
        (["weekly+", AssetKey("alone")], ["weekly", "report", "alone"]),
        (AssetKey(["raw", "in"]), ["raw/in"]),
        (PLAYS, ["plays"]),
        (None, ALL),
        (AssetSelection.all() - AssetSelection.groups("marts", "core"), ["raw/in", "report", "alone"]),
        (AssetSelection.assets("plays", PLAYS), ["plays"]),
        (AssetSelection.keys("raw/in") + AssetSelection.keys("alone"), ["raw/in", "alone"]),
        (AssetSelection.assets("weekly").upstream(1), ["plays", "weekly"]),
        (AssetSelection.assets("weekly").downstream(), ["weekly", "report"]),
        (AssetSelection.tag("k", "w"), ["raw/in"]),
        (AssetSelection.owner("me@x.org") & AssetSelection.kind("duckdb"), ["plays"]),
    ],
)
def test_a_selection_means_these_assets_in_graph_order(text, expected):
    assert selected(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "selection '': it is empty. Examples: 'plays'"),
        (
            "tag:k=*",
            "'tag:k=*' is no pattern: only key:… takes patterns; any value of it is written tag:k. Examples: ",
        ),
        ("group:*", "selection 'group:*': 'group:*' is no pattern: only key:… takes patterns."),
        ("a b", "selection 'a b': nothing can follow before 'b' but ',', 'or', 'and'"),
        ("a,", "it ends where an asset is expected"),
        (",a", "',' stands where an asset is expected"),
        ("a or or b", "'or' stands where an asset is expected"),
        ("(a", "a ')' is missing"),
        ("a)", "nothing can follow before ')'"),
        ('"a', "'\"' stands where an asset is expected"),
        ("+", "'+' names no asset"),
        ("**", "'**' names no asset"),
        ("pl*s", "'*' and '+' stand before or after a name, not inside 'pl*s'; patterns are written key:pl*s"),
        ("colour:red", "'colour' is not one of key, group, tag, owner, kind"),
        ("group:mart", "selection 'group:mart': no asset has this group. There is: marts."),
        ("kind:zzz", "selection 'kind:zzz': no asset has this kind. There is: duckdb."),
        ("tag:k=x", "selection 'tag:k=x': no asset has this tag. There are: k="),
        ("key:zzz*", "selection 'key:zzz*': no asset has this key. There are: "),
        ("plays and not plays", "it selects no asset. List the assets with: gapless list"),
        (3, "selection '3': int does not name assets"),
    ],
)
def test_a_selection_that_says_nothing_is_refused(text, message):
    with pytest.raises(SelectionError) as caught:
        select(GRAPH, text)
    assert message in str(caught.value)


def test_an_unknown_asset_in_a_selection_offers_the_closest():
    with pytest.raises(UnknownAssetError) as caught:
        select(GRAPH, "playz*")
    assert str(caught.value) == ("there is no asset 'playz'. Did you mean 'plays'? List the assets with: gapless list")


def test_reading_a_selection_needs_no_graph():
    assert parse_selection("a, b") == parse_selection("a or b")
