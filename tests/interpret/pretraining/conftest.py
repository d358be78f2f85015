"""Tiny models that guess masked words."""

import pytest
import transformers as tf

import interpret as it
from tests.tiny import FAMILIES, make_checkpoint


@pytest.fixture(scope="session")
def guessers(tmp_path_factory):
    """A tiny model with its masked-word head of every family."""
    root = tmp_path_factory.mktemp("guessers")
    return {
        name: it.load_encoder(str(make_checkpoint(name, root / name, loader=tf.AutoModelForMaskedLM)), device="cpu")
        for name in FAMILIES
    }


@pytest.fixture(scope="session")
def both(tmp_path_factory):
    """A tiny BERT and a tiny ALBERT with both of their pre-training heads."""
    root = tmp_path_factory.mktemp("both")
    return {
        name: it.load_encoder(str(make_checkpoint(name, root / name, loader=tf.AutoModelForPreTraining)), device="cpu")
        for name in ("bert", "albert")
    }
