"""The service catalogue (PTV): one JSON document a month, of what organisations have published.

Here: services of municipalities, of private sites since they opened, and of the joint emergency
departments; a few records that break a rule. Not here: texts and classes (`parameters/ptv.yaml`).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dagster_project.synthetic.manifest import Manifest
from dagster_project.synthetic.months import EPOCH, Month
from dagster_project.synthetic.parameters import Parameters
from dagster_project.synthetic.reference import business_id
from dagster_project.synthetic.writers import Deliveries

SERVICES = "ptv/services"
VERSION = "v11"
_DIRTY_A_MONTH = 1
_CATALOGUE = uuid.uuid5(uuid.NAMESPACE_DNS, "ptv.example")
Record = dict[str, Any]


@dataclass(frozen=True)
class Offer:
    """A service that an organisation offers."""

    name: str
    """What tells it from the organisation's others: kind, and place where there are several."""
    template: Sequence[Any]
    providers: tuple[str, ...]
    """The responsible first; others produce the service for it."""
    municipalities: tuple[str, ...]
    languages: tuple[str, ...]
    number: int = 0
    """Its place among all offers ever made, for what is the same from month to month."""


def deliver_services(
    deliveries: Deliveries,
    parameters: Parameters,
    manifest: Manifest,
    months: Sequence[Month],
    *,
    with_dirt: bool,
) -> None:
    """Write a document for each month; broken records stand last and are listed."""
    for month in months:
        records = [_record(parameters, o, month) for o in offers(parameters, month)]
        file = f"services_{month.sequence}.json"
        if with_dirt:
            for rule_id, record in _spoiled(parameters, records, month):
                records.append(record)
                manifest.dirty_rows.append(
                    {
                        "file": f"{SERVICES}/{file}",
                        "record_number": len(records),
                        "rule_id": rule_id,
                    }
                )
        deliveries.put(SERVICES, file, _document(records), record_count=len(records))


def _document(records: list[Record]) -> bytes:
    page = {
        "version": VERSION,
        "pageNumber": 1,
        "pageSize": len(records),
        "pageCount": 1,
        "itemList": records,
    }
    return json.dumps(page, ensure_ascii=False, indent=1).encode()


def offers(parameters: Parameters, month: Month) -> list[Offer]:
    """What is published in a month."""
    numbered = (replace(o, number=n) for n, o in enumerate(_all_offers(parameters, month)))
    return [o for o in numbered if _is_published(parameters, o, month)]


def _is_published(parameters: Parameters, offer: Offer, month: Month) -> bool:
    first = parameters.ptv["late"].get(offer.template[0], 0)
    last = offer.template[5]
    return bool(offer.municipalities) and first <= month.sequence <= (last or month.sequence)


def _all_offers(parameters: Parameters, month: Month) -> Iterator[Offer]:
    settings = parameters.ptv
    for municipality in parameters.area:
        languages = _languages(settings, municipality)
        for template in settings["public"]:
            owner = (f"M{municipality}",)
            yield Offer(template[0], template, owner, (municipality,), languages)
    yield from _emergencies(parameters)
    for site, (provider, service, place, spoken) in _private_sites(parameters, month).items():
        yield Offer(
            f"{settings['private'][service][0]} {site}",
            settings["private"][service],
            (provider,),
            (place,) if place else (),
            tuple(spoken.split(",")),
        )


def _languages(settings: Mapping[str, Any], municipality: str) -> tuple[str, ...]:
    is_bilingual = municipality in settings["bilingual"]
    return tuple(settings["swedish"]) if is_bilingual else ("fi",)


def _emergencies(parameters: Parameters) -> Iterator[Offer]:
    """Each joint emergency department serves several municipalities; the first is responsible."""
    served: dict[str, list[str]] = {}
    for municipality, site in parameters.sites["emergency"].items():
        served.setdefault(site, []).append(municipality)
    producers = dict(zip(parameters.site_ids, parameters.site_providers, strict=True))
    for site, municipalities in served.items():
        template = parameters.ptv["emergency"]
        owners = (*(f"M{m}" for m in municipalities), producers[site])
        languages = {x: None for m in municipalities for x in _languages(parameters.ptv, m)}
        yield Offer(
            f"{template[0]} {site}", template, owners, tuple(municipalities), tuple(languages)
        )


