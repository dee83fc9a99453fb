"""What a heading says of its column: a name for the lake, and what may be in it.

Here: Finnish, Swedish and English words of headings, as the field uses them. Not here: values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from dagster_project.contracts.columns import LAKE_COLUMNS

_WHOLE = {
    "hetu": "person_id",
    "henkilotunnus": "person_id",
    "sotu": "person_id",
    "sosiaaliturvatunnus": "person_id",
    "personnummer": "person_id",
    "personbeteckning": "person_id",
    "personal_identity_code": "person_id",
    "postinumero": "postal_code",
    "postnummer": "postal_code",
    "kotikunta": "municipality_code",
    "kunta": "municipality_code",
    "kuntakoodi": "municipality_code",
    "kuntanumero": "municipality_code",
    "sukupuoli": "sex_code",
    "aidinkieli": "language_code",
    "kieli": "language_code",
    "syntymaaika": "birth_date",
    "syntymapaiva": "birth_date",
    "kuolinpaiva": "death_date",
    "alku": "start_date",
    "alkupvm": "start_date",
    "alkupaiva": "start_date",
    "alkamispaiva": "start_date",
    "loppu": "end_date",
    "loppupvm": "end_date",
    "loppupaiva": "end_date",
    "paattymispaiva": "end_date",
    "paivitetty": "updated_at",
    "muokattu": "updated_at",
    "muutettu": "updated_at",
    "toimipiste": "site_id",
    "palveluntuottaja": "provider_id",
    "tuottaja": "provider_id",
    "kustannuspaikka": "cost_centre_code",
    "yksikko": "unit",
    "turvakielto": "has_protection_order",
    "etunimi": "given_name",
    "etunimet": "given_names",
    "sukunimi": "family_name",
    "lahiosoite": "street_address",
    "osoite": "address",
    "puhelin": "phone",
    "puhelinnumero": "phone",
    "sahkoposti": "email",
    "kuukausi": "month",
    "vuosi": "year",
}
_STEMS = {
    "asiointi": "encounter",
    "kaynti": "visit",
    "asiakas": "client",
    "potilas": "patient",
    "henkilo": "person",
    "palvelu": "service",
    "tapahtuma": "event",
    "lasku": "invoice",
    "tili": "account",
    "toimipiste": "site",
    "paatos": "decision",
    "hoito": "care",
    "jakso": "period",
    "diagnoosi": "diagnosis",
    "toimenpide": "procedure",
    "lahete": "referral",
    "ammatti": "profession",
    "mittaus": "measurement",
    "hinta": "price",
    "summa": "amount",
    "maksu": "fee",
    "kustannus": "cost",
    "korvaus": "payment",
    "maara": "quantity",
    "tila": "status",
    "tyyppi": "type",
    "laji": "kind",
    "syy": "reason",
    "luokka": "class",
    "nimi": "name",
    "rivi": "row",
    "kunta": "municipality",
    "viite": "reference",
    "tosite": "voucher",
    "sopimus": "contract",
}
_ENDINGS = (
    ("tunniste", "id"),
    ("tunnus", "id"),
    ("numero", "number"),
    ("koodi", "code"),
    ("paivamaara", "date"),
    ("paiva", "date"),
    ("pvm", "date"),
    ("lukumaara", "count"),
    ("lkm", "count"),
    ("prosentti", "pct"),
    ("euroa", "eur"),
    ("eur", "eur"),
)
_LETTERS = {"ß": "ss", "æ": "ae", "ø": "o", "đ": "d", "ł": "l"}

_IDENTITY = (
    r"hetu|henkilotunnu|sosiaaliturvatunnu|personnummer|personbeteckning|sotu\b|social_sec|"
    r"personal_id"
)
_NAME = (
    r"(etu|suku|asiakkaan_|potilaan_|henkilon_|laakarin_|hoitajan_|kuntalaisen_)nime?i?|first_?name|"
    r"last_?name|surname|family_?name|given_?name|full_?name|fornamn|efternamn|^nimi$|^name$|^namn$|"
    r"laatija|kirjaaja|vastuuhenkilo|omalaakari|omahoitaja|yhteyshenkilo|puoliso|huoltaja|omainen"
)
_ADDRESS = r"osoite|address|adress|katu\b|street"
_PHONE = r"puhelin|puh\b|puhnro|gsm|phone|telefon|mobile"
_EMAIL = r"sahkoposti|e_?mail|e_?post\b"
_FREE_TEXT = (
    r"huom|lisatie|kommentti|vapaa|teksti|kuvaus|selite|palaute|kertomus|comment|note|free|merkinta"
)
_PLACE = (
    r"kunta|municipality|kommun|postinumero|postnummer|postal|zip|postitoimipaikka|toimipiste|"
    r"toimipaikka|toimintayksik|palveluyksik|osasto|palveluntuottaja|tuottaja|asema|kustannuspaikka|"
    r"site|provider|cost_cent|^yksikko|yksikon|facility|ward|kaupunki|city"
)
_MONEY = (
    r"summa|hinta|maksu|kustannu(?!spai)|euro|eur\b|_eur|korvau|veloitu|price|amount|cost(?!_cent)|"
    r"fee|laskutu|netto|brutto"
)
_UPDATE = (
    r"paivitetty|paivitysaika|muokattu|muokkausaika|muutettu|muutosaika|tallennettu|updated|"
    r"modified|last_change"
)
_CODE = (
    r"koodi|code|tila\b|status|luokka|tyyppi|type|laji|syy\b|reason|kieli|language|sukupuoli|sex|"
    r"kanava|channel|ammatti|kiireellisyys|kind|class"
)
_KEY = r"tunniste|tunnus|id\b|numero|number|nro|key|avain|_id$"
_COUNT = r"lkm|lukumaara|count|kpl|maara"
_FLAG = r"^on_|^onko|^is_|^has_|kielto|voimassa|lippu|flag|kylla"
_MEANS = {
    "identity": _IDENTITY,
    "name": _NAME,
    "address": _ADDRESS,
    "phone": _PHONE,
    "email": _EMAIL,
    "free_text": _FREE_TEXT,
    "place": _PLACE,
    "money": _MONEY,
    "update": _UPDATE,
    "code": _CODE,
    "key": _KEY,
    "count": _COUNT,
    "flag": _FLAG,
    "protection": r"turvakiel|protection_order",
    "former": r"edelli|aiemp|entinen|vanha|previous|former",
    "birth": r"synty|birth|fodel",
    "start": r"alku|alka|start|from|begin|saapu|tulo",
    "end": r"loppu|paatty|paattyn|end|_to$|until|lahto|voimassa",
    "date": r"pvm|paiva|date|datum|aika",
    "percent": r"prosent|osuus|pct|percent|%",
}
_PATTERNS = {name: re.compile(pattern) for name, pattern in _MEANS.items()}


def plain(heading: str) -> str:
    """A heading in ASCII snake_case: `Käynnin alkuPvm` is `kaynnin_alku_pvm`."""
    text = heading.rsplit("/", 1)[-1] if heading.startswith("/") else heading
    text = re.sub(
        r"(?<=[a-zåäö0-9])(?=[A-ZÅÄÖ])", "_", text.replace("€", " eur ").replace("%", " pct ")
    )
    text = "".join(_LETTERS.get(c, c) for c in text.lower())
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def means(heading: str, what: str) -> bool:
    """Whether the heading speaks of something: a name, a place, money or a time of update."""
    return bool(_PATTERNS[what].search(plain(heading).replace("_pct", "_prosent")))


def lake_names(headings: Iterable[str], types: Iterable[str]) -> list[str]:
    """A name for each column, no two alike, none that the lake adds itself."""
    found: list[str] = []
    for position, (heading, sql_type) in enumerate(zip(headings, types, strict=True), start=1):
        name = _with_ending(_translated(plain(heading)), heading, sql_type)
        name = name or f"column_{position}"
        name = name if name[0].isalpha() else f"column_{name}"
        name = f"{name}_sent" if name in LAKE_COLUMNS else name
        while name in found:
            name = f"{name}_{position}"
        found.append(name)
    return found


def _translated(name: str) -> str:
    if name in _WHOLE:
        return _WHOLE[name]
    for ending, suffix in _ENDINGS:
        if name.endswith(ending) and name != ending:
            stem = name.removesuffix(ending).strip("_")
            # A compound's first part may be in the genitive: asiakkaan, laskun.
            return f"{_STEMS.get(stem, _STEMS.get(stem.removesuffix('n'), stem))}_{suffix}"
    return _STEMS.get(name, name)


def _with_ending(name: str, heading: str, sql_type: str) -> str:
    """The house's suffix, where the type or the heading makes it certain."""
    kind = sql_type.split("(", maxsplit=1)[0]
    base = re.sub(r"_(date|at|aika|pvm|time|datetime|timestamp|klo)$", "", name)
    if kind == "DATE":
        return f"{base}_date"
    if kind == "TIMESTAMP":
        return f"{base}_at"
    if kind == "BOOLEAN":
        return name if re.match("(is|has)_", name) else f"is_{name}"
    if kind == "DECIMAL" and means(heading, "money"):
        base = re.sub(r"_?(eur|euro|euroa|euros)$", "", name)
        return f"{base}_eur" if base else "amount_eur"
    return re.sub(r"_(date|at)$", r"_\1_text", name)


def table_name(stem: str) -> str:
    """A table's name from a file's: without the digits that are its sequence."""
    name = re.sub(r"_+", "_", re.sub(r"(^|_)\d+(?=_|$)", "_", plain(stem))).strip("_")
    name = re.sub(r"\d{4,}", "", name).strip("_")
    return name if name and name[0].isalpha() else f"table_{name}".strip("_")
