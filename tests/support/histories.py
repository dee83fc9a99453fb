"""Hypothesis strategies for whole histories of a tiny region: what is sent, and in which order.

Here: deliveries of a few persons who move, die, change codes, are merged and corrected; orders of
arrival with withdrawals. Not here: what must hold of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from tests.support import deliveries as sent_rows
from tests.support.deliveries import Row, Sent, sent
from tests.support.identity import born, code

MONTHS = (201701, 201702, 201703, 201704)
PERSONS = 5
STEADY = 40
"""A person nothing happens to, so that no delivery and no table is empty."""
SITE_LISTS = {20170101: ("S1", "S2", "S3"), 20170301: ("S1", "S3", "S4")}
MUNICIPALITY_LISTS = {20170101: ("091", "092"), 20170301: ("091", "092", "106")}

days = st.dates(date(2017, 1, 1), date(2017, 4, 28))


@dataclass(frozen=True)
class Life:
    """What the register is to say of one person, by position of the month."""

    number: int
    places: tuple[tuple[str, date | None], ...]
    """Municipality and since when, a pair a month; since birth where there is no date."""
    omitted: frozenset[int]
    death: date | None
    new_code_from: int | None
    merged_into: int | None
    """Another person who is taken for this one."""
    merged_months: frozenset[int]
    protected_from: int | None

    def codes(self, month: int) -> tuple[str, str | None]:
        """The code in force in a month, and the former one."""
        first, second = code(self.number), code(self.number + 20)
        changed = self.new_code_from is not None and self.new_code_from <= month
        return (second, first) if changed else (first, None)


places = st.tuples(st.sampled_from(["091", "092", "106", "444"]), st.none() | days)
position = st.integers(0, len(MONTHS) - 1)


@st.composite
def lives(draw: st.DrawFn, number: int, *, with_orders: bool) -> Life:
    """A person to whom little happens, mostly."""
    home = draw(places)
    other = draw(places)
    move = draw(st.none() | position)
    return Life(
        number=number,
        places=tuple(other if move is not None and m >= move else home for m in range(4)),
        omitted=draw(st.frozensets(position, max_size=2)),
        death=draw(st.none() | st.none() | days),
        new_code_from=draw(st.none() | position),
        merged_into=draw(st.none() | st.none() | st.integers(0, PERSONS - 1)),
        merged_months=draw(st.frozensets(position)),
        protected_from=draw(st.none() | position) if with_orders else None,
    )


def register(people: Iterable[Life], month: int) -> Sent:
    """The snapshot of a month."""
    everybody = {life.number: life for life in people}
    rows = [sent_rows.resident(code(STEADY), born(STEADY))]
    claimed = {
        life.merged_into: life
        for life in everybody.values()
        if life.merged_into not in (None, life.number) and month in life.merged_months
    }
    hidden = {life.number for life in claimed.values()}
    for life in everybody.values():
        if month not in life.omitted and life.number not in hidden:
            rows.append(_register_row(life, claimed.get(life.number), month))
    return sent(sent_rows.RESIDENTS, MONTHS[month], *rows)


def _register_row(life: Life, taken_in: Life | None, month: int) -> Row:
    present, former = life.codes(month)
    place, since = life.places[month]
    dead = life.death if life.death and life.death <= _last_day(month) else None
    return sent_rows.resident(
        present,
        born(life.number),
        previous_person_id=taken_in.codes(month)[0] if taken_in else former,
        municipality_code=place,
        moved_date=since,
        death_date=dead,
        has_protection_order=life.protected_from is not None and life.protected_from <= month,
    )


def _last_day(month: int) -> date:
    first_of_next = date(2017, MONTHS[month] % 100 + 1, 1)
    return first_of_next - timedelta(days=1)


hours = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour),
    days,
    st.sampled_from([8, 12, 23]),
)
anybody = st.sampled_from([code(n) for n in (*range(PERSONS), *range(20, 20 + PERSONS), 99)])


@st.composite
def encounters(draw: st.DrawFn, month: int) -> Sent:
    """An increment: rows of six encounters, whose other versions other months may hold."""
    numbers = draw(st.lists(st.integers(1, 6), max_size=4))
    rows = [
        sent_rows.encounter(
            number,
            draw(anybody),
            min(draw(hours), datetime.combine(_last_day(month), datetime.min.time())),
            site_id=draw(st.sampled_from(["S1", "S1", "S2", "S4", "S9"])),
            updated_at=draw(hours),
        )
        for number in numbers
    ]
    steady = sent_rows.encounter(
        100 + month, code(STEADY), datetime(2017, 1, 2 + month, 10), site_id="S1"
    )
    return sent(sent_rows.ENCOUNTERS, MONTHS[month], *rows, steady)


@st.composite
def diagnoses(draw: st.DrawFn, month: int) -> Sent:
    """An increment: codes of encounters that may come later, or never."""
    rows = [
        sent_rows.diagnosis(
            number,
            draw(anybody),
            min(draw(days), _last_day(month)),
            icd10_code=draw(st.sampled_from(["I10", "E119"])),
            updated_at=draw(hours),
        )
        for number in draw(st.lists(st.integers(1, 7), max_size=3))
    ]
    steady = sent_rows.diagnosis(100 + month, code(STEADY), date(2017, 1, 2 + month))
    return sent(sent_rows.DIAGNOSES, MONTHS[month], *rows, steady)


@st.composite
def enrolments(draw: st.DrawFn, month: int) -> Sent:
    """An increment: rows of three enrolments, whose other versions other months may hold."""
    rows = []
    for number in draw(st.lists(st.integers(1, 3), max_size=3)):
        start = draw(days)
        length = draw(st.none() | st.integers(1, 90))
        end = None if length is None else start + timedelta(days=length)
        row = sent_rows.enrolment(
            f"L{number}",
            draw(anybody),
            start,
            end_date=end,
            site_id=draw(st.sampled_from(["S1", "S3", "S4"])),
            updated_at=draw(hours),
        )
        rows.append(row)
    steady = sent_rows.enrolment("L99", code(STEADY), date(2017, 1, 2))
    return sent(sent_rows.ENROLMENTS, MONTHS[month], *rows, steady)


def lists() -> list[Sent]:
    """Two versions of each reference list."""
    return [
        *(
            sent(sent_rows.SITES, s, *(sent_rows.site(i, f"P{i}") for i in ids))
            for s, ids in SITE_LISTS.items()
        ),
        *(
            sent(sent_rows.MUNICIPALITIES, s, *(sent_rows.municipality(i) for i in ids))
            for s, ids in MUNICIPALITY_LISTS.items()
        ),
    ]


@st.composite
def regions(draw: st.DrawFn, *, with_orders: bool = True) -> list[Sent]:
    """All deliveries of a region in the order of their months, some of them missing."""
    people = [draw(lives(n, with_orders=with_orders)) for n in range(PERSONS)]
    monthly = [
        delivery
        for month in range(len(MONTHS))
        for delivery in (
            register(people, month),
            draw(encounters(month)),
            draw(diagnoses(month)),
            draw(enrolments(month)),
        )
    ]
    missing = draw(st.sets(st.sampled_from(range(4, len(monthly))), max_size=3))
    return [*lists(), *(d for n, d in enumerate(monthly) if n not in missing)]


@st.composite
def referrals(draw: st.DrawFn, month: int) -> Sent:
    """An increment: rows of four referrals, whose other versions other months may hold."""
    rows = [
        sent_rows.referral(number, draw(anybody), _by(draw(hours), month), updated_at=draw(hours))
        for number in draw(st.lists(st.integers(1, 4), max_size=3))
    ]
    steady = sent_rows.referral(100 + month, code(STEADY), datetime(2017, 1, 2 + month, 10))
    return sent(sent_rows.REFERRALS, MONTHS[month], *rows, steady)


@st.composite
def hospital_episodes(draw: st.DrawFn, month: int) -> Sent:
    """An increment: rows of five episodes, some of them after referrals, that may never come."""
    rows = []
    for number in draw(st.lists(st.integers(1, 5), max_size=4)):
        row = sent_rows.hospital_episode(
            number,
            draw(anybody),
            _by(draw(hours), month),
            referral_id=draw(st.none() | st.integers(1, 5)),
            updated_at=draw(hours),
        )
        rows.append(row)
    began = datetime(2017, 1, 2 + month, 10)
    steady = sent_rows.hospital_episode(100 + month, code(STEADY), began)
    return sent(sent_rows.EPISODES, MONTHS[month], *rows, steady)


@st.composite
def invoices(draw: st.DrawFn, month: int) -> Sent:
    """An increment: lines of four invoices and credit notes of these and of others."""
    rows = []
    for number in draw(st.lists(st.integers(1, 4), max_size=4)):
        credited = draw(st.none() | st.integers(1, 5))
        row = sent_rows.invoice_line(
            number,
            draw(anybody),
            min(draw(days), _last_day(month)),
            episode_id=draw(st.none() | st.integers(1, 6)),
            is_credit=credited is not None,
            credited_invoice_id=credited,
            amount_eur=Decimal("100.00") if credited is None else Decimal("-40.00"),
            updated_at=draw(hours),
        )
        rows.append(row)
    steady = sent_rows.invoice_line(100 + month, code(STEADY), date(2017, 1, 2 + month))
    return sent(sent_rows.INVOICES, MONTHS[month], *rows, steady)


def _by(moment: datetime, month: int) -> datetime:
    """No later than a month's last day."""
    return min(moment, datetime.combine(_last_day(month), datetime.min.time()))


