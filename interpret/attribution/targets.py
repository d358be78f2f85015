"""What can be asked of a model about a text."""

from dataclasses import replace

from interpret.attribution.target import Target, TargetFunction
from interpret.attribution.words import join_words
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError, InterpretError
from interpret.core.linear_head import LinearHead
from interpret.core.sentence_vectors import sentence_reading
from interpret.core.tokens import Tokens


def target_function(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    target: str | int | Target = "predicted",
    head: LinearHead | None = None,
    *,
    pooling: str = "auto",
    prompt: str | None = None,
) -> TargetFunction:
    """Ask a model one thing about a text.

    Chinese words, numbers and words with an apostrophe are one word each here: see
    `interpret.attribution.words.join_words`.

    Parameters
    ----------
    pair
        The text's second segment; with ``target="similarity"`` the other text that it is compared with.
    target
        ``"predicted"``: the class that the model finds likeliest, or where it guesses words, the likeliest at the
        first mask. A class, by name or number; a word of the vocabulary, for a text with a mask; ``"similarity"``;
        ``"norm"``; ``"unit 3.17"``: unit 17 of the mean of level 3's states. Or a `Target`.
    head
        A classifier for a model that has none: see `fit_head`.
    pooling, prompt
        How sentence vectors are made, for ``"similarity"`` and ``"norm"``: see
        `interpret.core.sentence_vectors.sentence_reading`. A prompt's tokens are no words of the text: nothing takes
        them away, and they have no score.

    Raises
    ------
    InputError
        If this model cannot be asked that, or the text has nothing that could be explained.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> function.target.kind, function.target.name
    ('class', 'good')
    >>> other = it.attribution.target_function(encoder, "A doctor came.", "The physician arrived.", "similarity")
    >>> other.target.kind, round(float(other.output), 1)
    ('similarity', 0.8)
    """
    goal = target if isinstance(target, Target) else None
    comparing = goal.kind == "similarity" if goal else target == "similarity"
    if comparing:
        if pair is None:
            raise InputError("Similarity needs two texts. Give the second one too.")
        reading = sentence_reading(encoder, pooling, prompt)
        tokens, other = (join_words(reading.tokens(one)) for one in (text, pair))
        question = TargetFunction(encoder, tokens, Target("similarity", pair), other=other, reading=reading)
    elif (goal.kind if goal else target) == "norm":
        if pair is not None:
            # A sentence vector is of one text; of two side by side it is of both, with nothing before them.
            prompt = ""
        reading = sentence_reading(encoder, pooling, prompt)
        tokens = join_words(reading.tokens(text) if pair is None else encoder.tokens(text, pair))
        question = TargetFunction(encoder, tokens, Target("norm", ""), reading=reading)
    else:
        tokens = join_words(encoder.tokens(text, pair))
        question = TargetFunction(encoder, tokens, goal or _find_target(encoder, tokens, target, head), head)
        _check_target(question)
        if question.target.index < 0 and question.target.kind in ("class", "word"):
            question.target = _likeliest(question)
    if question.fixed.all():
        raise InputError(
            "The text contains only special tokens and masks, so there is no word to explain. Add some words."
        )
    return question


def class_names(encoder: Encoder, head: LinearHead | None) -> tuple[str, ...]:
    """Return the classes that can be asked for; empty where there is no classifier."""
    if head is not None:
        return head.labels
    return encoder.task.labels if encoder.task is not None and encoder.task.kind == "classes" else ()


def _find_target(encoder: Encoder, tokens: Tokens, target: str | int | Target, head: LinearHead | None) -> Target:
    if isinstance(target, str) and target.startswith("unit "):
        level, _, unit = target.removeprefix("unit ").partition(".")
        if level.isascii() and level.isdigit() and unit.isascii() and unit.isdigit():
            return Target("unit", target, int(unit), int(level))
    names = class_names(encoder, head)
    masked = [i for i, token in enumerate(tokens.strings) if token == encoder.mask]
    guesses = head is None and encoder.task is not None and encoder.task.kind == "masked words"
    if target == "predicted":
        if names:
            return Target("class", "")
        if guesses and masked:
            return Target("word", "", place=masked[0])
        raise InputError(
            "This model has no classifier, and this text has no mask to predict. {why} Fit a head with `fit_head`, or "
            "choose the target “similarity”, “norm” or “unit LAYER.UNIT”.",
            why=_why(encoder),
        )
    if isinstance(target, int) and not isinstance(target, bool):
        name = names[target] if 0 <= target < len(names) else str(target)
        return Target("class", name, target if target >= 0 else len(names))
    if target in names:
        return Target("class", str(target), names.index(str(target)))
    if guesses and masked:
        token = encoder.names.find(str(target))
        if token is not None:
            return Target("word", encoder.names(token), token, masked[0])
    raise InputError(
        "This model has no class or token “{target}”. It has: {known}.",
        target=str(target),
        known=", ".join(names[:20]) or "–",
    )


def _check_target(question: TargetFunction) -> None:
    target, encoder = question.target, question.encoder
    if target.kind == "class":
        names = class_names(encoder, question.head)
        if not names:
            raise InputError(
                "This model has no classifier. {why} Fit a head with `fit_head`, or choose the target “similarity”, "
                "“norm” or “unit LAYER.UNIT”.",
                why=_why(encoder),
            )
        if target.index >= len(names):
            raise InputError(
                "There is no class {index}: this classifier has {count}, counted from 0.",
                index=target.index,
                count=len(names),
            )
    if target.kind == "unit" and not (0 <= target.place <= encoder.layers and 0 <= target.index < encoder.width):
        raise InputError(
            "There is no unit {unit} in hidden state {level}. This model has hidden states 0 to {layers} with {width} "
            "units each.",
            unit=target.index,
            level=target.place,
            layers=encoder.layers,
            width=encoder.width,
        )
    if target.kind == "word" and target.index >= 0:
        strings = question.tokens.strings
        if not (0 <= target.place < len(strings) and strings[target.place] == encoder.mask):
            raise InputError(
                "Token {place} of the text is not a mask, so nothing is predicted there. Give the position of a mask.",
                place=target.place,
            )
        if target.index >= encoder.tokenizer.get_vocab_size():
            raise InputError(
                "There is no token {index}: this vocabulary has {count}, counted from 0.",
                index=target.index,
                count=encoder.tokenizer.get_vocab_size(),
            )
    if target.kind == "word" and (encoder.task is None or encoder.task.kind != "masked words"):
        raise InputError("This model has no masked-language-model head. Choose one that was trained on masked words.")


def _why(encoder: Encoder) -> InterpretError:
    """Say why a model has no classifier of its own."""
    if encoder.head_note is not None:
        return encoder.head_note
    if encoder.task is not None and encoder.task.kind == "token classes":
        return InputError("Its head classifies tokens.")
    return InputError("Its head predicts masked words.")


def _likeliest(question: TargetFunction) -> Target:
    best = int(question.own.argmax())
    if question.target.kind == "word":
        return replace(question.target, name=question.encoder.names(best), index=best)
    return replace(question.target, name=class_names(question.encoder, question.head)[best], index=best)
