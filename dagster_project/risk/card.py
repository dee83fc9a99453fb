"""The model card: what the models in use are for, how well they foresee, for whom they do not.

Here: figures put into sections, and these into HTML and Markdown that stand alone.
Not here: the words (`card_words`), the figures (`evaluate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from dagster_project.errors import SettingsError
from dagster_project.lake.connection import Lake
from dagster_project.publish.release import add_to_current
from dagster_project.publish.shelves import accesses
from dagster_project.quality.html import Figure, Html, decimals, page, table
from dagster_project.risk import registry
from dagster_project.risk.card_words import (
    GROUPS,
    LANGUAGES,
    MEASURES,
    PREDICTORS,
    TARGETS,
    TEXTS,
    WORDS,
)
from dagster_project.risk.evaluate import LEAST_EVENTS, LEAST_GROUP, MOST_OFF
from dagster_project.risk.splits import targets

SHELF = Path("internal") / "risk"
MOST_DRIFTED = 5
_SIDE, _MARGIN = 240, 30
Cell = str | int | Figure


@dataclass(frozen=True)
class Section:
    """A heading, and what stands below it: paragraphs, tables, drawings."""

    heading: str
    level: int
    texts: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    drawing: str = ""


def write_cards(lake: Lake, output: Path | None) -> Path:
    """Write the card of the models in use, to a folder or the current release; returns where.

    Raises:
        SettingsError: no model is in use, or the folder holds cards already.
    """
    used = {t: registry.promoted_id(lake, t) for t in targets(lake)}
    chosen = {target: model for target, model in used.items() if model is not None}
    if not chosen:
        raise SettingsError("no model has been trained; run `tietoallas risk train` first")
    files: dict[str, str] = {}
    for language in LANGUAGES:
        sections = list(_sections(lake, chosen, language))
        files[f"model_card_{language}.html"] = _as_html(sections, language)
        files[f"model_card_{language}.md"] = _as_markdown(sections, language)
    if output is None:
        return add_to_current(lake.settings.published, SHELF, files, accesses(lake.settings))
    return _written(output, files)


def _written(output: Path, files: dict[str, str]) -> Path:
    output.mkdir(parents=True, exist_ok=True)
    taken = [name for name in files if (output / name).exists()]
    if taken:
        raise SettingsError(f"{output / taken[0]} exists; name another folder, or remove it")
    for name, text in files.items():
        (output / name).write_text(text, encoding="utf-8")
    return output


def _sections(lake: Lake, chosen: dict[str, str], language: str) -> Iterator[Section]:
    yield Section(WORDS["use"][language], 2, TEXTS["use"][language])
    limits = tuple(
        text.format(least=LEAST_GROUP, events=LEAST_EVENTS) for text in TEXTS["limits"][language]
    )
    yield Section(WORDS["limits"][language], 2, limits)
    for target, model_id in chosen.items():
        yield Section(TARGETS.get(target, {}).get(language, target), 2)
        yield _made(lake, model_id, language)
        yield _candidates(lake, target, language)
        yield _quality(lake, model_id, language)
        yield _drawn(lake, model_id, "calibration", language)
        yield _drawn(lake, model_id, "gain", language)
        yield _equity(lake, model_id, language)
        yield _drift(lake, model_id, language)


def _made(lake: Lake, model_id: str, language: str) -> Section:
    (row,) = lake.rows(
        "select train_month, calibrate_month, test_month, candidate_count, event_count,"
        " library_versions, artefact_sha256 from risk.model where model_id = ?",
        [model_id],
    )
    train, calibrate, test, people, events, versions, digest = row
    told = {
        "fi": f"{model_id}. Opetettu päivästä {train}, kalibroitu {calibrate}, testattu {test}:"
        f" peräkkäiset ikkunat. Opetuksessa {people} henkilöä, {events} tapahtumaa."
        f" {versions}. Malli: skops, sha256 {digest[:16]}.",
        "en": f"{model_id}. Trained from {train}, calibrated {calibrate}, tested {test}:"
        f" consecutive windows. {people} people in training, {events} events. {versions}. Kept"
        f" by skops, sha256 {digest[:16]}.",
    }
    return Section(WORDS["made"][language], 3, (told[language],))


def _candidates(lake: Lake, target: str, language: str) -> Section:
    rows = lake.rows(
        "select index_month, window_code, candidate_count, event_count, died_count, moved_count"
        " from mart.risk_target_count where target_code = ? and is_covered order by index_month",
        [target],
    )
    names = ("day", "window", "count", "events", "died", "moved")
    return Section(
        WORDS["candidates"][language],
        3,
        headings=tuple(WORDS[name][language] for name in names),
        rows=tuple((str(day), *rest) for day, *rest in rows),
    )


def _quality(lake: Lake, model_id: str, language: str) -> Section:
    found = {
        (predictor, measure): (value, low, high)
        for predictor, measure, value, low, high in lake.rows(
            f"select predictor_code, measure_code, value, low_value, high_value {_NEWEST}"
            " and group_kind_code = 'all'",
            [model_id, model_id],
        )
    }
    return Section(
        WORDS["quality"][language],
        3,
        headings=(WORDS["measure"][language], *(w[language] for w in PREDICTORS.values())),
        rows=tuple(
            (words[language], *(_told(found.get((p, code)), language) for p in PREDICTORS))
            for code, words in MEASURES.items()
        ),
    )


_NEWEST = (
    " from risk.measure where model_id = ? and index_month ="
    " (select max(index_month) from risk.measure where model_id = ?)"
)


def _told(figure: Sequence[Any] | None, language: str) -> Cell:
    """A figure with its interval; what cannot be told says so, and is no nought."""
    if figure is None or figure[0] is None:
        return WORDS["none"][language]
    value = decimals(figure[0], language, places=3)
    low, high = (None if f is None else decimals(f, language, places=3) for f in figure[1:])
    if low is None or high is None:
        return value
    return Figure(f"{value.text} ({low.text}–{high.text})")


def _equity(lake: Lake, model_id: str, language: str) -> Section:
    found: dict[tuple[str, str, int, int], dict[str, tuple[Any, ...]]] = {}
    for kind, group, people, events, measure, *figure in lake.rows(
        "select group_kind_code, group_code, candidate_count, event_count, measure_code, value,"
        f" low_value, high_value {_NEWEST} and group_kind_code <> 'all' order by all",
        [model_id, model_id],
    ):
        found.setdefault((kind, group, people, events), {})[measure] = tuple(figure)
    names = ("group", "count", "events")
    columns = ("predicted_mean", "observed_share", "observed_to_predicted", "auroc")
    told = WORDS["flagging"][language].format(most=f"{MOST_OFF:.0%}")
    return Section(
        WORDS["equity"][language],
        3,
        texts=(told,),
        headings=(
            *(WORDS[name][language] for name in names),
            *(WORDS[name][language] for name in ("predicted", "observed", "ratio")),
            "AUROC (95 %)",
            WORDS["flagged"][language],
        ),
        rows=tuple(
            (
                f"{GROUPS[kind][language]} {group}",
                people,
                events,
                *(_told(figures.get(name), language) for name in columns),
                WORDS["is_flagged"][language] if figures.get("is_flagged", (None,))[0] else "",
            )
            for (kind, group, people, events), figures in found.items()
        ),
    )


def _drift(lake: Lake, model_id: str, language: str) -> Section:
    rows = lake.rows(
        "select index_month, column_name, stability_index from risk.drift where model_id = ?"
        " qualify row_number() over (partition by index_month order by stability_index desc nulls"
        " last, column_name) <= ? order by index_month, stability_index desc nulls last",
        [model_id, MOST_DRIFTED],
    )
    return Section(
        WORDS["drift"][language],
        3,
        headings=(WORDS["day"][language], WORDS["column"][language], "PSI"),
        rows=tuple(
            (str(day), name, _told((index, None, None), language)) for day, name, index in rows
        ),
    )


def _drawn(lake: Lake, model_id: str, curve: str, language: str) -> Section:
    points = lake.rows(
        "select curve_code, x_value, y_value from risk.curve where model_id = ?"
        " and curve_code like ? || '%' and index_month ="
        " (select max(index_month) from risk.curve where model_id = ?)"
        " order by curve_code, point_number",
        [model_id, curve, model_id],
    )
    lines = {code: [(x, y) for c, x, y in points if c == code] for code, _, _ in points}
    axis = WORDS["model_axis" if curve == "calibration" else "gain_axis"][language]
    told = () if curve == "calibration" else (WORDS["gain_lines"][language],)
    rows = tuple(
        (decimals(x, language, places=3), decimals(y, language, places=3))
        for x, y in lines.get(curve, [])
    )
    return Section(
        WORDS[curve][language],
        3,
        texts=told,
        headings=(axis, WORDS["observed"][language]),
        rows=rows,
        drawing=_plot(lines, axis),
    )


def _plot(lines: dict[str, list[tuple[float, float]]], axis: str) -> str:
    """Lines of shares in a square, with the diagonal; the first solid, others dashed."""
    most = max((max(x, y) for points in lines.values() for x, y in points), default=1.0) or 1.0
    span = _SIDE - 2 * _MARGIN

    def placed(x: float, y: float) -> str:
        return f"{_MARGIN + span * x / most:.1f},{_SIDE - _MARGIN - span * y / most:.1f}"

    drawn = [
        f'<polyline fill="none" stroke="currentColor" stroke-width="2"{dash} points="'
        + " ".join(placed(x, y) for x, y in points)
        + '"/>'
        for points, dash in zip(
            lines.values(), ["", *[' stroke-dasharray="5 4"'] * 9], strict=False
        )
    ]
    diagonal = (
        f'<polyline fill="none" stroke="#9aa5b1" points="{placed(0, 0)} {placed(most, most)}"/>'
    )
    frame = (
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{span}" height="{span}" fill="none"'
        ' stroke="#d9dfe5"/>'
    )
    return (
        f'<svg viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" role="img"'
        f' aria-label="{escape(axis)}">'
        f"{frame}{diagonal}{''.join(drawn)}"
        f'<text x="{_SIDE / 2}" y="{_SIDE - 8}" font-size="11" text-anchor="middle">{escape(axis)}'
        f" (0–{most:.2f})</text></svg>"
    )


def _as_html(sections: Iterable[Section], language: str) -> str:
    parts = []
    for s in sections:
        parts.append(f"<h{s.level}>{escape(s.heading)}</h{s.level}>")
        parts.extend(f"<p>{escape(text)}</p>" for text in s.texts)
        shown = table(s.headings, s.rows) if s.rows else ""
        if s.drawing:
            shown = f"{s.drawing}<details><summary>{escape(s.heading)}</summary>{shown}</details>"
        parts.append(shown)
    other = next(code for code in LANGUAGES if code != language)
    lead = f'<a href="model_card_{other}.html">{other}</a>'
    return page(language, WORDS["title"][language], lead, "\n".join(parts))


def _as_markdown(sections: Iterable[Section], language: str) -> str:
    lines = [f"# {WORDS['title'][language]}", ""]
    for s in sections:
        lines += [f"{'#' * s.level} {s.heading}", ""]
        for text in s.texts:
            lines += [text, ""]
        if s.rows:
            lines += [_markdown_row(s.headings), _markdown_row(["---"] * len(s.headings))]
            lines += [_markdown_row(row) for row in s.rows]
            lines.append("")
    return "\n".join(lines)


def _markdown_row(cells: Iterable[Cell | Html]) -> str:
    texts = (c.text if isinstance(c, Figure | Html) else str(c) for c in cells)
    return f"| {' | '.join(text.replace('|', '/') for text in texts)} |"