@st.composite
def hospital_regions(draw: st.DrawFn) -> list[Sent]:
    """Deliveries of specialised care and of what it refers to, some of them missing."""
    people = [draw(lives(n, with_orders=True)) for n in range(PERSONS)]
    monthly = [
        delivery
        for month in range(len(MONTHS) - 1)
        for delivery in (
            register(people, month),
            draw(referrals(month)),
            draw(hospital_episodes(month)),
            draw(invoices(month)),
        )
    ]
    missing = draw(st.sets(st.sampled_from(range(4, len(monthly))), max_size=2))
    return [*lists(), *(d for n, d in enumerate(monthly) if n not in missing)]


CLASSES = (("P01", "A01", "1.000"), ("P08", "A11", "0.880"), ("P08", "A12", "0.120"))
KEY_LISTS = {
    20170101: (
        ("1000", "P01", "1.000000"),
        ("2000", "P01", "0.333333"),
        ("2000", "P08", "0.666667"),
    ),
    20170301: (
        ("1000", "P08", "1.000000"),
        ("3000", "P01", "0.500000"),
        ("3000", "P08", "0.500000"),
    ),
}


def money_lists() -> list[Sent]:
    """Classes in two versions, of which the first lacks one, keys in two, national costs."""
    classes = [sent_rows.service_class(*row) for row in CLASSES]
    later = [
        sent_rows.service_class(c, p) for c, p in (("A01", "P01"), ("A11", "P08"), ("A12", "P08"))
    ]
    keys = [
        sent(sent_rows.CENTRES, s, *(sent_rows.centre_key(*row) for row in rows))
        for s, rows in KEY_LISTS.items()
    ]
    national = sent(
        sent_rows.UNIT_COSTS,
        2017,
        sent_rows.unit_cost("PTH-R10-2221", "visit", "99.00", 2017),
        sent_rows.unit_cost("SOS-HOME_CARE", "hour", "45.00", 2017),
        *(sent_rows.unit_cost(f"PTH-X{n}", "visit", "1.00", 2017) for n in range(8)),
    )
    return [
        sent(sent_rows.SERVICE_CLASSES, 20170101, classes[0], *later[:1]),
        sent(sent_rows.SERVICE_CLASSES, 20170201, *classes, *later),
        *keys,
        national,
    ]


