"""Which target is meant by what was asked for."""

from interpret.attribution.targets import Target, TargetInputs, in_order
from interpret.attribution.targets.classifier import class_names, why_no_classifier
from interpret.attribution.targets.target import syntaxes_without_head
from interpret.core.errors import InputError


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
            known=syntaxes_without_head(),
        )
    raise InputError(
        "This model has no class or token “{target}”. It has: {known}.",
        target=str(request),
        known=", ".join(class_names(inputs.encoder, inputs.head)[:20]) or "–",
    )
