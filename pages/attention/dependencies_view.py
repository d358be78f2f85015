"""Which heads find dependency relations, and where a fixed position does as well."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.analysis import Analysis, Source
from dashboard.language import _, _n, literal
from dashboard.numbers import interval, listed, sentences
from dashboard.widgets.choices import choose
from dashboard.widgets.export import Download, as_csv, as_json
from dashboard.widgets.long_work import long_work
from dashboard.widgets.slot_view import slot_file
from dashboard.widgets.windows import warn_of_unknown
from pages.attention.heads_view import SEED

if TYPE_CHECKING:
    from interpret.attention.dependencies import Sentence


def tree_scores(spec: it.EncoderSpec) -> tuple[it.attention.DependencyScores, Analysis] | None:
    """Draw the input of a CoNLL-U file and the run over it; None before there is a result."""
    file = slot_file("trees", _("Treebank file with dependency trees: {kinds}").format(kinds=".conllu"), (".conllu",))
    if file is None:
        st.info(
            _(
                "Choose a CoNLL-U file, such as a treebank from universaldependencies.org, to see which head's "
                "strongest link finds which grammatical relation."
            )
        )
        return None
    name, content = file.name, file.content
    sentences = cache.trees(content, name)
    amounts = {500: "500", 2000: f"{2000:,}", 0: _("all")}
    most = choose(st.selectbox, _("Sentences to read"), amounts, state.TREES, width=220)
    picked = sentences
    if len(sentences) > most > 0:
        chosen = np.random.default_rng(SEED).choice(len(sentences), most, replace=False)
        picked = tuple(sentences[i] for i in sorted(chosen))
        st.caption(
            _("{count} of {total} sentences are read, drawn at random with seed {seed}.").format(
                count=f"{most:,}", total=f"{len(sentences):,}", seed=SEED
            )
        )
    analysis = dependency_analysis(spec, name, hash(content), picked, most if len(picked) < len(sentences) else 0)
    warn_of_unknown(cache.encoder(spec), [(one.text, None) for one in picked])
    result = long_work(
        "heads_trees",
        f"{spec}:{name}:{hash(content)}:{most}",
        _n("Score heads on {count} sentence", "Score heads on {count} sentences", len(picked)).format(
            count=f"{len(picked):,}"
        ),
        lambda progress: analysis.run(progress=progress),
    )
    return None if result is None else (result, analysis)


def dependency_analysis(
    spec: it.EncoderSpec, name: str, content: Hashable, sentences: Sequence[Sentence], most: int
) -> Analysis:
    """Describe what is scored: the sentences of a file, ``most`` of which are drawn; all for 0."""
    lines = f"from pathlib import Path\n\nsentences = it.attention.read_conllu(Path({name!r}).read_bytes(), {name!r})\n"
    if most:
        lines += (
            "import numpy as np\n\n"
            f"drawn = np.random.default_rng({SEED}).choice(len(sentences), {most}, replace=False)\n"
            "sentences = [sentences[i] for i in sorted(drawn)]\n"
        )
    return Analysis(
        "attention.dependency_scores",
        spec,
        name="scores",
        shows=(".relations", ".held_out"),
        sentences=Source("sentences", lines, (content, most), lambda: sentences, name),
    )


def dependency_line(scores: it.attention.DependencyScores) -> str:
    """Say in Markdown which relations a head finds more often than a fixed offset, where the intervals tell."""
    by_verdict: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for name, result in zip(scores.relations, scores.held_out, strict=True):
        by_verdict[result.verdict].append(name)
    above = by_verdict[1]
    first = (
        _n(
            "**For the only relation, a head finds more than the best fixed position does:** {names}.",
            "**For {count} of {total} relations, a head finds more than the best fixed position does:** {names}.",
            len(scores.relations),
        ).format(count=len(above), total=len(scores.relations), names=listed(map(literal, above)))
        if above
        else _n(
            "**For the only relation, no head is shown to find more than the best fixed position does.**",
            "**For none of the {total} relations is a head shown to find more than the best fixed position does.**",
            len(scores.relations),
        ).format(total=len(scores.relations))
    )
    return sentences(
        first,
        _(
            "For {less} the head finds fewer; for {open} the 95% interval of the difference includes 0. With this "
            "many relations, about {by_chance} would come out above by chance alone. Head and position are chosen on "
            "four fifths of the sentences and scored on the rest, in five folds; intervals by bootstrap over "
            "sentences, seed {seed}."
        ).format(
            less=len(by_verdict[-1]),
            open=len(by_verdict[0]),
            by_chance=f"{0.025 * len(scores.relations):.1f}",
            seed=scores.seed,
        ),
    )


def dependency_table(scores: it.attention.DependencyScores) -> dict[str, list[Any]]:
    """Return a row for each relation with its best head, and what such heads find out of fold, as columns."""
    best = [scores.best(relation) for relation in scores.relations]
    ways = {"head": _("dependent → governor"), "dependent": _("governor → dependent")}
    verdicts = {1: _("head better"), 0: _("inconclusive"), -1: _("fixed position better")}
    rows = scores.held_out
    return {
        _("Relation"): list(scores.relations),
        _("Meaning"): [relation_meanings().get(relation, "") for relation in scores.relations],
        _("Gain"): [one.gain for one in rows],
        _("Gain, 95%"): [interval(one.gain_interval, ".3f") for one in rows],
        _("Verdict"): [verdicts[one.verdict] for one in rows],
        _("Occurrences"): scores.counts.tolist(),
        _("Sentences"): [one.sentences for one in rows],
        _("Layer"): [one[0] for one in best],
        _("Head"): [one[1] for one in best],
        _("Link direction"): [ways[one[2]] for one in best],
        _("Found"): [one.found for one in rows],
        _("Found, 95%"): [interval(one.found_interval, ".3f") for one in rows],
        _("Fixed position"): scores.offset.tolist(),
        _("Found by fixed position"): [one.baseline for one in rows],
        _("Found by fixed position, 95%"): [interval(one.baseline_interval, ".3f") for one in rows],
    }


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
            "Given only if the 95% interval of the gain excludes 0, and never for five sentences or fewer."
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


def dependency_downloads(analysis: Analysis, scores: it.attention.DependencyScores, stem: str) -> list[Download]:
    """Offer the scores as files."""

    def numbers() -> bytes:
        return as_json(
            {
                **analysis.about,
                "sentences": scores.sentences,
                "seed": SEED,
                "folds_seed": scores.seed,
                "relations": scores.relations,
                "counts": scores.counts.tolist(),
                "seeking": ["head", "dependent"],
                "accuracy_on_all": scores.accuracy.round(6).tolist(),
                "offset": scores.offset.tolist(),
                # JSON knows no NaN; of a single sentence nothing is held out.
                "held_out": [{name: _known(value) for name, value in asdict(one).items()} for one in scores.held_out],
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
