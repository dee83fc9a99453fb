"""A whole run with the network cut off: nothing is fetched and nobody is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.runs import can_run, command, small_home, start

CUT = ("unshare", "--map-root-user", "--net")
"""Linux: a network of one's own in which there is no way out."""
FORBIDDEN = """
import socket, sys
from dagster_project.cli import main

def refuse(*_):
    raise AssertionError("the network was used")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
sys.argv = ["tietoallas", "run"]
main()
"""


def test_a_whole_run_needs_no_network(tmp_path: Path) -> None:
    settings = small_home(tmp_path)
    if can_run(*CUT, "true"):
        names = "import socket; print([name for _, name in socket.if_nameindex()])"
        inside = subprocess.run(
            [*CUT, sys.executable, "-c", names], capture_output=True, text=True, check=True
        )
        assert inside.stdout == "['lo']\n"
        status, output, errors = command(settings, "run", prefix=CUT)
    else:
        process = start(settings, "-c", FORBIDDEN)
        output, errors = process.communicate()
        status = process.returncode
    assert (status, errors) == (0, "")
    assert "published    release 000001" in output
    assert (settings.published / "current" / "analyst" / "tietoallas.duckdb").exists()
