"""What a training starts from, what it learns from, how, and what it will take."""

from __future__ import annotations

import streamlit as st

import interpret as it
from dashboard import cache, jobs, state
from dashboard.language import _
from dashboard.widgets.base_model import base_encoder, base_input, base_run
from dashboard.widgets.layer_groups_view import frozen_layer_groups, layer_groups_view, preset_input, short_preset_names
from dashboard.widgets.models import chosen_device
from dashboard.widgets.notices import guarded
from dashboard.widgets.recipe_presets import Basis, preset_choice, preset_line, settle_fields
from dashboard.widgets.recipe_view import settings_input
from dashboard.widgets.run_view import run_rows, watched
from interpret.core.checkpoints import checkpoint_folder
from interpret.finetuning.recipe import head_alone
from interpret.finetuning.request import Request
from interpret.resources.configs import shape_digest
from pages.finetune.labelled_input import Given, health_view, labelled_input
from pages.finetune.plan_view import cautions_view, plan_view, probes_input
from pages.finetune.sweep_view import start_sweep

# A name that is read at a glance; what a sweep adds to it fits into what MLflow keeps.
_LONGEST_NAME = 100


@guarded
def setup() -> None:
    """What the training starts from and learns from, a preset with its cost, and the button that starts it."""
    base_input()
    st.markdown("#### " + _("1 · Training data"))
    given = labelled_input()
    if given is None:
        return
    encoder = base_encoder()
    about = repr(encoder.spec.checkpoint)
    names = it.finetuning.layer_group_names(encoder.model, encoder.family)
    basis = Basis(about, names, encoder.width, encoder.max_tokens, given.data.task)
    settle_fields(basis)
    examples, train_rows, held_out = given.split(int(st.session_state[state.TRAIN_SEED]))
    health = _health(given, encoder, examples)

    st.markdown("#### " + _("2 · Settings"))
    preset_choice(basis)
    # Filled last: what it takes is known when every field below has been read.
    line, notes, start = st.container(), st.container(), st.container()
    with st.expander(_("Advanced"), key="advanced"):
        left, right = st.columns([5, 4], gap="large")
        with right:
            recipe = _recipe_input(given, encoder, names, about)
        counts = (len(examples.classes), len(train_rows), len(held_out))
        plan = _plan(encoder, recipe, given.data.task, health, counts)
        with left:
            rates = it.finetuning.layer_rates(plan.layer_groups, recipe.learning_rate, recipe.layerwise_lr_decay)
            layer_groups_view(plan, rates, about, names)
            plan_view(plan, recipe)
        probes = probes_input(examples, held_out, given.data.task)
        sweep = st.container()
    with line:
        preset_line(plan, recipe)
    with notes:
        cautions_view(plan, recipe)
    with start:
        request = _request_input(given, recipe, encoder.spec.checkpoint, probes)
        _start_button(given, request)
    with sweep:
        _sweep_button(given, request, plan)


def _health(given: Given, encoder: it.Encoder, examples: it.finetuning.Examples) -> it.finetuning.DataHealth:
    """Say what is wrong with the rows, and whether the model has a head for them."""
    task = given.data.task
    seed, most = int(st.session_state[state.TRAIN_SEED]), int(st.session_state[state.MOST_TOKENS])
    with st.spinner(_("Checking the rows …")):
        health = cache.health(encoder.spec, given.data, given.test, given.share, seed, most)
    health_view(health, examples, task)
    if it.finetuning.find_objective(task).masks and (encoder.task is None or encoder.task.kind != "masked words"):
        st.info(
            _(
                "This model was saved without a masked-language-model head, so training starts with a new one, at "
                "chance. A model with its own head continues from what it knows: for example, choose “{heads}” under "
                "“Starts from”."
            ).format(heads=_("MiniLM with pretraining heads")),
            icon=":material/lightbulb:",
        )
    return health


def _recipe_input(given: Given, encoder: it.Encoder, names: tuple[str, ...], about: str) -> it.Recipe:
    """Draw what is frozen and how the rest learns."""
    preset_input(names, encoder.width, about)
    alone = head_alone(frozen_layer_groups(about), names)
    settings = settings_input(
        given.data.task, encoder.max_tokens, alone, encoder.width, bool(base_run()), encoder.special.first
    )
    checkpoint = encoder.spec.checkpoint
    return it.Recipe(
        model=checkpoint.name if checkpoint.source == "builtin" else str(checkpoint_folder(checkpoint)),
        frozen=frozen_layer_groups(about),
        held_out=given.share,
        device=chosen_device(),
        **settings,
    )


