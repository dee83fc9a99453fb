"""The synthetic region: all deliveries of an invented population, chunk by chunk.

Here: the order of things and the rows as text. Not here: how people, contacts or choices are drawn
(the modules beside this one). Memory does not grow with the population: a chunk of people is drawn
from a stream of (seed, chunk), its rows are added to the monthly files, and it is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.contracts.loader import load_catalogue
from dagster_project.settings import PROJECT_ROOT
from dagster_project.synthetic import finance
from dagster_project.synthetic.apotti import STREAM, TRUE_NEED, TRUE_NEED_SCHEMA, Apotti
from dagster_project.synthetic.authorisations import STREAM as AUTHORISATION_STREAM
from dagster_project.synthetic.authorisations import Authorisations
from dagster_project.synthetic.care import CareModel
from dagster_project.synthetic.carers import STREAM as CARER_STREAM
from dagster_project.synthetic.carers import Carers
from dagster_project.synthetic.clinical import Visits
from dagster_project.synthetic.code_lists import deliver_code_lists
from dagster_project.synthetic.codes import IdentityCodes
from dagster_project.synthetic.contacts import (
    DIAGNOSES,
    ENCOUNTERS,
    IDS_A_CHUNK,
    ContactModel,
    Mail,
    build_model,
    doubled_hour,
    draw_diagnoses,
    draw_encounters,
    post,
    yearly_contacts,
)
from dagster_project.synthetic.dirt import Dirt
from dagster_project.synthetic.draws import Ints, Mask, date_text, labels, time_text
from dagster_project.synthetic.enrolments import ENROLMENTS, SERVICES, Portal, enrolment_id
from dagster_project.synthetic.expert_team import ExpertTeam
from dagster_project.synthetic.families import STREAM as FAMILY_STREAM
from dagster_project.synthetic.families import Families
from dagster_project.synthetic.feedback import Feedback
from dagster_project.synthetic.finance import Clients, Finance, Tally
from dagster_project.synthetic.guidance import STREAM as GUIDANCE_STREAM
from dagster_project.synthetic.guidance import Guidance
from dagster_project.synthetic.hospital import STREAM as HOSPITAL_STREAM
from dagster_project.synthetic.hospital import Hospital
from dagster_project.synthetic.identities import Identities, draw_identities, record_identities
from dagster_project.synthetic.invoices import Billing, Invoiced
from dagster_project.synthetic.ledger import deliver_ledger
from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import Month, window
from dagster_project.synthetic.opinions import STREAM as FEEDBACK_STREAM
from dagster_project.synthetic.outbox import Outbox
from dagster_project.synthetic.parameters import Parameters, load_parameters
from dagster_project.synthetic.people import People, advance, draw_people, long_term, register_rows
from dagster_project.synthetic.projection import deliver_projection
from dagster_project.synthetic.reference import deliver_reference
from dagster_project.synthetic.scorecards import Scorecards
from dagster_project.synthetic.sending import Sender
from dagster_project.synthetic.services import deliver_services
from dagster_project.synthetic.social import Persons
from dagster_project.synthetic.study_surveys import STREAM as STUDY_STREAM
from dagster_project.synthetic.study_surveys import StudySurveys
from dagster_project.synthetic.tallies import Tallies
from dagster_project.synthetic.voucher_market import Market
from dagster_project.synthetic.vouchers import (
    STATEMENT_STREAM,
    Totals,
    Vouchers,
    deliver_statements,
)
from dagster_project.synthetic.vouchers import STREAM as VOUCHER_STREAM
from dagster_project.synthetic.writers import Deliveries

RESIDENTS = "population_register/residents"
FEWEST_RESIDENTS, MOST_RESIDENTS = 1_000, 5_600_000
CHUNK = 50_000
"""Residents drawn at a time."""
TRUE_RISK = "true_risk.parquet"
TRUE_STATE = "true_state.parquet"
"""Clients of the ladder on the first day of every third month, as `Social.state` has them."""
_STATE_MONTHS = 3
_OLD_CODE_SHARE = 0.3
"""Of contacts in the two months after a change of code that still carry the old one."""


class Source(Protocol):
    """What a source knows of one chunk of people; its stream of chance is its own."""

    def deliver(self, visits: Visits) -> None:
        """Send a month's increments, given the encounters that Apotti sent on time."""


