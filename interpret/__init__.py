"""See inside BERT: a library that a notebook can use and the Bertoscope dashboard is built on.

Importing it loads nothing heavy; PyTorch and transformers come with the first name that needs them. No module is
called like a public name: importing one would hide the other.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interpret.errors import Cancelled, CapacityError, CheckpointError, InputError, InterpretError

if TYPE_CHECKING:
    from interpret.accuracy import Accuracy
    from interpret.attention.ablation import Ablation, ablate
    from interpret.attention.dependencies import DependencyScores, dependency_scores, read_conllu
    from interpret.attention.flow import (
        Paths,
        attention_flow,
        flow_paths,
        gradient_paths,
        rollout,
        rollout_paths,
    )
    from interpret.attention.heads import HeadStatistics, corpus_head_statistics, head_statistics, pattern_names
    from interpret.attention.importance import HeadImportance, head_importance
    from interpret.attention.qkv import AttentionSteps, attention_steps
    from interpret.attention.view import AttentionView, attention_view, liveliest_head
    from interpret.attribution.counterfactuals import Turning, Variants, read_variants, turn
    from interpret.attribution.explaining import Attribution, attribute, explain
    from interpret.attribution.faithfulness import Faithfulness, faithfulness
    from interpret.attribution.layers import layer_map
    from interpret.attribution.pairs import Interactions, SimilarityPairs, interactions, similarity_pairs
    from interpret.attribution.plausibility import Plausibility, plausibility
    from interpret.attribution.question import Question, Target
    from interpret.attribution.ranking import rank_agreement, rank_agreement_interval
    from interpret.attribution.rows import Rows, explain_rows
    from interpret.attribution.targets import ask
    from interpret.attribution.trust import Trust, trust
    from interpret.card import ModelCard, model_card
    from interpret.checkpoints import Checkpoint, find_checkpoint
    from interpret.devices import Device, available_devices
    from interpret.embeddings.clustering import (
        Clusters,
        MarkingWords,
        agreement,
        agreement_interval,
        cluster,
        marking_words,
    )
    from interpret.embeddings.corpus import Embeddings, embed
    from interpret.embeddings.geometry import Geometry, cka, intrinsic_dimension, measure_geometry
    from interpret.embeddings.nearest import Neighbours, neighbours_of
    from interpret.embeddings.probing import Probe, probe
    from interpret.embeddings.projection import Alignment, Projection, align, project
    from interpret.embeddings.quality import Quality, map_quality
    from interpret.embeddings.store import Store, load_embeddings
    from interpret.encoder import Encoder, EncoderSpec, load_encoder
    from interpret.finetuning.comparing import attention_drift
    from interpret.finetuning.data import read_examples, split_examples
    from interpret.finetuning.entities import EntityResults
    from interpret.finetuning.examples import GAMES, Examples
    from interpret.finetuning.health import Health, check_health
    from interpret.finetuning.layer_groups import (
        PRESETS,
        LayerGroup,
        freeze_depths,
        layer_group_names,
        layer_rates,
        preset,
    )
    from interpret.finetuning.measuring import Cost, measure_cost
    from interpret.finetuning.outcome import Outcome, read_outcome, token_names
    from interpret.finetuning.planning import Plan, measure_lengths, plan
    from interpret.finetuning.recipe import Recipe
    from interpret.finetuning.record import Recorded, drop_alias, forget, read_record, set_alias, write_note
    from interpret.finetuning.results import Fit, GameResults, Results
    from interpret.finetuning.runs import (
        Request,
        Run,
        ask_again,
        ask_to_stop,
        delete_run,
        list_runs,
        new_run,
        read_run,
    )
    from interpret.finetuning.snapshots import Snapshot, list_snapshots, open_snapshot
    from interpret.finetuning.told import Told, read_told
    from interpret.finetuning.worker import finetune
    from interpret.linear_head import LinearHead, fit_head
    from interpret.long_text import Window, Windows, windows
    from interpret.masking import Masked, Masking
    from interpret.pretraining.following import Following, NextSentence, follow_pairs, next_sentence
    from interpret.pretraining.game import Played, play
    from interpret.pretraining.guessing import Guess, Guesses, fill_mask
    from interpret.pretraining.lens import LayerGuesses, layer_guesses
    from interpret.pretraining.preferences import Preferences, compare_pairs
    from interpret.pretraining.tuned_lens import TunedLens, fit_tuned_lens, load_lens
    from interpret.rounding import Rounding, measure_rounding
    from interpret.surprise import Surprise, pseudo_log_likelihood
    from interpret.tasks import Task
    from interpret.together import load_beside
    from interpret.tokens import Tokens
    from interpret.tracing import Trace, trace, trace_batch

_WHERE = {
    "Accuracy": "accuracy",
    "Ablation": "attention.ablation",
    "ablate": "attention.ablation",
    "DependencyScores": "attention.dependencies",
    "dependency_scores": "attention.dependencies",
    "read_conllu": "attention.dependencies",
    "Paths": "attention.flow",
    "attention_flow": "attention.flow",
    "flow_paths": "attention.flow",
    "gradient_paths": "attention.flow",
    "rollout": "attention.flow",
    "rollout_paths": "attention.flow",
    "HeadStatistics": "attention.heads",
    "corpus_head_statistics": "attention.heads",
    "head_statistics": "attention.heads",
    "pattern_names": "attention.heads",
    "HeadImportance": "attention.importance",
    "head_importance": "attention.importance",
    "AttentionSteps": "attention.qkv",
    "attention_steps": "attention.qkv",
    "AttentionView": "attention.view",
    "attention_view": "attention.view",
    "liveliest_head": "attention.view",
    "Turning": "attribution.counterfactuals",
    "Variants": "attribution.counterfactuals",
    "read_variants": "attribution.counterfactuals",
    "turn": "attribution.counterfactuals",
    "Attribution": "attribution.explaining",
    "attribute": "attribution.explaining",
    "explain": "attribution.explaining",
    "Faithfulness": "attribution.faithfulness",
    "faithfulness": "attribution.faithfulness",
    "layer_map": "attribution.layers",
    "Interactions": "attribution.pairs",
    "SimilarityPairs": "attribution.pairs",
    "interactions": "attribution.pairs",
    "similarity_pairs": "attribution.pairs",
    "Plausibility": "attribution.plausibility",
    "plausibility": "attribution.plausibility",
    "Question": "attribution.question",
    "Target": "attribution.question",
    "rank_agreement": "attribution.ranking",
    "rank_agreement_interval": "attribution.ranking",
    "Rows": "attribution.rows",
    "explain_rows": "attribution.rows",
    "ask": "attribution.targets",
    "Trust": "attribution.trust",
    "trust": "attribution.trust",
    "ModelCard": "card",
    "model_card": "card",
    "Checkpoint": "checkpoints",
    "find_checkpoint": "checkpoints",
    "Device": "devices",
    "available_devices": "devices",
    "Clusters": "embeddings.clustering",
    "agreement": "embeddings.clustering",
    "agreement_interval": "embeddings.clustering",
    "cluster": "embeddings.clustering",
    "MarkingWords": "embeddings.clustering",
    "marking_words": "embeddings.clustering",
    "Embeddings": "embeddings.corpus",
    "embed": "embeddings.corpus",
    "Geometry": "embeddings.geometry",
    "cka": "embeddings.geometry",
    "intrinsic_dimension": "embeddings.geometry",
    "measure_geometry": "embeddings.geometry",
    "Neighbours": "embeddings.nearest",
    "neighbours_of": "embeddings.nearest",
    "Probe": "embeddings.probing",
    "probe": "embeddings.probing",
    "Alignment": "embeddings.projection",
    "Projection": "embeddings.projection",
    "align": "embeddings.projection",
    "project": "embeddings.projection",
    "Quality": "embeddings.quality",
    "map_quality": "embeddings.quality",
    "Store": "embeddings.store",
    "load_embeddings": "embeddings.store",
    "Encoder": "encoder",
    "EncoderSpec": "encoder",
    "Rounding": "rounding",
    "measure_rounding": "rounding",
    "load_beside": "together",
    "load_encoder": "encoder",
    "attention_drift": "finetuning.comparing",
    "Examples": "finetuning.examples",
    "EntityResults": "finetuning.entities",
    "GAMES": "finetuning.examples",
    "read_examples": "finetuning.data",
    "split_examples": "finetuning.data",
    "Health": "finetuning.health",
    "check_health": "finetuning.health",
    "Cost": "finetuning.measuring",
    "Plan": "finetuning.planning",
    "measure_cost": "finetuning.measuring",
    "measure_lengths": "finetuning.planning",
    "plan": "finetuning.planning",
    "Recipe": "finetuning.recipe",
    "Recorded": "finetuning.record",
    "drop_alias": "finetuning.record",
    "forget": "finetuning.record",
    "read_record": "finetuning.record",
    "set_alias": "finetuning.record",
    "write_note": "finetuning.record",
    "Fit": "finetuning.results",
    "GameResults": "finetuning.results",
    "Results": "finetuning.results",
    "Request": "finetuning.runs",
    "Run": "finetuning.runs",
    "Told": "finetuning.told",
    "ask_again": "finetuning.runs",
    "ask_to_stop": "finetuning.runs",
    "delete_run": "finetuning.runs",
    "list_runs": "finetuning.runs",
    "new_run": "finetuning.runs",
    "read_run": "finetuning.runs",
    "read_told": "finetuning.told",
    "Snapshot": "finetuning.snapshots",
    "list_snapshots": "finetuning.snapshots",
    "open_snapshot": "finetuning.snapshots",
    "LayerGroup": "finetuning.layer_groups",
    "PRESETS": "finetuning.layer_groups",
    "layer_group_names": "finetuning.layer_groups",
    "freeze_depths": "finetuning.layer_groups",
    "layer_rates": "finetuning.layer_groups",
    "preset": "finetuning.layer_groups",
    "Outcome": "finetuning.outcome",
    "finetune": "finetuning.worker",
    "token_names": "finetuning.outcome",
    "read_outcome": "finetuning.outcome",
    "LinearHead": "linear_head",
    "fit_head": "linear_head",
    "Window": "long_text",
    "Windows": "long_text",
    "windows": "long_text",
    "Masked": "masking",
    "Masking": "masking",
    "Played": "pretraining.game",
    "play": "pretraining.game",
    "Guess": "pretraining.guessing",
    "Guesses": "pretraining.guessing",
    "fill_mask": "pretraining.guessing",
    "LayerGuesses": "pretraining.lens",
    "layer_guesses": "pretraining.lens",
    "Following": "pretraining.following",
    "NextSentence": "pretraining.following",
    "follow_pairs": "pretraining.following",
    "next_sentence": "pretraining.following",
    "Preferences": "pretraining.preferences",
    "compare_pairs": "pretraining.preferences",
    "Surprise": "surprise",
    "pseudo_log_likelihood": "surprise",
    "TunedLens": "pretraining.tuned_lens",
    "fit_tuned_lens": "pretraining.tuned_lens",
    "load_lens": "pretraining.tuned_lens",
    "Task": "tasks",
    "Tokens": "tokens",
    "Trace": "tracing",
    "trace": "tracing",
    "trace_batch": "tracing",
}

__all__ = ["CapacityError", "Cancelled", "CheckpointError", "InputError", "InterpretError", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'interpret' has no attribute {name!r}")
    return getattr(import_module(f"interpret.{_WHERE[name]}"), name)
