"""One text and many, as a model read them before it was fine-tuned and reads them since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis, trace_of
from dashboard.components.words import WordRow, word_rows
from dashboard.language import _, _n
from dashboard.numbers import listed
from dashboard.subject import Subject
from dashboard.widgets.attributions_view import words_of
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.run_view import run_rows
from interpret.core.devices import find_device
from pages.finetune.figures import (
    alike_bars,
    attention_maps,
    before_after,
    drift_map,
    moments_lines,
    probe_curves,
)

# Texts whose vectors are compared: enough for CKA, and some seconds on two cores.
_MOST_TEXTS = 300
# The same at every moment on the way.
_FEW_TEXTS = 64
# Fewer say nothing about how alike two sets of vectors are.
_LEAST_TEXTS = 8
_MOST_SHOWN = 80


@dataclass(frozen=True)
class Both:
    """A run, its model before and after, and the step that this after is; None for the end."""

    run: it.runs.Run
    before: it.EncoderSpec
    after: it.EncoderSpec
    step: int | None

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called."""
        return _("before"), _("after") if self.step is None else _("after step {step}").format(step=f"{self.step:,}")


def both_models(run: it.runs.Run) -> Both:
    """Let a moment of the training be chosen; returns the model before it and then, on the device that is chosen.

    Raises
    ------
    CheckpointError
        If one of them is gone.
    """
    assert run.model is not None
    last = it.finetuning.read_outcome(run).step
    moments = {one.step: one for one in it.finetuning.list_snapshots(run) if one.step != last}
    names = {step: _("step {step}").format(step=f"{step:,}") for step in moments}
    chosen = last
    if names:
        st.markdown("#### " + _("Compare the model before training with:"))
        chosen = segments(
            _("Compare the model before training with:"),
            {**names, last: _("kept model (step {step})").format(step=f"{last:,}")},
            state.MOMENT.of(run.id),
            last,
        )
    after = run.model if chosen == last else it.finetuning.open_snapshot(run, moments[chosen])
    return Both(run, _spec(run.base), _spec(str(after)), None if chosen == last else chosen)


def _spec(model: str) -> it.EncoderSpec:
    return it.EncoderSpec(it.find_checkpoint(model), find_device(state.chosen_value(state.DEVICE)).name, "float32")


def _drift(before: it.EncoderSpec, after: it.EncoderSpec, text: str) -> np.ndarray:
    """Return how far each head's attention has moved between two models."""
    first, second = (Analysis("trace", Subject(spec, text)) for spec in (before, after))
    found: np.ndarray = Analysis("finetuning.attention_drift", after, before=first, after=second).result
    return found


def _levels(spec: it.EncoderSpec, texts: tuple[str, ...]) -> np.ndarray:
    """Return mean vectors of texts at every level."""
    return np.asarray(Analysis("embed", spec, texts=texts, pooling="mean", prompt="").result.vectors)


def probe_part(both: Both) -> str:
    """Let a sentence be chosen or typed, and draw how its answer came about; returns the sentence."""
    run = both.run
    st.markdown("#### " + _("One sentence, before and after training"))
    outcome = it.finetuning.read_outcome(run)
    rows = dict(zip(outcome.texts, outcome.origin.numbers, strict=True))
    probes = {
        one: _("row {row}: {text}").format(row=rows[one], text=one) if one in rows else one
        for one in [*run.request.probes, *outcome.texts[:5]]
    }
    text = choose(
        st.selectbox,
        _("Sentence (choose one or type your own)"),
        probes,
        state.PROBE.of(run.id),
        new=True,
        accept_new_options=True,
    )
    metrics = it.runs.read_metrics(run.folder)
    if text in run.request.probes and metrics.evaluations[0]["probes"]:
        st.markdown("##### " + _("Predictions per epoch"))
        st.plotly_chart(probe_curves(metrics, outcome.labels, run.request.probes.index(text)), key="probe_curves")
    return text


