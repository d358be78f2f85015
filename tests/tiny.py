"""Tiny models with random weights and real tokenizers, one for each family, made on the spot."""

from pathlib import Path

import torch
import transformers as tf
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = "the river bank was steep and the bank lent money because it was rich said unbelievably tired animals"
CHINESE = "中文模型的注意力很有意思"

SIZES = {
    "vocab_size": 400,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 66,
    # Wide enough that attention is far from uniform, or a transposed head would pass for a right one.
    "initializer_range": 0.3,
}

# Written by ``python -m tests.tiny``.
TOKENIZERS = Path(__file__).parent / "tokenizers"
KINDS = ("bytes", "unigram", "wordpiece")

# What each family's configuration calls things that others call otherwise.
FAMILIES = {
    "bert": (tf.BertConfig, "wordpiece", {}),
    "electra": (tf.ElectraConfig, "wordpiece", {"embedding_size": 16}),
    "distilbert": (tf.DistilBertConfig, "wordpiece", {}),
    "albert": (tf.AlbertConfig, "unigram", {"embedding_size": 16}),
    "roberta": (tf.RobertaConfig, "bytes", {"type_vocab_size": 1}),
    "xlm-roberta": (tf.XLMRobertaConfig, "unigram", {"type_vocab_size": 1}),
    "camembert": (tf.CamembertConfig, "unigram", {"type_vocab_size": 1}),
    "modernbert": (tf.ModernBertConfig, "bytes", {"local_attention": 8, "global_attn_every_n_layers": 2}),
    "mpnet": (tf.MPNetConfig, "wordpiece", {}),
    # As the third version is published: relative positions alone, in buckets, by the contents' own projections.
    "deberta-v2": (
        tf.DebertaV2Config,
        "wordpiece",
        {
            "type_vocab_size": 0,
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": "p2c|c2p",
            "position_biased_input": False,
        },
    ),
}
# One shared suite (`tests/families`) goes through these; the others are in the tests of every subject too.
MORE_FAMILIES = {
    "ernie": (tf.ErnieConfig, "wordpiece", {}),
    "roc_bert": (
        tf.RoCBertConfig,
        "wordpiece",
        {
            "pronunciation_vocab_size": 10,
            "shape_vocab_size": 10,
            "pronunciation_embed_dim": 8,
            "shape_embed_dim": 8,
        },
    ),
    # Its norms only scale, so that larger weights would let its states grow without end.
    "mobilebert": (
        tf.MobileBertConfig,
        "wordpiece",
        {"embedding_size": 16, "intra_bottleneck_size": 16, "initializer_range": 0.15},
    ),
    "deberta": (
        tf.DebertaConfig,
        "wordpiece",
        {
            "type_vocab_size": 0,
            "relative_attention": True,
            "pos_att_type": "c2p|p2c",
            "position_biased_input": False,
        },
    ),
    "data2vec-text": (tf.Data2VecTextConfig, "bytes", {"type_vocab_size": 1}),
    "xmod": (
        tf.XmodConfig,
        "unigram",
        {"type_vocab_size": 1, "languages": ["en_XX", "zh_CN"], "default_language": "en_XX"},
    ),
    "nomic_bert": (tf.NomicBertConfig, "wordpiece", {}),
    "gte": (tf.GteConfig, "wordpiece", {}),
    "jina_embeddings_v3": (tf.JinaEmbeddingsV3Config, "unigram", {"type_vocab_size": 1}),
    "eurobert": (tf.EuroBertConfig, "bytes", {"num_key_value_heads": 2, "mask_token_id": 4}),
}
# Whose own tokenizers tell two texts apart by their token types.
TYPED = ("bert", "electra", "albert")


def make_tokenizer(kind: str) -> Tokenizer:
    """Return the tokenizer of a kind, trained once: where two pairs are as frequent, a trainer chooses by chance."""
    return Tokenizer.from_file(str(TOKENIZERS / f"{kind}.json"))


def train_tokenizer(kind: str) -> Tokenizer:
    """Train a tokenizer of one kind on two sentences."""
    if kind == "wordpiece":
        special = {"pad": "[PAD]", "unk": "[UNK]", "open": "[CLS]", "close": "[SEP]", "mask": "[MASK]"}
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=list(special.values()), show_progress=False)
        pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
    else:
        special = {"open": "<s>", "pad": "<pad>", "close": "</s>", "unk": "<unk>", "mask": "<mask>"}
        pair = "<s> $A </s> </s> $B:1 </s>:1"
        if kind == "bytes":
            tokenizer = Tokenizer(models.BPE())
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            tokenizer.decoder = decoders.ByteLevel()
            trainer = trainers.BpeTrainer(
                vocab_size=380,
                special_tokens=list(special.values()),
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            )
        else:
            tokenizer = Tokenizer(models.Unigram())
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
            tokenizer.decoder = decoders.Metaspace()
            trainer = trainers.UnigramTrainer(
                vocab_size=120, special_tokens=list(special.values()), unk_token="<unk>", show_progress=False
            )
    tokenizer.train_from_iterator([TEXT] * 4 + [CHINESE] * 2, trainer)
    single = pair.split(" $B")[0].removesuffix(" </s>") if "<s>" in pair else "[CLS] $A [SEP]"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (special["open"], special["close"])],
    )
    return tokenizer


def make_checkpoint(family: str, folder: Path, seed: int = 0, loader: type = tf.AutoModel, **changes: object) -> Path:
    """Write a checkpoint as ``save_pretrained`` does, with the task head of ``loader``, and return its folder."""
    make_config, kind, more = (FAMILIES | MORE_FAMILIES)[family]
    tokenizer = make_tokenizer(kind)
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if kind == "wordpiece" else ("<pad>", "<unk>", "<s>", "</s>")
    pad, unk, first, last = names
    ids = {"pad_token_id": tokenizer.token_to_id(pad)}
    for name, token in (("bos_token_id", first), ("eos_token_id", last), ("cls_token_id", first)):
        ids[name] = tokenizer.token_to_id(token)
    config = make_config(**{**SIZES, **ids, **more, **changes})
    torch.manual_seed(seed)
    model = loader.from_config(config)
    if family == "mobilebert":
        # Its states are kept small, and its attention is to be far from uniform all the same.
        for name, parameter in model.named_parameters():
            if name.endswith(("self.query.weight", "self.key.weight")):
                parameter.data *= 12
    model.save_pretrained(folder)
    inputs = ["input_ids", *(["token_type_ids"] if family in TYPED else []), "attention_mask"]
    tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token=unk,
        cls_token=first,
        sep_token=last,
        model_input_names=inputs,
    ).save_pretrained(folder)
    return folder


def make_base_shape(folder: Path) -> Path:
    """Write a checkpoint of BERT-base's shape with random weights: 12 layers, 12 heads, 768 wide, 512 positions."""
    return make_checkpoint(
        "bert",
        folder,
        num_hidden_layers=12,
        num_attention_heads=12,
        hidden_size=768,
        intermediate_size=3072,
        max_position_embeddings=512,
        initializer_range=0.02,
    )


if __name__ == "__main__":
    for one in KINDS:
        train_tokenizer(one).save(str(TOKENIZERS / f"{one}.json"))
