"""A PostgreSQL of our own, started once, with a new database for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from exporter.history.ledger import Ledger
from tests.servers import free_port, need, running, wait_until

# PostgreSQL refuses to run as root.
_AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server, without a database."""
    initdb, postgres = need("initdb"), need("postgres")
    as_nobody = _AS_NOBODY if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="ebbtide-pg-"))
    if as_nobody:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        made = [initdb, "-D", f"{folder}/d", "-U", "ebb", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*as_nobody, *made], check=True, capture_output=True, cwd="/")
        port = free_port()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k", str(folder)]
        command = [*as_nobody, postgres, "-D", f"{folder}/d", "-p", str(port), *options]
        with running(command, folder / "log", cwd="/") as server:
            url = f"postgresql+psycopg://ebb@127.0.0.1:{port}"
            wait_until(lambda: _answers(f"{url}/postgres"), "PostgreSQL answers")
            yield url
            server.send_signal(signal.SIGINT)
            server.wait(15)
    finally:
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    engine = sa.create_engine(url)
    try:
        with engine.connect():
            return True
    except sa.exc.OperationalError:
        return False
    finally:
        engine.dispose()


@pytest.fixture
def database(postgresql: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"t{abs(hash(request.node.nodeid))}"
    engine = sa.create_engine(f"{postgresql}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield f"{postgresql}/{name}"
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["file", "memory", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["file", pytest.param("postgresql", marks=pytest.mark.server)])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a store that outlives its process."""
    return (
        str(request.getfixturevalue("database")) if request.param == "postgresql" else f"sqlite:///{tmp_path}/store.db"
    )


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    yield ledger
    ledger.close()
