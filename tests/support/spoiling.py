"""Bytes spoiled at random by a stated seed, and a file through the gate alone.

Here: how. Not here: what must hold of the outcome (`tests/bad_input`).
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from dagster_project.contracts.model import Contract
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake
from dagster_project.sources.readable import readable

TELLING = (
    *(b";", b",", b'"', b"\n", b"\r", b"\r\n", b"\0", b" ", b"\t", b"\\", b"'", b"{", b"}", b"["),
    *(b"\x80", b"\xff", b"\xc3", b"\xe4", b"\xef\xbb\xbf", b"\x1f", b"\x1a", b'""', b';"', b'";'),
    *(b"null", b"1e999", b"-0", b"9" * 40, b"\\u0000", b"\\ud800", b"31.2.2018", b"infinity"),
)
"""Bytes that mean something to some reader."""
MUTATIONS_AT_MOST = 3


def spoiled(data: bytes, random: Random) -> bytes:
    """Bytes with one to three changes: one put in, taken out, replaced, moved, repeated or cut."""
    for _ in range(random.randint(1, MUTATIONS_AT_MOST)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((1, 1, 2, 5, 40)))
        put = random.choice((*TELLING, bytes([random.randrange(256)])))
        match random.randrange(6):
            case 0:
                data = data[:start] + put + data[start:]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:start] + put + data[end:]
            case 3:
                data = data[:end] + data[start:]
            case 4:
                place = random.randrange(len(data) + 1)
                rest = data[:start] + data[end:]
                data = rest[:place] + data[start:end] + rest[place:]
            case _:
                data = data[:start] + b"\n" if start else data
    return data


def judge(lake: Lake, contract: Contract, sequence: int, path: Path) -> gate.Verdict:
    """A file through the gate; `identity_map` says whose codes are known.

    Raises:
        DeliveryRefused: it does not pass.
    """
    try:
        with readable(path, contract, sequence=sequence, temp=path.parent) as text:
            gate.read(lake, contract, sequence, text, into="records")
        records = {sequence: "records"}
        gate.find_new_codes(lake, contract, records, into="new_codes")
        gate.show(lake, records, "new_codes")
        verdict = gate.judge(lake, contract, (sequence,))[sequence]
        gate.check_dataset_rules(contract, verdict)
    finally:
        for table in ("records", "new_codes"):
            lake.execute(f"drop table if exists memory.main.{table}")
    return verdict
