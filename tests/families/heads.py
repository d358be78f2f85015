"""The heads that a checkpoint of any family may bring."""

import transformers as tf

HEADS = {
    "classes": tf.AutoModelForSequenceClassification,
    "token classes": tf.AutoModelForTokenClassification,
    "masked words": tf.AutoModelForMaskedLM,
    "span": tf.AutoModelForQuestionAnswering,
}
# Of which transformers has no such head.
NONE_SUCH = {("nomic_bert", "span"), ("gte", "span"), ("eurobert", "span")}
