"""Settlement over tables that a test writes: core by hand, rulebooks by hand, the product's ledger.

Here: a lake without deliveries, in memory, and months settled on it. Not here: core as models build
it (`quick_lake`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import duckdb

from dagster_project.lake import connection, ddl, views
from dagster_project.lake.casts import CREATE_MACROS
from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES
from dagster_project.lake.runs import Run
from dagster_project.pipeline import Definition, Session, load_definition
from dagster_project.rulebook import Rulebook
from dagster_project.settings import Settings
from dagster_project.settlement import runs
from tests.support.quick_lake import QuickLake

MAY = date(2017, 5, 1)
AREA = ("106", "186")
CORE = {
    "core.person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "core.person_alias": "alias_person_id bigint, person_id bigint",
    "core.person_link": "from_person_id bigint, to_person_id bigint, known_from_seq bigint,"
    " known_to_seq bigint",
    "core.residence": "person_id bigint, municipality_code varchar, valid_from_date date,"
    " valid_to_date date, known_from_seq bigint, known_to_seq bigint",
    "core.enrolment": "enrolment_id varchar, person_id bigint, service_code varchar,"
    " provider_id varchar, site_id varchar, valid_from_date date, valid_to_date date,"
    " is_ended_by_next boolean, known_from_seq bigint, known_to_seq bigint",
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
    "core.provider": "provider_id varchar, provider_name varchar, business_id varchar,"
    " sector_code varchar",
    "core.site": "site_id varchar, provider_id varchar, sector_code varchar,"
    " service_code varchar, municipality_code varchar, valid_from_date date, valid_to_date date",
    "core.voucher_provider": "business_id varchar, facilitator_provider_id varchar,"
    " known_to_seq bigint",
    "core.procedure": "procedure_code varchar, person_id bigint, site_id varchar,"
    " performed_date date, procedure_month date",
    "mart.capitation_tariff": "rulebook_id varchar, version_date date, age_from integer,"
    " age_to integer, sex_code varchar, base_eur decimal(18,6)",
    "mart.incentive_contribution": "provider_id varchar, service_code varchar,"
    " period_start_date date, is_early_warning boolean, weight decimal(18,8),"
    " counted_part decimal(18,8), effective_weight decimal(18,8), neutral_score decimal(18,8),"
    " bonus_share decimal(18,8), sanction_share decimal(18,8), is_budget_neutral boolean",
    "core.indicator_period": "period_start_date date, period_end_date date",
    "mart.capitation_need_factor": "rulebook_id varchar, version_date date, settlement_month date,"
    " provider_id varchar, need_factor decimal(18,8)",
    "mart.capitation_correction_factor": "rulebook_id varchar, version_date date,"
    " group_id varchar, factor decimal(18,8), observed_eur decimal(18,2),"
    " expected_eur decimal(18,2), credibility_weight decimal(18,8), raw_factor decimal(18,8),"
    " share_without_contact decimal(18,8), window_from_date date, window_to_date date",
    "staging.enrolments": "person_id bigint, delivery_sequence bigint, enrolment_id varchar,"
    " updated_at timestamp, record_number bigint, site_id varchar, provider_id varchar",
    "staging.residents": "person_id bigint, delivery_sequence bigint, previous_person_id bigint,"
    " sex_code varchar, birth_date date",
    "staging.sites": "delivery_sequence bigint, site_id varchar, provider_id varchar,"
    " sector_code varchar, service_code varchar, municipality_code varchar, valid_from_date date,"
    " valid_to_date date",
    "staging.municipalities": "delivery_sequence bigint, municipality_code varchar,"
    " is_trial_area boolean, valid_from_date date",
}
"""Columns that a settlement reads, by table."""
_BOOKS = {
    "capitation_scheme": {
        "rulebook_id": "varchar",
        "service_code": "varchar",
        "mode_code": "varchar",
        "base_code": "varchar",
        "is_budget_neutral": "boolean",
        "adults_from_age": "integer",
        "choice_delay_days": "integer",
        "window_months": "integer",
        "credibility_eur": "decimal(18,2)",
        "factor_lower": "decimal(18,8)",
        "factor_upper": "decimal(18,8)",
        "is_shadow_for_public": "boolean",
    },
    "capitation_amount": {
        "rulebook_id": "varchar",
        "age_from": "integer",
        "age_to": "integer",
        "sex_code": "varchar",
        "amount_eur": "decimal(18,2)",
    },
    "capitation_regional_factor": {
        "rulebook_id": "varchar",
        "municipality_code": "varchar",
        "factor": "decimal(18,8)",
    },
    "capitation_basket": {"rulebook_id": "varchar", "package_class_code": "varchar"},
    "capitation_act_fee": {
        "rulebook_id": "varchar",
        "procedure_code": "varchar",
        "fee_eur": "decimal(18,2)",
    },
    "capitation_payer": {"service_code": "varchar", "rulebook_id": "varchar"},
    "capitation_incentive": {"rulebook_id": "varchar", "incentive_share": "decimal(18,8)"},
    "capitation_breakpoint": {
        "rulebook_id": "varchar",
        "list_from_count": "bigint",
        "amount_eur": "decimal(18,2)",
    },
}
_SCHEME = {
    "rulebook_id": "R",
    "service_code": "reception",
    "mode_code": "trial",
    "base_code": "fixed",
    "is_budget_neutral": "false",
    "adults_from_age": "0",
    "choice_delay_days": "0",
    "window_months": "12",
    "credibility_eur": "1000",
    "factor_lower": "0.5",
    "factor_upper": "2",
    "is_shadow_for_public": "false",
}
Band = tuple[int, int, str, str]


@dataclass(frozen=True)
class Tariff:
    """A version of a scheme, and that it pays from its first day on."""

    starts: date = date(2010, 1, 1)
    bands: Sequence[Band] = ((0, 200, "any", "365.00"),)
    """Age from, age to, sex, euros per person-year."""
    regional: Mapping[str, str] | None = None
    acts: Mapping[str, str] | None = None
    breakpoints: Mapping[int, str] | None = None
    incentive: str = "0"
    others: Mapping[str, str] | None = None
    """Of the scheme."""
    rulebook_id: str = "R"


def rulebooks(*tariffs: Tariff) -> tuple[Rulebook, ...]:
    """The rulebooks of schemes in these versions."""
    rows: dict[str, list[tuple[date, tuple[str, ...]]]] = {name: [] for name in _BOOKS}
    for t in tariffs:
        scheme = _SCHEME | {"rulebook_id": t.rulebook_id} | dict(t.others or {})
        rows["capitation_scheme"].append((t.starts, tuple(scheme.values())))
        factors = t.regional or dict.fromkeys(AREA, "1")
        stated: dict[str, list[tuple[str, ...]]] = {
            "capitation_amount": [(str(a), str(b), sex, eur) for a, b, sex, eur in t.bands],
            "capitation_regional_factor": list(factors.items()),
            "capitation_basket": [("P01",)],
            "capitation_act_fee": list((t.acts or {}).items()),
            "capitation_incentive": [(t.incentive,)],
            "capitation_breakpoint": [(str(n), e) for n, e in (t.breakpoints or {}).items()],
        }
        for name, found in stated.items():
            rows[name] += [(t.starts, (t.rulebook_id, *row)) for row in found]
        rows["capitation_payer"].append((t.starts, (scheme["service_code"], t.rulebook_id)))
    return tuple(
        Rulebook(name, "", columns, tuple(rows[name]), sha256=str(hash(tuple(rows[name]))))
        for name, columns in _BOOKS.items()
    )


class Desk:
    """A lake to settle on; no dataclass, for a failing case would print all that it holds."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def lake(self) -> QuickLake:
        """Where everything is."""
        return cast(QuickLake, self.session.lake)

    def put(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Add rows to a table of core or a mart of factors."""
        for row in rows:
            marks = ", ".join("?" for _ in row)
            self.lake.execute(f"insert into lake.{table} values ({marks})", list(row))

    def replace(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Have a table hold these rows and no others."""
        self.lake.execute(f"delete from lake.{table}")
        self.put(table, *rows)

    def person(self, number: int, born: date = date(1980, 1, 1), sex: str = "1") -> int:
        """Somebody who has lived in 106 since 2000."""
        self.put("core.person", (number, sex, born, None))
        self.put("core.residence", (number, "106", date(2000, 1, 1), None, 201001, None))
        return number

    def choice(
        self,
        person: int,
        start: date = date(2010, 1, 1),
        end: date | None = None,
        **others: Any,
    ) -> None:
        """A choice of provider P1, site S1, known from the beginning unless told otherwise."""
        row = {
            "enrolment_id": "L1",
            "person_id": person,
            "service_code": "reception",
            "provider_id": "P1",
            "site_id": "S1",
            "valid_from_date": start,
            "valid_to_date": end,
            "is_ended_by_next": False,
            "known_from_seq": 201001,
            "known_to_seq": None,
        }
        assert others.keys() <= row.keys()
        self.put("core.enrolment", tuple((row | others).values()))

    def delivered(self, *months: date) -> None:
        """Deliveries of the register, the portal and the acts for these months."""
        for month in months:
            covers, sequence = _last(month), month.year * 100 + month.month
            for source, table in (
                ("enrolment_portal", "enrolments"),
                ("population_register", "residents"),
                ("apotti", "procedures"),
            ):
                before = sequence - 1 if month.month > 1 else sequence - 89
                self.put(
                    "ops.delivery",
                    (
                        source,
                        table,
                        sequence,
                        "",
                        "1.0.0",
                        0,
                        0,
                        0,
                        0,
                        0,
                        before,
                        covers,
                        datetime(2017, 1, 1),
                        "run",
                    ),
                )

    def act(self, person: int, day: date, site: str = "S1", code: str = "SFA10") -> None:
        """An act that core knows from now on."""
        self.put("core.procedure", (code, person, site, day, day.replace(day=1)))
        self.news()

    def news(self) -> None:
        """Something was delivered, and built since."""
        event_id = 1 + self.lake.count("select coalesce(max(event_id), 0) from ops.delivery_event")
        sequence = 900_000 + event_id
        event = (event_id, "apotti", "procedures", sequence, "landed", "", MAY, "run")
        self.put("ops.delivery_event", event)
        self.lake.execute("update lake.ops.build set last_event_id = ?", [event_id])

    def settle(self, month: date, rulebook_id: str = "R", **others: Any) -> runs.Settled:
        """Settle a month."""
        return runs.settle(self.session, month, rulebook_id, **others)

    def tariff(self, *tariffs: Tariff) -> Desk:
        """The desk under these versions of schemes; fixed amounts become the tariff at once."""
        books = rulebooks(*tariffs)
        views.create_rulebook_views(self.lake, books)
        self.lake.execute("delete from lake.mart.capitation_tariff")
        for t in tariffs:
            for age_from, age_to, sex, eur in t.bands:
                for one in ("1", "2") if sex == "any" else (sex,):
                    row = (t.rulebook_id, t.starts, age_from, age_to, one, Decimal(eur))
                    self.put("mart.capitation_tariff", row)
        whole = load_definition()
        definition = Definition(whole.catalogue, books, whole.graph, whole.outputs)
        return Desk(replace(self.session, definition=definition))

    def rows(self, table: str, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a table in order of their values."""
        return self.lake.rows(f"select {columns} from {table} where {where} order by all")

    def paid(self, month: date | None = None) -> dict[str, Decimal]:
        """Euros by provider, shadows left out."""
        chosen = f"settlement_month = date '{month}'" if month else "true"
        rows = self.rows(
            "mart.capitation_payment", "provider_id, amount_eur", f"not is_shadow and {chosen}"
        )
        return dict(rows)


def _last(month: date) -> date:
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def desk(*tariffs: Tariff) -> Desk:
    """A desk with two municipalities, two private providers, a public one, and May delivered."""
    plain = duckdb.connect(config={"threads": 1})
    lake = QuickLake(plain, Settings.model_construct())
    plain.execute("attach ':memory:' as lake")
    for schema in (*connection._SCHEMAS, "kept"):
        plain.execute(f"create schema lake.{schema}")
    for schema in connection._VIEW_SCHEMAS:
        plain.execute(f"create schema memory.{schema}")
    paths = [f"lake.{s}" for s in connection._SCHEMAS]
    paths += [f"memory.{s}" for s in ("main", *connection._VIEW_SCHEMAS)]
    plain.execute(f"set search_path = '{','.join(paths)}'")
    _create_tables(plain)
    whole = load_definition()
    nothing = cast(Any, None)
    session = Session(
        whole, lake, nothing, nothing, nothing, Run("run", lambda: datetime(2017, 7, 3, 6))
    )
    made = Desk(session)
    _fill(made)
    return made.tariff(*(tariffs or (Tariff(),)))


def _create_tables(plain: duckdb.DuckDBPyConnection) -> None:
    plain.execute(CREATE_MACROS)
    plain.execute("create table lake.kept.snapshot (snapshot_id bigint)")
    plain.execute("insert into lake.kept.snapshot values (1)")
    stated = {f"ops.{name}": columns for name, columns in ddl.OPS_TABLES.items()}
    stated |= {f"mart.{name}": columns for name, columns in PAYMENT_TABLES.items()}
    stated |= {f"ledger.{name}": columns for name, columns in FROZEN_TABLES.items()}
    for name, columns in (CORE | stated).items():
        plain.execute(f"create table lake.{name} ({columns})")
    plain.execute("create view memory.effective.delivery as from lake.ops.delivery")
    plain.execute("create view memory.effective.enrolments as from lake.staging.enrolments")


def _fill(made: Desk) -> None:
    made.put("core.municipality", *((code, True) for code in AREA), ("091", False))
    made.put(
        "core.provider",
        ("P1", "Yksi Oy", "1111111-1", "private"),
        ("P2", "Kaksi Oy", "2222222-2", "private"),
        ("M1", "Kaupunki", "3333333-3", "public"),
    )
    made.put(
        "core.site",
        *(
            (s, p, sector, "reception", m, date(2009, 1, 1), None)
            for s, p, sector, m in (
                ("S1", "P1", "private", "106"),
                ("S2", "P2", "private", "186"),
                ("S9", "M1", "public", "106"),
                ("S8", "M1", "public", "186"),
            )
        ),
    )
    made.put("ops.build", (1, 1, 0, 0, "", datetime(2017, 1, 1), "run"))
    made.delivered(MAY)


def clear(made: Desk) -> None:
    """Forget persons, choices and everything settled."""
    named: Iterable[str] = (
        *(t for t in CORE if t.startswith("core.") and t not in _KEPT),
        "mart.capitation_need_factor",
        "mart.capitation_correction_factor",
        *(f"mart.{name}" for name in PAYMENT_TABLES),
        *(f"ledger.{name}" for name in FROZEN_TABLES),
    )
    for name in named:
        made.lake.execute(f"delete from lake.{name}")


_KEPT = ("core.municipality", "core.provider", "core.site")
