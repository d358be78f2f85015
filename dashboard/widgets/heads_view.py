"""Kinds of heads: long runs over files, tables to pick a head from, and the numbers as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.figures.heads import pattern_labels, statistic_names
from dashboard.language import _
from dashboard.widgets.choices import choose
from dashboard.widgets.corpus_input import corpus_input, kept_file
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.python_code import encoder_lines

_SEED = 0
_PLACE = "layer.head"


def corpus_statistics(spec: it.EncoderSpec) -> tuple[it.HeadStatistics, str] | None:
    """Draw the input of a corpus and the run over it; None before there is a result, with the file's name after."""
    corpus = corpus_input("heads")
    if corpus is None:
        st.info(_("Choose a file, and see what each head does on average over all of its texts."))
        return None

    def work(progress: Progress) -> it.HeadStatistics:
        from interpret.batching import windows_of

        encoder = cache.encoder(spec)
        cut = windows_of(encoder, corpus.texts)
        return it.corpus_head_statistics(encoder, [(one, None) for windows in cut for one in windows], progress)

    label = _("Measure heads over {count} texts").format(count=f"{len(corpus.texts):,}")
    result = long_work("heads_corpus", f"{spec}:{corpus.about}", label, work)
    return None if result is None else (result, corpus.name)


def tree_scores(spec: it.EncoderSpec) -> tuple[it.DependencyScores, str] | None:
    """Draw the input of a CoNLL-U file and the run over it; None before there is a result."""
    found = kept_file("trees", _("A file of dependency trees: {kinds}").format(kinds=".conllu"), (".conllu",))
    if found is None:
        st.info(
            _(
                "Choose a CoNLL-U file, such as a treebank from universaldependencies.org, and see which head's "
                "strongest link finds which grammatical relation."
            )
        )
        return None
    name, content = found
    sentences = cache.trees(content, name)
    amounts = {500: "500", 2000: f"{2000:,}", 0: _("all")}
    most = choose(st.selectbox, _("Sentences to read"), amounts, "trees_most", width=220)
    picked = sentences
    if len(sentences) > most > 0:
        chosen = np.random.default_rng(_SEED).choice(len(sentences), most, replace=False)
        picked = tuple(sentences[i] for i in sorted(chosen))
        st.caption(
            _("{count} of {total} sentences are read, drawn at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{len(sentences):,}", seed=_SEED
            )
        )
    result = long_work(
        "heads_trees",
        f"{spec}:{name}:{hash(content)}:{most}",
        _("Score heads on {count} sentences").format(count=f"{len(picked):,}"),
        lambda progress: it.dependency_scores(cache.encoder(spec), picked, progress),
    )
    return None if result is None else (result, name)


def head_table(statistics: it.HeadStatistics) -> dict[str, list[Any]]:
    """Return a row for each head, those with a name first, as columns."""
    names, labels = statistic_names(), pattern_labels()
    patterns = it.pattern_names(statistics)
    layers, heads = statistics["entropy"].shape
    order = sorted(
        ((layer, head) for layer in range(layers) for head in range(heads)),
        key=lambda one: (patterns[one[0]][one[1]] is None, one),
    )
    there = [name for name in statistics if statistics.queries[name]]
    return {
        _PLACE: [f"{layer}.{head}" for layer, head in order],
        _("Pattern"): [labels[patterns[layer][head]] for layer, head in order],
        **{names[name]: [float(statistics[name][place]) for place in order] for name in there},
    }


def dependency_table(scores: it.DependencyScores) -> dict[str, list[Any]]:
    """Return a row for each relation with its best head, as columns."""
    best = [scores.best(relation) for relation in scores.relations]
    ways = {"head": _("dependent → head"), "dependent": _("head → dependent")}
    return {
        _("Relation"): list(scores.relations),
        _("Tried"): scores.counts.tolist(),
        _PLACE: [f"{layer}.{head}" for layer, head, *_rest in best],
        _("Looks"): [ways[seeking] for _layer, _head, seeking, _share in best],
        _("Found"): [share for *_rest, share in best],
        _("Best fixed place"): scores.baseline.tolist(),
        _("That place"): [f"{offset:+d}" for offset in scores.offset],
        _("More than that"): [share - float(base) for (*_rest, share), base in zip(best, scores.baseline, strict=True)],
    }


