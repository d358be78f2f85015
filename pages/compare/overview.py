"""What two models are made of, what the text costs each, and how long each takes for it."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard.analysis import Analysis
from dashboard.language import _, literal
from dashboard.numbers import between, interval, number
from dashboard.widgets.data_table import data_table
from dashboard.widgets.export import Download, as_csv, as_json, export_bar
from dashboard.widgets.long_work import Progress, long_work
from dashboard.widgets.model_card import head_name
from dashboard.widgets.models import device_name
from dashboard.widgets.notices import guarded
from pages.compare.figures import latency_strips, parameter_bars
from pages.compare.two import Two


@guarded
def overview(two: Two) -> None:
    """The facts of both models beside each other, and their times."""
    cards = [
        Analysis("model_card", subject.spec, name="card", shows=(".parameters",)) for subject in (two.first, two.second)
    ]
    found: list[it.ModelCard] = [card.result for card in cards]
    measured = _latency(two)
    table = _facts(two, found, measured)
    data_table(
        {"": list(table), **{name: [row[i] for row in table.values()] for i, name in enumerate(two.names)}},
        key="facts",
        height=35 * (len(table) + 1) + 3,
    )
    if measured is not None:
        ratio, ends = measured.ratio(1)
        st.markdown(
            _(
                "**For this text {second} takes {ratio} times as long as {first}** ({interval}; the median of {rounds} "
                "rounds in turns, one text at a time, on {device} in {precision}). Other texts, batches or machines "
                "give another number."
            ).format(
                first=literal(two.names[0]),
                second=literal(two.names[1]),
                ratio=number(ratio, ".2f"),
                interval=between(ends, ".2f"),
                rounds=measured.seconds.shape[1],
                device=device_name(two.first.spec.device),
                precision=two.second.spec.precision,
            )
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(_("Parameters by part"))
        st.plotly_chart(parameter_bars(found, two.names), key="parameters")
    with right:
        if measured is not None:
            st.subheader(_("Time for this text"))
            st.plotly_chart(latency_strips(measured, two.names), key="latency")
    stem = two.stem("facts")
    export_bar(
        [
            Download(
                "CSV",
                f"{stem}.csv",
                "text/csv",
                lambda: as_csv(
                    {"fact": list(table), "first": [one for one, _other in table.values()]}
                    | {"second": [other for _one, other in table.values()]}
                ),
                _("A row for each fact"),
            ),
            Download(
                "JSON",
                f"{stem}.json",
                "application/json",
                lambda: as_json(_numbers(two, found, measured)),
                _("The facts as numbers, and the time of every pass"),
            ),
        ],
        *cards,
        latency_analysis(two),
    )


def latency_analysis(two: Two) -> Analysis:
    """Describe how the times are measured."""
    return Analysis(
        "measure_latency",
        two.first,
        name="latency",
        shows=(".median", ".quartiles", ".ratio(1)"),
        keep=False,
        encoders=(two.first.spec, two.second.spec),
    )


def _latency(two: Two) -> it.Latency | None:
    def work(progress: Progress) -> it.Latency:
        found: it.Latency = latency_analysis(two).run(progress=progress)
        return found

    return long_work(
        "latency",
        f"{two.first!r}:{two.second!r}",
        _("Measure how long both take"),
        work,
        {"rounds": _("rounds")},
        auto=True,
        keep=4,
    )


def _facts(two: Two, cards: list[it.ModelCard], measured: it.Latency | None) -> dict[str, tuple[str, str]]:
    """Return what is said of both, by what it is called."""
    tokens = [
        encoder.tokens(subject.text, subject.pair)
        for encoder, subject in zip(two.encoders, (two.first, two.second), strict=True)
    ]
    each = {
        _("Architecture"): [card.family for card in cards],
        _("Layers × heads"): [f"{card.layers} × {card.heads}" for card in cards],
        _("Hidden size (per head)"): [f"{card.width:,} ({card.head_width})" for card in cards],
        _("Vocabulary size"): [f"{card.vocabulary:,}" for card in cards],
        _("Longest input (tokens)"): [f"{card.max_tokens:,}" for card in cards],
        _("Parameters"): [f"{sum(card.parameters.values()):,}" for card in cards],
        _("of these in the embeddings"): [
            f"{card.parameters.get('embeddings', 0) / sum(card.parameters.values()):.0%}" for card in cards
        ],
        _("Memory for the weights"): [f"{card.weight_bytes / 1e6:,.0f} MB" for card in cards],
        _("Task head"): ["–" if card.head is None else head_name(card, str) for card in cards],
        _("Prompt"): [one.spec.prompt or "–" for one in (two.first, two.second)],
        _("Tokens of this text"): [f"{len(one.shown):,}" for one in tokens],
        _("of these unknown"): [f"{one.unknown:,}" for one in tokens],
    }
    if measured is not None:
        each[_("Time for this text: median (middle half)")] = [
            f"{1000 * median:.1f} ms ({interval((1000 * low, 1000 * high), '.1f')})"
            for median, (low, high) in zip(measured.median, measured.quartiles, strict=True)
        ]
    return {name: (values[0], values[1]) for name, values in each.items()}


def _numbers(two: Two, cards: list[it.ModelCard], measured: it.Latency | None) -> dict[str, object]:
    found: dict[str, object] = {"text": two.first.text, "pair": two.first.pair}
    for index, (name, card, subject) in enumerate(
        zip(("first", "second"), cards, (two.first, two.second), strict=True)
    ):
        found[name] = {
            "model": card.checkpoint.name,
            "revision": card.checkpoint.revision,
            "device": subject.spec.device,
            "precision": subject.spec.precision,
            "prompt": subject.spec.prompt,
            "family": card.family,
            "layers": card.layers,
            "heads": card.heads,
            "width": card.width,
            "vocabulary": card.vocabulary,
            "max_tokens": card.max_tokens,
            "parameters": dict(card.parameters),
            "weight_bytes": card.weight_bytes,
            "seconds": None if measured is None else measured.seconds[index].tolist(),
            "tokens": None if measured is None else measured.tokens[index],
        }
    return found
