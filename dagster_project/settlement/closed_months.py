"""Closed months as they would be settled today, held against what was settled: the changes.

What was settled stands in frozen lists, under the terms of each month and whichever scheme paid for
it then. Only those are listed again of whom something was delivered that may list them otherwise.

Here: who those are, and their changes. Not here: lists (`lists`), acts (`acts`), euros
(`reckoning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dagster_project.errors import TietoallasError
from dagster_project.lake.builds import last_event_id, newest_green
from dagster_project.lake.connection import Lake
from dagster_project.settlement import acts
from dagster_project.settlement.bench import Bench
from dagster_project.settlement.lists import TERMS, add_closed_lists
from dagster_project.settlement.scheme import CHOICES, REGISTER, CutOff

RUN = "mart.capitation_run"
CORRECTED = ("tariff", "regional_factor", "breakpoint")
"""Factors of closed months that a correction of the rulebook may change."""
SUMS = ("settled_cell", "settled_sum")
"""Of `settled_entry`."""
_CLOSED = ("tariff", "regional_factor", "group_factor")
"""Of closed months, as settled."""
_NOBODY = "select null::bigint as person_id, '' as touched_code limit 0"


@dataclass(frozen=True)
class Earlier:
    """The settlement before, of the same service."""

    capitation_run_id: int
    settlement_month: date
    last_event_id: int
    cut_off: CutOff


def _earlier_run(bench: Bench) -> Earlier | None:
    """The newest settlement of the service before the month."""
    rows = bench.rows(
        f"select capitation_run_id, settlement_month, last_event_id from {RUN}"
        " where service_code = $service_code and settlement_month < $list_month"
        " order by capitation_run_id desc limit 1"
    )
    if not rows:
        return None
    run_id, settled, event_id = rows[0]
    return Earlier(run_id, settled, event_id, run_cut_off(bench.lake, run_id))


def run_cut_off(lake: Lake, run_id: int) -> CutOff:
    """The newest deliveries that a run took note of."""
    sequences = dict(
        lake.rows(
            "select source || '/' || table_name, delivery_sequence from ledger.frozen_source"
            " where capitation_run_id = ?",
            [run_id],
        )
    )
    return CutOff(sequences[CHOICES], sequences[REGISTER])


def gather_changes(bench: Bench) -> None:
    """What is known now of closed months less what was settled, into `settle.change`."""
    earlier = _earlier_run(bench)
    if earlier is not None:
        bench.make("score")
        _compare(bench, earlier)
        bench.take("month", "select list_month, year_days, neutrality_factor from settle.closed")


def _compare(bench: Bench, earlier: Earlier) -> None:
    _find_touched(bench, earlier)
    take_closed(bench)
    bench.make("in_force")
    _refuse_other_terms(bench)
    for table in acts.FACTORS:
        bench.make(f"new_{table}")
    take_settled(bench)
    if acts.has_fees(bench):
        acts.find_touched(bench, is_news=_is_news(bench.lake, earlier))
    _relist(bench)
    bench.make("corrected")
    for table in CORRECTED:
        bench.make(f"new_{table}")
    _refuse_other_bands(bench)


def _find_touched(bench: Bench, earlier: Earlier) -> None:
    """Who may be listed otherwise than was settled, into `settle.touched`."""
    bench.make("withdrawn_person", last_event_id=earlier.last_event_id)
    is_full = _is_out_of_turn(bench.lake, earlier)
    _find_told_otherwise(bench, earlier, is_full=is_full)
    bench.make(
        "touched",
        earlier_enrolment_sequence=earlier.cut_off.enrolment_sequence,
        earlier_register_sequence=earlier.cut_off.register_sequence,
        first_date=_first_closed(bench),
        is_full=is_full,
    )


def _find_told_otherwise(bench: Bench, earlier: Earlier, *, is_full: bool) -> None:
    """Who is told of otherwise by deliveries of the register, or of places, that turned since."""
    turned = _turned(bench.lake, earlier)
    register = turned.get(REGISTER, ())
    if register and not is_full:
        before = bench.lake.value(
            "select max(delivery_sequence) from effective.delivery"
            " where source || '/' || table_name = ? and not list_contains(?, delivery_sequence)",
            [REGISTER, register],
        )
        looked_at = [*register, *([] if before is None else [before])]
        bench.make(
            "register_change",
            last_event_id=earlier.last_event_id,
            sequence_before=before,
            first_sequence=min(looked_at),
            last_sequence=max(looked_at),
        )
    else:
        bench.take("register_change", _NOBODY)
    if turned.keys() & _PLACES and not is_full:
        bench.make("reference_change", last_event_id=earlier.last_event_id)
    else:
        bench.take("reference_change", _NOBODY)


_PLACES = {"reference/sites", "reference/municipalities"}


def _turned(lake: Lake, earlier: Earlier) -> dict[str, list[int]]:
    """Sequences of the deliveries that came, went or came back since a settlement, by table."""
    return dict(
        lake.rows(
            "select source || '/' || table_name, list(distinct delivery_sequence)"
            " from ops.delivery_event where event_id > ? group by all",
            [earlier.last_event_id],
        )
    )


def _first_closed(bench: Bench) -> date:
    first: date = bench.rows("select min(list_month) from settle.closed")[0][0]
    return first


def take_closed(bench: Bench) -> None:
    """Factors, fees and shares of closed months as settled; most schemes have no steps."""
    for table in _CLOSED:
        bench.add(table, "closed_" + table)
    if bench.rows("select 1 from ledger.frozen_breakpoint limit 1"):
        bench.add("breakpoint", "closed_breakpoint")
    acts.take_closed(bench)


def take_settled(bench: Bench) -> None:
    """What the ledger has of closed months."""
    for table in ("settled_entry", *SUMS):
        bench.make(table)


def _refuse_other_bands(bench: Bench) -> None:
    """The days of a closed month are kept by its age bands: no other band can be put to them.

    Raises:
        TietoallasError: the rulebook now has other bands for a closed month.
    """
    bands = "select list_month, age_from, age_to, sex_code from settle"
    then = f"{bands}.tariff semi join settle.corrected using (list_month)"
    months = bench.rows(
        f"select distinct list_month from (({bands}.new_tariff except ({then}))"
        f" union all (({then}) except {bands}.new_tariff)) order by list_month"
    )
    if months:
        raise TietoallasError(
            f"{bench.values['list_month']:%Y-%m} cannot be settled: the age bands of"
            f" {bench.values['rulebook_id']} for the closed month {months[0][0]:%Y-%m} are no"
            " longer those it was settled by; leave its bands as they were and correct amounts"
            " alone, or let new bands take effect in a month that is open"
        )


def _refuse_other_terms(bench: Bench) -> None:
    """Whom a closed month paid for is settled: its lists are made on the terms of then.

    Raises:
        TietoallasError: the rulebook now has other terms for a closed month.
    """
    differing = " or ".join(f"scheme.{name} <> closed.{name}" for name in TERMS)
    months = bench.rows(
        "select closed.list_month, closed.rulebook_id from settle.closed as closed"
        " inner join settle.in_force as in_force using (list_month)"
        " inner join rulebook.capitation_scheme as scheme"
        " on in_force.rulebook_id = scheme.rulebook_id"
        f" and in_force.version_date = scheme.valid_from_date where {differing} order by all"
    )
    if months:
        month, rulebook_id = months[0]
        raise TietoallasError(
            f"{bench.values['list_month']:%Y-%m} cannot be settled: {' or '.join(TERMS)} of"
            f" {rulebook_id} for the closed month {month:%Y-%m} is no longer what it was settled"
            " by; leave it as it was, or let other terms take effect in a month that is open"
        )


def _relist(bench: Bench) -> None:
    """Lists of closed months as they would be now, from the first day that may differ."""
    (touched,) = bench.rows(
        "select cast(date_trunc('month', min(from_date)) as date) from settle.touched"
    )[0]
    if touched is None:
        return
    begin = max(_first_closed(bench), touched)
    add_closed_lists(bench, begin)
    bench.make("settled", begin_date=begin)
    bench.make("change")
    if acts.has_fees(bench):
        acts.compare(bench, begin)


def _is_news(lake: Lake, earlier: Earlier) -> bool:
    """Whether core may be other than it was at the settlement before: by deliveries or models."""
    models = lake.rows(
        "select build.models_sha256 from ops.build as build inner join mart.capitation_run as run"
        " on build.snapshot_id = run.snapshot_id where run.capitation_run_id = ?",
        [earlier.capitation_run_id],
    )
    is_rebuilt = (newest_green(lake).models_sha256,) not in models
    return is_rebuilt or earlier.last_event_id != last_event_id(lake)


def _is_out_of_turn(lake: Lake, earlier: Earlier) -> bool:
    """Whether a delivery up to the cut-off before was withdrawn, put back or came since."""
    for key, sequence in (
        (CHOICES, earlier.cut_off.enrolment_sequence),
        (REGISTER, earlier.cut_off.register_sequence),
    ):
        source, table = key.split("/")
        if lake.count(
            "select count(*) from ops.delivery_event where event_id > ? and source = ?"
            " and table_name = ? and delivery_sequence <= ?",
            [earlier.last_event_id, source, table, sequence],
        ):
            return True
    return False
