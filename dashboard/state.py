"""What is looked at: one table of all that a person chooses, with defaults, and its place in the URL.

Streamlit can bind a widget to the URL by itself (``bind="query-params"``), but it then writes the option as the
reader sees it: a link made in Chinese would not open in English. So values are written here as they are.

Not in the table is what a widget notes for itself between two runs, beside its code, and what was computed or uploaded.
"""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from dashboard import ROOT
from dashboard.key import Key, Value, session_key
from dashboard.language import language, nearest_language
from interpret.core import multilingual_e5
from interpret.core.characters import whole_characters
from interpret.core.checkpoints import BUILT_IN, MULTILINGUAL
from interpret.core.files import cache_folder


def _in_chinese(default: str) -> dict[str, Value]:
    """Who reads Chinese sees Chinese, where the package of the built-in model that reads it is."""
    return {"zh_CN": default} if multilingual_e5.DATA.is_there else {}


# What "piece" was called before tokens were.
_PIECE = {"piece": "token"}

# Every page.
LANGUAGE = Key("lang")
MODEL = Key("model", BUILT_IN, in_languages=_in_chinese(MULTILINGUAL))
REVISION = Key("revision", "")
DEVICE, PRECISION = Key("device", "auto"), Key("precision", "auto")
# Whether what a PEFT adapter changes is in the model.
ADAPTER = Key("adapter", True, (False, True))

# Texts. An example or a text is in the URL, and by that where it is from.
SOURCE = Key("source", "typed", ("typed", "example", "file"))
EXAMPLE = Key("example")
TEXT, PAIR, WITH_PAIR = Key("text"), Key("pair", ""), session_key("with_pair", False, (False, True))
WINDOW_A, WINDOW_B = Key("window", 1), Key("window_b", 1)
FILE_ROW = Key("row")

# Files of texts.
CORPUS_ROWS = session_key("most")

# Attention.
TAB = Key("tab")
UNIT = Key("unit", "token", ("token", "word"), renamed=_PIECE)
SPECIALS = Key("specials", True, (False, True))
DIRECTION = Key("direction", "all", ("all", "A→A", "A→B", "B→A", "B→B"))
HEADS, SCALE, MINIMUM = Key("heads"), Key("scale", "sqrt"), Key("minimum")
LAYER, HEAD, TOKEN, OFF = session_key("layer"), session_key("head"), Key("token"), Key("off")
OVER = Key("over", "text", ("text", "corpus", "trees"))
MEASURE = Key("measure", "text", ("text", "corpus"))
VIEW = Key("view", "head", ("head", "model", "neuron"))
TEMPERATURE = Key("temperature")
AFTER, METHOD = Key("after"), Key("method", "rollout", ("rollout", "flow", "gradient"))
GOAL, TARGET = Key("goal"), Key("target", -1)
# A sliding window: neighbours on either side, and which tokens see all others.
WIDTH, GLOBAL = Key("neighbours_seen"), Key("global", "first", ("none", "first", "special", "text"))
KEPT_COSINE = session_key("kept_cosine", "0.95", ("0.90", "0.95", "0.99"))
TREES = session_key("trees_most", 500, (500, 2000, 0))
BERTVIZ_LAYERS = session_key("bertviz_layers")
# What heads are compared with, as a `pages.attention.reference.Reference`, and its head.
REFERENCE, REFERENCE_LAYER, REFERENCE_HEAD = Key("reference"), Key("reference_layer"), Key("reference_head")
SAME_HEAD = session_key("same_head", False, (False, True))
COMPARED_AS = Key("compared", "beside", ("beside", "difference"))
SWAPPED = session_key("swapped", False, (False, True))