@dataclass(frozen=True)
class Region:
    """What all chunks share."""

    parameters: Parameters
    model: ContactModel
    months: tuple[Month, ...]
    deliveries: Deliveries
    manifest: Manifest
    codes: IdentityCodes
    dirt: Dirt | None
    later_dirt: Dirt | None
    """Of the tables that were added later: its keys are its own, so that no other row's change."""
    invoiced: Invoiced
    """What specialised care bills, complete after the last chunk."""
    tally: Tally
    """What the chunks did, for what is told of the region as a whole."""
    market: Market
    voucher_totals: Totals
    tallies: Tallies

    def deliver(self, rng: np.random.Generator, key: str, month: Month, rows: pl.DataFrame) -> None:
        """Add a block of rows, with dirt where it is wanted, to a month's file."""
        contract = self.deliveries.contract(key, month.sequence)
        file = self.deliveries.file_name(key, month.sequence)
        first = self.deliveries.records.get(file, 0) + 1
        if self.dirt is not None:
            rows = self.dirt.spoil(rng, contract, rows, month=month, file=file, first_record=first)
        self.deliveries.append(key, month.sequence, rows)


@dataclass(frozen=True)
class Chunk:
    """One chunk of people and all that belongs to them."""

    rng: np.random.Generator
    number: int
    people: People
    identities: Identities
    conditions: tuple[Ints, Ints]
    portal: Portal
    mail: Mail

    def codes(self, person: Ints, month: Month, *, lagging: bool) -> pl.Series:
        """Code that each row's person goes by in a month; contacts may lag behind a change."""
        current = self.identities.current(month.index).gather(pl.Series(person))
        since = month.index - self.identities.changed_from[person]
        old = (
            lagging & (since >= 0) & (since < 2) & (self.rng.random(len(person)) < _OLD_CODE_SHARE)
        )
        return self.identities.first.gather(pl.Series(person)).zip_with(pl.Series(old), current)

    def protected(self, person: Ints, month: Month) -> Mask:
        """Whether each row's person is under a protection order."""
        return self.identities.protected(month.index)[person]


def make_deliveries(
    landing: Path,
    *,
    residents: int,
    months: int,
    start_month: int = 201701,
    seed: int = 1,
    manifest: Path,
    with_dirt: bool = True,
) -> None:
    """Write the deliveries of a synthetic region, and beside the manifest each person's true risk.

    Args:
        landing: Folder that gets `<source>/<table>/<file>`.
        residents: Population of the first day, 1 000 to 5 600 000.
        months: Delivery months.
        start_month: The first of them, yyyymm.
        seed: The same seed gives the same bytes.
        manifest: JSON file, outside landing, that lists what was planted.
        with_dirt: Whether bad rows and unresolved references are planted.

    Raises:
        ValueError: a number is out of range, or the manifest would lie in landing.
    """
    if not FEWEST_RESIDENTS <= residents <= MOST_RESIDENTS:
        raise ValueError(f"residents must be {FEWEST_RESIDENTS} to {MOST_RESIDENTS}: {residents}")
    if manifest.resolve().is_relative_to(landing.resolve()):
        raise ValueError("the manifest holds identity codes and must lie outside landing")
    given = {"residents": residents, "months": months, "start_month": start_month, "seed": seed}
    region = _region(landing, window(start_month, months), given, with_dirt=with_dirt)
    _deliver_lists(region)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    with (
        pq.ParquetWriter(manifest.parent / TRUE_RISK, _TRUE_RISK_SCHEMA) as risk,
        pq.ParquetWriter(manifest.parent / TRUE_NEED, TRUE_NEED_SCHEMA) as need,
        pq.ParquetWriter(manifest.parent / TRUE_STATE, _TRUE_STATE_SCHEMA) as state,
    ):
        for number, first in enumerate(range(0, residents, CHUNK)):
            rng = np.random.default_rng([seed, number])
            truth = _deliver_chunk(region, rng, number, min(CHUNK, residents - first))
            risk.write_table(truth[0])
            need.write_table(truth[1])
            for table in truth[2]:
                state.write_table(table)
    _deliver_ledger(region)
    _deliver_voucher_totals(region)
    _deliver_scorecards(region)
    region.deliveries.finish()
    region.manifest.files.update(region.deliveries.records)
    region.manifest.write(manifest)


