"""The make-believe cards, and tiny models on them and on the CPU."""

from pathlib import Path

import pytest
import transformers as tf

import interpret as it
from tests.device.believe import Cards, believing
from tests.tiny import make_checkpoint


@pytest.fixture(scope="session")
def made():
    return Cards()


@pytest.fixture
def cards(made):
    """Both cards, with nothing counted yet, for as long as the test takes."""
    with believing(made):
        made.reset()
        yield made


class Encoders:
    """Tiny models by what they do and their family, each loaded once for every device."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.loaded: dict[tuple[str, str, str], it.Encoder] = {}

    def folder(self, kind: str, family: str) -> Path:
        place = self.root / kind / family
        if not place.exists():
            games = tf.AutoModelForPreTraining if family in ("bert", "albert") else tf.AutoModelForMaskedLM
            loader = games if kind == "games" else tf.AutoModelForSequenceClassification
            more = {} if kind == "games" else {"id2label": {0: "bank", 1: "river"}, "label2id": {"bank": 0, "river": 1}}
            make_checkpoint(family, place, loader=loader, **more)
        return place

    def __call__(self, kind: str = "games", family: str = "bert", device: str = "cpu") -> it.Encoder:
        key = kind, family, device
        if key not in self.loaded:
            self.loaded[key] = it.load_encoder(str(self.folder(kind, family)), device)
        return self.loaded[key]


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    return Encoders(tmp_path_factory.mktemp("believe"))
