"""Free texts stay in the vault, whatever stands in them: no word, no code typed in.

Here: flags and feedback of a whole region. Not here: identity codes of every other kind
(`test_planted_identities`), which are searched for together with those typed into texts.
"""

from __future__ import annotations

from dagster_project.pipeline import Session
from dagster_project.synthetic.parameters import load_parameters
from tests.privacy.conftest import Region
from tests.support.runs import files_under
from tests.support.search import codes_readable_in, readings, unpacked

TABLES = {"enrolment_portal/flags", "surveys/experience"}


def beginnings() -> set[str]:
    """The first words of every sentence, as far as they are ASCII."""
    tones = load_parameters().feedback["texts"].values()
    sentences = [text for of_tone in tones for texts in of_tone.values() for text in texts]
    return {words for text in sentences if (words := text[:14]).isascii()}


def test_codes_are_typed_into_texts_and_are_searched_for(region: Region, session: Session) -> None:
    planted = region.manifest["codes_in_text"]
    assert {p["table"] for p in planted} == TABLES
    opened = [session.blobs.read(digest) for digest in region.deliveries]
    (sent,) = (
        line
        for data in opened
        for line in data.splitlines()
        if planted[0]["key"].encode() in line.split(b";")[:1]
    )
    typed = codes_readable_in(sent)
    assert typed
    assert typed <= region.codes


def test_no_word_of_a_text_can_be_read_anywhere_after_a_run(
    region: Region, session: Session
) -> None:
    words = beginnings()
    assert len(words) >= 5
    opened = b"".join(session.blobs.read(digest) for digest in region.deliveries)
    assert sum(word.encode() in opened for word in words) > len(words) // 2
    found = {
        str(path): word
        for path in files_under(region.settings.home)
        for data in (path.read_bytes(), unpacked(path))
        for text in readings(data)
        for word in words
        if word in text
    }
    assert found == {}


def test_the_lake_knows_tone_topic_and_language_of_texts(session: Session) -> None:
    rows = session.lake.rows(
        "select count(*), count(topic_code), count(sentiment_code), count(language_code)"
        " from core.flag"
    )
    assert len(set(rows[0])) == 1
    assert rows[0][0] > 20
    told = session.lake.count(
        "select count(*) from core.survey_response where sentiment_code is not null"
    )
    assert told > 50
