"""Which heads matter over a labelled file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.analysis import Analysis, Source
from dashboard.components.maps import HeadMap
from dashboard.language import _, _n
from dashboard.numbers import interval, number, sentences
from dashboard.widgets.corpus_input import Corpus, corpus_input
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.windows import warn_of_unknown
from interpret.core.clustered_intervals import sides
from interpret.core.intervals import wilson

# Rises and drops of a small number: with their sign.
_SIGNED = "+.4f"


def importance_run(spec: it.EncoderSpec) -> tuple[it.attention.HeadImportance, Analysis] | None:
    """Draw the input of a labelled file and the run over it; None before there is a result, with its analysis after."""
    corpus = corpus_input("labels")
    if corpus is None:
        st.info(
            _(
                "Choose a file with a text and a label in each row. For every head, Michel's score (2019) and the "
                "actual change in loss without it are then measured, and what remains as heads are pruned one after "
                "another."
            )
        )
        return None

    from interpret.attention.importance import answers_itself

    def first_windows() -> list[str]:
        from interpret.core.batches import windows_of

        with corpus.origin.naming():
            return [windows[0][0] for windows in windows_of(encoder, [(text, None) for text in corpus.texts])]

    analysis = importance_analysis(spec, corpus, first_windows)

    def work(progress: Progress) -> it.attention.HeadImportance:
        found: it.attention.HeadImportance = analysis.run(progress=progress)
        return found

    encoder = cache.encoder(spec)
    warn_of_unknown(encoder, [(text, None) for text in corpus.texts])
    counts = Counter(corpus.labels)
    own = answers_itself(encoder, corpus.labels)
    parts = [
        (
            _("Texts: {texts}. Classes: {classes}, with {most} each.")
            if min(counts.values()) == max(counts.values())
            else _("Texts: {texts}. Classes: {classes}, with {fewest} to {most} each.")
        ).format(
            texts=f"{len(corpus.labels):,}",
            classes=len(counts),
            fewest=min(counts.values()),
            most=max(counts.values()),
        ),
        _("The model's own classifier predicts all of them.")
        if own
        else _("Half of them are used to fit a linear head, the other half to measure."),
        _("One text is worth {point} percentage points of accuracy. About {passes} passes over the texts.").format(
            point=f"{(100 if own else 200) / len(corpus.labels):.1f}", passes=encoder.layers * encoder.heads + 50
        ),
    ]
    st.caption(sentences(*parts))
    if min(counts.values()) < 6:
        st.warning(
            _("Some classes have fewer than six texts, so measurements on them are mostly noise. Read more rows."),
            icon=":material/balance:",
        )
    label = _n(
        "Measure head importance on {count} text", "Measure head importance on {count} texts", len(corpus.texts)
    ).format(count=f"{len(corpus.texts):,}")
    stages = {
        "fit": _("fitting a linear head"),
        "gradient": _("gradients"),
        "removal": _("ablating each head in turn"),
        "pruning": _("pruning in five orders"),
    }
    result = long_work("importance", f"{spec}:{corpus.about}", label, work, stages)
    return None if result is None else (result, analysis)


def importance_analysis(spec: it.EncoderSpec, corpus: Corpus, texts: Callable[[], list[str]]) -> Analysis:
    """Describe what is measured: on the first window of each text."""
    lines = (
        "from interpret.core.batches import windows_of\n\n"
        "texts = [windows[0][0] for windows in windows_of(encoder, [(text, None) for text in texts])]\n"
    )
    return Analysis(
        "attention.head_importance",
        spec,
        name="result",
        shows=(".importance", ".loss_rise", ".curves"),
        texts=Source("texts", lines, corpus.about, texts, corpus.name, (corpus.source("texts"),)),
        labels=corpus.source("labels"),
    )


def importance_maps(result: it.attention.HeadImportance) -> list[HeadMap]:
    """Return the predicted and the true importance of each head as maps."""
    maps = [
        HeadMap(
            _("Predicted: |∂L/∂ξ|"),
            _("absolute gradient of the loss with respect to the head mask ξ, each layer normalised (L2)"),
            result.importance,
            0.0,
            float(result.importance.max()),
        )
    ]
    if result.loss_rise is not None and result.accuracy_drop is not None:
        about = _("orange: above 0 · ±{most}")
        for values, title, least in (
            (result.loss_rise, _("Measured: increase in loss (nats)"), 1e-4),
            (result.accuracy_drop, _("Measured: drop in accuracy"), 1 / result.texts),
        ):
            most = max(float(abs(values).max()), least)
            maps.append(HeadMap(title, about.format(most=f"{most:.2g}"), values, -most, most))
    return maps


def verdicts_of(result: it.attention.HeadImportance) -> list[list[str | None]] | None:
    """Return what the interval of each head's rise of the loss tells, in words; None where none was taken out."""
    if result.loss_rise_interval is None:
        return None
    said = _verdicts()
    return [
        [
            _("{verdict} ({interval})").format(verdict=said[int(one)], interval=interval(ends, _SIGNED))
            for one, ends in zip(row, intervals, strict=True)
        ]
        for row, intervals in zip(sides(result.loss_rise_interval), result.loss_rise_interval, strict=True)
    ]


def _verdicts() -> dict[int, str]:
    """Say what an interval of the rise of the loss tells, by its side of 0."""
    return {1: _("loss increases without it"), 0: _("not distinguishable from 0"), -1: _("loss decreases without it")}