def look_at_head(columns: Mapping[str, Sequence[Any]]) -> None:
    """Draw a table of heads; picking a row offers the head in the other tabs."""
    key = f"head_table:{len(columns)}:{len(columns[_PLACE])}"
    numbers = {
        name: st.column_config.NumberColumn(format="%.3f")
        for name, values in columns.items()
        if values and isinstance(values[0], float)
    }
    picked = st.dataframe(
        dict(columns), hide_index=True, on_select="rerun", selection_mode="single-row", key=key, column_config=numbers
    )
    rows = picked["selection"]["rows"]
    if not rows or rows[0] >= len(columns[_PLACE]):
        st.caption(_("Pick a row to look at its head in the other tabs."))
        return
    place = columns[_PLACE][rows[0]]
    layer, head = place.split(".")

    def go(tab: str) -> None:
        state.remember(state.HEADS, place)
        st.session_state[state.TAB] = tab

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_("Layer {layer}, head {head}").format(layer=layer, head=head))
        for tab, label in (("where", _("Where it looks")), ("steps", _("Step by step"))):
            if st.button(label, key=f"go:{tab}", on_click=go, args=(tab,)):
                st.rerun()


def rules_guide() -> str:
    """Write the rules out, as they are in the code."""
    from interpret.attention.heads import RULES

    names, labels = statistic_names(), pattern_labels()
    lines = [
        f"- **{labels[rule.pattern]}**: "
        + ", ".join(f"{names[name]} ≥ {value:g}" for name, value in rule.least.items())
        for rule in RULES
    ]
    lines.append(
        "\n"
        + _(
            "The first rule that holds gives the name. A share must also be twice what a head that looks everywhere "
            "alike would have. More than half on one kind of piece is how Clark et al. (2019, sections 3.1 and 3.2) "
            "pick such heads; the shapes are those of Kovaleva et al. (2019, section 4.1). A head for which no rule "
            "holds gets no name."
        )
    )
    return "\n".join(lines)


def statistics_downloads(spec: it.EncoderSpec, statistics: it.HeadStatistics, stem: str) -> list[Download]:
    """Offer the statistics as files."""

    def table() -> bytes:
        return as_csv(head_table(statistics))

    def numbers() -> bytes:
        # JSON knows no NaN; what no piece of the texts could show is null.
        values = {name: None if not statistics.queries[name] else statistics[name].tolist() for name in statistics}
        return as_json(
            {
                "model": spec.checkpoint.name,
                "revision": spec.checkpoint.revision,
                "texts": statistics.texts,
                "queries": dict(statistics.queries),
                "uniform": {name: value if value == value else None for name, value in statistics.uniform.items()},
                "patterns": it.pattern_names(statistics),
                "statistics": values,
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each head")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The same, with what made them")),
    ]


def dependency_downloads(scores: it.DependencyScores, stem: str) -> list[Download]:
    """Offer the scores as files."""

    def numbers() -> bytes:
        return json.dumps(
            {
                "relations": scores.relations,
                "counts": scores.counts.tolist(),
                "seeking": ["head", "dependent"],
                "accuracy": scores.accuracy.round(6).tolist(),
                "baseline": scores.baseline.tolist(),
                "offset": scores.offset.tolist(),
            }
        ).encode()

    return [
        Download(
            "CSV",
            f"{stem}.csv",
            "text/csv",
            lambda: as_csv(dependency_table(scores)),
            _("A row for each relation, with its best head"),
        ),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("Every head's score on every relation")),
    ]


def statistics_lines(spec: it.EncoderSpec, text: str | None, pair: str | None) -> str:
    """Write the lines of Python that give the same numbers."""
    if text is not None:
        return (
            encoder_lines(spec, text, pair) + "statistics = it.head_statistics(trace)\nit.pattern_names(statistics)\n"
        )
    return encoder_lines(spec) + (
        "texts = [...]  # the texts of the file\n"
        "statistics = it.corpus_head_statistics(encoder, [(text, None) for text in texts])\n"
        "it.pattern_names(statistics)\n"
    )


def dependency_lines(spec: it.EncoderSpec) -> str:
    """Write the lines of Python that give the same numbers."""
    return encoder_lines(spec) + (
        "from pathlib import Path\n\n"
        'trees = it.read_conllu(Path("file.conllu").read_bytes(), "file.conllu")\n'
        "scores = it.dependency_scores(encoder, trees)\n"
        'scores.best("nsubj")\n'
    )