def _region(
    landing: Path, months: tuple[Month, ...], given: dict[str, int], *, with_dirt: bool
) -> Region:
    parameters = load_parameters()
    model = build_model(parameters)
    manifest = Manifest(region=dict(given))
    codes = IdentityCodes()
    return Region(
        parameters=parameters,
        model=model,
        months=months,
        deliveries=Deliveries(landing, load_catalogue(PROJECT_ROOT / "data_contracts")),
        manifest=manifest,
        codes=codes,
        dirt=Dirt(manifest, codes, months) if with_dirt else None,
        later_dirt=Dirt(manifest, codes, months) if with_dirt else None,
        invoiced=Invoiced(),
        tally=Tally.of(model, len(months)),
        market=Market(parameters, seed=given["seed"], months=months),
        voucher_totals=Totals(len(months)),
        tallies=Tallies(parameters, months),
    )


def _deliver_lists(region: Region) -> None:
    """What does not depend on anybody."""
    shared = region.deliveries, region.parameters
    deliver_reference(*shared, region.manifest, region.months)
    deliver_code_lists(*shared, region.months)
    deliver_projection(*shared, region.months, residents=region.manifest.region["residents"])
    deliver_services(
        *shared, region.manifest, region.months, with_dirt=region.later_dirt is not None
    )


def _deliver_ledger(region: Region) -> None:
    """What was spent on everybody, once all chunks are through."""
    rng = np.random.default_rng([region.manifest.region["seed"], 0, finance.STREAM, 1])
    sender = Sender(rng, region.deliveries, region.manifest, region.months, region.later_dirt)
    deliver_ledger(sender, region.model, region.tally, region.invoiced)


def _deliver_voucher_totals(region: Region) -> None:
    """What the voucher system says of all chunks together."""
    region.market.note(region.manifest)
    rng = np.random.default_rng([region.manifest.region["seed"], *STATEMENT_STREAM])
    sender = Sender(rng, region.deliveries, region.manifest, region.months, region.later_dirt)
    deliver_statements(sender, region.voucher_totals)


def _deliver_chunk(
    region: Region, rng: np.random.Generator, number: int, residents: int
) -> tuple[pa.Table, pa.Table, list[pa.Table]]:
    """Deliver all months of a chunk; returns what the generator alone knows of its people."""
    chunk = _draw_chunk(region, rng, number, residents)
    apotti = _apotti(region, chunk)
    hospital = _hospital(region, chunk, apotti)
    vouchers = _vouchers(region, chunk, apotti)
    sources: tuple[Source, ...] = (
        apotti,
        hospital,
        _finance(region, chunk, apotti, hospital),
        vouchers,
        _authorisations(region, chunk, vouchers),
        _carers(region, chunk, apotti),
        _families(region, chunk, vouchers),
        _guidance(region, chunk, apotti),
        _feedback(region, chunk, apotti),
        _study_surveys(region, chunk, apotti),
    )
    truth = _true_risk(region, chunk), apotti.true_need(region.months[0])
    first_id, states = (number + 1) * IDS_A_CHUNK, []
    for month in region.months:
        if month.index % _STATE_MONTHS == 0 and month.index:
            states.append(_true_state(chunk, apotti, month))
        advance(rng, chunk.people, month, region.parameters)
        region.deliver(rng, RESIDENTS, month, _register(region, chunk, month))
        choices = chunk.portal.advance(rng, month)
        if choices is not None:
            region.deliver(rng, ENROLMENTS, month, _enrolment_text(region, chunk, choices, month))
        visits, drawn = _deliver_contacts(region, chunk, month, first_id)
        first_id += drawn
        for source in sources:
            source.deliver(visits)
    record_identities(region.manifest, chunk.identities, chunk.people, region.months)
    return *truth, states