def importance_table(result: it.attention.HeadImportance) -> dict[str, list[Any]]:
    """Return a row for each head, the highest true rise first, with 95% intervals over texts, as columns."""
    heads = result.importance.shape[1]
    by = result.importance if result.loss_rise is None else result.loss_rise
    order = (-by).ravel().argsort(kind="stable")
    table: dict[str, list[Any]] = {
        _("Layer"): (order // heads).tolist(),
        _("Head"): (order % heads).tolist(),
    }
    for name, values, ends in (
        (_("Predicted importance"), result.importance, result.importance_interval),
        (_("Increase in loss"), result.loss_rise, result.loss_rise_interval),
        (_("Drop in accuracy"), result.accuracy_drop, result.accuracy_drop_interval),
    ):
        if values is not None and ends is not None:
            table[name] = values.ravel()[order].astype(float).tolist()
            table[_("{name}, 95%").format(name=name)] = [
                interval(pair, _SIGNED) for pair in ends.reshape(-1, 2)[order].tolist()
            ]
    if result.loss_rise_interval is not None:
        said = _verdicts()
        table[_("Verdict")] = [said[int(one)] for one in sides(result.loss_rise_interval).ravel()[order]]
    return table


def importance_line(result: it.attention.HeadImportance) -> str:
    """Say in Markdown what was measured, on what, and how well it answers with all heads."""
    from scipy.stats import spearmanr

    from interpret.core.rank_correlation import spearman_interval

    low, high = wilson(result.accuracy * result.texts, result.texts)
    parts = [
        _(
            "With all heads: accuracy {accuracy}% (95%: {low} to {high}%), loss {loss} nats (95%: {least} to "
            "{most}), on {texts} texts (majority-class baseline: {majority}%)."
        ).format(
            low=f"{100 * low:.1f}",
            high=f"{100 * high:.1f}",
            accuracy=f"{100 * result.accuracy:.1f}",
            loss=f"{result.loss:.3f}",
            least=f"{result.loss_interval[0]:.3f}",
            most=f"{result.loss_interval[1]:.3f}",
            texts=f"{result.texts:,}",
            majority=f"{100 * result.majority:.1f}",
        )
    ]
    if result.fitted_on:
        parts.append(
            _(
                "The model has no classifier that predicts one of these labels for each text, so a linear head was "
                "fitted to the sentence vectors of {count} other texts of the file."
            ).format(count=f"{result.fitted_on:,}")
        )
    else:
        parts.append(_("The predictions are those of the model's own classifier."))
    if not low > result.majority:
        parts.append(_("**This is not shown to beat the majority-class baseline, so no head is shown to matter.**"))
    if result.loss_rise is not None and result.loss_rise_interval is not None:
        heads = result.importance.size
        signs = sides(result.loss_rise_interval)
        parts.append(
            _(
                "Ablating a single head increases the loss for {up} of {heads} heads and decreases it for {down}; for "
                "the others, the 95% interval over these texts includes 0. If no head had any effect, about "
                "{by_chance} would still be counted by chance."
            ).format(
                up=int((signs > 0).sum()), down=int((signs < 0).sum()), heads=heads, by_chance=f"{0.05 * heads:.1f}"
            )
        )
        agreement = float(spearmanr(result.importance.ravel(), result.loss_rise.ravel()).statistic)
        ends = spearman_interval(agreement, heads)
        parts.append(
            _(
                "Predicted and measured importance have a rank correlation of {agreement} (Spearman; 95% over "
                "{heads} heads: {least} to {most})."
            ).format(
                agreement=number(agreement, ".2f"),
                heads=heads,
                least=number(ends[0], ".2f"),
                most=number(ends[1], ".2f"),
            )
        )
    parts.append(_("Of texts longer than the model's maximum length, only the first window counts."))
    return sentences(*parts)


def importance_downloads(analysis: Analysis, result: it.attention.HeadImportance, stem: str) -> list[Download]:
    """Offer the importance of each head as files."""
    layers, heads = result.importance.shape
    maps = {
        "gradient": result.gradient,
        "importance": result.importance,
        "loss_rise": result.loss_rise,
        "accuracy_drop": result.accuracy_drop,
    }
    intervals = {
        "importance": result.importance_interval,
        "loss_rise": result.loss_rise_interval,
        "accuracy_drop": result.accuracy_drop_interval,
    }

    def table() -> bytes:
        columns = {
            "layer": [layer for layer in range(layers) for _head in range(heads)],
            "head": [head for _layer in range(layers) for head in range(heads)],
        }
        for key, values in maps.items():
            if values is not None:
                columns[key] = values.ravel().tolist()
            ends = intervals.get(key)
            if ends is not None:
                columns[f"{key}_low"], columns[f"{key}_high"] = ends.reshape(-1, 2).T.tolist()
        return as_csv(columns)

    def numbers() -> bytes:
        return as_json(
            {
                **analysis.about,
                "loss": result.loss,
                "loss_interval_95": result.loss_interval,
                "accuracy": result.accuracy,
                "majority": result.majority,
                "texts": result.texts,
                "fitted_on": result.fitted_on,
                **{key: values.tolist() for key, values in maps.items() if values is not None},
                "interval_95": {key: values.tolist() for key, values in intervals.items() if values is not None},
                "curves": {
                    order: {
                        "removed": curve.removed.tolist(),
                        "loss": curve.loss.tolist(),
                        "accuracy": curve.accuracy.tolist(),
                        "loss_interval_95": curve.loss_interval.tolist(),
                        "accuracy_interval_95": curve.accuracy_interval.tolist(),
                    }
                    for order, curve in result.curves.items()
                },
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each head")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The same values, with the pruning curves")),
    ]