def _private_sites(
    parameters: Parameters, month: Month
) -> dict[str, tuple[str, str, str | None, str]]:
    """Private sites with provider, service, municipality (None while not open) and languages."""
    last = EPOCH + timedelta(days=month.last)
    providers = parameters.sites["providers"]
    found: dict[str, tuple[str, str, str | None, str]] = {}
    for site, _, provider, service, place, spoken, first, _ in parameters.sites["sites"]:
        if providers[provider]["sector"] != "private":
            continue
        if first <= last or site not in found:
            found[site] = (provider, service, place if first <= last else None, spoken)
    return found


def _record(parameters: Parameters, offer: Offer, month: Month) -> Record:
    ranks = list(parameters.sites["providers"])
    name_fi, name_sv, service_class, groups, channels, _ = offer.template
    names = [{"language": "fi", "type": "Name", "value": name_fi}]
    if "sv" in offer.languages:
        names.append({"language": "sv", "type": "Name", "value": name_sv})
    identifier = uuid.uuid5(_CATALOGUE, f"{offer.providers[0]} {offer.name}")
    return {
        "id": str(identifier),
        "type": "Service",
        "serviceNames": names,
        "serviceClasses": [{"code": service_class}],
        "targetGroups": [{"code": code} for code in groups],
        "areas": [
            {"type": "Municipality", "municipalities": [{"code": m} for m in offer.municipalities]}
        ],
        "languages": list(offer.languages),
        "organizations": [
            _organisation(p, business_id(ranks.index(p)), is_first=n == 0)
            for n, p in enumerate(offer.providers)
        ],
        "serviceChannels": _channels(parameters, offer, identifier, channels),
        "publishingStatus": "Published",
        "modified": _modified(offer, month),
    }


def _organisation(provider: str, business_code: str, *, is_first: bool) -> Record:
    return {
        "roleType": "Responsible" if is_first else "Producer",
        "organization": {
            "id": str(uuid.uuid5(_CATALOGUE, provider)),
            "businessCode": business_code,
        },
    }


def _channels(
    parameters: Parameters, offer: Offer, service: uuid.UUID, kinds: Sequence[str]
) -> list[Record]:
    """Channels in the languages of the service; of some services none is connected."""
    if offer.number % parameters.ptv["without_channel_share"] == 0:
        return []
    return [
        {
            "serviceChannel": {
                "id": str(uuid.uuid5(service, kind)),
                "type": kind,
                "languages": list(offer.languages),
            }
        }
        for kind in kinds
    ]


def _modified(offer: Offer, month: Month) -> str:
    """Descriptions are looked through twice a year, each in a month of its own."""
    since = (month.number - 1 - offer.number) % 6
    day = EPOCH + timedelta(days=month.first - 31 * since + offer.number % 28)
    return f"{day.isoformat()}T{8 + offer.number % 8:02d}:{offer.number % 60:02d}:00Z"


def _spoiled(
    parameters: Parameters, records: Sequence[Record], month: Month
) -> Iterator[tuple[str, Record]]:
    """Copies of sound records under identifiers of their own, each with one thing wrong."""
    kinds = parameters.ptv["dirt"]
    for n in range(_DIRTY_A_MONTH):
        place = month.index * _DIRTY_A_MONTH + n
        field, text, rule_id = kinds[place % len(kinds)]
        record: Record = json.loads(json.dumps(records[place % len(records)]))
        record["id"] = str(uuid.uuid5(_CATALOGUE, f"dirt {place}"))
        _spoil(record, field, text)
        yield rule_id, record


def _spoil(record: Record, field: str, text: str | None) -> None:
    match field:
        case "municipality":
            record["areas"][0]["municipalities"][0]["code"] = text
        case "businessCode":
            record["organizations"][0]["organization"]["businessCode"] = text
        case "language":
            record["serviceNames"] = [{**record["serviceNames"][0], "language": text}]
        case "areas":
            record["areas"][0]["municipalities"] = "091"
        case _:
            record[field] = text
