"""A payment in words: each step from the list to the euro, in Finnish, Swedish and English.

Here: sentences around figures. Not here: the figures (`sql/settlement/explanation.sql`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dagster_project.rules.capitation import FACTOR_STEP, half_up

LANGUAGES = ("fi", "sv", "en")


@dataclass(frozen=True)
class Step:
    """A step of a payment, in figures."""

    provider_id: str
    is_shadow: bool
    step_number: int
    step_code: str
    detail_code: str | None
    quantity: int | None
    step_eur: Decimal | None
    without_eur: Decimal
    person_count: int
    need_factor: Decimal | None
    correction_factor: Decimal | None
    neutrality_factor: Decimal | None
    base_amount_eur: Decimal | None
    regional_eur: Decimal | None

    @property
    def factor(self) -> Decimal | None:
        """The factor that the step applies; the regional one as its mean over the list."""
        match self.step_code:
            case "regional_factor":
                return _ratio(self.regional_eur, self.base_amount_eur)
            case "need_factor":
                return self.need_factor
            case "correction_factor":
                return self.correction_factor
            case "neutrality":
                return self.neutrality_factor
            case _:
                return None


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return half_up(part / whole, FACTOR_STEP) if part is not None and whole else None


_TEXTS = {
    "list": {
        "fi": "Listalla oli {persons} henkilöä, yhteensä {quantity} henkilöpäivää.",
        "sv": "På listan fanns {persons} personer, sammanlagt {quantity} persondagar.",
        "en": "The list held {persons} persons, {quantity} person-days in all.",
    },
    "base": {
        "fi": "Henkilöpäivät ikä- ja sukupuoliryhmien perusmäärin: {eur}.",
        "sv": "Persondagarna till grundbeloppen för ålder och kön: {eur}.",
        "en": "The person-days at the base amounts of age and sex: {eur}.",
    },
    "regional_factor": {
        "fi": "Aluekerroin, listan keskiarvo {factor}: {eur}. Ilman sitä maksu olisi {without}.",
        "sv": "Regional koefficient, medeltal för listan {factor}: {eur}. Utan den vore"
        " betalningen {without}.",
        "en": "Regional factor, mean of the list {factor}: {eur}. Without it the payment would be"
        " {without}.",
    },
    "need_factor": {
        "fi": "Tarvekerroin {factor}: {eur}. Ilman sitä maksu olisi {without}.",
        "sv": "Behovskoefficient {factor}: {eur}. Utan den vore betalningen {without}.",
        "en": "Need factor {factor}: {eur}. Without it the payment would be {without}.",
    },
    "correction_factor": {
        "fi": "Ryhmän korjauskerroin {factor}: {eur}. Ilman sitä maksu olisi {without}.",
        "sv": "Gruppens korrigeringskoefficient {factor}: {eur}. Utan den vore betalningen"
        " {without}.",
        "en": "Correction factor of the group {factor}: {eur}. Without it the payment would be"
        " {without}.",
    },
    "neutrality": {
        "fi": "Budjettineutraalius {factor}: {eur}. Ilman sitä maksu olisi {without}.",
        "sv": "Budgetneutralitet {factor}: {eur}. Utan den vore betalningen {without}.",
        "en": "Budget neutrality {factor}: {eur}. Without it the payment would be {without}.",
    },
    "breakpoint": {
        "fi": "Listan koon porras, {quantity} henkilöpäivää rajan yli: {eur}.",
        "sv": "Steg för listans storlek, {quantity} persondagar över gränsen: {eur}.",
        "en": "Step of list size, {quantity} person-days beyond it: {eur}.",
    },
    "act": {
        "fi": "Toimenpidepalkkiot, {quantity} toimenpidettä: {eur}.",
        "sv": "Åtgärdsarvoden, {quantity} åtgärder: {eur}.",
        "en": "Fees for {quantity} acts: {eur}.",
    },
    "incentive": {
        "fi": "Kannustinosuus: {eur}.",
        "sv": "Incitamentsandel: {eur}.",
        "en": "Incentive share: {eur}.",
    },
    "adjustment": {
        "fi": "Oikaisu kuukauteen {month}, {reason}, {quantity} henkilöpäivää: {eur}.",
        "sv": "Rättelse av {month}, {reason}, {quantity} persondagar: {eur}.",
        "en": "Correction of {month}, {reason}, {quantity} person-days: {eur}.",
    },
    "adjustment_breakpoint": {
        "fi": "Listan koon portaan oikaisu kuukauteen {month}, {reason}, {quantity} henkilöpäivää:"
        " {eur}.",
        "sv": "Rättelse av steget för listans storlek i {month}, {reason}, {quantity} persondagar:"
        " {eur}.",
        "en": "Correction of the step of list size in {month}, {reason}, {quantity} person-days:"
        " {eur}.",
    },
    "adjustment_act": {
        "fi": "Oikaisu kuukauteen {month}, {reason}, {quantity} toimenpidettä: {eur}.",
        "sv": "Rättelse av {month}, {reason}, {quantity} åtgärder: {eur}.",
        "en": "Correction of {month}, {reason}, {quantity} acts: {eur}.",
    },
    "adjustment_incentive": {
        "fi": "Kannustinosuuden oikaisu kuukauteen {month}, {reason}: {eur}.",
        "sv": "Rättelse av incitamentsandelen för {month}, {reason}: {eur}.",
        "en": "Correction of the incentive share of {month}, {reason}: {eur}.",
    },
    "adjustment_score": {
        "fi": "Mittareiden bonus tai sanktio jaksolta, joka alkoi {month}, {reason}: {eur}.",
        "sv": "Bonus eller sanktion enligt indikatorerna för perioden från {month}, {reason}:"
        " {eur}.",
        "en": "Bonus or sanction by the indicators of the period from {month}, {reason}: {eur}.",
    },
    "payment": {
        "fi": "Maksetaan {eur}.",
        "sv": "Betalas {eur}.",
        "en": "Paid: {eur}.",
    },
    "shadow": {
        "fi": "Varjolaskelma {eur}; ei makseta.",
        "sv": "Skuggberäkning {eur}; betalas inte.",
        "en": "Shadow settlement {eur}; not paid.",
    },
}
REASONS = {
    "late_enrolment": ("listautuminen tiedossa myöhässä", "listning känd sent", "late enrolment"),
    "late_end": ("päättyminen tiedossa myöhässä", "avslutning känd sent", "late end"),
    "corrected_choice": ("korjattu valinta", "rättat val", "corrected choice"),
    "death": ("kuolema", "dödsfall", "death"),
    "move": ("muutto", "flytt", "move"),
    "withdrawn_delivery": ("peruttu toimitus", "återkallad leverans", "withdrawn delivery"),
    "register_correction": ("rekisterin korjaus", "registerrättelse", "register correction"),
    "late_act": ("toimenpide tiedossa myöhässä", "åtgärd känd sent", "late act"),
    "withdrawn_act": ("peruttu toimenpide", "återkallad åtgärd", "withdrawn act"),
    "tariff_correction": ("taksan korjaus", "tariffrättelse", "tariff correction"),
    "period_scored": ("jakso pisteytetty", "perioden poängsatt", "period scored"),
    "score_correction": ("pisteytyksen oikaisu", "rättelse av poängen", "correction of the score"),
}
"""By reason code: Finnish, Swedish, English."""


def texts(step: Step) -> tuple[str, ...]:
    """The step in each language."""
    return tuple(_text(step, language) for language in LANGUAGES)


def _text(step: Step, language: str) -> str:
    code = "shadow" if step.step_code == "payment" and step.is_shadow else step.step_code
    month, reason = (step.detail_code or " ").split(" ", 1)
    known = REASONS.get(reason)
    return _TEXTS[code][language].format(
        persons=_whole(step.person_count, language),
        quantity=_whole(step.quantity or 0, language),
        eur=euros(step.step_eur or Decimal(0), language),
        without=euros(step.without_eur, language),
        factor=_decimal(step.factor, language),
        month=month,
        reason=known[LANGUAGES.index(language)] if known else reason,
    )


def euros(amount: Decimal, language: str) -> str:
    """An amount as the language writes it."""
    figures = f"{amount:,.2f}"
    if language == "en":
        return f"€{figures}".replace("€-", "-€")
    return figures.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",") + "\N{NO-BREAK SPACE}€"


def _whole(number: int, language: str) -> str:
    figures = f"{number:,}"
    return figures if language == "en" else figures.replace(",", "\N{NO-BREAK SPACE}")


def _decimal(factor: Decimal | None, language: str) -> str:
    figures = f"{factor if factor is not None else Decimal(1):.8f}".rstrip("0")
    figures += "0" if figures.endswith(".") else ""
    return figures if language == "en" else figures.replace(".", ",")
