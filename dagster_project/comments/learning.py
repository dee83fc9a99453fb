"""Topic and tone of short texts in Finnish and Swedish, learnt from texts that have both.

Parts of words are counted, not words: Finnish bends its words and clients misspell theirs. What
the source says of a text stands; how well texts without a code are read is told by those that have
one, each read by a reader that had not learnt from the same words.

Here: estimates from texts. Not here: where texts come from (`reading`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

FOLDS = 5
FEWEST_TEXTS = 20
"""Different texts without which nothing is learnt: what was judged at the source stands."""


@dataclass(frozen=True)
class Labels:
    """Codes of texts, in their order, and how well such texts are read."""

    codes: tuple[str | None, ...]
    """What the source said; where it said nothing, what the text was read as."""
    macro_f1: float | None
    """Of the texts with a code of the source's, each read by who had not learnt from its words."""
    text_count: int
    """Different texts that were learnt from."""


def read_labels(texts: Sequence[str], known: Sequence[str | None]) -> Labels:
    """A code for every text: the source's own, else what who learnt from the others reads in it.

    Args:
        texts: All texts of one language.
        known: Code that the source gave each; None where it gave none.
    """
    plain = [normal(text) for text in texts]
    labelled = [n for n, code in enumerate(known) if code is not None]
    different = {plain[n] for n in labelled}
    codes = {str(known[n]) for n in labelled}
    if len(different) < FEWEST_TEXTS or len(codes) < 2:
        return Labels(tuple(known), None, len(different))
    said = [str(known[n]) for n in labelled]
    guessed = _guessed([plain[n] for n in labelled], said)
    macro = f1_score(said, guessed, average="macro")
    return Labels(_filled(plain, known), round(float(macro), 4), len(different))


def normal(text: str) -> str:
    """A text in lower case, without digits, which name persons and dates and no topic."""
    return " ".join("".join(c for c in text.lower() if not c.isdigit()).split())


def _guessed(texts: list[str], codes: list[str]) -> list[str]:
    """What each text is read as by a reader that has not learnt from the same words."""
    found = list(codes)
    for learn, read in _folds(texts):
        reader = _learnt([texts[n] for n in learn], [codes[n] for n in learn])
        for n, code in zip(read, reader.predict([texts[n] for n in read]), strict=True):
            found[n] = str(code)
    return found


def _folds(texts: list[str]) -> list[tuple[Any, Any]]:
    """The same words are always on one side."""
    parts = min(FOLDS, len(set(texts)))
    return list(GroupKFold(n_splits=parts).split(texts, groups=texts))


def _learnt(texts: list[str], codes: list[str]) -> Any:  # noqa: ANN401 - sklearn has no types
    """A reader; where all that is known is one code, whoever reads says it."""
    reader = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=1000, C=10.0),
    )
    return reader.fit(texts, codes) if len(set(codes)) > 1 else _Always(codes[0])


@dataclass(frozen=True)
class _Always:
    code: str

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [self.code for _ in texts]


def _filled(plain: list[str], known: Sequence[str | None]) -> tuple[str | None, ...]:
    """The codes that are known, and read from those where none is."""
    bare = [n for n, code in enumerate(known) if code is None]
    if not bare:
        return tuple(known)
    labelled = [n for n, code in enumerate(known) if code is not None]
    reader = _learnt([plain[n] for n in labelled], [str(known[n]) for n in labelled])
    read = dict(zip(bare, reader.predict([plain[n] for n in bare]), strict=True))
    return tuple(str(read[n]) if n in read else code for n, code in enumerate(known))
