"""The sidebar's picker of a model: which one, at which revision, with its adapter or without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import streamlit as st

import interpret as it
from dashboard import cache, ownership, state
from dashboard.language import _, explain, literal
from dashboard.widgets.choices import choose
from interpret.core.checkpoint_files import saved_checkpoints
from interpret.core.checkpoints import BUILT_IN, BUILT_INS, GUESSER, MULTILINGUAL, READER, SMALLEST, adapter_base
from interpret.core.peft_adapters import is_adapter
from interpret.core.units import gigabytes


class Known(NamedTuple):
    """A model worth offering: its size on the hub, and what it is for."""

    megabytes: int
    language: str
    purpose: str


def _known() -> dict[str, Known]:
    # Only checkpoints that have safetensors weights on the hub.
    return {
        BUILT_IN: Known(91, _("English"), _("sentence vectors; comes with Bertoscope")),
        SMALLEST: Known(69, _("English"), _("sentence vectors with half the layers; comes with Bertoscope")),
        GUESSER: Known(
            11,
            _("English"),
            _("the same model with pretraining heads (masked words, next sentence); comes with Bertoscope"),
        ),
        READER: Known(1, _("English"), _("the same model with a head for question answering; comes with Bertoscope")),
        MULTILINGUAL: Known(
            72, _("100 languages"), _("multilingual sentence vectors, four-bit weights; comes with Bertoscope")
        ),
        "google-bert/bert-base-uncased": Known(440, _("English"), _("the original BERT")),
        "google-bert/bert-base-chinese": Known(
            412, _("Chinese"), _("the original BERT for Chinese, one token per character")
        ),
        "google-bert/bert-base-multilingual-cased": Known(714, _("104 languages"), _("multilingual BERT")),
        "distilbert/distilbert-base-uncased": Known(268, _("English"), _("distilled BERT with half the layers")),
        "albert/albert-base-v2": Known(47, _("English"), _("twelve layers that share one layer's weights")),
        "FacebookAI/roberta-base": Known(499, _("English"), _("BERT trained longer, without next-sentence prediction")),
        "FacebookAI/xlm-roberta-base": Known(1116, _("100 languages"), _("multilingual RoBERTa")),
        "answerdotai/ModernBERT-base": Known(599, _("English"), _("local and global attention, up to 8,192 tokens")),
        "sentence-transformers/all-mpnet-base-v2": Known(438, _("English"), _("sentence vectors, larger model")),
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2": Known(
            471, _("50 languages"), _("multilingual sentence vectors")
        ),
    }


_FOLDER = "folder:"
# What a comparison calls the model that one of a run, or with an adapter, was made of: this before its name.
BASE_OF = "base:"
# What the picker calls the model of a fine-tune, before the run's id.
RUN = "run:"
_REVISION_OF = "revision_of"
# Which of the built-in models has a head that answers so.
_WITH_HEAD = {"masked words": GUESSER, "span": READER}


def _folders() -> list[str]:
    root = state.models_folder()
    if not root.is_dir():
        return []
    found = []
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            files = [one.relative_to(path).as_posix() for one in (*path.glob("*.json"), *path.glob("checkpoint-*/*"))]
            # What a training wrote has its models inside.
            inside = [] if "config.json" in files else saved_checkpoints(files)
            found += [f"{_FOLDER}{path.name}/{one}" for one in inside] or [_FOLDER + path.name]
    return found


def _path(folder: str) -> Path:
    return state.models_folder() / folder.removeprefix(_FOLDER)


def _runs() -> dict[str, str]:
    """The runs that have a model, by what the picker calls them."""
    return {RUN + run: name for run, name in ownership.model_names().items()}


def model_options() -> dict[str, str]:
    """Name every model that is offered: those of runs, those that are known, and those in folders."""
    return {
        **{run: _("run: {name}").format(name=title) for run, title in _runs().items()},
        **{name: f"{model_name(name)} · {one.language} · {one.megabytes} MB" for name, one in _known().items()},
        **{folder: _("folder: {name}").format(name=folder.removeprefix(_FOLDER)) for folder in _folders()},
    }


def _short() -> dict[str, str]:
    return {
        BUILT_IN: "MiniLM",
        SMALLEST: "MiniLM-L3",
        GUESSER: _("MiniLM with pretraining heads"),
        READER: _("MiniLM for question answering"),
        MULTILINGUAL: "multilingual-e5-small",
    }


def model_name(name: str) -> str:
    """Name a model for the reader, by what a checkpoint or a run calls it."""
    return _short().get(name, name.split("/")[-1])


def model_title(encoder: it.Encoder) -> str:
    """Name a model over what it gave."""
    return model_name(encoder.spec.checkpoint.name)


def device_name(name: str) -> str:
    """Name a device for the reader: PyTorch's name, but of the processor."""
    return "CPU" if name == "cpu" else name


def spec_of(name: str, revision: str = "", adapter: bool = True) -> it.EncoderSpec:
    """Return the encoder that a name of `model_options`, or a hub id, stands for, its revision pinned.

    Parameters
    ----------
    adapter
        Whether a model with an adapter has it; else it is what the adapter changes.

    Raises
    ------
    InterpretError
        If there is no such model, device or precision.
    """
    from interpret.core.devices import choose_precision, find_device

    if name.startswith(BASE_OF):
        checkpoint = _base_checkpoint(name.removeprefix(BASE_OF))
    elif name in _runs():
        checkpoint = it.find_checkpoint(str(state.runs_folder() / name.removeprefix(RUN) / "model"))
    elif name in _folders():
        checkpoint = it.find_checkpoint(str(_path(name)))
        if not adapter and is_adapter(_path(name)):
            checkpoint = adapter_base(_path(name))
    else:
        checkpoint = cache.hub_checkpoint(name, revision or None)
    device = find_device(state.chosen_value(state.DEVICE))
    return it.EncoderSpec(checkpoint, device.name, choose_precision(state.chosen_value(state.PRECISION), device))


