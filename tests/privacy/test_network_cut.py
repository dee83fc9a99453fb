"""A whole run with the network cut off: nothing is fetched and nobody is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.privacy.conftest import NO_NETWORK, Region
from tests.support.runs import small_home, start

FORBIDDEN = """
import socket, sys
from dagster_project.cli import main

def refuse(*_):
    raise AssertionError("the network was used")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
sys.argv = ["tietoallas", "run"]
main()
"""
INTERFACES = "import socket; print([name for _, name in socket.if_nameindex()])"


def test_a_whole_run_needs_no_network(region: Region, tmp_path: Path) -> None:
    """Cut off by the system where that can be, else by what Python lets nobody call."""
    if region.had_no_network:
        inside = subprocess.run(
            [*NO_NETWORK, sys.executable, "-c", INTERFACES],
            capture_output=True,
            text=True,
            check=True,
        )
        assert inside.stdout == "['lo']\n"
        assert "published    release 00000" in region.printed
        return
    process = start(small_home(tmp_path), "-c", FORBIDDEN)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "published    release 00000" in output
