"""The Embeddings page: reading a collection, drawing points from it, what colours them, and their maps."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis, Source
from dashboard.language import _, _n
from dashboard.numbers import clauses, sentences
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.collection import SEED, Collection
from dashboard.widgets.long_work import Progress, long_work, was_stopped
from dashboard.widgets.sentence_view import length_line, pooling_input, prompted
from dashboard.widgets.typed import typed
from dashboard.widgets.windows import warn_of_unknown
from interpret.core.errors import InputError
from interpret.core.sentence_pipeline import OWN

# What is read by itself, without a click: some seconds on two cores.
_SOON_CHARACTERS = 60_000


@dataclass(frozen=True, eq=False)
class Read:
    """A collection and its vectors.

    Attributes
    ----------
    about
        Tells these vectors from any other.
    """

    collection: Collection
    embeddings: it.Embeddings
    about: str

    @property
    def label(self) -> str | None:
        """The column with the texts' label; None where there is none."""
        return self.collection.label

    @cached_property
    def analysis(self) -> Analysis:
        """How the texts were read."""
        found = self.embeddings
        more: dict[str, Any] = {} if len(found.layers) > 1 else {"layers": (-1,)}
        if found.level == "texts":
            more |= {"pooling": found.pooling, "prompt": found.prompt}
        more |= {"level": found.level, "word": found.word}
        return Analysis("embed", found.spec, name="embeddings", texts=self.collection.source, **more)

    def vectors(self, layer: int, indices: np.ndarray) -> Source:
        """Return the vectors of the points that `draw_sample` draws, with the lines of Python that take them."""
        drawn = self.sample("vectors", f"embeddings.at({layer})", lambda: self.embeddings.at(layer)[indices], indices)
        return drawn

    def sample(self, name: str, of: str, value: Callable[[], Any], indices: np.ndarray) -> Source:
        """Return what some Python has for each point that is drawn: ``of`` stands for all points."""
        key = (self.about, len(indices))
        if len(indices) == len(self.embeddings):
            return Source(name, f"{name} = {of}\n", key, value, after=(self.analysis,))
        draw = f"np.random.default_rng({SEED}).permutation(len(embeddings))[:{len(indices)}]"
        shown = Source(
            "shown", f"import numpy as np\n\nshown = np.sort({draw})\n", key, lambda: indices, after=(self.analysis,)
        )
        return Source(name, f"{name} = {of}[shown]\n", key, value, after=(shown,))

    def column(self, name: str) -> tuple[str, ...]:
        """Return a column's value for each item."""
        values = self.collection.columns[name]
        return tuple(values[i] for i in self.embeddings.text)


def _in_fast_precision(encoder: it.Encoder, collection: Collection) -> it.Encoder:
    """Return the encoder in bfloat16 where nobody asked for a precision, a card multiplies it, and it moves little."""
    from interpret.core.devices import find_device
    from interpret.core.rounding import fast_precision, some_of

    spec = encoder.spec
    if state.chosen_value(state.PRECISION) != "auto" or fast_precision(find_device(spec.device)) == spec.precision:
        return encoder
    try:
        found = cache.rounding(spec, some_of(collection.texts))
    except it.InterpretError:
        # What cannot be read is said where all of it is read; and without room for a second model there is one.
        return encoder
    said = {"count": found.cosines.shape[1], "cosine": f"{found.lowest:.4f}"}
    if not found.small:
        st.caption(
            _n(
                "Computed in float32: in bfloat16, the mean vector of {count} sampled text has a cosine as low as "
                "{cosine} with that in float32.",
                "Computed in float32: in bfloat16, the mean vectors of {count} sampled texts have a cosine as low "
                "as {cosine} with those in float32.",
                found.cosines.shape[1],
            ).format(**said)
        )
        return encoder
    st.caption(
        _n(
            "Computed in bfloat16: the mean vector of {count} sampled text keeps a cosine of at least {cosine} with "
            "that in float32, which can be selected in the sidebar.",
            "Computed in bfloat16: the mean vectors of {count} sampled texts keep a cosine of at least {cosine} "
            "with those in float32, which can be selected in the sidebar.",
            found.cosines.shape[1],
        ).format(**said)
    )
    return cache.encoder(replace(spec, precision="bfloat16"))


