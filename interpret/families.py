"""What differs between architectures: where their parts are, and what their positions start at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interpret.errors import CheckpointError


@dataclass(frozen=True)
class Family:
    """How to find one's way in the encoders of one architecture.

    Attributes
    ----------
    title
        The name people know it by.
    embeddings, layers
        Attribute paths in the bare encoder (the module that ``AutoModel`` gives): the embedding module, and the list
        of layers. ALBERT's layers share their weights, so its list holds one group.
    reserved_positions
        Position ids that no token ever gets: RoBERTa counts positions from ``padding_idx + 1``.
    tapped
        Whether attention goes through transformers' attention interface. Where it does not, attention weights come
        from the eager code of the model itself and queries, keys and values cannot be had.
    """

    title: str
    embeddings: str
    layers: str
    reserved_positions: int = 0
    tapped: bool = True


FAMILIES: Mapping[str, Family] = {
    "bert": Family("BERT", "embeddings", "encoder.layer"),
    "roberta": Family("RoBERTa", "embeddings", "encoder.layer", reserved_positions=2),
    "xlm-roberta": Family("XLM-RoBERTa", "embeddings", "encoder.layer", reserved_positions=2),
    "camembert": Family("CamemBERT", "embeddings", "encoder.layer", reserved_positions=2),
    "electra": Family("ELECTRA", "embeddings", "encoder.layer"),
    "albert": Family("ALBERT", "embeddings", "encoder.albert_layer_groups"),
    "distilbert": Family("DistilBERT", "embeddings", "transformer.layer"),
    "modernbert": Family("ModernBERT", "embeddings", "layers"),
    "mpnet": Family("MPNet", "embeddings", "encoder.layer", reserved_positions=2, tapped=False),
    "deberta": Family("DeBERTa", "embeddings", "encoder.layer", tapped=False),
    "deberta-v2": Family("DeBERTa-v2", "embeddings", "encoder.layer", tapped=False),
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
            "“{name}” is of the architecture “{kind}”, which Bertoscope does not read. It reads: {known}.",
            name=name,
            kind=kind,
            known=", ".join(family.title for family in FAMILIES.values()),
        )
    return FAMILIES[kind]