# Embeddings.
SHOW = Key("show")
FROM = Key("from", "example", ("example", "pasted", "file"))
CORPUS, PASTED = Key("corpus", "topics", in_languages=_in_chinese("chinese")), session_key("pasted")
COLLECTION_ROWS = session_key("collection_most", 2000)
LEVEL, WORD = Key("level", "texts", ("texts", "word", "words", "tokens")), Key("word", "")
KEPT_LAYERS = Key("kept", "all", ("all", "last"))
POOLING, PROMPT, QUERY_PROMPT = Key("pooling"), Key("prompt"), Key("query_prompt")
MAP, DIMS = Key("map", "pca", ("pca", "tsne", "umap")), Key("dims", 2, (2, 3))
METRIC, SEED = Key("metric", "cosine", ("cosine", "euclidean")), Key("seed", 0, range(1_000_000))
SHOWN, DRAWN, SETTING = Key("shown", 5000), session_key("drawn"), session_key("setting")
COLOUR, AT = Key("colour"), Key("at")
GROUPING = Key("grouping", "kmeans", ("kmeans", "hdbscan"))
GROUPS, LEAST = Key("groups", 6, range(2, 51)), Key("least", 10)
QUERY, NEIGHBOURS_OF = Key("query", ""), session_key("neighbours_of", "typed", ("typed", "item"))
NEIGHBOURS, QUERY_ITEM = session_key("neighbours", 10, (10, 25, 100)), session_key("query_item")
PROBE_LABELS, SEARCH_POINTS = session_key("probe_labels"), session_key("find_points", "")

# Attributions.
WHY, EXPLAINED = Key("why"), Key("explain")
CLASSIFIER = Key("classifier", "starter", ("starter", "starter_zh", "file"), in_languages=_in_chinese("starter_zh"))
SIMILARITY_SIDE = session_key("similarity_side", "first", ("first", "second"))
METHODS = Key("methods", "integrated_gradients")
BASELINE = Key("baseline", "pad", ("pad", "mask", "zero", "mean"))
SHOWN_AS = Key("as", "word", ("word", "token"), renamed=_PIECE)
PATH_RULE = session_key("path_rule", "adaptive", ("adaptive", "trapezoid", "gauss_legendre"))
SMOOTH = session_key("smooth", False, (False, True))
QUALITY_METHOD = session_key("quality_method", "integrated_gradients")
LAYER_METHOD = session_key("layer_method", "conductance", ("conductance", "integrated_gradients"))
INTERACTION_MEASURE = session_key("interaction_measure", "strength", ("strength", "difference"))
CHANGE = session_key("search", "delete", ("delete", "nearest", "hotflip", "masked"))
ROWS_EXAMPLE, ROWS_METHOD = (
    session_key("rows_example", False, (False, True)),
    session_key("rows_method", "integrated_gradients"),
)
ROWS_MOST, ROWS_ANSWER = session_key("rows_most", 100), session_key("rows_answer", "")
ROWS_CLASS = session_key("drives")
# Completeness errors allowed over a file; and which of the explanations that are kept is looked at, by its id.
ROWS_TOLERANCE = Key("tolerance", "0.01", ("0.005", "0.01", "0.02", "0.05"))
ROWS_JOB = Key("explanation", "")
REPORT_LANGUAGE = session_key("report_language")

# Pretraining.
PRE = Key("pre")

# Question answering.
QUESTION_SOURCE = Key("question_source", "example", ("example", "typed", "file"))
# The first is of the shipped questions that the shipped head has not learned from.
QUESTION_ID, QUESTION, PASSAGE = Key("question_id", "q112"), Key("question"), Key("passage")
HIDDEN = Key("hidden")
UNIT_HIDDEN = Key("hide", "word", ("word", "token"), renamed=_PIECE)
BESIDE = Key("beside", "nothing", ("nothing", "model", "text"))
BESIDE_MODEL, BESIDE_TEXT = Key("beside_model", ""), Key("beside_text")
LENS = Key("lens", "logit", ("logit", "tuned"))
LENS_SOURCE, LENS_MASK = session_key("lens_source", "en", ("en", "zh", "file")), session_key("lens_mask")
MASK_RATE, MASK_WHOLE_WORDS = Key("game_rate", 15, range(1, 91)), Key("game_whole", False, (False, True))
MASK_MASKED, MASK_REPLACED = Key("game_hidden", 80, range(101)), Key("game_replaced", 10, range(101))
SURPRISAL_OVER = Key("surprise_over", "text", ("text", "pairs"))
WITHIN, SURPRISAL_OTHER = Key("within", False, (False, True)), Key("surprise_other", "")
SURPRISAL_UNIT = session_key("surprise_unit", "words", ("words", "tokens"))
PREFERENCE_SOURCE = session_key("preference_source", "shipped", ("shipped", "file"))
FOLLOWING_SOURCE = session_key("following_source", "shipped", ("shipped", "file"))

