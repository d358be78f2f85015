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
from dashboard.language import _, _n, literal
from dashboard.widgets.choices import choose
from dashboard.widgets.corpus_input import corpus_input, kept_file
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.python_code import encoder_lines
from dashboard.widgets.windows import warn_of_unknown
from pages.attention.heads_figures import pattern_labels, statistic_names

if TYPE_CHECKING:
    from interpret.core.vocabulary import SpecialTokens

_SEED = 0


def corpus_statistics(spec: it.EncoderSpec) -> tuple[it.attention.HeadStatistics, str] | None:
    """Draw the input of a corpus and the run over it; None before there is a result, with the file's name after."""
    corpus = corpus_input("heads")
    if corpus is None:
        st.info(_("Choose a file to see what each head does on average over all its texts."))
        return None

    encoder = cache.encoder(spec)
    texts = list(zip(corpus.texts, corpus.pairs, strict=True))
    warn_of_unknown(encoder, texts)

    def work(progress: Progress) -> it.attention.HeadStatistics:
        from interpret.core.batches import windows_of

        with corpus.origin.naming():
            cut = windows_of(encoder, texts)
        return it.attention.corpus_head_statistics(encoder, [one for windows in cut for one in windows], progress)

    label = _n("Measure heads over {count} text", "Measure heads over {count} texts", len(corpus.texts)).format(
        count=f"{len(corpus.texts):,}"
    )
    result = long_work("heads_corpus", f"{spec}:{corpus.about}", label, work)
    return None if result is None else (result, corpus.name)


