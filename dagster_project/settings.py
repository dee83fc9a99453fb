"""One typed settings object, read from the environment.

Here: where things live and how much of the machine they may use. Not here: secrets (`vault.keys`).
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_GIB = 1024**3
_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")


class Settings(BaseSettings):
    """Settings of one installation; each field is the variable `TIETOALLAS_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="TIETOALLAS_", frozen=True)

    home: Path = Field(default=PROJECT_ROOT / "var", description="Where all data live.")
    keys: Path | None = Field(default=None, description="Key file; outside lake and repository.")
    catalog: str = Field(
        default="sqlite", description="`sqlite`, or a PostgreSQL connection string."
    )
    engine: str = Field(
        default="duckdb",
        pattern=r"^(duckdb|spark|sc://.+)$",
        description="`duckdb`; `spark` in this process; or a Spark Connect server, `sc://host:port`.",
    )
    memory_limit_gib: float | None = Field(default=None, gt=0, description="DuckDB memory limit.")
    threads: int | None = Field(default=None, ge=1, description="DuckDB threads.")
    contracts: Path | None = Field(
        default=None, description="A folder of contracts of one's own, beside the installation's."
    )
    sql: Path | None = Field(
        default=None, description="A folder of models of one's own (`core/`, `mart/`), likewise."
    )
    min_free_disk_gib: float = Field(
        default=1.0, ge=0, description="A run refuses to start below this."
    )
    keep_landing: bool = Field(default=False, description="Keep landing files after their commit.")
    omop_vocabulary: Path | None = Field(
        default=None,
        description="Folder of OMOP vocabulary files (CONCEPT.csv, CONCEPT_RELATIONSHIP.csv).",
    )
    release_folder: Path | None = Field(
        default=None,
        description="Where releases go, if not into the home, which is its owner's alone.",
    )
    reader_groups: dict[str, str] = Field(
        default_factory=dict,
        description="Group that may read a shelf of a release; as JSON, by shelf.",
    )
    recipients: Path | None = Field(
        default=None,
        description="YAML file of those who may have lists of clients: public age key, lists.",
    )
    keep_releases: int = Field(
        default=12, ge=1, description="Releases kept under published/releases."
    )
    retain_snapshot_days: int = Field(
        default=7, ge=0, description="Lake snapshots kept by maintenance."
    )

    @property
    def landing(self) -> Path:
        """Deliveries as sent: `landing/<source>/<table>/<file>`."""
        return self.home / "landing"

    @property
    def vault(self) -> Path:
        """The identified zone; mode 0700."""
        return self.home / "vault"

    @property
    def lake(self) -> Path:
        """DuckLake catalog and Parquet files."""
        return self.home / "lake"

    @property
    def published(self) -> Path:
        """Releases, and `current`, which names the one in force."""
        return self.release_folder or self.home / "published"

    @property
    def outgoing(self) -> Path:
        """Lists of clients, each sealed for its recipient; mode 0700."""
        return self.home / "outgoing"

    @property
    def temp(self) -> Path:
        """Spill and staging space; mode 0700, emptied when a writer starts."""
        return self.home / "tmp"

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance: run history and event log."""
        return self.home / "dagster"

    @cached_property
    def worker_threads(self) -> int:
        """Threads in force: as set, else the processors this process may use, cgroup included."""
        if self.threads:
            return self.threads
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        return max(1, min(processors, cgroup_processors(_CPU_LIMIT) or processors))

    @cached_property
    def memory_limit_bytes(self) -> int:
        """DuckDB's memory limit in bytes: as set, else 40 % of machine or cgroup, at most 4 GiB.

        The rest is for the vault's buffers, Python and the page cache: 6 GB resident in all.
        """
        if self.memory_limit_gib is not None:
            return int(self.memory_limit_gib * _GIB)
        return min(4 * _GIB, int(available_memory_bytes() * 0.4))


def cgroup_processors(limit_file: Path) -> int | None:
    """Whole processors that a cgroup's `cpu.max` (quota and period) allows; None without limit."""
    if not limit_file.exists():
        return None
    quota, _, period = limit_file.read_text().strip().partition(" ")
    return int(quota) // int(period) if quota.isdigit() and period.isdigit() else None


def available_memory_bytes() -> int:
    """Memory this process may use, in bytes: the limit of its cgroup, or of the machine."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in (
        Path("/sys/fs/cgroup/memory.max"),
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ):
        if limit_file.exists():
            limit = limit_file.read_text().strip()
            if limit.isdigit():
                return min(machine, int(limit))
    return machine
