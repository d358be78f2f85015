"""What is asked of the model, by which methods, and what came of it as words on colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache as keep_forever

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import interpret as it
from dashboard import ROOT, cache, state
from dashboard.language import _, language, literal
from dashboard.pictures.words import Word, WordRow, token_words, word_rows
from dashboard.widgets.choices import choose, segments
from dashboard.widgets.corpus_input import corpus_input
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.python_code import table_lines
from interpret.files import Table, read_table

# What is begun without a click: so many pieces through the model, forward or backward, are some seconds on two cores.
_SOON_PIECES = 25_000
_FIRST = ("integrated_gradients", "feature_ablation", "gradient_shap")
_SOURCE = "classifier"
_STARTERS = {"starter": "topics.csv", "starter_zh": "topics.zh-CN.csv"}


@dataclass(frozen=True, eq=False)
class Asked:
    """A question as the page asks it.

    Attributes
    ----------
    spec, text, pair, head
        See `interpret.ask`.
    target
        As `interpret.ask` takes it.
    classifier
        Tells one head from another.
    fitted
        How the head came to be, as lines of Python; empty without one.
    kept
        The question, once it was asked.
    """

    spec: it.EncoderSpec
    text: str
    pair: str | None
    target: str | int
    head: it.LinearHead | None
    classifier: str
    fitted: str
    kept: list[it.Question] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Tells what a result is a result of."""
        return repr((self.spec, self.text, self.pair, self.target, self.classifier))

    @property
    def question(self) -> it.Question:
        """What is asked, once for all that a page shows of it.

        Raises
        ------
        InputError
            If the model cannot be asked that.
        """
        if not self.kept:
            self.kept.append(it.ask(cache.encoder(self.spec), self.text, self.pair, self.target, self.head))
        return self.kept[0]


def method_names() -> dict[str, str]:
    """Name each method for the reader."""
    return {
        "integrated_gradients": _("Integrated gradients"),
        "feature_ablation": _("Feature ablation"),
        "gradient_shap": "GradientSHAP",
        "shapley_sampling": _("Shapley sampling"),
        "occlusion": _("Occlusion"),
        "kernel_shap": "Kernel SHAP",
        "lime": "LIME",
        "input_x_gradient": _("Input × gradient"),
        "saliency": _("Saliency"),
        "rollout": _("Attention rollout"),
        "gradient_x_attention": _("Gradient × attention"),
    }


def baseline_names() -> dict[str, str]:
    """Name each baseline for the reader."""
    return {
        "pad": _("[PAD]: nothing written"),
        "mask": _("[MASK]: a hidden word"),
        "zero": _("zero: no embedding"),
        "mean": _("mean of all embeddings"),
    }


def rule_names() -> dict[str, str]:
    """Name each way of looking at the line from the baseline for the reader."""
    return {
        "adaptive": _("adaptive: closer where it does not add up"),
        "trapezoid": _("trapezium, evenly spaced"),
        "gauss_legendre": _("Gauss–Legendre"),
    }


@keep_forever
def _starter(name: str) -> Table:
    return read_table((ROOT / "dashboard/examples" / name).read_bytes(), name)


