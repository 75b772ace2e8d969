"""A real proxy for the tests: in front of a database, on loopback, gone at the end."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from a3b_tune.storage.opening import open_storage

TOKEN = "correct-battery-staple"


@contextmanager
def serving(url: str, **options: Any) -> Iterator[str]:
    """The URL, with its token, of a proxy in front of this database; its tables are made. Skips
    the test where gRPC is not installed."""
    pytest.importorskip("a3b_tune.storage.transport", reason="gRPC is an extra")
    from a3b_tune.storage.serving import Proxy

    proxy = Proxy(open_storage(url, create=True), **{"token": TOKEN, **options})
    proxy.start()
    try:
        yield with_token(proxy.address)
    finally:
        proxy.stop(grace=0.0)


def with_token(address: str, token: str = TOKEN) -> str:
    return address.replace("//", f"//:{token}@")


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate for these host names, signed by itself, and its key. Skips the test where
    there is no OpenSSL."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate: the program openssl is not installed")
    paths = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN={names[0]} -addext subjectAltName={alternatives}"
    )
    subprocess.run(
        [*command.split(), "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True
    )
    return paths