# Two models. The second may be what the first was made of: see `dashboard.widgets.models.BASE_OF`.
TWO, SECOND = Key("two"), Key("second", "")
MATCH = Key("match", "nearest", ("nearest", "same", "chosen"))
MATCH_LAYER, MATCH_HEAD = session_key("match_layer"), session_key("match_head")
OVERLAP = session_key("overlap", 10, (5, 10, 25))
FIRST_AT, SECOND_AT = session_key("first_at"), session_key("second_at")
COMPARED_LABELS = session_key("compared_labels")
COMPARED_METHOD = session_key("compared_method", "integrated_gradients")
CUT_OVER = Key("cut", "text", ("text", "terms", "languages", "file"))
VOCABULARIES, BROKEN_BY = session_key("vocabularies"), session_key("broken_by")

# Fine-tuning and runs.
STAGE, RUN, GROUP = Key("stage"), Key("run", ""), session_key("sweep")
DATA = Key(
    "data",
    "sentiment",
    ("sentiment", "topics", "sentiment_zh", "questions", "file"),
    in_languages=_in_chinese("sentiment_zh"),
)
TASK = session_key("task", "classes")
# What the next training starts from; "base" stands in the URL whatever it is, so that a reload changes nothing.
BASE, BASE_REVISION = Key("base"), session_key("base_revision", "")
RECIPE = session_key("recipe", "quick", ("quick", "careful", "lora"))
TRAINING_TAGS = session_key("learn_tags")
HEAD_KIND, RATE, EPOCHS = session_key("head_kind"), session_key("rate"), session_key("epochs", 3)
LORA, REGULARIZATION = session_key("lora", False, (False, True)), session_key("hold", "none", ("none", "l2", "ewc"))
MOST_TOKENS, TRAIN_SEED = session_key("max_tokens", 128), session_key("train_seed", 0)
TRAIN_PRECISION = session_key("train_precision", "auto", ("auto", "float32", "bfloat16"))
PRESET, FROZEN = session_key("preset", "lower half"), session_key("frozen")
PROBE, MOMENT = session_key("probe"), session_key("moment")
CONFUSION_ORDER = session_key("confusion_order", "mistakes", ("mistakes", "name"))
CURVE = session_key("curve", "score", ("score", "loss", "rate"))

# Resources. The model is the sidebar's, a shape, a hub id or "file".
RESOURCES, SHAPE = Key("resources"), Key("shape", "sidebar")
TEXTS_AT_ONCE, LENGTH = Key("texts", 32, range(1, 4097)), Key("length", 128, range(1, 131_073))
WORK = Key("work", "train", ("answer", "train", "frozen", "head", "lora"))
WORK_HEAD = Key("for", "classes", ("none", "classes", "tokens", "masked words", "questions"))
KERNEL = Key("kernel", "sdpa", ("eager", "sdpa", "flash"))
WORK_PRECISION = Key("numbers", "float32", ("float32", "bfloat16", "float16"))
RECOMPUTED, ROOM, WATTS = Key("recomputed", False, (False, True)), Key("room", "here"), session_key("watts")

KEYS: tuple[Key, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Key))

# What a link has wherever it leads.
EVERYWHERE = (LANGUAGE, MODEL, REVISION, DEVICE, PRECISION)

# The language of the run before.
_SPOKEN = "spoken"

# Browsers and mail programs pass on links of about two thousand characters.
LONGEST_IN_URL = 1500


def repair() -> None:
    """Put U+FFFD for each half of a character in what was typed: no message to a browser holds one.

    Streamlit itself does so for what the URL says.
    """
    for key, value in list(st.session_state.items()):
        if isinstance(value, str) and (whole := whole_characters(value)) != value:
            st.session_state[key] = whole


def renew() -> None:
    """Let a link that was made before a value had its name open the same view."""
    for key in KEYS:
        before = st.query_params.get(key, "")
        if before in key.renamed:
            st.query_params[key] = key.renamed[before]


def seed(key: Key, default: Value | None = None, allowed: Container[Value] | None = None) -> bool:
    """Give a widget's key its value before the widget is drawn: what it was, or what the URL says, or the default.

    Both come from a browser and are not to be trusted: what is not allowed becomes the default. Returns whether that
    was so.

    Parameters
    ----------
    default, allowed
        Those of the key unless given.
    """
    usual = key.default if default is None else default
    allowed = key.allowed if allowed is None else allowed
    value = st.session_state.get(key)
    if value is None:
        value = _parsed(st.query_params.get(key), usual)
    refused = allowed is not None and value not in allowed
    if refused:
        value = usual
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return refused


