"""What a scheme pays beside the capitation: acts, the incentive on both, scores of periods.

Acts have no cut-off of their own: a month is settled on the acts that core has when it is settled,
and what comes, changes or goes after that is corrected in later runs. Acts of closed months are
looked through only when something was delivered since the run before, and then only those of whom
something differs are worked out again; a scheme without fees has none.

Here: fees, shares, acts of the month, changes to acts of closed months, scores. Not here: lists
(`freezing`), amounts (`reckoning`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dagster_project.settlement.bench import Bench

FACTORS = ("act_fee", "incentive")
"""What is frozen of a month and may be put right later."""
_NO_ACT = (
    "select null::date as list_month, null::bigint as person_id, null::date as performed_date,"
    " '' as provider_id, '' as procedure_code, false as is_shadow, 0::bigint as act_count limit 0"
)
_NO_ACT_CHANGE = f"select *, '' as reason_code from ({_NO_ACT})"
_NO_SCORE = (
    "select null::date as list_month, '' as provider_id, null::date as period_start_date,"
    " null::date as period_end_date, false as is_budget_neutral,"
    " null::decimal(18, 8) as measured_weight, null::decimal(18, 16) as weighted_distance,"
    " null::decimal(18, 8) as score_room, null::decimal(18, 8) as score_share limit 0"
)


def take_acts(bench: Bench) -> bool:
    """Fees and share of the version, acts of the month, no score yet.

    Returns:
        Whether the scheme pays acts; most do not.
    """
    for table in FACTORS:
        bench.make(table)
    pays_acts = bool(bench.rows("select 1 from settle.act_fee limit 1"))
    if pays_acts:
        bench.make("act")
    else:
        bench.take("act", _NO_ACT)
    bench.take("score", _NO_SCORE)
    have_no_changes(bench)
    return pays_acts


def have_no_changes(bench: Bench) -> None:
    """Nothing to correct in a closed month."""
    for table in FACTORS:
        bench.take(f"new_{table}", f"select * from settle.{table} limit 0")
    bench.take("act_change", _NO_ACT_CHANGE)


def incentive_share(bench: Bench) -> Decimal:
    """The share of the month that is settled; 0 if it has none."""
    rows = bench.rows("select incentive_share from settle.incentive where list_month = $list_month")
    return rows[0][0] if rows else Decimal(0)


def take_closed(bench: Bench) -> None:
    """Fees and shares of closed months as settled, if any month had some."""
    if bench.rows("select 1 from settle.closed where not is_capitation_only limit 1"):
        for table in FACTORS:
            bench.add(table, "closed_" + table)


def is_capitation_only(bench: Bench) -> bool:
    """Whether nothing is paid beside the capitation, in the month or in a closed one."""
    paid = (f"select 1 from settle.{new}{table}" for table in FACTORS for new in ("", "new_"))
    return not bench.rows(f"{' union all '.join(paid)} limit 1")


def has_fees(bench: Bench) -> bool:
    """Whether acts are paid in the month or were in a closed one."""
    fees = "select 1 from settle.act_fee union all select 1 from settle.new_act_fee limit 1"
    return bool(bench.rows(fees))


def find_touched(bench: Bench, *, is_news: bool) -> None:
    """Add to `settle.touched` whose acts of closed months differ from those settled.

    Args:
        bench: With fees of closed months.
        is_news: Whether core may be other than it was at the settlement before.
    """
    bench.make("paid_act")
    if is_news or bench.rows("select 1 from settle.new_act_fee limit 1"):
        bench.make("settled_act", is_of_all=True)
        bench.add("touched", "act_touched")


def compare(bench: Bench, begin: date) -> None:
    """Acts of whoever is touched, now known less settled, into `settle.act_change`.

    Args:
        bench: With lists of closed months as they would be now.
        begin: The first month that may differ.
    """
    bench.make("settled_act", is_of_all=False)
    bench.make("act_change", begin_date=begin)
