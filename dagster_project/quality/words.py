"""Rules, categories and verdicts in words, Finnish and English.

Here: words. Not here: pages. What a contract says of a rule of its own is in the contract's
language, and is shown as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dagster_project.contracts.model import Contract


class Language(StrEnum):
    """Languages that pages come in."""

    FI = "fi"
    EN = "en"


@dataclass(frozen=True)
class Words:
    """A rule in words: whose it is, what holds, and what the sender is to mend."""

    subject: str
    """The column's heading as sent; empty for a rule over the row or the delivery."""
    holds: str
    is_contracts_own: bool
    """The words are the contract's, in English."""
    mend: str


_RULES: dict[str, tuple[str, str, str, str]] = {
    "required": (
        "on annettu",
        "is given",
        "täydentäkää puuttuva tieto ja lähettäkää rivi uudelleen",
        "fill in what is missing and send the row again",
    ),
    "type": (
        "on sovittua tyyppiä",
        "is of the agreed type",
        "korjatkaa merkintätapa (luku, päivämäärä, kellonaika) ja lähettäkää rivi uudelleen",
        "mend how it is written (number, date, time) and send the row again",
    ),
    "missing_hour": (
        "ei ole kesäaikaan siirryttäessä ohitetulla tunnilla",
        "is not in the hour that is skipped when summer time begins",
        "tarkistakaa aikavyöhyke ja lähettäkää rivi uudelleen",
        "check the time zone and send the row again",
    ),
    "identity_code": (
        "on henkilötunnus, jonka tarkistusmerkki täsmää",
        "is a personal identity code whose check character is right",
        "tarkistakaa tunnus lähdejärjestelmästä ja lähettäkää rivi uudelleen",
        "check the code in the source system and send the row again",
    ),
    "no_identity_code": (
        "ei sisällä kenenkään henkilötunnusta",
        "holds nobody's personal identity code",
        "poistakaa henkilötunnus tekstistä ja lähettäkää rivi uudelleen",
        "take the personal identity code out of the text and send the row again",
    ),
    "pattern": (
        "on sovitun muotoinen",
        "has the agreed form",
        "korjatkaa merkintätapa ja lähettäkää rivi uudelleen",
        "mend how it is written and send the row again",
    ),
    "valid_values": (
        "on sovitusta koodistosta",
        "is of the agreed code list",
        "korjatkaa koodi, tai pyytäkää sen lisäämistä sopimukseen",
        "mend the code, or ask for it to be added to the contract",
    ),
    "minimum": (
        "ei alita pienintä sallittua arvoa",
        "is not below the least value allowed",
        "tarkistakaa arvo ja lähettäkää rivi uudelleen",
        "check the value and send the row again",
    ),
    "maximum": (
        "ei ylitä suurinta sallittua arvoa",
        "is not above the greatest value allowed",
        "tarkistakaa arvo ja lähettäkää rivi uudelleen",
        "check the value and send the row again",
    ),
    "length": (
        "on sovitun pituinen",
        "has the agreed length",
        "lyhentäkää tai täydentäkää arvo ja lähettäkää rivi uudelleen",
        "shorten or complete the value and send the row again",
    ),
    "reference": (
        "viittaa riviin, joka on toimitettu",
        "names a row that has been delivered",
        "toimittakaa puuttuva rivi, tai korjatkaa viittaus",
        "deliver the missing row, or mend the reference",
    ),
}
"""By what follows the column in a rule's id: what holds (fi, en), what to mend (fi, en)."""

