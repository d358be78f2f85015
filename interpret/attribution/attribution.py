"""What each token contributed to an answer, by one of the methods."""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from interpret.attribution.find_target import target_function
from interpret.attribution.methods import METHODS, Method, Work
from interpret.attribution.methods.method import Scores
from interpret.attribution.path_integral import Progress
from interpret.attribution.target_function import TargetFunction
from interpret.attribution.targets import Target
from interpret.attribution.together import outputs_together
from interpret.core.arrays import read_only
from interpret.core.device_lock import lock_device, seeded
from interpret.core.encoder import Encoder, EncoderSpec
from interpret.core.errors import InputError
from interpret.core.linear_head import LinearHead
from interpret.core.tokens import Tokens


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each token contributed to an answer, and what is known about how good that is.

    Attributes
    ----------
    tokens, spec, target, method, baseline, rule, tolerance, smooth, seed
        What was read, by which model, what was asked, and how. ``baseline`` is empty for methods that use none, and
        ``rule``, how the way from it was looked at, for all but integrated gradients.
    scores
        Positive for, negative against; special tokens have 0.
    output, baseline_output
        The answer for the text and for the baseline; the latter NaN without one.
    delta
        What the scores' sum has more than ``output - baseline_output``; NaN where the method promises no such sum.
    steps
        At how many points on the way from the baseline the model was evaluated, or how many draws were made;
        0 where neither.
    forward_passes, backward_passes, seconds
        What it took.
    uncertainty, word_uncertainty
        Half a 95% interval of each token's score, and of each word's, over the method's own draws: how far another
        seed may move it, whatever else may be wrong with it. 0 where draws cannot move it, None where nothing is drawn.
    """

    tokens: Tokens
    spec: EncoderSpec
    target: Target
    method: str
    baseline: str
    rule: str
    tolerance: float
    smooth: bool
    seed: int
    scores: Float32[np.ndarray, " token"]
    output: float
    baseline_output: float
    delta: float
    steps: int
    forward_passes: int
    backward_passes: int
    seconds: float
    uncertainty: Float32[np.ndarray, " token"] | None = None
    word_uncertainty: Float32[np.ndarray, " word"] | None = None

    @property
    def baseline_above(self) -> bool:
        """Whether the baseline scores above the text for what is explained, so that words are to account for a fall.

        A baseline is to say nothing for the target (Sundararajan et al. 2017, sec. 5): of one that says more for it
        than the text does, the scores tell what the words cost, and not what the answer is due to.
        """
        return self.baseline_output > self.output

    @property
    def error(self) -> float:
        """The completeness error: |delta| as a share of the difference of answers."""
        return abs(self.delta) / max(abs(self.output - self.baseline_output), 1e-9)

    def word_scores(self) -> Float32[np.ndarray, " word"]:
        """Return a score for each group of `Tokens.groups`: the sum of its tokens'."""
        return read_only([self.scores[list(group)].sum() for group in self.tokens.groups], np.float32)