def base_options(name: str) -> dict[str, str]:
    """Name the model that one of a run, or with an adapter, was made of; nothing of any other, or where it is gone."""
    try:
        if name in _runs():
            request = ownership.run(name.removeprefix(RUN)).request
            model = model_name(request.base or request.recipe.model)
            return {BASE_OF + name: _("before the fine-tune: {model}").format(model=model)}
        if name in _folders() and is_adapter(_path(name)):
            model = model_name(adapter_base(_path(name)).name)
            return {BASE_OF + name: _("without the adapter: {model}").format(model=model)}
    except it.InterpretError:
        return {}
    return {}


def _base_checkpoint(name: str) -> it.Checkpoint:
    """Return the checkpoint that a run, or an adapter, started from.

    Raises
    ------
    InterpretError
        If there is no such run or folder any more.
    """
    if name in _runs():
        return it.find_checkpoint(ownership.run(name.removeprefix(RUN)).base)
    if name in _folders() and is_adapter(_path(name)):
        return adapter_base(_path(name))
    raise it.InputError("The fine-tune, or the adapter, of this model is no longer there. Choose another model.")


def chosen_run() -> str:
    """Return the id of the run whose model is chosen; empty where it is none's."""
    return run_of(state.chosen_value(state.MODEL))


def run_of(name: str) -> str:
    """Return the id of the run whose model has a name of `model_options`; empty where it is none's."""
    return name.removeprefix(RUN) if name in _runs() else ""


def chosen_device() -> str:
    """Return the name of the chosen device."""
    from interpret.core.devices import find_device

    return find_device(state.chosen_value(state.DEVICE)).name


def chosen_encoder(head: str = "", host: bool = False) -> it.Encoder:
    """Return the chosen encoder, showing how a download goes; any click on the page stops it.

    Parameters
    ----------
    head
        What its head is to answer, ``"masked words"`` or ``"span"``: in the place of a built-in model without such a
        head the one with it is returned. Empty where any will do.
    host
        Whether it is on the host, in float32, whatever the chosen device: for what asks for its shapes alone.
    """
    name = state.chosen_value(state.MODEL)
    return encoder_of(name, state.chosen_value(state.REVISION), head, host, not adapter_is_off())


def adapter_is_off() -> bool:
    """Tell whether the chosen model has an adapter that the sidebar's switch leaves out."""
    name = state.chosen_value(state.MODEL)
    state.seed(state.ADAPTER)
    return name in _folders() and is_adapter(_path(name)) and not st.session_state[state.ADAPTER]


def encoder_of(name: str, revision: str = "", head: str = "", host: bool = False, adapter: bool = True) -> it.Encoder:
    """Return the encoder of a model by its name in `model_options`, or a hub id; else as `chosen_encoder`.

    ``adapter`` is that of `spec_of`.
    """
    if head and name in BUILT_INS:
        name = _WITH_HEAD[head]
    slot = st.empty()

    def progress(done: int, total: int, file: str) -> None:
        slot.progress(
            done / total if total else 0.0,
            _("Downloading {file}: {done} of {total} GB. Choose another model to stop.").format(
                done=gigabytes(done), total=gigabytes(total), file=literal(file)
            ),
        )

    with st.spinner(_("Loading the model …"), show_time=True):
        spec = spec_of(name, revision, adapter)
        encoder = cache.encoder(replace(spec, device="cpu", precision="float32") if host else spec, progress)
    slot.empty()
    for note in encoder.notes:
        st.warning(explain(note), icon=":material/troubleshoot:")
    return encoder


def model_picker() -> None:
    """Draw the model picker. It needs no PyTorch, so it is there at once."""
    known = _known()
    folders, runs = _folders(), _runs()
    name = choose(
        st.selectbox,
        _("Model"),
        model_options(),
        state.MODEL,
        new=True,
        accept_new_options=True,
        help=_(
            "Choose a model, or type any Hugging Face model ID, such as google-bert/bert-base-cased, and press Enter. "
            "Folders under {folder} are listed too. Only safetensors weights are loaded, and never code from the hub."
        ).format(folder=literal(str(state.models_folder()))),
    )
    state.publish(state.MODEL)
    if name in known:
        st.caption(known[name].purpose)
    if name in folders and is_adapter(_path(name)):
        state.seed(state.ADAPTER)
        st.toggle(
            _("Adapter"),
            key=state.ADAPTER,
            persist_state="session",
            help=_("On: the model with what the PEFT adapter changes. Off: the same model without it."),
        )
        state.publish(state.ADAPTER)
    else:
        state.remember(state.ADAPTER, None)
    if name not in BUILT_INS and name not in folders and name not in runs:
        if st.session_state.get(_REVISION_OF, name) != name:
            st.session_state[state.REVISION] = ""
        st.session_state[_REVISION_OF] = name
        state.seed(state.REVISION)
        st.session_state[f"{state.REVISION}:{name}"] = st.session_state[state.REVISION]
        st.text_input(
            _("Revision"),
            # A revision belongs to the model that it was typed for.
            key=f"{state.REVISION}:{name}",
            on_change=_take_revision,
            args=(name,),
            placeholder="main",
            help=_("A branch, tag or commit of the model on the hub. The model card shows the commit in use."),
        )
        state.publish(state.REVISION)


def _take_revision(name: str) -> None:
    st.session_state[state.REVISION] = st.session_state[f"{state.REVISION}:{name}"]
