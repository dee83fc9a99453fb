"""Days and acts of protected persons, which the vault's zone counts and the lake may not tell.

Here: what is asked of it, and adding what it lets out to the month's inputs. Not here: the count
(`vault.hidden_lists`).
"""

from __future__ import annotations

from datetime import date
from functools import partial

from dagster_project.contracts.model import Catalogue
from dagster_project.pipeline import Session
from dagster_project.settlement.bench import Bench
from dagster_project.settlement.scheme import ACTS, CHOICES
from dagster_project.vault.hidden_lists import (
    HiddenAct,
    HiddenDays,
    Record,
    Sent,
    count_hidden,
    count_hidden_acts,
)


def add_days(session: Session, bench: Bench) -> None:
    """Add the days of protected persons to the lists they are on.

    Raises:
        VaultError: a delivery that says whose list it is cannot be read.
    """
    if not _are_some(bench):
        return
    bench.make("hidden_choice")
    bench.make("hidden")
    sent = _Deliveries(bench, session.definition.catalogue, CHOICES)
    by_delivery: dict[int, dict[int, int]] = {}
    for sequence, record, days in bench.rows("select * from settle.hidden order by all"):
        by_delivery.setdefault(sequence, {})[record] = days
    hidden = [HiddenDays(sent.of(sequence), days) for sequence, days in by_delivery.items()]
    lists = bench.rows(
        "select provider_id, cast(sum(person_days) as bigint) from settle.listed"
        " where status_code = 'paid' group by provider_id order by all"
    )
    for counted in count_hidden(session.blobs, hidden, dict(lists), _shadow(bench)):
        bench.run(
            "insert into memory.settle.listed by name select $list_month as list_month,"
            " 'paid' as status_code, provider_id, is_shadow, $person_count as person_count,"
            " $person_days as person_days from settle.provider where provider_id = $provider_id",
            provider_id=counted.provider_id,
            person_count=counted.person_count,
            person_days=counted.person_days,
        )


def add_acts(session: Session, bench: Bench) -> None:
    """Add the acts that were done to protected persons by the provider whose list they are on.

    Raises:
        VaultError: a delivery that says where, or whose list it is, cannot be read.
    """
    if not bench.rows("select 1 from settle.act_fee limit 1") or not _are_some(bench):
        return
    bench.make("hidden_act")
    catalogue = session.definition.catalogue
    acts, choices = (_Deliveries(bench, catalogue, key) for key in (ACTS, CHOICES))
    hidden = [
        HiddenAct(
            person_id=person_id,
            procedure_code=code,
            performed_date=day,
            act=Record(acts.of(act_sequence), act_record),
            choice=Record(choices.of(choice_sequence), choice_record),
        )
        for person_id, code, day, act_sequence, act_record, choice_sequence, choice_record in (
            bench.rows("select * from settle.hidden_act order by all")
        )
    ]
    rows = bench.rows(
        "select provider_id, procedure_code, cast(sum(act_count) as bigint) from settle.act"
        " where list_month = $list_month group by all order by all"
    )
    seen = {(provider_id, code): count for provider_id, code, count in rows}
    provider_at = partial(_provider_at, _sites(bench))
    counted = count_hidden_acts(session.blobs, hidden, provider_at, seen, _shadow(bench))
    for (provider_id, code), count in sorted(counted.items()):
        bench.run(
            "insert into memory.settle.act by name select $list_month as list_month, provider_id,"
            " $procedure_code as procedure_code, is_shadow, $act_count as act_count"
            " from settle.provider where provider_id = $provider_id",
            provider_id=provider_id,
            procedure_code=code,
            act_count=count,
        )


def _are_some(bench: Bench) -> bool:
    sql = "select 1 from settle.listed where status_code = 'hidden' limit 1"
    return bool(bench.rows(sql))


def _shadow(bench: Bench) -> set[str]:
    """Providers whose lists are reckoned and not paid."""
    return {p for (p,) in bench.rows("select provider_id from settle.provider where is_shadow")}


class _Deliveries:
    """Deliveries of a table by their sequence."""

    def __init__(self, bench: Bench, catalogue: Catalogue, key: str) -> None:
        self._catalogue, self._key = catalogue, key
        source, table = key.split("/")
        self._digests = dict(
            bench.lake.rows(
                "select delivery_sequence, sha256 from ops.delivery"
                " where source = ? and table_name = ?",
                [source, table],
            )
        )

    def of(self, sequence: int) -> Sent:
        return Sent(self._catalogue.in_force(self._key, sequence), self._digests[sequence])


_Site = tuple[str, date, date | None]


def _sites(bench: Bench) -> dict[str, list[_Site]]:
    """By site, whose it was from a day and to a day."""
    found: dict[str, list[_Site]] = {}
    for site_id, *owned in bench.rows(
        "select site_id, provider_id, valid_from_date, valid_to_date from core.site"
    ):
        provider_id, starts, ends = owned
        found.setdefault(site_id, []).append((provider_id, starts, ends))
    return found


def _provider_at(sites: dict[str, list[_Site]], site_id: str, day: date) -> str | None:
    """Whose site it is on a day."""
    for provider_id, starts, ends in sites.get(site_id, []):
        if starts <= day and (ends is None or day < ends):
            return provider_id
    return None
