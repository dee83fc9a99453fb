"""A thousand residents' codes, searched for in all that an installation wrote: none can be read.

Here: files and output of whole runs. Not here: messages about hostile files (`test_messages`), the
vault by itself (`test_vault_bytes`).
"""

from __future__ import annotations

import hashlib
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.vault.identities import Identities
from tests.privacy.conftest import Region
from tests.support.identity import code
from tests.support.runs import KILLED_RUN, files_under, start
from tests.support.search import codes_readable_in, found_under, unpacked