def _draw_chunk(region: Region, rng: np.random.Generator, number: int, residents: int) -> Chunk:
    parameters, months, manifest = region.parameters, region.months, region.manifest
    people = draw_people(rng, parameters, residents=residents, months=months)
    identities = draw_identities(
        rng,
        people,
        region.codes,
        rates=parameters.dynamics,
        months=months,
        is_first_chunk=number == 0,
    )
    day, chooser = months[0].first, region.model.chronic
    return Chunk(
        rng=rng,
        number=number,
        people=people,
        identities=identities,
        conditions=long_term(rng, people, parameters, day=day, chooser=chooser),
        portal=Portal(
            people, parameters, manifest, chunk=number, months=months, planted=identities.spare
        ),
        mail=Mail(Outbox(), Outbox(), manifest, months),
    )


def _sender(region: Region, chunk: Chunk, *, stream: int) -> Sender:
    """What a source sends with; its own stream keeps every other source's bytes as they are."""
    rng = np.random.default_rng([region.manifest.region["seed"], chunk.number, stream])
    return Sender(
        rng,
        region.deliveries,
        region.manifest,
        region.months,
        region.later_dirt,
        watch=region.tallies.see,
    )


def _apotti(region: Region, chunk: Chunk) -> Apotti:
    return Apotti(
        _sender(region, chunk, stream=STREAM),
        model=region.model,
        people=chunk.people,
        identities=chunk.identities,
        conditions=chunk.conditions,
        number=chunk.number,
        residents=region.manifest.region["residents"],
    )


def _hospital(region: Region, chunk: Chunk, apotti: Apotti) -> Hospital:
    sender = _sender(region, chunk, stream=HOSPITAL_STREAM)
    first_id = (chunk.number + 1) * IDS_A_CHUNK
    residents = region.manifest.region["residents"]
    billing = Billing(
        sender,
        CareModel.of(region.parameters),
        chunk.identities,
        first_id=first_id,
        readiness_for=residents if chunk.number == 0 else 0,
        invoiced=region.invoiced,
    )
    return Hospital(
        sender,
        model=region.model,
        people=chunk.people,
        identities=chunk.identities,
        condition_count=chunk.conditions[0],
        referrals=apotti.referrals,
        billing=billing,
        first_id=first_id,
    )


def _finance(region: Region, chunk: Chunk, apotti: Apotti, hospital: Hospital) -> Finance:
    clients = Clients(
        people=chunk.people,
        identities=chunk.identities,
        chosen=chunk.portal.chosen,
        social=apotti.social,
        hospital=hospital,
    )
    return Finance(
        _sender(region, chunk, stream=finance.STREAM),
        region.tally,
        clients,
        model=region.model,
        first_id=(chunk.number + 1) * IDS_A_CHUNK,
    )


def _vouchers(region: Region, chunk: Chunk, apotti: Apotti) -> Vouchers:
    return Vouchers(
        _sender(region, chunk, stream=VOUCHER_STREAM),
        region.market,
        region.voucher_totals,
        people=chunk.people,
        parameters=region.parameters,
        services=apotti.services,
        persons=lambda month: Persons.of(chunk.identities, month),
        number=chunk.number,
    )