def tree_scores(spec: it.EncoderSpec) -> tuple[it.attention.DependencyScores, str] | None:
    """Draw the input of a CoNLL-U file and the run over it; None before there is a result."""
    found = kept_file("trees", _("Treebank file with dependency trees: {kinds}").format(kinds=".conllu"), (".conllu",))
    if found is None:
        st.info(
            _(
                "Choose a CoNLL-U file, such as a treebank from universaldependencies.org, to see which head's "
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
        _n("Score heads on {count} sentence", "Score heads on {count} sentences", len(picked)).format(
            count=f"{len(picked):,}"
        ),
        lambda progress: it.attention.dependency_scores(cache.encoder(spec), picked, progress),
    )
    return None if result is None else (result, name)


def statistic_maps(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> list[HeadMap]:
    """Return a map for each statistic that has numbers; shares all on the scale from 0 to 1."""
    names = statistic_names(special)
    maps = []
    for name in statistics:
        if statistics.queries[name]:
            low, high = (float(edge) for edge in (statistics.uniform[name].min(), statistics.uniform[name].max()))
            uniform = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f}–{high:.2f}"
            most = float(np.nanmax(statistics[name])) if name in ("entropy", "distance") else 1.0
            about = _("colour scale 0 to {most} · uniform attention: {uniform}").format(
                most=f"{most:.2g}", uniform=uniform
            )
            maps.append(HeadMap(names[name], about, statistics[name], 0.0, max(most, 1e-6)))
    return maps


def patterns_shown(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> list[list[str | None]]:
    """Return each head's name in the reader's language, or None."""
    labels = pattern_labels(special)
    return [[labels[name] if name else None for name in row] for row in it.attention.pattern_names(statistics)]


def patterns_line(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> str:
    """Say in Markdown how many heads do what, and over how much that was measured."""
    counts = Counter(name for row in patterns_shown(statistics, special) for name in row if name)
    everything = statistics["entropy"].size
    named = ", ".join(f"**{literal(name)}** {count}" for name, count in counts.most_common())
    return _n(
        "{named} of {all} heads matches a named pattern: {names}. Measured on {tokens} tokens (texts: {texts}). "
        "Every number is an average over query tokens; a pattern is named only if the lower end of its 95 % "
        "interval still meets the rule.",
        "{named} of {all} heads match a named pattern: {names}. Measured on {tokens} tokens (texts: {texts}). "
        "Every number is an average over query tokens; a pattern is named only if the lower end of its 95 % "
        "interval still meets the rule.",
        counts.total(),
    ).format(
        all=everything,
        named=counts.total(),
        names=named or "–",
        texts=f"{statistics.texts:,}",
        tokens=f"{statistics.queries['entropy']:,}",
    )


def head_table(statistics: it.attention.HeadStatistics, special: SpecialTokens) -> dict[str, list[Any]]:
    """Return a row for each head, those with a name first, as columns."""
    names, labels = statistic_names(special), pattern_labels(special)
    patterns = it.attention.pattern_names(statistics)
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


def dependency_line(scores: it.attention.DependencyScores) -> str:
    """Say in Markdown which relations a head finds more often than a fixed place, where the intervals tell."""
    by_verdict: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for name, held in zip(scores.relations, scores.held, strict=True):
        by_verdict[held.verdict].append(name)
    above = by_verdict[1]
    first = (
        _("**For {count} of {total} relations, a head finds more than the best fixed position does:** {names}.").format(
            count=len(above), total=len(scores.relations), names=", ".join(map(literal, above))
        )
        if above
        else _(
            "**For none of the {total} relations is a head shown to find more than the best fixed position does.**"
        ).format(total=len(scores.relations))
    )
    return (
        first
        + " "
        + _(
            "For {less} the head finds fewer; for {open} the 95 % interval of the difference includes 0. With this "
            "many relations, about {luck} would come out above by chance alone. Head and position are chosen on four "
            "fifths of the sentences and scored on the rest, in five folds; intervals by bootstrap over sentences, "
            "seed {seed}."
        ).format(
            less=len(by_verdict[-1]),
            open=len(by_verdict[0]),
            luck=f"{0.025 * len(scores.relations):.1f}",
            seed=scores.seed,
        )
    )


def dependency_table(scores: it.attention.DependencyScores) -> dict[str, list[Any]]:
    """Return a row for each relation with its best head, and what such heads find out of fold, as columns."""
    best = [scores.best(relation) for relation in scores.relations]
    ways = {"head": _("dependent → governor"), "dependent": _("governor → dependent")}
    verdicts = {1: _("head better"), 0: _("inconclusive"), -1: _("fixed position better")}
    held = scores.held
    return {
        _("Relation"): list(scores.relations),
        _("Meaning"): [relation_meanings().get(relation, "") for relation in scores.relations],
        _("Gain"): [one.gain for one in held],
        _("Gain, 95 %"): [_ends(one.gain_interval) for one in held],
        _("Verdict"): [verdicts[one.verdict] for one in held],
        _("Occurrences"): scores.counts.tolist(),
        _("Sentences"): [one.sentences for one in held],
        _("Layer"): [one[0] for one in best],
        _("Head"): [one[1] for one in best],
        _("Link direction"): [ways[one[2]] for one in best],
        _("Found"): [one.found for one in held],
        _("Found, 95 %"): [_ends(one.found_interval) for one in held],
        _("Fixed position"): scores.offset.tolist(),
        _("Found by fixed position"): [one.placed for one in held],
        _("Found by fixed position, 95 %"): [_ends(one.placed_interval) for one in held],
    }


def _ends(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{low:.3f} – {high:.3f}".replace("-", "−") if np.isfinite(low) else "–"


def dependency_guide() -> dict[str, str]:
    """Explain the columns of `dependency_table`."""
    return {
        _("Occurrences"): _("How often the relation occurs in the sentences read."),
        _("Sentences"): _("How many different sentences contain it; the intervals resample these sentences."),
        _("Layer"): _("Layer of the head that finds it best on all sentences; the folds may choose other heads."),
        _("Link direction"): _("Direction of the head's strongest link between the two words."),
        _("Found"): _(
            "The share of occurrences where the strongest link goes to the right word, on sentences that the head was "
            "not chosen on."
        ),
        _("Fixed position"): _(
            "The best rule without any grammar: the governor is this many words to the right (+) or left (−)."
        ),
        _("Found by fixed position"): _(
            "The share that this rule gets right on the same sentences; a head has to beat it."
        ),
        _("Gain"): _("Found by the head minus found by the fixed position."),
        _("Verdict"): _(
            "Given only if the 95 % interval of the gain excludes 0, and never for five sentences or fewer."
        ),
    }


def relation_meanings() -> dict[str, str]:
    """Spell out the most frequent relations of Universal Dependencies."""
    return {
        "nsubj": _("subject"),
        "obj": _("object"),
        "iobj": _("indirect object"),
        "obl": _("oblique nominal (adverbial phrase)"),
        "nmod": _("nominal modifier"),
        "amod": _("adjectival modifier"),
        "advmod": _("adverbial modifier"),
        "det": _("determiner (article)"),
        "case": _("case marking (preposition)"),
        "aux": _("auxiliary verb"),
        "cop": _("copula (to be)"),
        "mark": _("marker (subordinating conjunction)"),
        "cc": _("coordinating conjunction (and, or)"),
        "conj": _("conjunct (joined by and, or)"),
        "compound": _("compound"),
        "nummod": _("numeric modifier"),
        "acl": _("clausal modifier of a noun"),
        "advcl": _("adverbial clause"),
        "ccomp": _("clausal complement"),
        "xcomp": _("open clausal complement (no subject of its own)"),
        "appos": _("appositional modifier"),
        "flat": _("flat expression (such as a name)"),
        "fixed": _("fixed multiword expression"),
        "parataxis": _("parataxis (loosely joined clause)"),
        "clf": _("classifier, measure word"),
    }


def rules_guide(special: SpecialTokens) -> str:
    """Write the rules out, as they are in the code."""
    from interpret.attention.head_statistics import RULES

    names, labels = statistic_names(special), pattern_labels(special)
    lines = [
        f"- **{literal(labels[rule.pattern])}**: {literal(names[rule.statistic])} ≥ {rule.least:g}" for rule in RULES
    ]
    lines.append(
        "\n"
        + _(
            "The first rule that holds gives the name; a share must also be at least a third of the way from its "
            "value under uniform attention to 1. Both must hold at the lower end of the 95 % interval, which is over "
            "texts (tokens of one text are not independent), or over tokens if there is only one text. “More than "
            "half” is the criterion by which Clark et al. (2019, section 3.1) identify heads for the previous and the "
            "next token; the shapes (diagonal, vertical, block) are those of Kovaleva et al. (2019, section 4.1). A "
            "head for which no rule holds gets no name."
        )
    )
    return "\n".join(lines)


def statistics_downloads(spec: it.EncoderSpec, statistics: it.attention.HeadStatistics, stem: str) -> list[Download]:
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
                "patterns": it.attention.pattern_names(statistics),
                "error_95": {
                    name: [[float(half) if np.isfinite(half) else None for half in row] for row in one]
                    for name, one in statistics.error.items()
                },
                "statistics": values,
            }
        )

    return [
        Download("CSV", f"{stem}.csv", "text/csv", table, _("A row for each head")),
        Download(
            "JSON", f"{stem}.json", "application/json", numbers, _("The same values, with model, text and settings")
        ),
    ]


def dependency_downloads(
    spec: it.EncoderSpec, scores: it.attention.DependencyScores, name: str, stem: str
) -> list[Download]:
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
            encoder_lines(spec, text, pair)
            + "statistics = it.attention.head_statistics(trace)\nit.attention.pattern_names(statistics)\n"
        )
    return encoder_lines(spec) + (
        "texts = [...]  # the texts of the file\n"
        "statistics = it.attention.corpus_head_statistics(encoder, [(text, None) for text in texts])\n"
        "it.attention.pattern_names(statistics)\n"
    )


def dependency_lines(spec: it.EncoderSpec) -> str:
    """Write the lines of Python that give the same numbers."""
    return encoder_lines(spec) + (
        "from pathlib import Path\n\n"
        'trees = it.attention.read_conllu(Path("file.conllu").read_bytes(), "file.conllu")\n'
        "scores = it.attention.dependency_scores(encoder, trees)\n"
        'scores.best("nsubj"), scores.held[scores.relations.index("nsubj")]\n'
    )
