"""The controls: which model, what it is to do, and whose memory has to hold it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

import interpret as it
from dashboard import cache, state
from dashboard.language import _, literal
from dashboard.numbers import sentences
from dashboard.widgets.choices import choose
from dashboard.widgets.models import chosen_device, model_name, model_options, spec_of
from dashboard.widgets.uploader import uploader
from interpret.core.devices import find_device
from interpret.core.families import find_family
from interpret.core.layer_groups import HEAD, preset
from interpret.resources.claims import CARDS
from interpret.resources.configs import longest
from interpret.resources.workload import Workload, layer_names
from pages.resources.planned import GB, Planned, Shape

_FILE = "shape_file"
_RANK = 8
_PRESETS = {"frozen": "lower half", "head": "head only"}


def work_input() -> Planned | None:
    """Draw the controls, and return what is planned; None while a file is awaited.

    Raises
    ------
    InterpretError
        If there is no such model, or it cannot do that.
    """
    _presets()
    first, second, third = st.columns([4, 4, 3], vertical_alignment="bottom", gap="medium")
    with first:
        shape = _shape_input()
    with second:
        task = choose(st.selectbox, _("Work"), _tasks(), state.WORK)
    with third:
        head = choose(st.selectbox, _("Task head"), _heads(), state.WORK_HEAD)
    columns = st.columns([2, 2, 4, 3, 3], vertical_alignment="bottom", gap="medium")
    batch = _number(columns[0], _("Batch size"), state.TEXTS_AT_ONCE, 4096)
    length = _number(columns[1], _("Length (tokens)"), state.LENGTH, 131_072)
    with columns[2]:
        kernel = choose(st.selectbox, _("Attention kernel"), _kernels(), state.KERNEL, help=_kernel_help())
    with columns[3]:
        precisions = {one: one for one in ("float32", "bfloat16", "float16")}
        precision = choose(st.selectbox, _("Precision"), precisions, state.WORK_PRECISION)
    with columns[4]:
        other = _room_input()
    checkpointing = False
    if task != "answer":
        state.seed(state.RECOMPUTED)
        checkpointing = st.toggle(
            _("Gradient checkpointing"),
            key=state.RECOMPUTED,
            persist_state="session",
            help=_(
                "Keeps only each layer's input for the way back, and computes the rest again (Chen et al. 2016): a "
                "third more arithmetic, and far less memory for activations."
            ),
        )
    for key in (*_KEYS, state.RECOMPUTED):
        state.publish(key)
    if shape is None:
        st.info(_("Choose a config.json: the file beside a model's weights that says how large it is."))
        return None
    work = Workload(
        batch=batch,
        length=length,
        training=task != "answer",
        head=head,
        kernel=kernel,
        precision=precision,
        checkpointing=checkpointing,
    )
    if task in _PRESETS:
        names = [one for one in layer_names(shape.config, head) if one != HEAD or head != "none"]
        work = replace(work, frozen=preset(_PRESETS[task], names))
    if task == "lora":
        work = replace(work, lora_rank=_RANK)
    _shape_line(shape)
    return Planned(shape, work, find_device(chosen_device()), other)


_KEYS = (
    state.SHAPE,
    state.WORK,
    state.WORK_HEAD,
    state.TEXTS_AT_ONCE,
    state.LENGTH,
    state.KERNEL,
    state.WORK_PRECISION,
    state.ROOM,
)


def _presets() -> None:
    """Draw the rows of the classic table, each a click."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_("Rows of the classic table:"), width="content")
        for name, claim in it.resources.CLAIMS.items():
            title = _(claim.title)
            st.button(
                f"{title} · {claim.work.batch} × {claim.work.length}",
                key=f"preset:{name}",
                on_click=_take,
                args=(name,),
                help=_("Said to need {size} GB").format(size=claim.words),
            )


def _take(name: str) -> None:
    claim = it.resources.CLAIMS[name]
    chosen = {
        state.SHAPE: claim.shape,
        state.WORK: "train",
        state.WORK_HEAD: claim.work.head,
        state.TEXTS_AT_ONCE: claim.work.batch,
        state.LENGTH: claim.work.length,
        state.KERNEL: claim.work.kernel,
        state.WORK_PRECISION: claim.work.precision,
        state.RECOMPUTED: False,
        state.ROOM: f"{claim.gigabytes}{GB}",
    }
    for key, value in chosen.items():
        st.session_state[key] = value


def _number(column: st.delta_generator.DeltaGenerator, label: str, key: state.Key, most: int) -> int:
    state.seed(key)
    return int(column.number_input(label, 1, most, key=key, persist_state="session") or 1)