def _authorisations(region: Region, chunk: Chunk, vouchers: Vouchers) -> Authorisations:
    return Authorisations(
        _sender(region, chunk, stream=AUTHORISATION_STREAM),
        region.market,
        region.parameters.vouchers["authorisations"],
        decided=vouchers.decided,
        persons=lambda month: Persons.of(chunk.identities, month),
    )


def _carers(region: Region, chunk: Chunk, apotti: Apotti) -> Carers:
    return Carers(
        _sender(region, chunk, stream=CARER_STREAM),
        region.parameters.social["agreements"],
        chunk.people,
        social=apotti.social,
        identities=chunk.identities,
        first_id=(chunk.number + 1) * IDS_A_CHUNK + IDS_A_CHUNK // 2,
    )


def _families(region: Region, chunk: Chunk, vouchers: Vouchers) -> Families:
    return Families(
        _sender(region, chunk, stream=FAMILY_STREAM),
        chunk.people,
        region.parameters.guidance["families"],
        vouchers=vouchers,
        identities=chunk.identities,
        first_id=(chunk.number + 1) * IDS_A_CHUNK,
    )


def _guidance(region: Region, chunk: Chunk, apotti: Apotti) -> Guidance:
    return Guidance(
        _sender(region, chunk, stream=GUIDANCE_STREAM),
        people=chunk.people,
        identities=chunk.identities,
        parameters=region.parameters,
        services=apotti.services,
        seed=region.manifest.region["seed"],
        number=chunk.number,
        residents=region.manifest.region["residents"],
    )


def _feedback(region: Region, chunk: Chunk, apotti: Apotti) -> Feedback:
    """What people say; it comes after Apotti's rows of a month, which it follows."""
    return Feedback(
        _sender(region, chunk, stream=FEEDBACK_STREAM),
        people=chunk.people,
        identities=chunk.identities,
        parameters=region.parameters,
        chosen=chunk.portal.chosen,
        tallies=region.tallies,
        need=apotti.need_at,
        number=chunk.number,
    )


def _study_surveys(region: Region, chunk: Chunk, apotti: Apotti) -> StudySurveys:
    return StudySurveys(
        _sender(region, chunk, stream=STUDY_STREAM),
        people=chunk.people,
        identities=chunk.identities,
        parameters=region.parameters,
        services=apotti.services,
        need=apotti.need_at,
        number=chunk.number,
    )


def _deliver_scorecards(region: Region) -> None:
    """What is reported once all people are known."""
    rng = np.random.default_rng([region.manifest.region["seed"], 0, FEEDBACK_STREAM, 0])
    sender = Sender(rng, region.deliveries, region.manifest, region.months, region.later_dirt)
    Scorecards(sender, region.parameters, region.tallies).deliver()
    ExpertTeam(sender, region.parameters, region.tallies).deliver()


_TRUE_RISK_SCHEMA = pa.schema(
    [
        ("identity_code", pa.string()),
        ("frailty", pa.float64()),
        ("expected_contacts_a_year", pa.float64()),
        ("long_term_condition_count", pa.int64()),
    ]
)


def _true_risk(region: Region, chunk: Chunk) -> pa.Table:
    """What the generator alone knows of each person, at the start of the window."""
    expected = yearly_contacts(chunk.people, region.model, day=region.months[0].first)
    columns = [
        chunk.identities.first.to_list(),
        chunk.people.frailty,
        expected,
        chunk.conditions[0],
    ]
    return pa.table(columns, schema=_TRUE_RISK_SCHEMA)


_TRUE_STATE_SCHEMA = pa.schema(
    [
        ("identity_code", pa.string()),
        ("index_day", pa.int64()),
        ("step", pa.int64()),
        ("need", pa.float64()),
        ("drift", pa.float64()),
        ("birth", pa.int64()),
        ("female", pa.bool_()),
        ("frailty", pa.float64()),
        ("has_carer", pa.bool_()),
        ("assessed_before", pa.int64()),
        ("carer_birth", pa.int64()),
        ("carer_female", pa.bool_()),
        ("carer_frailty", pa.float64()),
    ]
)


