"""What differs between architectures: where their parts are, and what their positions start at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interpret.core.errors import CheckpointError


@dataclass(frozen=True)
class Family:
    """How to find one's way in the encoders of one architecture.

    Attributes
    ----------
    title
        The name people know it by.
    embeddings, layers
        Attribute paths in the bare encoder (the module that ``AutoModel`` gives): the embedding module, and the list
        of layers. ALBERT's layers share their weights, so its list holds the groups of layers that do.
    projection, norm
        Attribute paths in a layer: what projects the heads' outputs, side by side, back to the hidden width; and the
        layer norm that takes the sum of that and the residual.
    after_padding
        Whether positions are counted from the id of the padding on, which its embedding module holds as
        ``padding_idx``, and tokens of that id are passed over (RoBERTa's ``create_position_ids_from_input_ids``).
    relative
        Whether scores have an addend of relative positions, and attention does not go through transformers' attention
        interface: see `interpret.core.relative_attention`.
    final_norm
        Attribute path in the bare encoder of the norm that the last layer's states go through, where each layer's
        residual goes on without having passed `norm` (Xiong et al. 2020), which only its feed-forward part reads
        through; empty where `norm` is part of the way.
    rms
        Whether norms divide by the root of the mean square alone (Zhang & Sennrich 2019), and do not centre.
    rotary
        Whether queries and keys are rotated by their positions (Su et al. 2021).
    key_bias
        Whether keys have a bias where queries and values have one.
    residual
        Attribute path in a layer of what its input goes through before attention's output is added to it, where the
        layer has that: MobileBERT's attention is narrower than its hidden states (Sun et al. 2020, section 3.1).
    """

    title: str
    embeddings: str
    layers: str
    projection: str
    norm: str
    after_padding: bool = False
    relative: bool = False
    final_norm: str = ""
    rms: bool = False
    rotary: bool = False
    key_bias: bool = True
    residual: str = ""

    @property
    def pre_norm(self) -> bool:
        """Whether the residual goes on without having passed `norm`."""
        return bool(self.final_norm)


_BERT = ("attention.output.dense", "attention.output.LayerNorm")
_ROTARY = ("self_attn.o_proj", "post_attention_layernorm")

FAMILIES: Mapping[str, Family] = {
    "bert": Family("BERT", "embeddings", "encoder.layer", *_BERT),
    "roberta": Family("RoBERTa", "embeddings", "encoder.layer", *_BERT, after_padding=True),
    "xlm-roberta": Family("XLM-RoBERTa", "embeddings", "encoder.layer", *_BERT, after_padding=True),
    "camembert": Family("CamemBERT", "embeddings", "encoder.layer", *_BERT, after_padding=True),
    "electra": Family("ELECTRA", "embeddings", "encoder.layer", *_BERT),
    "albert": Family(
        "ALBERT",
        "embeddings",
        "encoder.albert_layer_groups",
        "albert_layers.0.attention.dense",
        "albert_layers.0.attention.LayerNorm",
    ),
    "distilbert": Family("DistilBERT", "embeddings", "transformer.layer", "attention.out_lin", "sa_layer_norm"),
    "modernbert": Family(
        "ModernBERT", "embeddings", "layers", "attn.Wo", "mlp_norm", final_norm="final_norm", rotary=True
    ),
    "ernie": Family("ERNIE", "embeddings", "encoder.layer", *_BERT),
    "roc_bert": Family("RoCBert", "embeddings", "encoder.layer", *_BERT),
    "data2vec-text": Family("data2vec-text", "embeddings", "encoder.layer", *_BERT, after_padding=True),
    "xmod": Family("X-MOD", "embeddings", "encoder.layer", *_BERT, after_padding=True),
    "nomic_bert": Family("Nomic BERT", "embeddings", "layers", *_ROTARY, rotary=True),
    "gte": Family("GTE", "embeddings", "layers", *_ROTARY, rotary=True),
    "jina_embeddings_v3": Family("Jina Embeddings v3", "embeddings", "layers", *_ROTARY, rotary=True),
    "eurobert": Family("EuroBERT", "embed_tokens", "layers", *_ROTARY, final_norm="norm", rms=True, rotary=True),
    "mobilebert": Family("MobileBERT", "embeddings", "encoder.layer", *_BERT, residual="bottleneck.input"),
    "mpnet": Family(
        "MPNet",
        "embeddings",
        "encoder.layer",
        "attention.attn.o",
        "attention.LayerNorm",
        after_padding=True,
        relative=True,
    ),
    "deberta": Family("DeBERTa", "embeddings", "encoder.layer", *_BERT, relative=True, key_bias=False),
    "deberta-v2": Family("DeBERTa-v2", "embeddings", "encoder.layer", *_BERT, relative=True),
}


def find_family(config: Mapping[str, Any], name: str) -> Family:
    """Return the family of a checkpoint from its ``config.json``.

    Raises
    ------
    CheckpointError
        If the architecture is not one that Bertoscope reads.
    """
    kind = str(config.get("model_type"))
    if kind not in FAMILIES:
        raise CheckpointError(
            "“{name}” has the architecture “{kind}”, which Bertoscope does not support. Supported: {known}.",
            name=name,
            kind=kind,
            known=", ".join(family.title for family in FAMILIES.values()),
        )
    return FAMILIES[kind]
