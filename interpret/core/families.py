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
    tapped
        Whether attention goes through transformers' attention interface. Where it does not, attention weights come
        from the eager code of the model itself and queries, keys and values cannot be had.
    pre_norm
        Whether the residual goes on without having passed `norm` (Xiong et al. 2020): ModernBERT's `norm` is the one
        that its feed-forward part reads through.
    """

    title: str
    embeddings: str
    layers: str
    projection: str
    norm: str
    after_padding: bool = False
    tapped: bool = True
    pre_norm: bool = False


_BERT = ("attention.output.dense", "attention.output.LayerNorm")

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
    "modernbert": Family("ModernBERT", "embeddings", "layers", "attn.Wo", "mlp_norm", pre_norm=True),
    "mpnet": Family(
        "MPNet",
        "embeddings",
        "encoder.layer",
        "attention.attn.o",
        "attention.LayerNorm",
        after_padding=True,
        tapped=False,
    ),
    "deberta": Family("DeBERTa", "embeddings", "encoder.layer", *_BERT, tapped=False),
    "deberta-v2": Family("DeBERTa-v2", "embeddings", "encoder.layer", *_BERT, tapped=False),
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
