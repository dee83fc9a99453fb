"""A PostgreSQL server of a test's own, where the machine has one.

Here: starting and stopping it. Not here: what is kept in it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A fresh database and its connection string; skips where PostgreSQL is not installed."""
    initdb, server = shutil.which("initdb"), shutil.which("pg_ctl")
    if initdb is None or server is None:
        pytest.skip("no PostgreSQL on this machine: initdb and pg_ctl are looked for in PATH")
    data, sockets, port = folder / "postgres", folder / "s", _free_port()
    sockets.mkdir()
    as_user = _other_user(folder)
    _run([*as_user, initdb, "-D", str(data), "-U", "lake", "--auth=trust", "-E", "UTF8"])
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {sockets}"
    _run(
        [*as_user, server, "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start"]
    )
    try:
        yield f"host=127.0.0.1 port={port} user=lake dbname=postgres"
    finally:
        _run([*as_user, server, "-D", str(data), "-m", "immediate", "stop"])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _other_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root; the folder is then given to another user."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user nobody")
    for path in (folder, *folder.parents):
        if path.owner() == "root" and path.stat().st_mode & 0o001 == 0:
            path.chmod(path.stat().st_mode | 0o011)
    os.chown(folder, user.pw_uid, user.pw_gid)
    os.chown(folder / "s", user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
