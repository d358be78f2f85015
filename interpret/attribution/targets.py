"""What can be asked of a model about a text."""

from dataclasses import replace

from interpret.attribution.question import Question, Target
from interpret.attribution.words import join_words
from interpret.encoder import Encoder
from interpret.errors import InputError
from interpret.linear_head import LinearHead
from interpret.tokens import Tokens


def ask(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    target: str | int | Target = "predicted",
    head: LinearHead | None = None,
) -> Question:
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

    Raises
    ------
    InputError
        If this model cannot be asked that, or the text has nothing that could be explained.
    """
    goal = target if isinstance(target, Target) else None
    comparing = goal.kind == "similarity" if goal else target == "similarity"
    if comparing:
        if pair is None:
            raise InputError("Similarity is between two texts. Give the second one too.")
        tokens, other = (join_words(encoder.tokens(one)) for one in (text, pair))
        question = Question(encoder, tokens, Target("similarity", pair), other=other)
    else:
        tokens = join_words(encoder.tokens(text, pair))
        question = Question(encoder, tokens, goal or _find_target(encoder, tokens, target, head), head)
        _check_target(question)
        if question.target.index < 0 and question.target.kind in ("class", "word"):
            question.target = _likeliest(question)
    if question.fixed.all():
        raise InputError("The text has nothing but special pieces and masks, so there is no word to explain. Add some.")
    return question


def class_names(encoder: Encoder, head: LinearHead | None) -> tuple[str, ...]:
    """Return the classes that can be asked for; empty where there is no classifier."""
    if head is not None:
        return head.labels
    return encoder.task.labels if encoder.task is not None and encoder.task.kind == "classes" else ()


def _find_target(encoder: Encoder, tokens: Tokens, target: str | int | Target, head: LinearHead | None) -> Target:
    if target == "norm":
        return Target("norm", "")
    if isinstance(target, str) and target.startswith("unit "):
        level, _, unit = target.removeprefix("unit ").partition(".")
        if level.isascii() and level.isdigit() and unit.isascii() and unit.isdigit():
            return Target("unit", target, int(unit), int(level))
    names = class_names(encoder, head)
    masked = [i for i, piece in enumerate(tokens.pieces) if piece == encoder.mask]
    guesses = head is None and encoder.task is not None and encoder.task.kind == "masked words"
    if target == "predicted":
        if names:
            return Target("class", "")
        if guesses and masked:
            return Target("word", "", place=masked[0])
        raise InputError(
            "This model has no classifier, and no word to guess in this text. Fit a head with `fit_head`, or ask for "
            "“similarity”, “norm” or “unit LAYER.UNIT”."
        )
    if isinstance(target, int) and not isinstance(target, bool):
        name = names[target] if 0 <= target < len(names) else str(target)
        return Target("class", name, target if target >= 0 else len(names))
    if target in names:
        return Target("class", str(target), names.index(str(target)))
    if guesses and masked:
        piece = encoder.pieces.token_to_id(str(target))
        if piece is not None:
            return Target("word", str(target), piece, masked[0])
    raise InputError(
        "This model has no class or piece “{target}”. It has: {known}.",
        target=str(target),
        known=", ".join(names[:20]) or "–",
    )


def _check_target(question: Question) -> None:
    target, encoder = question.target, question.encoder
    if target.kind == "class":
        names = class_names(encoder, question.head)
        if not names:
            raise InputError(
                "This model has no classifier. Fit a head with `fit_head`, or ask for “similarity”, “norm” or “unit "
                "LAYER.UNIT”."
            )
        if target.index >= len(names):
            raise InputError(
                "There is no class {index}: this classifier has {count}, counted from 0.",
                index=target.index,
                count=len(names),
            )
    if target.kind == "unit" and not (0 <= target.place <= encoder.layers and 0 <= target.index < encoder.width):
        raise InputError(
            "There is no unit {unit} at level {level}. This model has levels 0 to {layers} of {width} units each.",
            unit=target.index,
            level=target.place,
            layers=encoder.layers,
            width=encoder.width,
        )
    if target.kind == "word" and target.index >= 0:
        pieces = question.tokens.pieces
        if not (0 <= target.place < len(pieces) and pieces[target.place] == encoder.mask):
            raise InputError(
                "Piece {place} of the text is no mask, so no word is guessed there. Give the place of one.",
                place=target.place,
            )
        if target.index >= encoder.pieces.get_vocab_size():
            raise InputError(
                "There is no piece {index}: this vocabulary has {count}, counted from 0.",
                index=target.index,
                count=encoder.pieces.get_vocab_size(),
            )
    if target.kind == "word" and (encoder.task is None or encoder.task.kind != "masked words"):
        raise InputError("This model has no head that guesses words. Choose one that was trained with masked words.")


def _likeliest(question: Question) -> Target:
    best = int(question.own.argmax())
    if question.target.kind == "word":
        return replace(question.target, name=question.encoder.pieces.id_to_token(best) or f"#{best}", index=best)
    return replace(question.target, name=class_names(question.encoder, question.head)[best], index=best)