_WHOLE: dict[str, tuple[str, str, str, str]] = {
    "primary_key.duplicate": (
        "Avain esiintyy toimituksessa kerran; useammasta viimeinen on otettu.",
        "A key stands once in a delivery; of several the last was taken.",
        "poistakaa kaksoiskappaleet poiminnasta",
        "remove duplicates from the extract",
    ),
    "row.broken": (
        "Tietue on luettavissa.",
        "The record can be read.",
        "tarkistakaa tietueen rakenne ja lähettäkää se uudelleen",
        "check how the record is built and send it again",
    ),
    "row.types": (
        "Sarakkeet ovat sopimuksen tyyppiä.",
        "Columns are of their contract's types.",
        "ilmoittakaa tietoaltaan ylläpidolle",
        "tell the maintainers of the lake",
    ),
    "record.unique": (
        "Tietue on hyväksytty kerran.",
        "A record is accepted once.",
        "ilmoittakaa tietoaltaan ylläpidolle",
        "tell the maintainers of the lake",
    ),
    "dataset.minimum_rows": (
        "Toimituksessa on vähintään sovittu määrä rivejä.",
        "A delivery has at least the agreed number of rows.",
        "toistakaa poiminta ja lähettäkää koko toimitus uudelleen",
        "repeat the extract and send the whole delivery again",
    ),
    "dataset.quarantined_share": (
        "Hylättyjen rivien osuus ei ylitä sovittua.",
        "The share of rows left out is not above what was agreed.",
        "korjatkaa poiminta ja lähettäkää koko toimitus uudelleen",
        "mend the extract and send the whole delivery again",
    ),
    "volume.as_before": (
        "Rivejä on puolesta kaksinkertaiseen siitä, mitä edellisen vuoden toimituksissa.",
        "Rows are between half and twice the median of the year's deliveries before.",
        "tarkistakaa, puuttuuko poiminnasta rivejä tai onko siinä liikaa",
        "check whether the extract lacks rows or has too many",
    ),
    "freshness.up_to_date": (
        "Seuraava toimitus ei ole myöhässä sovitusta.",
        "The next delivery is not later than promised.",
        "lähettäkää myöhässä oleva toimitus",
        "send the delivery that is late",
    ),
    "freshness.arrived_in_time": (
        "Toimitus saapui sovitussa ajassa.",
        "The delivery came within the time promised.",
        "tarkistakaa toimitusten aikataulu",
        "check the timetable of deliveries",
    ),
    "distribution.stable": (
        "Yhdenkään sarakkeen jakauma ei poikkea edellisestä vuodesta.",
        "No column is distributed otherwise than in the year before.",
        "selvittäkää, onko kirjaamiskäytäntö, poiminta tai toiminta muuttunut",
        "find out whether recording, the extract or the activity has changed",
    ),
}

_NAMES: dict[str, tuple[str, str]] = {
    "conformance": ("muoto", "conformance"),
    "completeness": ("täydellisyys", "completeness"),
    "plausibility": ("uskottavuus", "plausibility"),
    "error": ("virhe", "error"),
    "warning": ("varoitus", "warning"),
    "row": ("rivit", "rows"),
    "key": ("avaimet", "keys"),
    "reference": ("viittaukset", "references"),
    "volume": ("määrä", "volume"),
    "freshness": ("ajantasaisuus", "freshness"),
    "distribution": ("jakauma", "distribution"),
    "status.pass": ("kunnossa", "pass"),
    "status.pass_with_failures": ("huomautettavaa", "pass with failures"),
    "status.fail": ("ei täyty", "fail"),
    "status.error": ("ei voitu arvioida", "could not be judged"),
    "status.not_applicable": ("ei arvioitavaa", "not applicable"),
}


def name_of(key: str, language: Language) -> str:
    """A category, severity, kind or `status.<verdict>` in words."""
    return _NAMES[key][language is Language.EN]


def in_words(contract: Contract, rule_id: str, language: Language) -> Words:
    """A rule in words, by its id."""
    is_english = language is Language.EN
    if rule_id in _WHOLE:
        told = _WHOLE[rule_id]
        return Words("", told[is_english], False, told[2 + is_english])
    name, _, what = rule_id.rpartition(".")
    column = next((c for c in contract.columns if c.name == name), None)
    subject = column.source_name if column is not None else ""
    if what in _RULES and column is not None:
        told = _RULES[what]
        return Words(subject, told[is_english], False, told[2 + is_english])
    return Words(subject, _stated(contract, rule_id), True, _MEND_OWN[is_english])


_MEND_OWN = (
    "korjatkaa rivi niin, että sääntö täyttyy, ja lähettäkää se uudelleen",
    "mend the row so that the rule holds, and send it again",
)
_FILE = "The file can be read as its contract says."


def _stated(contract: Contract, rule_id: str) -> str:
    """What the contract says of a rule of its own; of a file refused whole, that it is readable."""
    described = {r.id: r.description for r in contract.row_rules}
    described |= {r.id: r.description for r in contract.dataset_rules}
    return described.get(rule_id, _FILE)
