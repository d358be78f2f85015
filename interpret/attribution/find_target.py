"""Which target is meant by what was asked for, and the function that it is of a text, or of many."""

from collections.abc import Sequence

from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import TARGETS, Target, TargetInputs, in_order
from interpret.attribution.targets.classifier import class_names, why_no_classifier
from interpret.attribution.targets.target import syntaxes_without_head
from interpret.attribution.together import alike
from interpret.core.encoder import Encoder
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead


def find_target(inputs: TargetInputs, request: str | int) -> Target:
    """Return the target that is meant by a name, a class's number or ``"predicted"``.

    Raises
    ------
    InputError
        If the model has nothing of that name.
    """
    # What is first among the choices is asked last: a class or a token may be called like any of the others.
    for kind in reversed(in_order()):
        found = kind.find(request, inputs)
        if found is not None:
            return found
    # Of a text that cannot be read, that is said first.
    inputs.read()
    if request == "predicted":
        raise InputError(
            "This model has no classifier, and this text has no mask to predict. {why} Fit a head with `fit_head`, or "
            "choose another target: {known}.",
            why=why_no_classifier(inputs.encoder),
            known=syntaxes_without_head(inputs.encoder),
        )
    raise InputError(
        "This model has no class or token “{target}”. It has: {known}.",
        target=str(request),
        known=", ".join(class_names(inputs.encoder, inputs.head)[:20]) or "–",
    )


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
    `interpret.core.words.join_words`.

    Parameters
    ----------
    pair
        The text's second segment; with ``target="similarity"`` the other text that it is compared with.
    target
        ``"predicted"``: the class that the model finds likeliest, or where it guesses words, the likeliest at the
        first mask, or the number that a regression's or a reranker's head answers with (``"score"``). A class, by name
        or number; a word of the vocabulary, for a text with a mask; ``"similarity"``;
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
    function = bind_target(TargetInputs(encoder, text, pair, head, pooling, prompt), target)
    settle_target(function)
    return function


def bind_target(inputs: TargetInputs, target: str | int | Target) -> TargetFunction:
    """Make a target function whose class or word may not be chosen yet: see `settle_target`.

    Raises
    ------
    InputError
        If this model cannot be asked that.
    """
    goal = target if isinstance(target, Target) else find_target(inputs, target)
    if goal.kind not in TARGETS:
        raise InputError(
            "There is no target “{name}”. Choose one of: {known}.", name=goal.kind, known=", ".join(TARGETS)
        )
    kind = TARGETS[goal.kind]
    bound = kind.bind(inputs, goal)
    function = TargetFunction(inputs.encoder, bound.tokens, bound.target, bound.head, bound.other, bound.reading)
    kind.check(function)
    return function


def settle_target(function: TargetFunction) -> None:
    """Choose what is predicted, where no class or word was chosen.

    Raises
    ------
    InputError
        If the text has nothing that could be explained.
    """
    kind = function.kind
    if kind.likely and function.target.index < 0:
        function.target = kind.likeliest(function, function.own)
    if function.fixed.all():
        raise InputError(
            "The text contains only special tokens and masks, so there is no word to explain. Add some words."
        )


def target_functions(
    encoder: Encoder, texts: Sequence[str], target: str | int | Target = "predicted", head: LinearHead | None = None
) -> list[TargetFunction | InputError]:
    """Ask a model the same about each of many texts: see `interpret.attribution.target_function`.

    Returns
    -------
    list
        For each text its function, or why there is none.
    """
    found: list[TargetFunction | InputError] = []
    for text in texts:
        try:
            found.append(bind_target(TargetInputs(encoder, text, None, head), target))
        except InputError as error:
            found.append(error)
    for group in alike(found):
        functions = [one for index in group if isinstance(one := found[index], TargetFunction)]
        for function, own in zip(functions, functions[0].answers([one.tokens for one in functions]), strict=True):
            function.answer_with(own)
    for index, one in enumerate(found):
        if isinstance(one, TargetFunction):
            try:
                settle_target(one)
            except InputError as error:
                found[index] = error
    return found
