"""Any value, a file for each partition, on an S3-compatible server."""

from __future__ import annotations

from pathlib import Path

import pytest

import gapless as dg
from gapless.partitions import StaticPartitionsDefinition
from s3_server import S3Server

KEYS = ["b/c", "..", "ü %|'" + "x" * 300]


@pytest.fixture
def mails(s3_server: S3Server):
    options = s3_server.storage_options
    return dg.FilesystemIOManager(f"s3://{s3_server.new_bucket()}/mails", storage_options=options)


def test_values_of_every_key_come_back_from_s3(mails: dg.FilesystemIOManager, tmp_path: Path):
    @dg.asset(partitions_def=StaticPartitionsDefinition(KEYS))
    def mail(context: dg.AssetExecutionContext) -> dict[str, str]:
        return {"to": context.partition_key}

    @dg.asset(partitions_def=mail.partitions_def)
    def sent(mail: dict[str, str]) -> str:
        return mail["to"]

    for key in KEYS:
        assert dg.materialize([mail, sent], partition_key=key, resources={"io_manager": mails}, home=tmp_path).success
    files = mails.files
    assert [files.read(_parts(files, mails.path_of(dg.AssetKey("sent"), key))) for key in KEYS] == [
        key.encode() for key in KEYS
    ]
    assert len({mails.path_of(dg.AssetKey("sent"), key) for key in KEYS}) == len(KEYS)


def _parts(files, path):
    return path.removeprefix(files.place(())).strip("/").split("/")


def test_a_value_that_cannot_be_stored_leaves_the_one_before_on_s3(mails: dg.FilesystemIOManager, tmp_path: Path):
    values = [b"first", lambda: None, b"third"]

    @dg.asset
    def mail():
        return values.pop(0)

    def made() -> bool:
        settings = {"resources": {"io_manager": mails}, "home": tmp_path, "raise_on_error": False}
        return dg.materialize([mail], scope=dg.Scope.ALL, **settings).success

    def stored():
        return mails.files.read(_parts(mails.files, mails.path_of(dg.AssetKey("mail"))))

    assert (made(), stored(), made(), stored(), made(), stored()) == (True, b"first", False, b"first", True, b"third")


def test_a_bucket_that_there_is_not_is_told(s3_server: S3Server, tmp_path: Path):
    manager = dg.FilesystemIOManager("s3://no-such-bucket/mails", storage_options=s3_server.storage_options)

    @dg.asset
    def mail() -> str:
        return "text"

    result = dg.materialize([mail], resources={"io_manager": manager}, home=tmp_path, raise_on_error=False)
    assert not result.success
    (failed,) = result.failed
    assert "cannot use s3://no-such-bucket/mails/mail.txt: " in failed.reason
