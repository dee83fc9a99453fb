"""What the model card says in words, Finnish and English.

Here: words. Not here: figures and pages (`card`).
"""

from __future__ import annotations

LANGUAGES = ("fi", "en")
TARGETS = {
    "need_growth": {
        "fi": "Palvelutarpeen kasvu: porras tai useampi ylös, tai MAPLe + 1",
        "en": "Growth of need: one step or more up the ladder, or MAPLe + 1",
    },
    "housing_24h": {
        "fi": "Siirtyminen ympärivuorokautiseen asumiseen alemmilta portailta",
        "en": "Entry into 24-hour housing from the steps below",
    },
    "high_cost": {
        "fi": "Kustannuksiltaan kallein kymmenys",
        "en": "The dearest tenth by cost",
    },
}
PREDICTORS = {
    "boosted_trees": {"fi": "malli (puut)", "en": "model (boosted trees)"},
    "logistic": {"fi": "logistinen", "en": "logistic"},
    "prior_cost_and_age": {"fi": "ikä ja aiempi kustannus", "en": "age and prior cost"},
}
MEASURES = {
    "auroc": {"fi": "AUROC (1 = täydellinen järjestys)", "en": "AUROC (1 ranks perfectly)"},
    "auprc": {"fi": "AUPRC", "en": "AUPRC"},
    "brier": {"fi": "Brier (0 = täydellinen)", "en": "Brier (0 is perfect)"},
    "calibration_intercept": {
        "fi": "kalibroinnin taso (0 = oikea)",
        "en": "calibration intercept (0 is right)",
    },
    "calibration_slope": {
        "fi": "kalibroinnin kaltevuus (1 = oikea)",
        "en": "calibration slope (1 is right)",
    },
    "calibration_error_mean": {"fi": "kalibrointivirhe, keskiarvo (Eavg)", "en": "Eavg"},
    "calibration_error_90": {"fi": "kalibrointivirhe, 90 % (E90)", "en": "E90"},
    "calibration_error_most": {"fi": "kalibrointivirhe, suurin (Emax)", "en": "Emax"},
    "event_capture": {
        "fi": "osuus tapahtumista ylimmässä kymmenyksessä",
        "en": "share of events in the top decile",
    },
    "cost_capture": {
        "fi": "osuus kustannuksista ylimmässä kymmenyksessä",
        "en": "share of cost in the top decile",
    },
    "number_needed": {
        "fi": "montako tavattava ylimmässä kymmenyksessä yhtä tapahtumaa kohti",
        "en": "visited in the top decile for each event",
    },
}
GROUPS = {
    "sex": {"fi": "sukupuoli", "en": "sex"},
    "age": {"fi": "ikä", "en": "age"},
    "language": {"fi": "kieli", "en": "language"},
    "municipality": {"fi": "kunta", "en": "municipality"},
    "guidance": {"fi": "asiakasohjaus", "en": "client guidance"},
}
WORDS = {
    "title": {"fi": "Mallikortti: riskiennuste", "en": "Model card: prediction of risk"},
    "none": {"fi": "ei saatavissa", "en": "not available"},
    "use": {"fi": "Mihin ja mihin ei", "en": "What it is for, and not for"},
    "limits": {"fi": "Rajat ja vinoumat", "en": "Limits and bias"},
    "made": {"fi": "Miten tehty", "en": "How it was made"},
    "candidates": {"fi": "Keistä ja mitä tapahtui", "en": "Of whom, and what happened"},
    "quality": {"fi": "Osuvuus testivuonna", "en": "How well it foresaw the test year"},
    "equity": {"fi": "Yhdenvertaisuus", "en": "Equity"},
    "calibration": {"fi": "Kalibrointi", "en": "Calibration"},
    "gain": {"fi": "Hyötykäyrä", "en": "Gain"},
    "drift": {"fi": "Ajautuminen opetusajasta", "en": "Drift from the time of training"},
    "measure": {"fi": "mittari", "en": "measure"},
    "group": {"fi": "ryhmä", "en": "group"},
    "count": {"fi": "henkilöitä", "en": "people"},
    "events": {"fi": "tapahtumia", "en": "events"},
    "died": {"fi": "kuolleita", "en": "died"},
    "moved": {"fi": "pois muuttaneita", "en": "moved away"},
    "window": {"fi": "ikkuna", "en": "window"},
    "day": {"fi": "päivä", "en": "day"},
    "predicted": {"fi": "ennustettu", "en": "predicted"},
    "observed": {"fi": "toteutunut", "en": "observed"},
    "ratio": {"fi": "toteutunut / ennustettu (95 %)", "en": "observed / predicted (95 %)"},
    "flagged": {"fi": "huomio", "en": "flag"},
    "is_flagged": {"fi": "katso", "en": "look"},
    "flagging": {
        "fi": "Merkitty on ryhmä, jossa toteutunut poikkeaa ennustetusta yli {most}.",
        "en": "A group is flagged where what happened is more than {most} off the prediction.",
    },
    "column": {"fi": "piirre", "en": "feature"},
    "model_axis": {"fi": "ennuste", "en": "prediction"},
    "gain_axis": {"fi": "osuus ehdokkaista", "en": "share of candidates"},
    "gain_lines": {
        "fi": "Yhtenäinen: malli. Katkoviiva: ikä ja aiempi kustannus.",
        "en": "Solid: the model. Dashed: age and prior cost.",
    },
}
TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "use": {
        "fi": (
            "Ennuste auttaa asiakasohjaajaa ottamaan yhteyttä ajoissa ja järjestäjää"
            " näkemään tarpeen kasvun. Ohjaaja voi aina olla eri mieltä; mitä yhteydenotosta"
            " seurasi, palaa aineistoon.",
            "Ennuste ei koskaan päätä. Sillä ei saa myöntää, evätä, pienentää tai lopettaa"
            " palvelua, etuutta tai henkilökohtaista budjettia, asettaa jonoon eikä"
            " hinnoitella. Julkisiin palveluihin oikeutetuksi katsominen on EU:n"
            " tekoälyasetuksen (2024/1689, liite III, kohta 5 a) mukaan suuririskinen"
            " käyttö, johon tätä mallia ei ole arvioitu.",
            "Syyt kertovat, mikä ennustetta nostaa; ne eivät ole syy-yhteyksiä.",
        ),
        "en": (
            "The prediction helps a client guide to call in time, and the organiser to see"
            " how need grows. A guide may always disagree; what came of the call returns to"
            " the data.",
            "It never decides. It must not be used to grant, refuse, reduce or end a"
            " service, a benefit or a personal budget, to queue or to price. Deciding on"
            " eligibility for public services is a high-risk use under the EU's AI Act"
            " (2024/1689, Annex III, point 5 a), for which this model has not been assessed.",
            "Reasons tell what lifts the prediction; they are no causes.",
        ),
    },
    "limits": {
        "fi": (
            "Yksityistä ja työterveyshuoltoa ei näy: noin kolmannes asukkaista käyttää"
            " vuodessa Kela-korvattuja yksityislääkäreitä. Heidän tarpeensa näyttää"
            " aineistossa todellista pienemmältä, joten ennuste voi jäädä liian matalaksi"
            " työssäkäyville ja hyvätuloisille ja nostaa suhteessa niitä, jotka käyttävät"
            " vain julkisia palveluja.",
            "Kustannus ei ole tarve: ryhmä, joka saa vähemmän palvelua, maksaa vähemmän"
            " samalla tarpeella. Kieli ja kunta eivät ole piirteitä, mutta niiden osuvuus on"
            " alla.",
            "Kuolema ja poismuutto ovat kilpailevia tapahtumia: ne lasketaan muiksi kuin"
            " tapahtumiksi ja kerrotaan erikseen. Ennuste on siis todennäköisyys, että"
            " tapahtuma ehtii tulla.",
            "Alle neljännesvuoden historiasta ei ennusteta. Ryhmästä, jossa on alle {least}"
            " henkeä tai alle {events} tapahtumaa, ei kerrota mitään.",
        ),
        "en": (
            "Private and occupational care are not seen: about a third of residents use"
            " privately provided doctors, reimbursed by Kela, in a year. Their need looks"
            " smaller here than it is, so that the prediction may be too low for the"
            " employed and well-off, and lifts by comparison those who use public services"
            " alone.",
            "Cost is not need: a group that is served less costs less for the same need."
            " Language and municipality are no features, but how well each is foreseen is"
            " told below.",
            "Death and moving away are competing events: they count as no event and are"
            " told apart. The prediction is thus the probability that the event has time to"
            " come.",
            "Nothing is foreseen from less than a quarter of a year of history. Of a group"
            " of fewer than {least} people, or {events} events, nothing is told.",
        ),
    },
}
