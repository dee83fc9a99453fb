"""Topic and tone of comments: learnt from texts with both, judged on words not learnt from.

Here: the reader over made-up sentences, and words that tell of integration. Not here: where texts
come from (`tests/spec/test_comments_in_a_lake`).
"""

from __future__ import annotations

import re
from itertools import product

import pytest

from dagster_project.comments.learning import FEWEST_TEXTS, normal, read_labels
from dagster_project.comments.reading import says_integration_fails
from dagster_project.pipeline import load_definition

TOPICS = {
    "access": ["ajanvarauksessa", "aikaa varatessa", "jonottaessa aikaa", "ajan saamisessa"],
    "medication": ["lääkkeissä", "lääkityksessä", "lääkelistassa", "lääkkeitä saadessa"],
    "billing": ["laskussa", "laskutuksessa", "laskua maksaessa", "käyntimaksussa ja laskussa"],
}
TONES = {
    "negative": ["kaikki meni huonosti", "olin pettynyt", "palvelu oli huonoa", "oli ikävää"],
    "positive": ["kaikki sujui hienosti", "kiitos hyvästä palvelusta", "olin iloinen", "hienoa"],
}
SAID = [
    (f"{tone.capitalize()} {topic}.", about, feeling)
    for (about, topics), (feeling, tones) in product(TOPICS.items(), TONES.items())
    for topic, tone in product(topics, tones)
]


def test_topics_and_tones_are_read_from_words_not_learnt_from() -> None:
    texts = [text for text, _, _ in SAID]
    topics = read_labels(texts, [about for _, about, _ in SAID])
    tones = read_labels(texts, [feeling for _, _, feeling in SAID])
    assert topics.text_count == len(SAID) >= FEWEST_TEXTS
    assert topics.macro_f1 is not None
    assert topics.macro_f1 > 0.9
    assert tones.macro_f1 is not None
    assert tones.macro_f1 > 0.9


def test_a_text_without_a_code_gets_one_and_the_same_texts_the_same() -> None:
    texts = [text for text, _, _ in SAID]
    known: list[str | None] = [about for _, about, _ in SAID]
    found = read_labels([*texts, "Lasku oli väärä, lasku!"], [*known, None])
    assert found.codes[-1] == "billing"
    assert found == read_labels([*texts, "Lasku oli väärä, lasku!"], [*known, None])


def test_what_the_source_said_stands_however_the_text_would_be_read() -> None:
    texts = [text for text, _, _ in SAID]
    known = ["medication" if n == 0 else about for n, (_, about, _) in enumerate(SAID)]
    found = read_labels(texts, known)
    assert found.codes == tuple(known)
    assert found.macro_f1 is not None
    assert 0.9 < found.macro_f1 < 1


def test_what_is_known_stands_where_there_is_too_little_to_learn_from() -> None:
    few = ["Kiitos.", "Huonoa.", "kiitos. "]
    assert read_labels(few, ["positive", None, "positive"]).codes == ("positive", None, "positive")
    alike = [f"Kiitos {n}." for n in range(30)]
    assert read_labels(alike, ["positive"] * 30).macro_f1 is None


def test_a_code_that_one_fold_lacks_is_no_fault() -> None:
    texts = [f"{'a' * (n + 1)} kiitos" for n in range(30)]
    found = read_labels(texts, ["rare", *["positive"] * 29])
    assert len(found.codes) == 30
    assert read_labels([], []).codes == ()


def test_digits_and_case_are_no_words() -> None:
    assert normal("Soitin 040 123,  EI vastattu 12.5.2017") == "soitin , ei vastattu .."


@pytest.mark.parametrize(
    ("language", "text", "is_case"),
    [
        ("fi", "Tiedot eivät siirtyneet sairaalasta terveysasemalle.", True),
        ("fi", "Lähete ei ollut tullut perille", True),
        ("fi", "Minua juoksutettiin LUUKULTA luukulle", True),
        ("fi", "Kukaan ei soittanut takaisin.", True),
        ("fi", "Lääkäri vaihtui joka käynnillä.", True),
        ("fi", "Lääkelistani oli väärin", True),
        ("fi", "Aikaa ei saanut ennen kuin kuukauden päästä.", False),
        ("fi", "Sain tiedot heti, kiitos.", False),
        ("sv", "Informationen gick inte fram till mottagningen.", True),
        ("sv", "Jag bollades mellan enheterna", True),
        ("sv", "Ingen ringde upp.", True),
        ("sv", "Tack för vänligt bemötande!", False),
        ("en", "Luukulta luukulle", False),
    ],
)
def test_words_that_tell_of_services_that_do_not_work_together(
    language: str, text: str, is_case: bool
) -> None:
    (book,) = (b for b in load_definition().rulebooks if b.name == "integration_cue")
    cues = tuple(re.compile(row[2]) for _, row in book.rows if row[0] == language)
    assert says_integration_fails(text, cues) is is_case
