"""Kinds of heads: long runs over files, tables to pick a head from, and the numbers as files."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache
from dashboard.components.maps import HeadMap
from dashboard.figures.heads import pattern_labels, statistic_names
from dashboard.language import _, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.corpus_input import corpus_input, kept_file
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.python_code import encoder_lines
from dashboard.widgets.windows import warn_of_unknown

if TYPE_CHECKING:
    from interpret.vocabulary import SpecialTokens

_SEED = 0


def corpus_statistics(spec: it.EncoderSpec) -> tuple[it.HeadStatistics, str] | None:
    """Draw the input of a corpus and the run over it; None before there is a result, with the file's name after."""
    corpus = corpus_input("heads")
    if corpus is None:
        st.info(_("Choose a file, and see what each head does on average over all of its texts."))
        return None

    encoder = cache.encoder(spec)
    texts = list(zip(corpus.texts, corpus.pairs, strict=True))
    warn_of_unknown(encoder, texts)

    def work(progress: Progress) -> it.HeadStatistics:
        from interpret.batching import windows_of

        with corpus.origin.naming():
            cut = windows_of(encoder, texts)
        return it.corpus_head_statistics(encoder, [one for windows in cut for one in windows], progress)

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
    warn_of_unknown(cache.encoder(spec), [(one.text, None) for one in picked])
    result = long_work(
        "heads_trees",
        f"{spec}:{name}:{hash(content)}:{most}",
        _("Score heads on {count} sentences").format(count=f"{len(picked):,}"),
        lambda progress: it.dependency_scores(cache.encoder(spec), picked, progress),
    )
    return None if result is None else (result, name)


def statistic_maps(statistics: it.HeadStatistics, special: SpecialTokens) -> list[HeadMap]:
    """Return a map for each statistic that has numbers; shares all on the scale from 0 to 1."""
    names = statistic_names(special)
    maps = []
    for name in statistics:
        if statistics.queries[name]:
            low, high = (float(edge) for edge in (statistics.uniform[name].min(), statistics.uniform[name].max()))
            uniform = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f}–{high:.2f}"
            most = float(np.nanmax(statistics[name])) if name in ("entropy", "distance") else 1.0
            about = _("colours 0 to {most} · uniform attention: {uniform}").format(most=f"{most:.2g}", uniform=uniform)
            maps.append(HeadMap(names[name], about, statistics[name], 0.0, max(most, 1e-6)))
    return maps


def patterns_shown(statistics: it.HeadStatistics, special: SpecialTokens) -> list[list[str | None]]:
    """Return each head's name in the reader's language, or None."""
    labels = pattern_labels(special)
    return [[labels[name] if name else None for name in row] for row in it.pattern_names(statistics)]


def patterns_line(statistics: it.HeadStatistics, special: SpecialTokens) -> str:
    """Say in Markdown how many heads do what, and over how much that was measured."""
    counts = Counter(name for row in patterns_shown(statistics, special) for name in row if name)
    everything = statistics["entropy"].size
    named = ", ".join(f"**{literal(name)}** {count}" for name, count in counts.most_common())
    return _(
        "Of {all} heads, {named} have a name: {names}. Measured on {tokens} tokens (texts: {texts}); every number is "
        "an average over the tokens that do the looking, and a name is given where the lower end of its 95 % interval "
        "still follows the rule."
    ).format(
        all=everything,
        named=counts.total(),
        names=named or "–",
        texts=f"{statistics.texts:,}",
        tokens=f"{statistics.queries['entropy']:,}",
    )


def head_table(statistics: it.HeadStatistics, special: SpecialTokens) -> dict[str, list[Any]]:
    """Return a row for each head, those with a name first, as columns."""
    names, labels = statistic_names(special), pattern_labels(special)
    patterns = it.pattern_names(statistics)
    layers, heads = statistics["entropy"].shape
    order = sorted(
        ((layer, head) for layer in range(layers) for head in range(heads)),
        key=lambda one: (patterns[one[0]][one[1]] is None, one),
    )
    there = [name for name in statistics if statistics.queries[name]]
    return {
        _("Layer"): [layer for layer, _head in order],
        _("Head"): [head for _layer, head in order],
        _("Pattern"): [labels[patterns[layer][head]] for layer, head in order],
        **{names[name]: [float(statistics[name][place]) for place in order] for name in there},
    }


