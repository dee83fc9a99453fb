"""The lock file: whole, hash-pinned, and free of addresses.

Here: requirements.lock against pyproject.toml. Not here: making it (`make lock`).
"""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dagster_project.settings import PROJECT_ROOT

LOCK = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DIRECT = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
LOCKED = {
    canonicalize_name(requirement.name): requirement
    for line in re.findall(r"^[a-z0-9].*?(?= \\$)", LOCK, flags=re.MULTILINE)
    for requirement in [Requirement(line)]
}
LINE = re.compile(
    r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[\w.]+( ; [^\\]+)? \\"
    r"|    --hash=sha256:[0-9a-f]{64}( \\)?"
)


def test_lock_holds_names_versions_and_hashes_only() -> None:
    assert [line for line in LOCK.splitlines() if not LINE.fullmatch(line)] == []


@pytest.mark.parametrize("direct", DIRECT)
def test_lock_covers_each_direct_dependency(direct: str) -> None:
    wanted = Requirement(direct)
    locked = LOCKED[canonicalize_name(wanted.name)]
    (pin,) = locked.specifier
    assert wanted.specifier.contains(pin.version)
    assert wanted.extras <= locked.extras


def test_no_pytorch_is_pulled_in() -> None:
    assert "torch" not in LOCKED