@st.composite
def ledgers(draw: st.DrawFn, month: int) -> Sent:
    """An increment: lines of five vouchers, of the month or an earlier one, some of no centre."""
    rows = []
    for number in draw(st.lists(st.integers(1, 5), max_size=4)):
        of = date(2017, 1 + draw(st.integers(0, month)), 1)
        row = sent_rows.ledger_line(
            number,
            of,
            cost_centre_code=draw(st.sampled_from(["1000", "2000", "3000", "9999"])),
            service_class_code=draw(st.none() | st.sampled_from(["P01", "P08", "P99"])),
            amount_eur=draw(st.integers(-9_999, 30_000)) * Decimal("0.01"),
            updated_at=draw(hours),
        )
        rows.append(row)
    steady = sent_rows.ledger_line(100 + month, date(2017, 1 + month, 1), service_class_code="P01")
    return sent(sent_rows.LEDGER, MONTHS[month], *rows, steady)


@st.composite
def social_services(draw: st.DrawFn, month: int) -> Sent:
    """An increment: versions of three periods of home care."""
    rows = []
    for number in draw(st.lists(st.integers(1, 3), max_size=3)):
        started = min(draw(days), _last_day(month))
        length = draw(st.none() | st.integers(0, 60))
        ended = None if length is None else started + timedelta(days=length)
        row = sent_rows.social_service(
            number,
            draw(anybody),
            started,
            ended_date=None if ended is None or ended > _last_day(month) else ended,
            updated_at=draw(hours),
        )
        rows.append(row)
    steady = sent_rows.social_service(100 + month, code(STEADY), date(2017, 1 + month, 1))
    return sent(sent_rows.SOCIAL_SERVICES, MONTHS[month], *rows, steady)