def dependency_line(scores: it.DependencyScores) -> str:
    """Say in Markdown which relations a head finds more often than a fixed place, where the intervals tell."""
    by_verdict: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for name, held in zip(scores.relations, scores.held, strict=True):
        by_verdict[held.verdict].append(name)
    above = by_verdict[1]
    first = (
        _("**Heads find {count} of {total} relations more often than the best fixed place does:** {names}.").format(
            count=len(above), total=len(scores.relations), names=", ".join(map(literal, above))
        )
        if above
        else _("**Of none of {total} relations is a head shown to find more than a fixed place does.**").format(
            total=len(scores.relations)
        )
    )
    return (
        first
        + " "
        + _(
            "Of {less} the head finds fewer, and of {open} the 95 % interval of the difference holds 0. With as many "
            "relations, about {luck} would be above by luck alone. Head and place are chosen on four fifths of the "
            "sentences and scored on the rest, five times over; intervals by bootstrap over sentences, seed {seed}."
        ).format(
            less=len(by_verdict[-1]),
            open=len(by_verdict[0]),
            luck=f"{0.025 * len(scores.relations):.1f}",
            seed=scores.seed,
        )
    )


def dependency_table(scores: it.DependencyScores) -> dict[str, list[Any]]:
    """Return a row for each relation with its best head, and what such heads find out of fold, as columns."""
    best = [scores.best(relation) for relation in scores.relations]
    ways = {"head": _("word → its governor"), "dependent": _("governor → the word")}
    verdicts = {1: _("head finds more"), 0: _("not told apart"), -1: _("fixed place finds more")}
    held = scores.held
    return {
        _("Relation"): list(scores.relations),
        _("Meaning"): [relation_meanings().get(relation, "") for relation in scores.relations],
        _("Gain"): [one.gain for one in held],
        _("Gain, 95 %"): [_ends(one.gain_interval) for one in held],
        _("Verdict"): [verdicts[one.verdict] for one in held],
        _("Tried"): scores.counts.tolist(),
        _("Sentences"): [one.sentences for one in held],
        _("Layer"): [one[0] for one in best],
        _("Head"): [one[1] for one in best],
        _("Looks"): [ways[one[2]] for one in best],
        _("Found"): [one.found for one in held],
        _("Found, 95 %"): [_ends(one.found_interval) for one in held],
        _("Fixed place"): scores.offset.tolist(),
        _("Found there"): [one.placed for one in held],
        _("Found there, 95 %"): [_ends(one.placed_interval) for one in held],
    }


