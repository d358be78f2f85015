"""The ways of asking which words an answer is due to: what each is, before it is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

# How many texts between baseline and text GradientSHAP looks at.
SHAP_DRAWS = 24
# In how many orders Shapley sampling adds a text's words.
SHAPLEY_ORDERS = 25


@dataclass(frozen=True)
class Measured:
    """How faithful a method was where it was measured: see `tests/benchmarks/bench_methods.py`.

    Attributes
    ----------
    documents
        On how many texts: two sentences of different topics each, the built-in encoder with a linear head.
    comprehensiveness, random_comprehensiveness
        ERASER's (DeYoung et al. 2020), and that of rankings at random of the same texts. Higher is better.
    auprc, random_auprc
        Whether the words of the sentence of the topic that was found come first (Poerner et al. 2018).
    comprehensiveness_gain, auprc_gain
        95 % intervals of what the method has more than random rankings, by bootstrap over texts.
    """

    documents: int
    comprehensiveness: float
    random_comprehensiveness: float
    auprc: float
    random_auprc: float
    comprehensiveness_gain: tuple[float, float]
    auprc_gain: tuple[float, float]

    @property
    def told(self) -> bool:
        """Whether it is shown to beat random rankings: both gains' intervals lie above 0."""
        return self.comprehensiveness_gain[0] > 0 and self.auprc_gain[0] > 0


@dataclass(frozen=True)
class Method:
    """What a method is, before it is used.

    Attributes
    ----------
    title, paper
        Its name and source.
    passes
        About how many passes a text of n words takes, forward and backward counted together.
    complete
        Whether its scores add up to the difference between the answers for text and baseline.
    signed
        Whether a score tells for from against.
    baseline
        Whether it compares with a baseline.
    gradient
        Whether it takes gradients with respect to the embeddings, so that noise can be averaged out (NoiseTunnel).
    random
        Whether it draws at random.
    measured
        How faithful it was where all were measured.
    """

    title: str
    paper: str
    passes: Callable[[int], int]
    measured: Measured
    complete: bool
    signed: bool = True
    baseline: bool = True
    gradient: bool = False
    random: bool = False


def kernel_draws(words: int) -> int:
    """How many draws the weighted regressions get: a few hundred, where shap's own default is 2·n + 2¹¹."""
    return 2 * words + 300


METHODS: Mapping[str, Method] = {
    "integrated_gradients": Method(
        "Integrated gradients",
        "Sundararajan et al. 2017",
        lambda n: 2 * 18,
        measured=Measured(30, 0.511, 0.057, 0.733, 0.560, (0.414, 0.499), (0.142, 0.203)),
        complete=True,
        gradient=True,
    ),
    "saliency": Method(
        "Saliency",
        "Simonyan et al. 2014",
        lambda n: 2,
        measured=Measured(30, 0.295, 0.057, 0.639, 0.560, (0.167, 0.314), (0.040, 0.123)),
        complete=False,
        signed=False,
        baseline=False,
        gradient=True,
    ),
    "input_x_gradient": Method(
        "Input × gradient",
        "Shrikumar et al. 2016",
        lambda n: 2,
        measured=Measured(30, -0.063, 0.057, 0.513, 0.560, (-0.174, -0.066), (-0.087, -0.006)),
        complete=False,
        baseline=False,
        gradient=True,
    ),
    "gradient_shap": Method(
        "GradientSHAP",
        "Lundberg & Lee 2017",
        lambda n: 2 * SHAP_DRAWS,
        measured=Measured(30, 0.519, 0.057, 0.724, 0.560, (0.420, 0.507), (0.133, 0.194)),
        complete=False,
        gradient=True,
        random=True,
    ),
    "occlusion": Method(
        "Occlusion",
        "Zeiler & Fergus 2014",
        lambda n: n + 1,
        measured=Measured(30, 0.521, 0.057, 0.702, 0.560, (0.410, 0.515), (0.087, 0.195)),
        complete=False,
    ),
    "feature_ablation": Method(
        "Feature ablation",
        "Li et al. 2016",
        lambda n: n + 1,
        measured=Measured(30, 0.525, 0.057, 0.705, 0.560, (0.415, 0.518), (0.091, 0.197)),
        complete=False,
    ),
    "shapley_sampling": Method(
        "Shapley sampling",
        "Castro et al. 2009",
        lambda n: SHAPLEY_ORDERS * (n + 1),
        measured=Measured(30, 0.539, 0.057, 0.748, 0.560, (0.441, 0.524), (0.154, 0.222)),
        complete=True,
        random=True,
    ),
    "kernel_shap": Method(
        "Kernel SHAP",
        "Lundberg & Lee 2017",
        kernel_draws,
        measured=Measured(30, 0.539, 0.057, 0.746, 0.560, (0.438, 0.524), (0.150, 0.220)),
        complete=True,
        random=True,
    ),
    "lime": Method(
        "LIME",
        "Ribeiro et al. 2016",
        kernel_draws,
        measured=Measured(30, 0.535, 0.057, 0.762, 0.560, (0.433, 0.523), (0.169, 0.235)),
        complete=False,
        random=True,
    ),
    "rollout": Method(
        "Attention rollout",
        "Abnar & Zuidema 2020",
        lambda n: 1,
        measured=Measured(30, 0.085, 0.057, 0.555, 0.560, (-0.048, 0.106), (-0.045, 0.036)),
        complete=False,
        signed=False,
        baseline=False,
    ),
    "gradient_x_attention": Method(
        "Gradient × attention",
        "Chefer et al. 2021",
        lambda n: 2,
        measured=Measured(30, 0.389, 0.057, 0.654, 0.560, (0.263, 0.404), (0.053, 0.131)),
        complete=False,
        signed=False,
        baseline=False,
    ),
}


def by_faithfulness() -> tuple[str, ...]:
    """Return the methods' names, the most faithful first: those told from random, by their comprehensiveness."""

    def place(name: str) -> tuple[bool, float]:
        measured = METHODS[name].measured
        return not measured.told, -measured.comprehensiveness

    return tuple(sorted(METHODS, key=place))
