"""What the command that fine-tunes does."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from interpret.core.devices import find_device, unstarted
from interpret.core.encoder import Encoder
from interpret.core.encoder_loading import load_encoder
from interpret.core.layer_groups import expand, layer_group_names
from interpret.finetuning.cost import StepCost
from interpret.finetuning.data import read_examples
from interpret.finetuning.examples import Examples
from interpret.finetuning.facts import in_words
from interpret.finetuning.health import check_health, describe_health
from interpret.finetuning.metrics_log import Evaluation, Reading, Step, Waiting
from interpret.finetuning.objective import find_objective
from interpret.finetuning.plan import describe_plan, plan
from interpret.finetuning.recipe import Recipe, resolve
from interpret.finetuning.request import Request
from interpret.finetuning.run_control import resume_run
from interpret.finetuning.runs import Run, make_run, read_run
from interpret.finetuning.splits import Split, split_rows
from interpret.finetuning.worker import get_ready, work
from interpret.finetuning.worker import main as work_on
from interpret.resources.calibration import kept_points
from interpret.resources.measurement import measurements_folder

# What the terminal says of a plan needs no step to be timed.
_NO_TIME = StepCost(0.0, 0.0, 0.0)


def run(args: argparse.Namespace, content: bytes | None, test_content: bytes | None) -> int:
    """Do what the command is asked; returns its exit status.

    Parameters
    ----------
    args
        What `interpret.finetuning.arguments` reads.
    content, test_content
        The labelled file and that of the test set; None where there is none, or where another process reads them.
    """
    # The first run's card is to be the only one that this process sees.
    unstarted()
    runs = _runs_from_input() if args.wait else args.runs
    if args.wait or runs:
        return max(_go_on_all(runs), default=0)
    if content is None:
        # One of the further processes of `accelerate launch`: the first one makes the folder.
        while not (args.out / "request.json").exists():
            time.sleep(0.3)
        return work_on(args.out)
    return _train(args, content, test_content)


def _train(args: argparse.Namespace, content: bytes, test_content: bytes | None) -> int:
    objective = find_objective(args.task)
    # On the host: a card has room for what learns alone.
    encoder = load_encoder(args.model, "cpu")
    layer_groups = layer_group_names(encoder.model, encoder.family)
    frozen = expand(args.freeze, layer_groups)
    options = {field.name: getattr(args, field.name) for field in fields(Recipe) if field.name != "frozen"}
    # The model of a run brings along what that run learned from.
    beside = Path(args.model).resolve().parent
    parent_run = beside if Path(args.model).name == "model" and (beside / "request.json").exists() else None
    recipe = resolve(Recipe(**options, frozen=frozen), layer_groups, encoder.width, args.task)
    request = Request(
        recipe=recipe,
        name=args.out.name,
        data=args.data.name,
        test_data=args.test_data.name if args.test_data is not None else "",
        text=args.text,
        label=args.label,
        pair=args.pair,
        task=args.task,
        passage_words=args.passage_words,
        tag_column=args.tag_column,
        parent=parent_run.name if parent_run is not None else "",
    )
    columns = (args.text, args.label, args.pair, args.task, args.passage_words, args.tag_column)
    examples = read_examples(content, args.data.name, *columns)
    _say_what_was_read(args.data.name, examples)
    test_rows = 0
    if test_content is not None:
        other = read_examples(test_content, args.test_data.name, *columns)
        _say_what_was_read(args.test_data.name, other)
        examples, test_rows = examples.joined(other), len(other)
    _say_what_to_expect(
        encoder, recipe, examples, split_rows(examples, args.held_out, args.seed, request.chooses, test_rows)
    )

    def callback(what: Step | Evaluation | Reading | Waiting, total: int) -> None:
        if isinstance(what, Waiting):
            name = f"“{what.name}” ({what.run})" if what.run else "another process"
            _say(f"waiting: {name} uses this device or was queued first; waiting does not count as training time")
        elif isinstance(what, Evaluation):
            form = ".1%" if objective.score_is_share else ".3f"
            score = f"{objective.score_name} {what.score:{form}}"
            score += "".join(f", {name} {one:.4g}" for name, one in what.facts.items())
            _say(f"\rafter epoch {what.epoch:.4g}: loss {what.loss:.4f}, {score}")
        elif not sys.stderr.isatty():
            return
        elif isinstance(what, Reading):
            _say(f"\rcomputing the frozen layers: {what.done:,} of {what.total:,} examples", "")
        else:
            _say(f"\rstep {what.number} of {total}, loss {what.loss:.4f}", "")

    return _say_how_it_ended(
        work(make_run(args.out, request, content, test_content, parent_run).folder, callback, own=True)
    )


def _say_what_was_read(name: str, examples: Examples) -> None:
    """Say how many rows of a file were read, and what became of the others."""
    said = [f"{len(examples):,} {find_objective(examples.task).unit.name}"]
    counted = {
        "left out, without a text or a label": examples.skipped,
        "blank": examples.blank,
        "lines of comments": examples.comments,
    }
    if find_objective(examples.task).source == "tags":
        counted["left out, without words"] = counted.pop("left out, without a text or a label")
    if find_objective(examples.task).source == "questions":
        counted["left out, without a question, a passage or an answer in it"] = counted.pop(
            "left out, without a text or a label"
        )
    said += [f"{what}: {count:,}" for what, count in counted.items() if count]
    _say(f"“{name}” read: {'; '.join(said)}")


def _say_what_to_expect(encoder: Encoder, recipe: Recipe, examples: Examples, split: Split) -> None:
    """Say what it is trained on and how, and what is wrong with either: all that the page says before its Start."""
    train_rows, held_out_rows = (
        split.train,
        np.concatenate([split.validation, split.test]) if split.apart else split.test,
    )
    health = check_health(encoder, examples, train_rows, held_out_rows, min(recipe.max_length, encoder.max_tokens))
    what = find_objective(examples.task).unit.name
    guesses = health.classes and find_objective(examples.task).classifies
    guess = f"; majority-class baseline: {health.majority:.1%}" if guesses else ""
    chosen = f", {len(split.validation):,} validation {what}" if split.apart else ""
    _say(f"{len(train_rows):,} training {what}{chosen}, {len(split.test):,} held-out {what}{guess}")
    for sentence in describe_health(health, examples).values():
        _say(f"  warning: {sentence}")
    _say(f"head {recipe.head}, learning rate {recipe.learning_rate:g}, {recipe.epochs} epochs")
    counts = len(examples.classes), health.lengths, len(train_rows), len(held_out_rows)
    points = kept_points(measurements_folder(), find_device(recipe.device).name)
    found = plan(encoder, recipe, examples.task, *counts, _NO_TIME, points)
    for sentence in describe_plan(found, recipe).values():
        _say(f"  warning: {sentence}")


def _runs_from_input() -> list[Path]:
    """Load what a training needs, then wait to be told which runs; none where the input ends before."""
    get_ready()
    line = sys.stdin.readline()
    runs = [Path(one) for one in json.loads(line)] if line.strip() else []
    if runs:
        # What goes wrong from here on is the run's, and not of interest to who had this process wait.
        with (runs[0] / "log.txt").open("ab") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
    return runs


def _go_on_all(folders: list[Path]) -> Iterator[int]:
    """Work on runs, one after another: a process has one card, so that those for another one get one of their own."""
    # As it is before a card is claimed, after which a process that is started sees that card alone.
    device, environment = None, dict(os.environ)
    for folder in folders:
        wanted = read_run(folder).request.recipe.device
        if device in (None, wanted):
            device = wanted
            yield _go_on(folder)
        else:
            command = [sys.executable, "-m", "interpret.finetuning", str(folder)]
            yield subprocess.run(command, env=environment).returncode


def _go_on(folder: Path) -> int:
    """Work on a run; one that was stopped goes on, and one that is done is left alone."""
    run = read_run(folder)
    if run.state == "done":
        _say(f"“{run.request.name}” is done already")
        return 0
    if run.state == "stopped" and not int(os.environ.get("RANK", "0")):
        resume_run(run)
    return work_on(folder)


def _say_how_it_ended(run: Run) -> int:
    if run.error is not None:
        raise run.error
    facts = run.facts
    if not facts:
        _say(f"{run.state} before its first step: nothing was trained")
        return 0
    count, speed = int(facts["trainable"]), facts["per_second"]
    _say(f"{run.state}: {count:,} parameters trained in {facts['seconds']:.1f} s, {speed:.0f} examples a second")
    for line in in_words(facts, run.request.task, run.request.recipe.patience > 0):
        _say(line)
    return 0


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201 - to its terminal