def ask_input(spec: it.EncoderSpec, text: str, pair: str | None) -> Asked | None:
    """Draw what is asked of the model; None while a file for its classifier is missing.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    encoder = cache.encoder(spec)
    task = encoder.task
    own = task is not None and task.kind == "classes"
    masked = task is not None and task.kind == "masked words" and encoder.mask is not None and encoder.mask in text
    options = {"class": _("a class"), "word": _("the word at the mask")}
    kinds = ({} if not masked else {"word": options["word"]}) | {
        "class": options["class"],
        "similarity": _("how alike two texts are"),
        "norm": _("the length of the sentence vector"),
        "unit": _("a hidden unit"),
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = choose(st.selectbox, _("Explain"), kinds, state.EXPLAINED, width=260)
        state.publish(state.EXPLAINED, next(iter(kinds)))
        if kind == "unit":
            levels = {i: str(i) for i in range(encoder.layers + 1)}
            level = choose(st.selectbox, _("Level"), levels, "unit_level", encoder.layers, width=110)
            state.seed("unit_number", 0, range(encoder.width))
            unit = st.number_input(
                _("Unit"), 0, encoder.width - 1, key="unit_number", persist_state="session", width=130
            )
            return Asked(spec, text, pair, f"unit {level}.{unit}", None, "", "")
        if kind == "similarity":
            sides = {"first": _("Words of the first text"), "second": _("Words of the second text")}
            # Each text's words can be asked what they do for the likeness to the other.
            if pair and segments(_("Words of"), sides, "similarity_side") == "second":
                text, pair = pair, text
            return Asked(spec, text, pair, "similarity", None, "", "")
        if kind in ("norm", "word"):
            return Asked(spec, text, pair, "norm" if kind == "norm" else "predicted", None, "", "")
        source = "own"
        if not own:
            sources = {
                "starter": _("starter: six topics, English"),
                "starter_zh": _("starter: six topics, Chinese"),
                "file": _("a labelled file of mine"),
            }
            source = choose(st.selectbox, _("Classifier"), sources, _SOURCE, width=250)
            state.publish(_SOURCE, "starter")
        place = st.container()
    head, about, lines = None, "", ""
    if source in _STARTERS:
        head, about, lines = _starter_head(spec, _STARTERS[source])
    elif source == "file":
        corpus = corpus_input("classifier", labelled=True)
        if corpus is None:
            st.info(_("Choose a file with a text and a label in each row: a linear head is fitted on it in seconds."))
            return None
        head, about = cache.head(spec, corpus.texts, corpus.labels), f"file:{corpus.about}"
        st.caption(_("A linear head fitted on the frozen sentence vectors of your file.") + " " + _how_good(head))
        text_column, label_column = corpus.columns
        lines = (
            table_lines(corpus.name)
            + f"texts = [row[{text_column}] for row in table.rows if row[{text_column}].strip() and "
            + f"row[{label_column}].strip()]\n"
            + f"labels = [row[{label_column}].strip() for row in table.rows if row[{text_column}].strip() and "
            + f"row[{label_column}].strip()]\n"
            + "head = it.fit_head(encoder, texts, labels)\n"
        )
    names = head.labels if head is not None else task.labels if task is not None else ()
    classes: dict[int, str] = {-1: _("the one predicted"), **dict(enumerate(names))}
    with place:
        index = choose(st.selectbox, _("Class"), classes, f"class:{about}:{len(names)}", width=200)
    return Asked(spec, text, pair, "predicted" if index < 0 else index, head, about, lines)


def _starter_head(spec: it.EncoderSpec, name: str) -> tuple[it.LinearHead, str, str]:
    table = _starter(name)
    texts, labels = (tuple(row[place] for row in table.rows) for place in (0, 1))
    with st.spinner(_("Fitting the starter classifier …")):
        head = cache.head(spec, texts, labels)
    st.caption(
        _(
            "This model has no classifier of its own. The starter is a linear head fitted on the frozen sentence "
            "vectors of {count} short texts about {classes} topics: something to explain, and nothing to rely on."
        ).format(count=len(texts), classes=len(head.labels))
        + " "
        + _how_good(head)
    )
    lines = (
        "import csv\n\n"
        f'rows = list(csv.DictReader(open("dashboard/examples/{name}", encoding="utf-8")))\n'
        'head = it.fit_head(encoder, [row["text"] for row in rows], [row["topic"] for row in rows])\n'
    )
    return head, f"starter:{name}", lines


def _how_good(head: it.LinearHead) -> str:
    if np.isnan(head.accuracy):
        return _("Too few rows of some class to tell how good it is.")
    return _(
        "On rows that it did not see it is right in {accuracy} of cases; always guessing “{name}”: {guess}."
    ).format(accuracy=f"{head.accuracy:.0%}", name=literal(head.commonest), guess=f"{head.majority:.0%}")


@dataclass(frozen=True)
class How:
    """By which methods, against which baseline and so on: see `interpret.explain`; and whether words are shown."""

    methods: tuple[str, ...]
    baseline: str
    seed: int = 0
    smooth: bool = False
    words: bool = True
    rule: str = "adaptive"


def how_input() -> How:
    """Draw the choice of methods and how they work."""
    names = method_names()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        methods = _methods_input(names)
        with st.popover(_("Settings"), icon=":material/tune:"):
            baseline = choose(
                st.selectbox, _("Baseline: what stands where a word is away"), baseline_names(), state.BASELINE
            )
            rule = choose(
                st.selectbox,
                _("Path rule, for integrated gradients"),
                rule_names(),
                "path_rule",
                help=_(
                    "Whatever the rule, steps are added until the completeness error is 1 % at most, or there are 200."
                ),
            )
            state.seed(state.SEED, 0, range(10_000))
            seed = int(st.number_input(_("Seed"), 0, 9999, key=state.SEED, persist_state="session") or 0)
            state.seed("smooth", False)
            smooth = st.toggle(
                _("Average out noise"),
                key="smooth",
                persist_state="session",
                help=_(
                    "SmoothGrad through Captum's NoiseTunnel: the mean over ten texts with noise on the embeddings."
                ),
            )
        unit = segments(_("Shown as"), {"word": _("Words"), "piece": _("Pieces")}, state.SHOWN_AS)
    for key, default in ((state.BASELINE, "pad"), (state.SEED, 0), (state.SHOWN_AS, "word")):
        state.publish(key, default)
    return How(methods, baseline, seed, bool(smooth), unit == "word", rule)


def kept_how(method: str, baseline: str) -> How:
    """Return how one method works by the settings of the other tab."""
    from interpret.attribution.methods import METHODS

    smooth = bool(st.session_state.get("smooth")) and METHODS[method].gradient
    seed = int(st.session_state.get(state.SEED) or 0)
    rule = str(st.session_state.get("path_rule", "adaptive")) if method == "integrated_gradients" else "adaptive"
    return How((method,), baseline, seed, smooth, True, rule)


def _methods_input(names: Mapping[str, str]) -> tuple[str, ...]:
    key = f"{state.METHODS}:{language()}"
    if state.METHODS not in st.session_state:
        given = [one for one in st.query_params.get(state.METHODS, "").split(",") if one in names]
        st.session_state[state.METHODS] = given or list(_FIRST)
    st.session_state[key] = st.session_state[state.METHODS]

    def take() -> None:
        st.session_state[state.METHODS] = st.session_state[key]

    st.multiselect(
        _("Methods, side by side"), list(names), format_func=names.__getitem__, key=key, on_change=take, width=560
    )
    chosen = [one for one in st.session_state[state.METHODS] if one in names]
    state.remember(state.METHODS, None if chosen == list(_FIRST) else ",".join(chosen))
    return tuple(chosen)


def attributions_of(asked: Asked, how: How, slot: DeltaGenerator) -> list[it.Attribution]:
    """Run the methods one after another, drawing what is there after each; those that take long wait for a click.

    Raises
    ------
    InputError
        If the model cannot be asked that, or a method not used on it.
    """
    from interpret.attribution.methods import METHODS

    question = asked.question
    passes = {method: METHODS[method].passes(len(question.free_words)) for method in how.methods}
    smooth = {method: how.smooth and METHODS[method].gradient for method in how.methods}
    soon = {
        method: passes[method] * len(question.tokens) * (10 if smooth[method] else 1) <= _SOON_PIECES
        for method in how.methods
    }
    found: dict[str, it.Attribution] = {}
    # What is soon done comes first, so that there is something to look at; places are kept for the others.
    for method in sorted(how.methods, key=lambda method: (not soon[method], passes[method])):
        result = _attribution_of(asked, how, method, passes[method], smooth[method], soon[method])
        if result is None:
            continue
        found[method] = result
        shown = [one for one in how.methods if one in found or soon[one]]
        if len(found) < len(shown):
            with slot.container():
                rows = dict(zip(found, rows_of(list(found.values()), how.words), strict=True))
                waiting = [rows.get(one) or _waiting(one, next(iter(rows.values()))) for one in shown]
                word_rows(waiting, "", "words", f"words:{len(found)}", "words")
    return [found[method] for method in how.methods if method in found]


def _attribution_of(
    asked: Asked, how: How, method: str, passes: int, smooth: bool, soon: bool
) -> it.Attribution | None:
    rule = how.rule if method == "integrated_gradients" else "adaptive"

    def work(progress: Progress) -> it.Attribution:
        return it.explain(
            asked.question,
            method,
            how.baseline,
            rule=rule,
            smooth=smooth,
            seed=how.seed,
            progress=progress,
        )

    return long_work(
        f"attribution:{method}",
        f"{asked.about}:{method}:{how.baseline}:{how.seed}:{smooth}:{rule}",
        _("Run {method}: about {passes} passes").format(method=method_names()[method], passes=f"{passes:,}"),
        work,
        {
            "passes": _("passes through the model"),
            "path": _("along the way from the baseline"),
            "noise": _("texts with noise"),
        },
        auto=soon,
        keep=8,
    )


def _waiting(method: str, like: WordRow) -> WordRow:
    """Return the row of a method whose scores are not there yet, as long as any other."""
    words = tuple(replace(word, score=0.0) for word in like.words)
    return WordRow(method_names()[method], _("in work …"), words, 1.0, True)


def rows_of(found: Sequence[it.Attribution], words: bool) -> list[WordRow]:
    """Return what is drawn of each: scores that are shares of the answer on one scale, others on their own."""
    from interpret.attribution.methods import METHODS

    names = method_names()
    shares = [one for one in found if METHODS[one.method].signed and METHODS[one.method].baseline]
    most = max((float(np.abs(_scores(one, words)).max()) for one in shares), default=0.0)
    rows = []
    for one in found:
        own = one not in shares
        size = float(np.abs(_scores(one, words)).max()) if own else most
        rows.append(WordRow(names[one.method], _note(one, own), words_of(one, words), size, METHODS[one.method].signed))
    return rows


def _scores(one: it.Attribution, words: bool) -> np.ndarray:
    return one.word_scores() if words else one.scores


def words_of(one: it.Attribution, words: bool) -> tuple[Word, ...]:
    """Return a text's words, or pieces, as they are drawn."""
    return token_words(one.tokens, words, _scores(one, words))


