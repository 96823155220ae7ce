"""`gapless status` of partitions that several dimensions tell."""

PRODUCT = """
import gapless as dg

shops = dg.StaticPartitionsDefinition([f"s{n:02}" for n in range(70)])
regions = dg.StaticPartitionsDefinition(["eu", "us"])


@dg.asset(partitions_def=dg.MultiPartitionsDefinition({"region": regions, "shop": shops}))
def sales(context) -> dg.MaterializeResult:
    return dg.MaterializeResult()
"""


def test_columns_that_do_not_fit_are_counted_without_calling_them_earlier(cli, folder):
    (folder / "definitions.py").write_text(PRODUCT, encoding="utf-8")
    out = cli("status", "sales").out
    assert "s00 to s59; 20 other partitions not shown" in out
    assert "eu" in out
