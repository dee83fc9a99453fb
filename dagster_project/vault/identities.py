"""Who is who: identity codes and their persons, in one encrypted DuckDB file.

Here: registering codes, protection orders, the access log, and each audience's own pseudonyms.
Not here: what a code looks like (`identity_codes`), judging rows by it (`lake.gate` joins the views
that this module makes), or lists of clients and the log of their use (`way_back`).

A person's pseudonym is drawn from the code once, under the key then in force, and looked up ever
after; so keys can rotate. The code itself is stored, encrypted at rest: the way back to a client,
and a person's own request for what is held, need it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from dagster_project.errors import TietoallasError, VaultError
from dagster_project.private_files import fsync_directory, make_private_directory
from dagster_project.sql_text import literal
from dagster_project.vault.identity_codes import CODE_PATTERN, is_artificial, is_valid_code
from dagster_project.vault.keys import Keyring

__all__ = ["Identities", "PersonHash", "is_valid_code", "keyed_hash"]

_FILE_NAME = "identities.duckdb"
_BLOCK_BYTES = 64
"""Of SHA-256, as HMAC pads a key to."""
_TABLES = (
    """create table if not exists vault.main.identity (
        identity_code varchar not null,  -- upper case, century mark included
        person_id bigint not null,
        key_id varchar not null,         -- person key that the pseudonym was drawn under
        kind varchar not null,           -- official, artificial
        from_source varchar not null,    -- delivery that first brought the code
        from_sequence bigint not null
    )""",
    """create table if not exists vault.main.protection (
        person_id bigint not null,
        protection_number bigint not null,  -- 1, 2, …: how far the lake has followed is a count
        from_source varchar not null,    -- delivery that first brought the order
        from_sequence bigint not null
    )""",
    """create table if not exists vault.main.erased_person (
        person_id bigint not null        -- never drawn again
    )""",
    """create table if not exists vault.main.access_log (
        accessed_at timestamp not null,  -- UTC
        actor varchar not null,
        purpose varchar not null,
        action varchar not null,
        delivery varchar,
        record_number bigint
    )""",
    """create table if not exists vault.main.list_delivery (
        delivery_code varchar not null,  -- as on every row of the list, RL-201712-01
        list_code varchar not null,
        recipient varchar not null,
        actor varchar not null,
        purpose varchar not null,
        legal_basis varchar not null,
        delivered_at timestamp not null, -- UTC
        expires_date date not null,
        protection_count bigint not null,
        row_count bigint not null
    )""",
    """create table if not exists vault.main.list_use (
        delivery_code varchar not null,
        person_id bigint not null        -- whom the list names
    )""",
)
_VIEWS = (
    """create or replace view memory.main.identity_map as
    select identity_code, person_id from vault.main.identity""",
    """create or replace view memory.main.protected_person as
    select person_id from vault.main.protection""",
)

_Columns = dict[str, list[int] | list[str]]
PersonHash = Callable[[bytes], int]
"""From a message to an integer of 63 bits."""


def keyed_hash(key: bytes) -> PersonHash:
    """HMAC-SHA256 under a key, as its first 63 bits: what a BIGINT holds without a sign.

    Written out after RFC 2104, with the key taken in once: half the time of `hmac.digest`, over
    every person of a region.
    """
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(
        _BLOCK_BYTES, b"\0"
    )
    inner_keyed = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer_keyed = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def first_63_bits(message: bytes) -> int:
        inner, outer = inner_keyed.copy(), outer_keyed.copy()
        inner.update(message)
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:8], "big") >> 1

    return first_63_bits


class Identities:
    """The identity database, attached to one DuckDB connection as `vault`.

    To the whole instance it shows the views `identity_map(identity_code, person_id)`, with codes in
    upper case, and `protected_person(person_id)`; to the connection alone, once asked for, the temp
    table `audience_person`.

    Args:
        connection: With `httpfs` loaded and `temp_file_encryption` on.
        directory: Where the file lives; made with mode 0700 if absent.
        keyring: Its identities key opens the file.
        hash_under: Makes the hash of a key; tests put a narrower one in its place.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        directory: Path,
        keyring: Keyring,
        *,
        hash_under: Callable[[bytes], PersonHash] = keyed_hash,
    ) -> None:
        self._connection = connection
        self._directory = directory
        self._keyring = keyring
        self._hash_under = hash_under

    def attach(self) -> None:
        """Attach the database, make its tables if absent, and the views over them.

        Raises:
            VaultError: the directory is open to others, temp files would be in the clear, or the
                file does not open: another key, damaged, or in use by another process.
        """
        make_private_directory(self._directory)
        with _without_details("opening it with the key of TIETOALLAS_KEYS"):
            self._refuse_plain_temp_files()
            file, key = (literal(s) for s in (str(self._file), self._keyring.identities_key))
            self._connection.execute(f"attach {file} as vault (encryption_key {key})")
            for statement in _TABLES + _VIEWS:
                self._connection.execute(statement)
        self._narrow_files()

    def detach(self) -> None:
        """Write the log into the file and let go of it, for a backup or another process.

        Raises:
            VaultError: it is in use by a transaction.
        """
        with _without_details("closing it"):
            self._connection.execute("checkpoint vault")
            self._connection.execute("detach vault")

    def register(self, codes_sql: str, *, source: str) -> None:
        """Give each new valid code its person, in a transaction of its own; the rest stay out.

        A code that is known keeps its person, and the delivery that first brought it. Which person
        a code gets depends on the key alone, save where two codes collide: the later one is hashed
        again with a counter.

        Args:
            codes_sql: Trusted query on this connection, of the columns `identity_code`, text, and
                `delivery_sequence`; may hold NULL, codes that are not valid, repeats.
            source: Source of the deliveries.

        Raises:
            VaultError: the query or the write failed, or a transaction is open.
        """
        with _without_details("registering codes"):
            codes = self._new_codes(codes_sql)
            if codes:
                self._insert(self._persons(list(codes)), source=source, sequences=codes)

    def protect(self, person_ids_sql: str, *, source: str, sequence: int) -> int:
        """Put persons under a protection order, in a transaction of its own; lifts none.

        Args:
            person_ids_sql: Trusted query on this connection, of one column `person_id`; may hold
                NULL and repeats.
            source: Source of the delivery.
            sequence: Sequence of the delivery.

        Returns:
            How many persons were not protected before.

        Raises:
            VaultError: the query or the write failed, or a transaction is open.
        """
        with _without_details("protecting persons"):
            self._connection.execute(
                f"""create or replace temp table newly_protected as
                select distinct person_id from ({person_ids_sql}) as ordered
                where person_id is not null and not exists (
                    from protected_person where protected_person.person_id = ordered.person_id
                )"""
            )
            with self._transaction():
                self._connection.execute(
                    """insert into vault.main.protection
                    select
                        person_id,
                        (select count(*) from vault.main.protection)
                        + row_number() over (order by person_id),
                        ?,
                        ?
                    from newly_protected""",
                    [source, sequence],
                )
            row = self._connection.execute("select count(*) from newly_protected").fetchone()
            return int(row[0]) if row else 0

    def person_of(self, code: str) -> int | None:
        """The person that a code stands for; None where it is not known.

        Raises:
            VaultError: the query failed.
        """
        with _without_details("looking a code up"):
            row = self._connection.execute(
                "select person_id from identity_map where identity_code = ?", [code.upper()]
            ).fetchone()
        return int(row[0]) if row else None

    def known_person(self, code: str) -> int:
        """The person that a code stands for.

        Raises:
            TietoallasError: nobody is known by it.
            VaultError: the query failed.
        """
        person = self.person_of(code)
        if person is None:
            raise TietoallasError(
                "nobody is known by that code; check it, its century mark too, and that it was not"
                " erased before"
            )
        return person

    def codes_of(self, persons: frozenset[int]) -> frozenset[str]:
        """All codes, in upper case, that stand for any of these persons.

        Raises:
            VaultError: the query failed.
        """
        with (
            _without_details("looking codes up"),
            self._shown("asked", {"person_id": sorted(persons)}),
        ):
            rows = self._connection.execute(
                "select identity_code from identity_map"
                " where person_id in (select person_id from asked)"
            ).fetchall()
        return frozenset(code for (code,) in rows)

    def forget(self, persons: frozenset[int]) -> None:
        """Forget the codes of persons for good, and never draw their ids again.

        Their protection orders stay, as ids that lead nowhere: how far the lake has followed them
        is a count. The file is written anew, so that nothing is left between its blocks.

        Raises:
            VaultError: the write failed, or a transaction is open.
        """
        with (
            _without_details("forgetting persons"),
            self._shown("erased", {"person_id": sorted(persons)}),
            self._transaction(),
        ):
            self._connection.execute("insert into vault.main.erased_person from erased")
            self._connection.execute(
                "delete from vault.main.identity where person_id in (select person_id from erased)"
            )
        self.rewrite(self._keyring)

    def rewrite(self, keyring: Keyring) -> None:
        """Write the database anew into one file, under a keyring's key, and go on with that.

        Raises:
            VaultError: the write failed, or a transaction is open.
        """
        fresh = self._directory / f".{_FILE_NAME}.new"
        fresh.unlink(missing_ok=True)
        with _without_details("writing it anew"):
            file, key = literal(str(fresh)), literal(keyring.identities_key)
            self._connection.execute(f"attach {file} as vault_anew (encryption_key {key})")
            try:
                self._connection.execute("copy from database vault to vault_anew")
            finally:
                self._connection.execute("detach vault_anew")
        self.detach()
        fresh.chmod(0o600)
        fresh.replace(self._file)
        fsync_directory(self._directory)
        self._keyring = keyring
        self.attach()

    def log_access(
        self,
        *,
        at: datetime,
        actor: str,
        purpose: str,
        action: str,
        delivery: str | None = None,
        record_number: int | None = None,
    ) -> None:
        """Write one line of the access log, committed before return and so before what it allows.

        Args:
            at: When; a time without zone is UTC.
            actor: Who looks.
            purpose: Why.
            action: What is done (`quarantine.show`, …).
            delivery: SHA-256 of the delivery, where one is read.
            record_number: 1-based record, where one is read.

        Raises:
            VaultError: the write failed, or a transaction is open.
        """
        accessed_at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
        with _without_details("writing the access log"), self._transaction():
            self._connection.execute(
                "insert into vault.main.access_log values (?, ?, ?, ?, ?, ?)",
                [accessed_at, actor, purpose, action, delivery, record_number],
            )

    def pseudonyms(self, audience: str) -> None:
        """Make the temp table `audience_person(person_id, audience_person_id)` over all persons.

        The pseudonym is the hash, under the audience's key, of the person id as 8 big-endian bytes.

        Raises:
            VaultError: the audience has no key, or two persons would share a pseudonym.
        """
        key = self._keyring.audience_keys.get(audience)
        if key is None:
            raise VaultError(f"there is no key for the audience {audience!r}")
        self.pseudonyms_under(key, audience=audience)

    def pseudonyms_under(self, key: bytes, *, audience: str) -> None:
        """The same table under a key that is held elsewhere.

        Raises:
            VaultError: two persons would share a pseudonym.
        """
        with _without_details("making an audience's pseudonyms"):
            rows = self._connection.execute("select person_id from identity_map").fetchall()
            persons = [person_id for (person_id,) in rows]
            hashed = self._hash_under(key)
            ids = [hashed(person_id.to_bytes(8, "big")) for person_id in persons]
            if len(set(ids)) < len(ids):
                raise VaultError(
                    f"two persons share a pseudonym of {audience}; give the audience a new key"
                )
            with self._shown("made", {"person_id": persons, "audience_person_id": ids}):
                self._connection.execute(
                    "create or replace temp table audience_person as"
                    " select person_id, audience_person_id from made"
                )

    @contextmanager
    def writing(self, doing: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction on the database, for what else of the vault is kept in it (`way_back`).

        Raises:
            VaultError: a statement of the block failed, or a transaction is open.
        """
        with _without_details(doing), self._transaction():
            yield self._connection

    @property
    def _file(self) -> Path:
        return self._directory / _FILE_NAME

    def _refuse_plain_temp_files(self) -> None:
        row = self._connection.execute("select current_setting('temp_file_encryption')").fetchone()
        if not row or not row[0]:
            raise VaultError("temp files would hold codes in the clear; set temp_file_encryption")

    def _narrow_files(self) -> None:
        """DuckDB makes files by the umask; the directory is narrow before there are any."""
        for file in self._directory.glob(f"{_FILE_NAME}*"):
            file.chmod(0o600)

    def _new_codes(self, codes_sql: str) -> dict[str, int]:
        """In order, with the first delivery of each."""
        rows = self._connection.execute(
            f"""select upper(identity_code) as code, min(delivery_sequence)
            from ({codes_sql}) as arriving
            where regexp_full_match(identity_code, ?) and not exists (
                from identity_map where identity_map.identity_code = upper(arriving.identity_code)
            )
            group by code
            order by code""",
            [CODE_PATTERN],
        ).fetchall()
        return {code: sequence for code, sequence in rows if is_valid_code(code)}

    def _persons(self, codes: list[str]) -> dict[int, str]:
        """A person id of its own for each code, in the order given."""
        hashed = self._hash_under(self._keyring.person_key)
        persons: dict[int, str] = {}
        pending, attempt = codes, 0
        while pending:
            suffix = f"#{attempt}".encode() if attempt else b""
            drawn = [(hashed(code.encode() + suffix), code) for code in pending]
            stored = self._stored([person_id for person_id, _ in drawn])
            pending = [
                code
                for person_id, code in drawn
                if person_id in stored or persons.setdefault(person_id, code) != code
            ]
            attempt += 1
        return persons

    def _stored(self, person_ids: list[int]) -> set[int]:
        """Which of these ids are some person's already."""
        with self._shown("drawn", {"person_id": person_ids}):
            rows = self._connection.execute(
                "select person_id from identity_map"
                " where person_id in (select person_id from drawn) union"
                " select person_id from vault.main.erased_person"
                " where person_id in (select person_id from drawn)"
            ).fetchall()
        return {person_id for (person_id,) in rows}

    def _insert(
        self, persons: dict[int, str], *, source: str, sequences: Mapping[str, int]
    ) -> None:
        codes = list(persons.values())
        kinds = ["artificial" if is_artificial(code) else "official" for code in codes]
        columns: _Columns = {
            "identity_code": codes,
            "person_id": list(persons),
            "kind": kinds,
            "from_sequence": [sequences[code] for code in codes],
        }
        with self._shown("registered", columns), self._transaction():
            self._connection.execute(
                """insert into vault.main.identity
                select identity_code, person_id, ?, kind, ?, from_sequence from registered""",
                [self._keyring.person_key_id, source],
            )

    @contextmanager
    def _shown(self, name: str, columns: _Columns) -> Iterator[None]:
        """Let the block's SQL read Python lists as a table."""
        self._connection.register(name, pa.table(columns))
        try:
            yield
        finally:
            self._connection.unregister(name)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin transaction")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        self._narrow_files()


@contextmanager
def _without_details(doing: str) -> Iterator[None]:
    """Turn DuckDB's error into one without its text, which may quote a key, a code or the SQL."""
    try:
        yield
    except duckdb.Error as error:
        raise VaultError(
            f"the identity database failed in {doing} ({type(error).__name__})"
        ) from None