def _note(one: it.Attribution, own: bool) -> str:
    parts = []
    if not np.isnan(one.delta):
        parts.append(_("completeness error {error}").format(error=f"{one.error:.2%}"))
    if own:
        parts.append(_("on a scale of its own: these are no shares of the answer"))
    elif np.isnan(one.delta):
        parts.append(_("need not add up to the answer"))
    if one.baseline:
        parts.append(_("for the baseline {output}").format(output=f"{one.baseline_output:.3f}"))
    if one.steps:
        parts.append(_("{steps} steps").format(steps=one.steps))
    parts.append(
        _("{forward} passes forward, {backward} back").format(forward=one.forward_passes, backward=one.backward_passes)
    )
    parts.append(_("{seconds} s").format(seconds=f"{one.seconds:.2f}"))
    return " · ".join(parts)


def target_name(asked: Asked, target: it.Target) -> str:
    """Name what is explained for the reader."""
    if target.kind == "class":
        return _("class “{name}”").format(name=target.name)
    if target.kind == "word":
        return _("the word “{name}”").format(name=target.name)
    if target.kind == "similarity":
        return _("similarity to the second text")
    if target.kind == "norm":
        return _("length of the sentence vector")
    return _("unit {unit} of level {level}").format(unit=target.index, level=target.place)