@st.composite
def money_regions(draw: st.DrawFn) -> list[Sent]:
    """Deliveries of what was done, billed and spent, some of them missing."""
    people = [draw(lives(n, with_orders=False)) for n in range(2)]
    monthly = [
        delivery
        for month in range(len(MONTHS) - 1)
        for delivery in (
            register(people, month),
            draw(encounters(month)),
            draw(social_services(month)),
            draw(hospital_episodes(month)),
            draw(invoices(month)),
            draw(ledgers(month)),
        )
    ]
    missing = draw(st.sets(st.sampled_from(range(6, len(monthly))), max_size=2))
    return [*lists(), *money_lists(), *(d for n, d in enumerate(monthly) if n not in missing)]


@dataclass(frozen=True)
class Act:
    """One thing that happens: a delivery comes, or its standing is turned over."""

    delivery: Sent
    is_arrival: bool


@dataclass(frozen=True, repr=False)
class History:
    """Batches of acts, with a build after each, and what is withdrawn at the end."""

    in_order: tuple[Sent, ...]
    batches: tuple[tuple[Act, ...], ...]
    withdrawn: tuple[Sent, ...]

    def __repr__(self) -> str:
        """Batches of sequences, + for an arrival and ~ for a withdrawal or reinstatement."""
        batches = [
            " ".join(f"{'+' if a.is_arrival else '~'}{a.delivery!r}" for a in batch)
            for batch in self.batches
        ]
        return "History(" + " | ".join(batches) + ")"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """As Hypothesis prints it."""
        printer.text(repr(self))


@st.composite
def histories(
    draw: st.DrawFn, *, with_orders: bool = True, of: st.SearchStrategy[list[Sent]] | None = None
) -> History:
    """A region whose deliveries come in any order and batches, some withdrawn or reinstated."""
    region = draw(regions(with_orders=with_orders) if of is None else of)
    acts = [Act(d, is_arrival=True) for d in draw(st.permutations(region))]
    turned = draw(st.lists(st.sampled_from(region), max_size=3))
    for delivery in turned:
        arrival = next(i for i, a in enumerate(acts) if a.delivery is delivery and a.is_arrival)
        place = draw(st.integers(arrival + 1, len(acts)))
        acts.insert(place, Act(delivery, is_arrival=False))
    cuts = sorted(draw(st.sets(st.integers(1, len(acts) - 1), max_size=3)))
    edges = [0, *cuts, len(acts)]
    batches = tuple(tuple(acts[a:b]) for a, b in itertools.pairwise(edges))
    withdrawn = tuple(d for d in region if sum(d is t for t in turned) % 2)
    return History(tuple(region), batches, withdrawn)
