"""Topic and tone of short texts in Finnish and Swedish, learnt from texts that have both.

Parts of words are counted, not words: Finnish bends its words and clients misspell theirs. A text
is never judged by a reader that has learnt from the same words, so that how well it reads is told
by texts it had not seen.

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
    """What texts were read as, in their order, and how well: macro F1 on texts not learnt from."""

    codes: tuple[str | None, ...]
    macro_f1: float | None
    text_count: int
    """Different texts that were learnt from."""


def read_labels(texts: Sequence[str], known: Sequence[str | None]) -> Labels:
    """Read a code for every text, each by a reader that has not learnt from the same words.

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
    found: list[str | None] = list(known)
    for learn, read in _folds([plain[n] for n in labelled]):
        reader = _learnt([plain[labelled[n]] for n in learn], [known[labelled[n]] for n in learn])
        for n, code in zip(read, reader.predict([plain[labelled[n]] for n in read]), strict=True):
            found[labelled[n]] = str(code)
    _read_unlabelled(plain, known, found)
    macro = f1_score([known[n] for n in labelled], [found[n] for n in labelled], average="macro")
    return Labels(tuple(found), round(float(macro), 4), len(different))


def normal(text: str) -> str:
    """A text in lower case, without digits, which name persons and dates and no topic."""
    return " ".join("".join(c for c in text.lower() if not c.isdigit()).split())


def _folds(texts: list[str]) -> list[tuple[Any, Any]]:
    """The same words are always on one side."""
    parts = min(FOLDS, len(set(texts)))
    return list(GroupKFold(n_splits=parts).split(texts, groups=texts))


def _learnt(texts: list[str], codes: list[str | None]) -> Any:  # noqa: ANN401 - sklearn has no types
    """A reader; where all that is known is one code, whoever reads says it."""
    reader = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        LogisticRegression(class_weight="balanced", max_iter=1000, C=10.0),
    )
    return reader.fit(texts, codes) if len(set(codes)) > 1 else _Always(str(codes[0]))


@dataclass(frozen=True)
class _Always:
    code: str

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [self.code for _ in texts]


def _read_unlabelled(
    plain: list[str], known: Sequence[str | None], found: list[str | None]
) -> None:
    bare = [n for n, code in enumerate(known) if code is None]
    if not bare:
        return
    labelled = [n for n, code in enumerate(known) if code is not None]
    reader = _learnt([plain[n] for n in labelled], [known[n] for n in labelled])
    for n, code in zip(bare, reader.predict([plain[n] for n in bare]), strict=True):
        found[n] = str(code)