def _plan(
    encoder: it.Encoder, recipe: it.Recipe, task: str, health: it.finetuning.DataHealth, counts: tuple[int, int, int]
) -> it.finetuning.Plan:
    """Return what the run will take, by a step that is timed; ``counts`` are of classes, training and held-out rows."""
    classes, train_rows, held_out = counts
    lengths = health.lengths.clip(max=recipe.max_length)
    with st.spinner(_("Timing a step on this device …")):
        # In powers of two, so that a change of data is rarely measured anew.
        typical = 1 << max(3, int(lengths.mean()).bit_length())
        cost = cache.cost(
            encoder.spec,
            min(typical, encoder.max_tokens),
            recipe.precision,
            recipe.batch_size if recipe.device != "cpu" else 1,
            recipe.device,
        )
    # Only when a step was timed: it takes a processor core for some seconds.
    jobs.prepare(state.runs_folder())
    return it.finetuning.plan(
        encoder,
        recipe,
        task,
        classes,
        health.lengths,
        train_rows + _replayed(train_rows, recipe.replay),
        held_out,
        cost,
        points=it.resources.kept_points(it.resources.measurements_folder(), recipe.device),
        count=lambda config, work: cache.prediction(config, shape_digest(config), work),
    )


def _request_input(given: Given, recipe: it.Recipe, checkpoint: it.Checkpoint, probes: tuple[str, ...]) -> Request:
    """Draw the run's name, and return all that is asked of it."""
    parts = [
        given.data.name.rsplit(".", 1)[0][: _LONGEST_NAME // 2],
        short_preset_names()[st.session_state[state.PRESET.of(repr(checkpoint))]],
    ]
    name = st.text_input(
        _("Run name"),
        placeholder=" · ".join(parts),
        max_chars=_LONGEST_NAME,
        key="run_name",
        persist_state="session",
        width=480,
    )
    request = Request(
        recipe,
        name.strip() or " · ".join(parts),
        given.data.name,
        given.test.name if given.test is not None else "",
        given.data.text,
        given.data.label,
        given.data.pair,
        given.data.task,
        given.data.words,
        probes,
        parent=base_run(),
        base=checkpoint.name.rsplit("/", 1)[-1],
        tag_column=given.data.tags,
    )
    if request.chooses:
        _rows, split = cache.run_rows(given.data, given.test, given.share, recipe.seed, request.chooses)
        st.caption(
            _(
                "Early stopping chooses the epoch on {validation} of the held-out rows (validation set); results are "
                "reported on the other {test} (test set)."
            ).format(validation=f"{len(split.validation):,}", test=f"{len(split.test):,}")
            if split.apart
            else _(
                "Early stopping chooses the epoch, but too few rows are held out to choose it on other rows than "
                "those reported on: the result will say how much this flatters it. Hold out more rows to have a test "
                "set."
            )
        )
    return request


def _start_button(given: Given, request: Request) -> None:
    if st.button(_("Start"), type="primary", icon=":material/play_arrow:", key="start", width=200):
        test_content = given.test.content if given.test is not None else None
        (run,) = jobs.new_runs([request], given.data.content, test_content)
        jobs.start(run)
        st.session_state[state.RUN] = run.id
        st.session_state[state.STAGE] = "watch"
        st.rerun()


def _sweep_button(given: Given, request: Request, plan: it.finetuning.Plan) -> None:
    """Draw the button that starts one run for each depth of freezing."""
    # Adapters leave the embeddings as they are: to freeze nothing would be the same training again.
    depths = [
        one
        for one in it.finetuning.freeze_depths([layer_group.name for layer_group in plan.layer_groups])
        if one or not request.recipe.lora_rank
    ]
    if st.button(
        _("Sweep all freezing depths ({count})").format(count=len(depths)),
        icon=":material/stairs:",
        key="start_sweep",
        help=_(
            "One run for each depth of freezing, with the same rows, seed and settings: how many layers need training?"
        ),
    ):
        start_sweep(request, depths, given.data.content, given.test.content if given.test is not None else None)
        st.session_state[state.STAGE] = "sweep"
        st.rerun()


def _replayed(train_rows: int, share: float) -> int:
    """Return how many old examples come among so many new ones: never more than there are."""
    if not share:
        return 0
    _examples, old = run_rows(watched(base_run()))
    return min(len(old.train), round(train_rows * share / (1 - share)))