def follow_language() -> None:
    """Once another language is chosen, look at what is usual in it, where nobody chose anything else.

    Whoever looks at a text or file of their own keeps looking at it as before: another model would say something else.
    """
    before, now = st.session_state.get(_SPOKEN), language()
    st.session_state[_SPOKEN] = now
    if before in (None, now):
        return
    own = TEXT in st.query_params or st.session_state.get(SOURCE) == "file"
    for key in KEYS:
        if key.in_languages and st.session_state.get(key, key.default_in(before)) == key.default_in(before):
            st.session_state[key] = key.default_in(before if own else now)


def publish(key: Key, default: Value | None = None) -> None:
    """Write a widget's value into the URL, or take it out where it is the default: the key's unless given."""
    usual = key.default if default is None else default
    value = st.session_state.get(key, usual)
    remember(key, None if value == usual else str(value))


def remember(key: Key, value: str | None) -> None:
    """Put a value into the URL, or take it out where it is None or too long."""
    if value is not None and fits_in_url(value):
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]


def address() -> dict[str, list[str]]:
    """Return all that the URL says, for another page."""
    return {key: st.query_params.get_all(key) for key in st.query_params}


def fits_in_url(value: str) -> bool:
    """Tell whether a value is short enough for a link."""
    return len(quote(value)) <= LONGEST_IN_URL


def read_from_file() -> None:
    """Let every page read from the file in use, as whoever brings one or chooses another means."""
    for key in (SOURCE, FROM, DATA, CLASSIFIER):
        st.session_state[key] = "file"
    # Of the file before.
    remember(FILE_ROW, None)


def read_text(text: str, pair: str | None = None) -> None:
    """Let every page read a text, or two, as if somebody had typed it."""
    st.session_state[SOURCE] = "typed"
    st.session_state[TEXT] = text
    st.session_state[WITH_PAIR] = pair is not None
    if pair is not None:
        st.session_state[PAIR] = pair


def chosen_value(key: Key, default: str = "") -> str:
    """Return a text before its widget is drawn: as the person set it, or as the URL has it, or else the default."""
    usual = str(key.default or default)
    value = st.session_state.get(key, st.query_params.get(key, usual))
    return value if isinstance(value, str) and value else usual


def chosen_language() -> str:
    """Return the language of this session: chosen, in the URL, or else the browser's."""
    browser = nearest_language(st.context.locale or "") or "en"
    return nearest_language(chosen_value(LANGUAGE, browser)) or browser


def models_folder() -> Path:
    """Return the folder whose subfolders the model picker offers, set by ``BERTOSCOPE_MODELS``."""
    return Path(os.environ.get("BERTOSCOPE_MODELS") or ROOT / "models")


def runs_folder() -> Path:
    """Return the folder where fine-tunes and what came of them are kept, set by ``BERTOSCOPE_RUNS``."""
    return Path(os.environ.get("BERTOSCOPE_RUNS") or ROOT / "runs")


def embeddings_folder() -> Path:
    """Return the folder where vectors are kept."""
    return cache_folder() / "embeddings"


def embeddings_limit() -> int:
    """Return how many bytes of vectors are kept, set in GB by ``BERTOSCOPE_CACHE_GB``; 5 GB unless it is a number."""
    try:
        return int(float(os.environ["BERTOSCOPE_CACHE_GB"]) * 1e9)
    except (KeyError, ValueError, OverflowError):
        return 5_000_000_000


def models_limit(device: str) -> int:
    """Return how many bytes of models are kept on a device, in GB by ``BERTOSCOPE_MODELS_GB``; half of its memory."""
    try:
        return max(1, int(float(os.environ["BERTOSCOPE_MODELS_GB"]) * 1e9))
    except (KeyError, ValueError, OverflowError):
        # Loads PyTorch, which whoever asks for a model has loaded.
        from interpret.core.devices import find_device

        return find_device(device).total // 2


def _parsed(text: str | None, default: Value | None) -> Value | None:
    if text is None:
        return default
    if isinstance(default, bool):
        return text == "True"
    if isinstance(default, int):
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default
    return text