def _true_state(chunk: Chunk, apotti: Apotti, month: Month) -> pa.Table:
    """Clients of the ladder before anything of the month has happened."""
    state = apotti.social.state(month)
    rows = state.with_columns(
        identity_code=chunk.identities.first.gather(state["person"]),
        index_day=pl.lit(month.first, dtype=pl.Int64),
    )
    return rows.select(_TRUE_STATE_SCHEMA.names).to_arrow().cast(_TRUE_STATE_SCHEMA)


def _register(region: Region, chunk: Chunk, month: Month) -> pl.DataFrame:
    people, identities = chunk.people, chunk.identities
    form = _date_form(region, RESIDENTS, month)
    is_protected = identities.protected(month.index)
    sex = labels(("1", "2"), identities.female(people, month.index).astype(np.int64))
    rows = register_rows(people, month, region.parameters, form=form).with_columns(
        person_id=identities.current(month.index),
        previous_person_id=identities.previous(month.index),
        sex_code=sex,
        has_protection_order=labels(("0", "1"), is_protected.astype(np.int64)),
        is_protected=pl.Series(is_protected),
    )
    return rows.filter(people.listed(month))


def _date_form(region: Region, key: str, month: Month) -> str:
    """The contract's date format, with day and month unpadded where it is Finnish: 1.5.2017."""
    form = region.deliveries.contract(key, month.sequence).dialect.date_format
    return form.replace("%d.%m.", "%-d.%-m.")


def _time_form(region: Region, key: str, month: Month) -> str:
    return region.deliveries.contract(key, month.sequence).dialect.timestamp_format


def _deliver_contacts(
    region: Region, chunk: Chunk, month: Month, first_id: int
) -> tuple[Visits, int]:
    """Deliver a month's encounters and diagnoses; returns those on time and how many were drawn."""
    rng, people, model = chunk.rng, chunk.people, region.model
    chosen = chunk.portal.chosen
    drawn = draw_encounters(rng, people, model, month=month, chosen=chosen, first_id=first_id)
    coded = draw_diagnoses(rng, people, model, encounters=drawn, conditions=chunk.conditions)
    person = drawn["person"].to_numpy()
    codes = chunk.codes(person, month, lagging=True)
    is_protected = pl.Series(chunk.protected(person, month))
    drawn = drawn.with_columns(person_id=codes, is_protected=is_protected)
    row = coded["row"]
    coded = coded.with_columns(person_id=codes.gather(row), is_protected=is_protected.gather(row))
    encounters, diagnoses = post(rng, model, chunk.mail, month=month, rows=(drawn, coded))
    if chunk.number == 0:
        sequence = month.sequence
        planted = [
            {"encounter_id": i, "sequence": sequence} for i in doubled_hour(encounters, month)
        ]
        region.manifest.doubled_hour.extend(planted)
    region.deliver(rng, ENCOUNTERS, month, _encounter_text(region, encounters, month))
    region.deliver(rng, DIAGNOSES, month, _diagnosis_text(region, diagnoses, month))
    codes_given = coded["person"].to_numpy(), coded["icd10"].to_numpy()
    return _on_time(drawn, encounters, month, first_id, codes_given), len(drawn)


def _on_time(
    drawn: pl.DataFrame,
    sent: pl.DataFrame,
    month: Month,
    first_id: int,
    diagnosed: tuple[Ints, Ints],
) -> Visits:
    """The encounters drawn in a month that its own file holds."""
    is_sent = np.zeros(len(drawn), dtype=np.bool_)
    numbers = sent["encounter_id"].to_numpy() - first_id
    is_sent[numbers[numbers >= 0]] = True
    rows = drawn.filter(is_sent)
    return Visits(
        month=month,
        ids=rows["encounter_id"].to_numpy(),
        person=rows["person"].to_numpy(),
        site=rows["site"].to_numpy(),
        started=rows["started"].to_numpy(),
        kind=rows["kind"].to_numpy(),
        urgency=rows["urgency"].to_numpy(),
        updated=rows["updated"].to_numpy(),
        codes=rows["person_id"],
        is_protected=rows["is_protected"].to_numpy(),
        diagnosed=diagnosed,
    )