def attention_part(both: Both, text: str) -> np.ndarray:
    """Draw which heads look elsewhere; returns how far each has moved, ``(layer, head)``, in bits."""
    st.markdown(
        "##### " + _("Which heads changed most"),
        help=_(
            "Jensen–Shannon divergence between a head's attention before and after training, mean over the words (Lin "
            "1991): 0 bits if the attention is unchanged, 1 bit if it goes to nothing that it went to before."
        ),
    )
    with st.spinner(_("Running both models on it …")):
        # In the cache two models find room at once.
        cache.encoder(both.before)
        cache.encoder(both.after)
        drift = _drift(both.before, both.after, text)
    layer, head = np.unravel_index(int(drift.argmax()), drift.shape)
    st.plotly_chart(drift_map(drift), key="drift")
    st.caption(
        _("Largest change: layer {layer}, head {head}, by {bits} bits. Mean per layer: {means}.").format(
            layer=layer,
            head=head,
            bits=f"{drift[layer, head]:.3f}",
            means=listed(f"{one:.3f}" for one in drift.mean(axis=1)),
        )
    )
    _side_by_side(both, text, (int(layer), int(head)), drift.shape)
    return drift


def _side_by_side(both: Both, text: str, most: tuple[int, int], shape: tuple[int, ...]) -> None:
    """Draw one head's attention in both models; the one that changed most where no other is chosen."""
    st.markdown("##### " + _("Attention of one head"))
    first, second, _rest = st.columns([1, 1, 4])
    about = f"{both.run.id}:{hash(text)}"
    layer = first.number_input(_("Layer"), 0, shape[0] - 1, most[0], key=f"inside_layer:{about}")
    head = second.number_input(_("Head"), 0, shape[1] - 1, most[1], key=f"inside_head:{about}")
    one, other = (trace_of(Subject(spec, text)) for spec in (both.before, both.after))
    figures = attention_maps(
        one.attention[layer, head],
        other.attention[layer, head],
        one.tokens.strings,
        (*both.names, _("change")),
    )
    for index, (column, figure) in enumerate(zip(st.columns(3), figures, strict=True)):
        column.plotly_chart(figure, key=f"side_by_side:{index}")


def moments_part(both: Both, text: str) -> None:
    """Draw how attention and vectors left where they were, step by step."""
    run = both.run
    snapshots = it.finetuning.list_snapshots(run)
    if not snapshots:
        return
    st.markdown("#### " + _("During training"))
    wanted = st.toggle(
        _("Compare all saved snapshots"),
        key=f"moments:{run.id}",
        help=_n(
            "{count} snapshot and the final model; the first time, each takes a second or two.",
            "{count} snapshots and the final model; the first time, each takes a second or two.",
            len(snapshots),
        ).format(count=len(snapshots)),
    )
    if not wanted:
        return
    outcome = it.finetuning.read_outcome(run)
    texts = tuple(dict.fromkeys(outcome.texts))[:_FEW_TEXTS]
    drifts, alike = [], []
    progress = st.progress(0.0, _("Running every snapshot …"))
    found: dict[int, it.finetuning.Snapshot | None] = {one.step: one for one in snapshots} | {outcome.step: None}
    steps = sorted(found)
    for index, step in enumerate(steps, 1):
        snapshot = found[step]
        spec = _spec(str(run.model if snapshot is None else it.finetuning.open_snapshot(run, snapshot)))
        cache.encoder(both.before)
        cache.encoder(spec)
        drifts.append(_drift(both.before, spec, text).mean(axis=1))
        if len(texts) >= _LEAST_TEXTS:
            pairs = zip(_levels(both.before, texts), _levels(spec, texts), strict=True)
            alike.append([it.embeddings.cka(x, y) for x, y in pairs])
        progress.progress(index / len(steps), _("Running every snapshot …"))
    progress.empty()
    steps = [0, *steps]
    left, right = st.columns(2, gap="large")
    left.markdown("##### " + _("Change of attention on this sentence"))
    drifted = np.array([np.zeros_like(drifts[0]), *drifts])
    left.plotly_chart(moments_lines(steps, drifted, _("bits, mean over heads"), False), key="moments_drift")
    if not alike:
        return
    right.markdown(
        "##### "
        + _("Similarity of the vectors of {count} held-out texts to those before training").format(count=len(texts))
    )
    likeness = np.array([np.ones(len(alike[0])), *alike])
    right.plotly_chart(moments_lines(steps, likeness, "CKA", True), key="moments_cka")