def _ends(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{low:.3f} – {high:.3f}".replace("-", "−") if np.isfinite(low) else "–"


def dependency_guide() -> dict[str, str]:
    """Explain the columns of `dependency_table`."""
    return {
        _("Tried"): _("How often the relation occurs in what was read."),
        _("Sentences"): _("How many different sentences hold it: they are what is drawn for the intervals."),
        _("Layer"): _("Of the head that finds it best on all sentences; in the folds others may be chosen."),
        _("Looks"): _("From which of the two words the head's strongest link goes to the other."),
        _("Found"): _(
            "The share of these where the strongest link goes to the right word, on sentences that the head was not "
            "chosen on."
        ),
        _("Fixed place"): _(
            "The best rule that knows no grammar: the governor so many words to the right (+) or left."
        ),
        _("Found there"): _("The share that this rule gets right on the same sentences: what a head has to beat."),
        _("Gain"): _("Found, less what the fixed place finds."),
        _("Verdict"): _("Given where the 95 % interval of the gain does not hold 0: never of five sentences or fewer."),
    }


def relation_meanings() -> dict[str, str]:
    """Spell out the most frequent relations of Universal Dependencies."""
    return {
        "nsubj": _("subject"),
        "obj": _("object"),
        "iobj": _("indirect object"),
        "obl": _("adverbial phrase"),
        "nmod": _("noun's modifier"),
        "amod": _("adjective"),
        "advmod": _("adverb"),
        "det": _("article, determiner"),
        "case": _("preposition, case mark"),
        "aux": _("auxiliary verb"),
        "cop": _("copula (to be)"),
        "mark": _("subordinating word"),
        "cc": _("and, or"),
        "conj": _("joined by and, or"),
        "compound": _("compound"),
        "nummod": _("number"),
        "acl": _("clause on a noun"),
        "advcl": _("adverbial clause"),
        "ccomp": _("clause as object"),
        "xcomp": _("clause without its own subject"),
        "appos": _("apposition"),
        "flat": _("part of a name"),
        "fixed": _("fixed expression"),
        "parataxis": _("loosely joined clause"),
        "clf": _("classifier, measure word"),
    }


def rules_guide(special: SpecialTokens) -> str:
    """Write the rules out, as they are in the code."""
    from interpret.attention.heads import RULES

    names, labels = statistic_names(special), pattern_labels(special)
    lines = [
        f"- **{literal(labels[rule.pattern])}**: {literal(names[rule.statistic])} ≥ {rule.least:g}" for rule in RULES
    ]
    lines.append(
        "\n"
        + _(
            "The first rule that holds gives the name, and a share must also be a third of the way or more from what a "
            "head that looks everywhere alike has to all. Both must hold at the lower end of the 95 % interval: over "
            "texts, whose tokens hang together, and over the tokens where there is one text. More than half is the "
            "measure by which Clark et al. (2019, section 3.1) speak of heads for the previous and the next token; the "
            "shapes (diagonal, vertical, block) are those of Kovaleva et al. (2019, section 4.1). A head "
            "for which no rule holds gets no name."
        )
    )
    return "\n".join(lines)


def statistics_downloads(spec: it.EncoderSpec, statistics: it.HeadStatistics, stem: str) -> list[Download]:
    """Offer the statistics as files."""

    def table() -> bytes:
        return as_csv(head_table(statistics, cache.encoder(spec).special))

    def numbers() -> bytes:
        # JSON knows no NaN; what no token of the texts could show is null.
        values = {name: None if not statistics.queries[name] else statistics[name].tolist() for name in statistics}
        return as_json(
            {
                "model": spec.checkpoint.name,
                "revision": spec.checkpoint.revision,
                "texts": statistics.texts,
                "queries": dict(statistics.queries),
                "uniform": {
                    name: statistics.uniform[name].tolist() if statistics.queries[name] else None for name in statistics
                },
                "patterns": it.pattern_names(statistics),
                "error_95": {
                    name: [[float(half) if np.isfinite(half) else None for half in row] for row in one]
                    for name, one in statistics.error.items()
                },
                "statistics": values,
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each head")),
        Download("JSON", f"{stem}.json", "application/json", numbers, _("The same, with what made them")),
    ]


def dependency_downloads(spec: it.EncoderSpec, scores: it.DependencyScores, name: str, stem: str) -> list[Download]:
    """Offer the scores as files."""

    def numbers() -> bytes:
        return as_json(
            {
                "model": spec.checkpoint.name,
                "revision": spec.checkpoint.revision,
                "file": name,
                "sentences": scores.sentences,
                "seed": _SEED,
                "folds_seed": scores.seed,
                "relations": scores.relations,
                "counts": scores.counts.tolist(),
                "seeking": ["head", "dependent"],
                "accuracy_on_all": scores.accuracy.round(6).tolist(),
                "offset": scores.offset.tolist(),
                # JSON knows no NaN; of a single sentence nothing is held out.
                "held_out": [{name: _known(value) for name, value in asdict(one).items()} for one in scores.held],
            }
        )

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


def _known(value: float | tuple[float, float]) -> object:
    if isinstance(value, tuple):
        return [_known(one) for one in value]
    return value if np.isfinite(value) else None


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
        'scores.best("nsubj"), scores.held[scores.relations.index("nsubj")]\n'
    )