def _encounter_text(region: Region, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
    form = _time_form(region, ENCOUNTERS, month)
    settings = region.parameters.contacts
    kinds, professions = settings["kinds"], settings["professions"]
    kind = rows["kind"].to_numpy()
    languages = (*region.parameters.languages, None)
    return pl.DataFrame(
        {
            "encounter_id": rows["encounter_id"].cast(pl.String),
            "person_id": rows["person_id"],
            "site_id": labels(region.parameters.site_ids, rows["site"].to_numpy()),
            "started_at": time_text(rows["started"], form),
            "ended_at": time_text(rows["ended"].set(rows["ended"] < 0, None), form),
            "service_code": labels([k["service"] for k in kinds], kind),
            "contact_type_code": labels([k["contact_type"] for k in kinds], kind),
            "profession_code": labels([professions[k["profession"]] for k in kinds], kind),
            "urgency_code": labels(("1", "2", "3"), rows["urgency"].to_numpy()),
            "contact_language_code": labels(languages, rows["spoken"].to_numpy()),
            "service_language_code": labels(languages, rows["served"].to_numpy()),
            "duration_minutes": _tenths_text(rows["tenths"]),
            "updated_at": time_text(rows["updated"], form),
            "is_protected": rows["is_protected"],
        }
    )


def _tenths_text(tenths: pl.Series) -> pl.Series:
    """Tenths with a decimal comma; negative ones are null."""
    known = tenths.set(tenths < 0, None)
    return (known // 10).cast(pl.String) + "," + (known % 10).cast(pl.String)


def _diagnosis_text(region: Region, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
    icd10 = region.parameters.diagnoses["icd10"]
    icpc2 = region.parameters.diagnoses["icpc2"]
    code = rows["icd10"].to_numpy()
    return pl.DataFrame(
        {
            "encounter_id": rows["encounter_id"].cast(pl.String),
            "diagnosis_number": rows["diagnosis_number"].cast(pl.String),
            "person_id": rows["person_id"],
            "icd10_code": labels([*(c[0] for c in icd10), None], code),
            "icd10_pair_code": labels([*(c[1] for c in icd10), None], code),
            "icpc2_code": labels([*(c[0] for c in icpc2), None], rows["icpc2"].to_numpy()),
            "diagnosed_date": date_text(
                rows["day"].to_numpy(), _date_form(region, DIAGNOSES, month)
            ),
            "updated_at": time_text(rows["updated"], _time_form(region, DIAGNOSES, month)),
            "is_protected": rows["is_protected"],
        }
    )


def _enrolment_text(region: Region, chunk: Chunk, rows: pl.DataFrame, month: Month) -> pl.DataFrame:
    parameters = region.parameters
    date_form = _date_form(region, ENROLMENTS, month)
    person, site = rows["person"].to_numpy(), rows["site"].to_numpy()
    channels: Sequence[str] = list(parameters.enrolments["channels"])
    return pl.DataFrame(
        {
            "enrolment_id": pl.Series([enrolment_id(s) for s in rows["serial"]], dtype=pl.String),
            "person_id": chunk.codes(person, month, lagging=False),
            "service_code": labels(SERVICES, rows["service"].to_numpy()),
            "provider_id": labels(parameters.site_providers, site),
            "site_id": labels(parameters.site_ids, site),
            "start_date": date_text(rows["start"].to_numpy(), date_form),
            "end_date": date_text(rows["end"].to_numpy(), date_form),
            "channel_code": labels(channels, rows["channel"].to_numpy()),
            "updated_at": time_text(rows["updated"], _time_form(region, ENROLMENTS, month)),
            "is_protected": pl.Series(chunk.protected(person, month)),
        }
    )