def vectors_part(both: Both) -> tuple[list[float], int] | None:
    """Draw how alike texts' vectors still are, and where the texts lie.

    Returns the CKA at each hidden state, and of how many texts; None of too few.
    """
    outcome = it.finetuning.read_outcome(both.run)
    # Each text once, by its first row.
    indices = list(dict(zip(reversed(outcome.texts), reversed(range(len(outcome.texts))), strict=True)).values())
    indices = sorted(indices)[:_MOST_TEXTS]
    texts, labels = (tuple(some[i] for i in indices) for some in (outcome.texts, outcome.truth))
    named = [
        _("row {row}: {text}").format(row=outcome.origin.numbers[i], text=outcome.texts[i][:_MOST_SHOWN])
        for i in indices
    ]
    if len(texts) < _LEAST_TEXTS:
        return None
    st.markdown("#### " + _("{count} held-out texts, before and after training").format(count=len(texts)))
    with st.spinner(_("Running both models on these texts …")):
        cache.encoder(both.before)
        cache.encoder(both.after)
        one, other = _levels(both.before, texts), _levels(both.after, texts)
    alike = [float(it.embeddings.cka(x, y)) for x, y in zip(one, other, strict=True)]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            "##### " + _("Similarity per layer (CKA)"),
            help=_(
                "Centred kernel alignment (CKA) of the texts' mean vectors, unbiased (Kornblith et al. 2019; Nguyen "
                "et al. 2021): 1 if the texts are arranged as before, up to rotation."
            ),
        )
        st.plotly_chart(alike_bars(alike), key="alike")
    with right:
        st.markdown(
            "##### " + _("Map of the texts after the last layer"),
            help=_("Principal components of each model, aligned with each other (Procrustes)."),
        )
        maps = it.embeddings.align(
            [it.embeddings.project(vectors[-1], method="pca", dims=2).points for vectors in (one, other)]
        ).points
        if both.run.request.task != "classes":
            labels = ("",) * len(texts)
        st.plotly_chart(before_after(maps, labels, named, both.names), key="before_after")
    return alike, len(texts)


def reasons_part(both: Both, text: str) -> None:
    """Draw which words speak for the answer, before and after."""
    if both.run.request.task != "classes" or both.run.request.pair is not None:
        return
    st.markdown("##### " + _("Words that support the prediction"))
    with st.spinner(_("Computing attributions with both models …")):
        after = cache.encoder(both.after)
        answer = it.attribution.explain(it.attribution.target_function(after, text), "integrated_gradients")
        before = cache.encoder(both.before)
        found = [answer]
        title = _("{model}: “{target}”")
        titles = [title.format(model=both.names[1], target=answer.target.name)]
        examples, split = run_rows(both.run)
        training = examples.some(split.train)
        head = Analysis("fit_head", both.before, texts=training.texts, labels=training.labels).result
        if answer.target.name in head.labels:
            found.insert(
                0,
                it.attribution.explain(
                    it.attribution.target_function(before, text, target=answer.target.name, head=head),
                    "integrated_gradients",
                ),
            )
            titles.insert(0, title.format(model=both.names[0], target=answer.target.name))
    rows = []
    for title, one in zip(titles, found, strict=True):
        size = float(np.abs(one.word_scores()).max()) or 1.0
        note = _("completeness error {error}").format(error=f"{one.error:.2%}")
        rows.append(WordRow(title, note, words_of(one, True), size, True))
    word_rows(rows, _("Before and after training"), "before-and-after", "inside_words", "inside_words")
    st.caption(
        _(
            "Integrated gradients, each row on its own colour scale. The model before training has no classifier; its "
            "attributions are for a linear head fitted on its frozen vectors of the same training rows."
        )
    )
