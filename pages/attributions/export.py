"""Attributions to take away: a page that needs no network, tables, JSON, and lines of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import interpret as it
from dashboard.language import _
from dashboard.numbers import number
from dashboard.widgets.attributions_view import rows_of, uncertainty_of, words_of
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.method_input import How, method_names
from dashboard.widgets.models import device_name
from dashboard.widgets.target_view import TargetChoice, target_name

# The light theme's diverging colours, against and for, and what lies between; see .streamlit/config.toml.
_AGAINST, _NEITHER, _FOR = (12, 66, 119), (245, 245, 243), (194, 102, 15)


def attribution_table(found: Sequence[it.Attribution], words: bool) -> dict[str, list[Any]]:
    """Return a row for each word or token but those of a prompt, a column for each method."""
    names, tokens = method_names(), found[0].tokens
    drawn = words_of(found[0], words)
    firsts = [group[0] for group in tokens.groups] if words else range(len(tokens))
    rows = [row for row, first in enumerate(firsts) if not tokens.prompt[first]]
    table: dict[str, list[Any]] = {
        _("Position"): rows,
        _("Word") if words else _("Token"): [drawn[row].text for row in rows],
    }
    for one in found:
        scores, spread = one.word_scores() if words else one.scores, uncertainty_of(one, words)
        table[names[one.method]] = [float(scores[row]) for row in rows]
        if spread is not None:
            table[_("± {method} (95%)").format(method=names[one.method])] = [float(spread[row]) for row in rows]
    return table


def attribution_downloads(
    choice: TargetChoice, found: Sequence[it.Attribution], how: How, title: str, stem: str
) -> list[Download]:
    """Offer what is shown as files."""
    return [
        Download(
            "HTML",
            f"{stem}.html",
            "text/html",
            lambda: as_page(found, how, title, facts(choice)),
            _("The coloured words; works offline"),
        ),
        Download(
            "CSV",
            f"{stem}.csv",
            "text/csv",
            lambda: as_csv(attribution_table(found, how.words)),
            _("A row for each word"),
        ),
        Download(
            "JSON",
            f"{stem}.json",
            "application/json",
            lambda: as_json([as_dict(choice, one) for one in found]),
            _("Scores with method, target and settings"),
        ),
    ]


def as_dict(choice: TargetChoice, one: it.Attribution) -> dict[str, Any]:
    """Return an attribution with what made it, as JSON has it."""
    return {
        **choice.target_analysis.about,
        "classifier": choice.classifier or None,
        "text": one.tokens.text,
        "pair": one.tokens.pair,
        "target": target_name(choice, one.target),
        **sentence_facts(choice),
        "method": one.method,
        "baseline": one.baseline or None,
        "path_rule": one.rule or None,
        "tolerance": one.tolerance,
        "noise_averaged_out": one.smooth,
        "seed": one.seed,
        "output": one.output,
        "baseline_output": None if one.baseline_output != one.baseline_output else one.baseline_output,
        "delta": None if one.delta != one.delta else one.delta,
        "steps": one.steps,
        "forward_passes": one.forward_passes,
        "backward_passes": one.backward_passes,
        "seconds": round(one.seconds, 3),
        "tokens": list(one.tokens.strings),
        "scores": [round(float(score), 6) for score in one.scores],
        # Half a 95% interval over the method's own draws.
        "uncertainty": None if one.uncertainty is None else [round(float(half), 6) for half in one.uncertainty],
        "words": list(one.tokens.words),
        "word_scores": [round(float(score), 6) for score in one.word_scores()],
        "word_uncertainty": (
            None if one.word_uncertainty is None else [round(float(half), 6) for half in one.word_uncertainty]
        ),
    }


def facts(choice: TargetChoice) -> dict[str, str]:
    """Return what was asked and answered, for who keeps the page as a record."""
    target_function = choice.target_function
    spec, tokens = choice.subject.spec, [target_function.tokens]
    known = {
        _(
            "Model"
        ): f"{spec.checkpoint.name} ({spec.checkpoint.revision[:12]}, {device_name(spec.device)}, {spec.precision})",
        _("Prompt"): spec.prompt or "",
        _("Classifier"): choice.classifier,
        _("Explained target"): target_name(choice, target_function.target),
        _("Sentence vectors"): " · ".join(str(one) for one in sentence_facts(choice).values() if one),
        _("Probability"): f"{float(target_function.target_probabilities(tokens)[0]):.4f}"
        if target_function.kind.likely
        else "",
        _("Model output"): number(float(target_function.outputs(tokens)[0]), ".4f"),
        _("Text"): choice.subject.text,
        _("Second text"): choice.subject.pair or "",
        _("Created"): datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    return {name: value for name, value in known.items() if value}


def as_page(found: Sequence[it.Attribution], how: How, title: str, known: Mapping[str, str]) -> bytes:
    """Write the coloured words as one HTML file that fetches nothing, with what is known and every number."""
    parts = [
        "<!doctype html><meta charset='utf-8'>",
        f"<title>{escape(title)}</title>",
        "<style>body{font:16px/2.1 sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
        "1rem;color:#1c2530;background:#fff}"
        "h1{font-size:1.1rem}h2{font-size:1rem;margin:1.4rem 0 0;line-height:1.4}small{display:block;line-height:1.4}"
        "span{padding:.16em .22em;border-radius:3px}.fixed{opacity:.55;font-size:.8em}"
        "table{border-collapse:collapse;font-size:.85rem;line-height:1.5}"
        "td,th{padding:.1em .8em .1em 0;text-align:left;vertical-align:top;"
        "font-variant-numeric:tabular-nums}th{font-weight:600}</style>",
        f"<h1>{escape(title)}</h1>",
        "<table>",
        *(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in known.items()),
        "</table>",
    ]
    for row in rows_of(found, how.words):
        parts.append(f"<h2>{escape(row.title)}</h2><small>{escape(row.note)}</small><p>")
        for word in row.words:
            look = (
                "class='fixed'"
                if word.fixed
                else f"style='{_style(word.score, row.most)}' title='{escape(word.note or number(word.score, '+.4f'))}'"
            )
            parts.append(f"{' ' if word.spaced else ''}<span {look}>{escape(word.text)}</span>")
        parts.append("</p>")
    legend = "".join(
        f"<span style='{_style(share, 1.0)}'>{escape(name)}</span> "
        for share, name in ((-1.0, _("against")), (0.0, "0"), (1.0, _("in favour")))
    )
    table = attribution_table(found, how.words)
    parts.append(f"<p>{legend}</p><table><tr>{''.join(f'<th>{escape(str(name))}</th>' for name in table)}</tr>")
    for values in zip(*table.values(), strict=True):
        # As a sheet reads them, into which they are copied.
        cells = (f"{one:+.4f}" if isinstance(one, float) else str(one) for one in values)
        parts.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    parts.append("</table>")
    return "".join(parts).encode()


def _style(score: float, most: float) -> str:
    share = max(-1.0, min(1.0, score / most if most else 0.0))
    end = _FOR if share > 0 else _AGAINST
    red, green, blue = (round(low + (high - low) * abs(share)) for low, high in zip(_NEITHER, end, strict=True))
    text = "#000000" if _luminance(red, green, blue) > _EVEN else "#ffffff"
    return f"background:rgb({red},{green},{blue});color:{text}"


# On this luminance black and white have the same contrast, 4.6 to 1, and on any other the better one has more.
_EVEN = (1.05 * 0.05) ** 0.5 - 0.05


def _luminance(*colour: int) -> float:
    """Return how bright a colour looks, from 0 to 1: WCAG 2.2, relative luminance."""
    linear = [((one / 255 + 0.055) / 1.055) ** 2.4 if one > 0.04045 * 255 else one / 255 / 12.92 for one in colour]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def sentence_facts(choice: TargetChoice) -> dict[str, Any]:
    """Return how the vectors were made that a similarity is of, as JSON has it; nothing for other targets."""
    if not choice.kind.compares:
        return {}
    reading = choice.target_function.reading
    return {"pooling": reading.name, "prompt": reading.prompt, "similarity": reading.model.similarity}