def level_input(encoder: it.Encoder, collection: Collection) -> tuple[str, str | None, str, str | None, str]:
    """Draw what a point is, and return the level, the word, the pooling, the prompt, and which layers are kept."""
    levels = {
        "texts": _("Whole texts"),
        "word": _("One word in context"),
        "words": _("All words"),
        "tokens": _("All tokens"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        level = segments(_("A point is"), levels, state.LEVEL)
        word = None
        if level == "word":
            _begin_with_a_word(collection)
            word = typed(st.text_input, _("Word"), state.WORD, width=200)
        pooling, prompt = "mean", None
        if level == "texts":
            pooling = pooling_input(encoder, _("Pooling"), width=380)
            prompt = prompted(encoder, width=380).before()
        with st.popover(_("Embedding options"), icon=":material/tune:"):
            kept = choose(
                st.selectbox,
                _("Layers to keep"),
                {"all": _("all, in one pass"), "last": _("only the last (less disk space)")},
                state.KEPT_LAYERS,
            )
            _store_controls()
    for key in (state.LEVEL, state.WORD, state.KEPT_LAYERS):
        if key == state.WORD and level != "word":
            state.remember(key, None)
        else:
            state.publish(key)
    if level != "texts":
        state.remember(state.POOLING, None)
        state.remember(state.PROMPT, None)
    return level, word, pooling, prompt, kept


def _frequent_word(collection: Collection) -> str:
    """Return the word that is in the most texts and as long as a telling one, to begin with."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    from interpret.embeddings.keywords import words_in

    counts = Counter(word for text in collection.texts[:500] for word in words_in(text))
    words = [one for one in counts.most_common(300) if len(one[0]) > 3 or not one[0].isascii()]
    # A word that says something, if it is there often enough for a map.
    content_words = [word for word, count in words if count >= 5 and word not in ENGLISH_STOP_WORDS]
    return next(iter([*content_words, *(word for word, _count in words)]), "")


def _begin_with_a_word(collection: Collection) -> None:
    """Give the word's field a word that is there, where it has none, or one that only another collection has."""
    of = "word_of"
    from interpret.core.scripts import fold
    from interpret.embeddings.reading_plan import word_pattern

    changed = st.session_state.get(of, collection.about) != collection.about
    st.session_state[of] = collection.about
    word = str(st.session_state.get(state.WORD) or "")
    if changed and not (word.strip() and any(map(word_pattern(word).search, map(fold, collection.texts)))):
        st.session_state[state.WORD] = _frequent_word(collection)
    state.seed(state.WORD, _frequent_word(collection))


def _store_controls() -> None:
    store = cache.store()
    st.caption(
        _(
            "Vectors are cached on this machine: {used} of at most {limit} GB. The texts themselves are not stored."
        ).format(used=f"{store.used() / 1e9:.2f}", limit=f"{store.limit / 1e9:g}")
    )
    st.button(_("Delete cached vectors"), on_click=store.clear, icon=":material/delete:")


def read_collection(encoder: it.Encoder, collection: Collection) -> Read | None:
    """Draw what a point is and read the texts; None before they are read.

    Raises
    ------
    InputError
        If no word is given, or a text cannot be read.
    CapacityError
        If the vectors do not fit on the disk.
    """
    encoder = _in_fast_precision(encoder, collection)
    level, word, pooling, prompt, kept = level_input(encoder, collection)
    if level == "word" and not (word or "").strip():
        raise InputError("No word is given. Type a word that occurs in the texts.")
    warn_of_unknown(encoder, [(text, None) for text in collection.texts])
    layers = "all" if kept == "all" else [-1]
    about = f"{encoder.spec}:{collection.about}:{level}:{word}:{pooling}:{prompt}:{kept}:{len(collection.texts)}"

    def work(progress: Progress) -> it.Embeddings:
        with collection.origin.naming():
            return cache.store().embed(
                encoder,
                collection.texts,
                layers,
                pooling,
                progress,
                level="words" if level == "word" else level,
                word=word,
                prompt=prompt,
                beside=cache.beside(encoder.spec),
            )

    key = ("embeddings", encoder.spec, collection.texts, level, word, pooling, prompt, kept)
    embeddings = long_work(
        "embeddings",
        about,
        _n("Embed {count} text", "Embed {count} texts", len(collection.texts)).format(
            count=f"{len(collection.texts):,}"
        ),
        lambda progress: cache.shared(key, work, progress),
        {"cut": _("tokenising"), "read": _("tokens")},
        auto=collection.characters <= _SOON_CHARACTERS,
        keep=4,
        rate=_("{rate} tokens/s"),
    )
    if embeddings is None:
        if not was_stopped("embeddings"):
            st.info(_("The texts have not been read yet. One pass keeps every layer, so looking again costs nothing."))
        return None
    cut = int((embeddings.windows > 1).sum())
    if cut:
        said = _(
            "Texts longer than the {most} tokens that this model reads at once: {count}. They were read in windows."
        )
        if level == "texts":
            said = sentences(
                said,
                _("A text's vector is the maximum over its windows.")
                if pooling == "max"
                else _("A text's vector is the average over its windows."),
            )
        st.info(said.format(count=f"{cut:,}", most=f"{encoder.max_tokens:,}"), icon=":material/view_carousel:")
    _say_what_is_own(encoder, embeddings)
    return Read(collection, embeddings, hashlib.sha1(about.encode(), usedforsecurity=False).hexdigest()[:16])


def _say_what_is_own(encoder: it.Encoder, embeddings: it.Embeddings) -> None:
    """Say what the model's own way of making sentence vectors leaves out, and of which layers it is true."""
    own = encoder.sentence
    if embeddings.pooling != OWN or own is None:
        return
    unread = int(embeddings.cut.sum())
    if unread and own.max_length is not None:
        st.info(
            sentences(
                length_line(own.max_length),
                _("Longer texts, cut off at the end: {count} of {total}. Another pooling reads them in full.").format(
                    count=f"{unread:,}", total=f"{len(embeddings.texts):,}"
                ),
            ),
            icon=":material/content_cut:",
        )
    if len(own.steps) > own.normalized:
        st.caption(
            _("The model's own sentence vectors exist only for the last layer; lower layers have none.")
            if len(embeddings.layers) == 1
            else _(
                "The steps after the model's own pooling apply to the last layer only; vectors of lower layers are "
                "pooled the same way, without these steps."
            )
        )


def draw_sample(read: Read, most: int) -> np.ndarray:
    """Draw which items are shown, with the seed that is said."""
    total = len(read.embeddings)
    if total <= most:
        return np.arange(total)
    # The first of one shuffled order: a smaller draw lies in every larger one.
    return np.sort(np.random.default_rng(SEED).permutation(total)[:most])


def sample_line(read: Read, indices: np.ndarray) -> str:
    """Say how many points are shown, and of how many."""
    items, texts = len(read.embeddings), len(read.collection.texts)
    parts = []
    if len(indices) < items:
        parts.append(
            _("**{shown} of {items} points shown**, sampled at random with seed {seed}").format(
                shown=f"{len(indices):,}", items=f"{items:,}", seed=SEED
            )
        )
    else:
        parts.append(_n("{items} point shown", "All {items} points shown", items).format(items=f"{items:,}"))
    if read.embeddings.level != "texts":
        parts.append(_n("from {texts} text", "from {texts} texts", texts).format(texts=f"{texts:,}"))
    if texts < read.collection.total:
        parts.append(_("of {total} rows in the file").format(total=f"{read.collection.total:,}"))
    line = _("{facts}.").format(facts=clauses(parts))
    return sentences(line, _("With so few points, every number below is imprecise.")) if len(indices) < 30 else line


def sample_digest(indices: np.ndarray) -> str:
    """Tell one draw of points from another."""
    return hashlib.sha1(indices.tobytes(), usedforsecurity=False).hexdigest()[:12]
