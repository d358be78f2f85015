"""Where in the layers a guess forms: the picture, and the lens that it is seen through."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.analysis import Analysis, Source, table_lines
from dashboard.figures import hidden_state_names
from dashboard.language import _, literal
from dashboard.numbers import sentences
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.long_work import Progress, long_work
from interpret.core.files import cache_folder
from pages.pretraining.figures import layer_map, lens_fit, rank_lines
from pages.pretraining.fill_mask_view import percent

_SHIPPED = {"en": "topics.csv", "zh": "topics.zh-CN.csv"}


@dataclass(frozen=True)
class LensChoice:
    """Which lens is looked through.

    Attributes
    ----------
    path
        Where the tuned lens is kept, or will be; None for the logit lens.
    texts
        What it is fitted on; None for the logit lens.
    """

    path: Path | None
    texts: Source | None = None

    @property
    def fitted(self) -> bool:
        """Whether there is something to look through."""
        return self.path is None or self.path.exists()

    @property
    def file(self) -> tuple[Path, int] | None:
        """The file of a lens that was fitted, and its time."""
        return None if self.path is None else (self.path, self.path.stat().st_mtime_ns)

    @property
    def source(self) -> Source | None:
        """The tuned lens, with the lines of Python that fit the same; None for the logit lens."""
        file = self.file
        if file is None or self.texts is None:
            return None
        lines = "lens = it.pretraining.fit_tuned_lens(encoder, texts)\n"
        return Source("lens", lines, file, lambda: cache.lens(*file), self.texts.file, (self.texts,))


def lens_input(spec: it.EncoderSpec) -> LensChoice | None:
    """Draw which lens is looked through; None while there are no texts to fit it on."""
    kind = segments(
        _("Lens"),
        {"logit": _("Logit lens"), "tuned": _("Tuned lens")},
        state.LENS,
        help=_(
            "The logit lens applies the model's own head to the hidden states after each layer (nostalgebraist 2020). "
            "States after early layers are not represented the way the last layer's are; a tuned lens first "
            "translates them, by a map per layer that is fitted once (Belrose et al. 2023)."
        ),
    )
    state.publish(state.LENS)
    if kind == "logit":
        return LensChoice(None)
    sources = {
        "en": _("built-in short texts (English)"),
        "zh": _("built-in short texts (Chinese)"),
        "file": _("my own file of texts"),
    }
    source = choose(st.selectbox, _("Fitted on"), sources, state.LENS_SOURCE, width=280)
    if source == "file":
        corpus = corpus_input()
        if corpus is None:
            st.info(_("Choose a file of texts like those you analyse; the lens is fitted on them."))
            return None
        texts, about = corpus.source("texts"), corpus.about
    else:
        name = _SHIPPED[source]
        table = cache.table((ROOT / "dashboard/examples" / name).read_bytes(), name)
        lines = table_lines(f"dashboard/examples/{name}") + "texts = [row[0] for row in table.rows]\n"
        texts, about = Source("texts", lines, name, lambda: tuple(row[0] for row in table.rows), name), name
    # A lens that was evaluated on texts that it was fitted to is none of these.
    what = hashlib.sha256(repr((spec.checkpoint, spec.precision, about, texts.result, "by text")).encode()).hexdigest()[
        :24
    ]
    return LensChoice(cache_folder() / "lenses" / f"{what}.safetensors", texts)


def fit_lens(spec: it.EncoderSpec, path: Path, texts: Source) -> None:
    """Draw the button that fits a lens, which is then kept in a file. Not for use in a fragment."""
    st.caption(_("Fitting takes a minute or two, once for this model and these texts; the fitted lens is saved."))

    def work(progress: Progress) -> bool:
        # Here alone: it brings PyTorch along, which no page waits for.
        from interpret.pretraining.tuned_lens import check_folder

        check_folder(path.parent)
        Analysis("pretraining.fit_tuned_lens", spec, texts=texts).run(progress=progress).save(path)
        return True

    long_work("lens_fit", path.stem, _("Fit the lens"), work, percent=True, beside=True)


def layers_view(found: it.pretraining.LayerGuesses) -> None:
    """Say where the answer appears, and draw it."""
    st.markdown(sentences(*(_appears(found, index) for index in range(len(found.names)))))
    left, right = st.columns([3, 2], gap="small")
    left.plotly_chart(layer_map(found), key="layers")
    right.plotly_chart(rank_lines(found), key="ranks")
    nearest = float(found.divergence[-2])
    st.caption(
        _(
            "Bold: the tokens that are tracked. Colour: square root of the probability. The top row is the model's "
            "own prediction; one layer before, the prediction differs from it by {bits} bits (KL divergence)."
        ).format(bits=f"{nearest:.2f}")
    )


def _appears(found: it.pretraining.LayerGuesses, index: int) -> str:
    name, first = literal(found.names[index]), found.appears(index)
    levels = hidden_state_names(range(len(found.candidates)))
    if first < len(levels):
        return _("**“{token}”** is the top guess from “{level}” on (final probability: {chance}).").format(
            token=name, level=levels[first], chance=percent(float(found.probability[-1, index]))
        )
    return _("**“{token}”** is ranked {rank} after the last layer ({chance}).").format(
        token=name, rank=f"{int(found.rank[-1, index]) + 1:,}", chance=percent(float(found.probability[-1, index]))
    )


def lens_about(lens: it.pretraining.TunedLens) -> None:
    """Draw how far the tuned lens brings each level."""
    with st.expander(_("What the tuned lens improves"), key="lens_gain"):
        st.plotly_chart(lens_fit(lens), key="lens_fit")
        st.caption(
            _(
                "Fitted on {states} states of {texts} texts; shown are {held} states of {others} held-out texts. "
                "Error bars: 95% interval of the difference to the logit lens, by text. The tuned lens is closer to "
                "the model's prediction, with an interval that excludes 0, at {count} of {levels} layers (the "
                "embeddings count as one)."
            ).format(
                states=f"{lens.states:,}",
                texts=f"{lens.texts:,}",
                held=f"{lens.held_out_states:,}",
                others=f"{lens.held_out_texts:,}",
                count=int((lens.gain[:, 0] > 0).sum()),
                levels=len(lens.gain),
            )
        )


def pick_mask(found: it.pretraining.Guesses) -> int:
    """Draw which mask is followed through the layers, where there are several."""
    if len(found.guesses) == 1:
        return found.guesses[0].position
    names = {
        guess.position: f"{number + 1} · {guess.true or guess.candidates[0]}"
        for number, guess in enumerate(found.guesses)
    }
    return choose(st.selectbox, _("Mask"), names, state.LENS_MASK, width=200)