def _tasks() -> dict[str, str]:
    return {
        "answer": _("answering (inference)"),
        "train": _("fine-tune, all layers"),
        "frozen": _("fine-tune, lower half frozen"),
        "head": _("fine-tune, the head alone"),
        "lora": _("fine-tune with LoRA (rank {rank})").format(rank=_RANK),
    }


def _heads() -> dict[str, str]:
    return {
        "none": _("none: sentence vectors"),
        "classes": _("classes of texts"),
        "tokens": _("classes of tokens"),
        "masked words": _("masked words"),
        "questions": _("question answering"),
    }


def _kernels() -> dict[str, str]:
    return {
        "eager": _("eager: all weights are kept"),
        "sdpa": _("SDPA: tiles where it can"),
        "flash": _("SDPA without attention dropout: tiles"),
    }


def _kernel_help() -> str:
    return _(
        "Eager computes all length × length weights of attention and keeps them. PyTorch's "
        "scaled_dot_product_attention goes through them in tiles (Dao et al. 2022) and keeps none, so that memory "
        "grows with the length alone; on a processor it can do so only without dropout of the weights, which the third "
        "choice leaves out. Cards use tiles either way."
    )


def _room_input() -> int:
    """Draw whose memory counts; returns the GB of another device, 0 for this machine's."""
    options = {"here": _("this machine's device")}
    options |= {f"{size}{GB}": _("a card of {size} GB").format(size=size) for size in CARDS}
    chosen = choose(st.selectbox, _("Memory of"), options, state.ROOM)
    return 0 if chosen == "here" else int(str(chosen).removesuffix(GB))


def _shape_input() -> Shape | None:
    sidebar = state.chosen_value(state.MODEL)
    options = {
        "sidebar": _("the sidebar's model: {name}").format(name=model_options().get(sidebar, sidebar).split(" · ")[0]),
        **{name: _("shape of {name}").format(name=name) for name in it.resources.SHAPES},
        "file": _("a config.json of your own"),
    }
    name = choose(
        st.selectbox,
        _("Model to plan for"),
        options,
        state.SHAPE,
        new=True,
        accept_new_options=True,
        help=_(
            "No weights are needed: a shape, or the config.json of any Hugging Face model ID that you type, is enough. "
            "Of that only this one file is fetched."
        ),
    )
    if name == "file":
        return _file_input()
    if name == "sidebar":
        return _sidebar_shape(sidebar)
    if name in it.resources.SHAPES:
        return Shape(name, name, f"config = it.resources.find_config({name!r})\n", it.resources.find_config(name))
    return _hub_shape(name, "")


def _sidebar_shape(name: str) -> Shape:
    if name not in model_options() or "/" in name.partition(":")[0]:
        return _hub_shape(name, state.chosen_value(state.REVISION))
    checkpoint = spec_of(name).checkpoint
    title = model_options()[name] if checkpoint.source == "folder" else model_name(name)
    lines = f"config = it.resources.find_config({checkpoint.name!r})\n"
    public = title if checkpoint.source == "builtin" else ""
    return Shape(title, public, lines, it.resources.find_config(checkpoint.name))


def _hub_shape(name: str, revision: str) -> Shape:
    more = f", revision={revision!r}" if revision else ""
    lines = f"config = it.resources.find_config({name!r}{more})\n"
    return Shape(name, "", lines, cache.hub_config(name, revision or None))


def _file_input() -> Shape | None:
    uploader(_("config.json of a model"), (".json",), "shape_upload", _take_file)
    kept = st.session_state.get(_FILE)
    if kept is None:
        return None
    name, content = kept
    lines = (
        f"from pathlib import Path\n\nconfig = it.resources.read_config_file(Path({name!r}).read_bytes(), {name!r})\n"
    )
    return Shape(name, "", lines, it.resources.read_config_file(content, name))


def _take_file() -> None:
    upload = st.session_state["shape_upload"]
    if upload is not None:
        st.session_state[_FILE] = upload.name, upload.getvalue()


def _shape_line(shape: Shape) -> None:
    """Say what the shape is."""
    facts = it.resources.shape_facts(shape.config)
    family = find_family(shape.config.to_dict(), shape.title)
    said = [
        _(
            "{name}: {family}; layers × heads: {layers} × {heads}; hidden size: {width}; vocabulary size: {words}."
        ).format(
            name=f"**{literal(shape.title)}**",
            family=family.title,
            **{name: f"{count:,}" for name, count in facts.items()},
        )
    ]
    positions = longest(shape.config)
    if positions is not None:
        said.append(_("Longest input (tokens): {count}.").format(count=f"{positions:,}"))
    if family.relative:
        said.append(
            _(
                "Its attention has relative positions, for which transformers has eager attention only: all three "
                "kernels count the same."
            )
        )
    st.caption(sentences(*said))