def attribute(
    encoder: Encoder,
    text: str,
    pair: str | None = None,
    target: str | int | Target = "predicted",
    method: str = "integrated_gradients",
    baseline: str = "pad",
    tolerance: float = 0.01,
    *,
    head: LinearHead | None = None,
    rule: str = "adaptive",
    smooth: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Tell what each token contributed to one number of the model's answer.

    Parameters
    ----------
    pair, target, head
        What is asked: see `interpret.attribution.target_function`.
    method
        A name in `METHODS`, ``"integrated_gradients"``, ``"saliency"``, ``"occlusion"``, ``"lime"``, ``"kernel_shap"``.
    baseline
        What stands where a word is taken away: the embedding of ``"pad"`` or ``"mask"``, ``"zero"``, or the
        ``"mean"`` of all embeddings. Special tokens, positions and segments stay as they are.
    tolerance
        For integrated gradients: the completeness error allowed, as a share of the difference of answers.
    rule
        For integrated gradients: a name in `interpret.attribution.path_integral.RULES`, how the way from the baseline
        is looked at.
    smooth
        For gradient methods: average over noise on the embeddings (SmoothGrad, Smilkov et al. 2017).
    seed
        Of whatever is drawn at random.
    progress
        Called as ``progress(done, total, stage)``; raising inside it stops the work.

    Raises
    ------
    InputError
        If the model cannot be asked that, there is no such method or baseline, or the model does not allow it.
    CapacityError
        If the device runs out of memory.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> attribution = it.attribute(encoder, "A wonderful story, badly told.", head=head)
    >>> attribution.target.name
    'good'
    >>> scores = attribution.word_scores()
    >>> attribution.tokens.words[int(scores.argmax())], attribution.tokens.words[int(scores.argmin())]
    ('wonderful', 'badly')
    >>> float(abs(scores.sum() - (attribution.output - attribution.baseline_output))) < 0.05  # completeness
    True
    """
    return explain(
        target_function(encoder, text, pair, target, head),
        method,
        baseline,
        tolerance,
        rule=rule,
        smooth=smooth,
        seed=seed,
        progress=progress,
    )


def explain(
    target_function: TargetFunction,
    method: str,
    baseline: str = "pad",
    tolerance: float = 0.01,
    *,
    rule: str = "adaptive",
    smooth: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Attribution:
    """Attribute a target function that is made already: see `attribute`.

    Examples
    --------
    >>> import interpret as it
    >>> encoder = it.load_encoder("minilm")
    >>> texts = ["A great film.", "I loved it.", "A dull film.", "I hated it."]
    >>> head = it.fit_head(encoder, texts, ["good", "good", "bad", "bad"])
    >>> function = it.attribution.target_function(encoder, "A wonderful story, badly told.", head=head)
    >>> attribution = it.attribution.explain(function, "occlusion")
    >>> attribution.method, attribution.target.name
    ('occlusion', 'good')
    >>> attribution.tokens.words[int(attribution.word_scores().argmax())]
    'wonderful'
    """
    about = _method(method, tolerance)
    begin, before = time.perf_counter(), (target_function.forward_passes, target_function.backward_passes)
    work = Work(target_function, about, baseline, tolerance, rule, seed, progress)
    # What only asks the model forward takes the device for each batch anew: thousands of passes should not keep all
    # others waiting. Gradients take it once.
    gradients = about.gradient and not about.path
    alone = lock_device(target_function.encoder.spec.device) if gradients else nullcontext()
    # Drawing first and the device second, always: in both orders two threads would wait for each other for ever.
    with seeded(seed, target_function.encoder.spec.device) if about.random or smooth else nullcontext(), alone:
        embedded = target_function.embedded
        found = about.smoothed(work, embedded) if smooth else about.scores(work, embedded)
        output, against = target_function.output, found.baseline_output
        if about.baseline and against is None:
            (against,) = outputs_together([target_function], [work.empty])
    made = _attribution(work, about, baseline, smooth, found, output, against, before)
    return replace(made, seconds=time.perf_counter() - begin)


def explain_together(
    target_functions: Sequence[TargetFunction],
    method: str,
    baseline: str = "pad",
    tolerance: float = 0.01,
    *,
    rule: str = "adaptive",
    seed: int = 0,
) -> Iterator[tuple[int, Attribution | InputError]]:
    """Attribute many target functions: each as `explain` does but for rounding, those of several texts in one pass.

    Parameters
    ----------
    target_functions
        Of one encoder, and alike: see `interpret.attribution.together.alike`.

    Yields
    ------
    int, Attribution or InputError
        Which of them is done, and what came of it, or why nothing can; short texts come first.

    Raises
    ------
    InputError
        If there is no such method or tolerance.
    """
    about = _method(method, tolerance)
    works: dict[int, Work] = {}
    for index, one in enumerate(target_functions):
        try:
            works[index] = Work(one, about, baseline, tolerance, rule, seed, None)
        except InputError as error:
            yield index, error
    order = list(works)
    together = about.scores_together(list(works.values())) if works else None
    if together is None:
        for index in order:
            try:
                yield index, explain(target_functions[index], method, baseline, tolerance, rule=rule, seed=seed)
            except InputError as error:
                yield index, error
        return
    before = [(one.forward_passes, one.backward_passes) for one in target_functions]
    for number, found in together:
        index = order[number]
        function, against = target_functions[index], found.baseline_output
        if about.baseline and against is None:
            (against,) = outputs_together([function], [works[index].empty])
        made = _attribution(works[index], about, baseline, False, found, function.output, against, before[index])
        yield index, replace(made, seconds=function.seconds)


def _method(name: str, tolerance: float) -> Method:
    if name not in METHODS:
        raise InputError("There is no method “{name}”. Choose one of: {known}.", name=name, known=", ".join(METHODS))
    if not 0 < tolerance < 1:
        raise InputError(
            "A tolerance of {value} is not valid. Choose one between 0 and 1, such as 0.01.", value=tolerance
        )
    return METHODS[name]


def _attribution(
    work: Work,
    about: Method,
    baseline: str,
    smooth: bool,
    found: Scores,
    output: float,
    against: float | None,
    before: tuple[int, int],
) -> Attribution:
    """Make the result of what a method found; ``before`` are the passes that the function had made till then."""
    target_function = work.target_function
    special, tokens = target_function.tokens.special, target_function.tokens
    scores = np.where(special, 0.0, found.values)
    if found.draws is not None:
        found = replace(found, draws=np.where(special, 0.0, found.draws))
    each, words = (found.half_widths(groups) for groups in ([(i,) for i in range(len(tokens))], tokens.groups))
    start = float("nan") if against is None else float(against)
    complete = about.complete and not smooth
    return Attribution(
        tokens=tokens,
        spec=target_function.encoder.spec,
        target=target_function.target,
        method=about.name,
        baseline=baseline if about.baseline else "",
        rule=work.rule if about.path else "",
        tolerance=work.tolerance,
        smooth=smooth,
        seed=work.seed,
        scores=read_only(scores, np.float32),
        output=output,
        baseline_output=start,
        delta=float(scores.sum() - (output - start)) if complete else float("nan"),
        steps=found.steps,
        forward_passes=target_function.forward_passes - before[0],
        backward_passes=target_function.backward_passes - before[1],
        seconds=0.0,
        uncertainty=None if each is None else read_only(each, np.float32),
        word_uncertainty=None if words is None else read_only(words, np.float32),
    )
