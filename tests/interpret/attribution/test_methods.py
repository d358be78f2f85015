"""Every method on a model whose answer is known, against other computations, and with nothing left behind."""

import threading

import numpy as np
import pytest
import torch
import transformers as tf
from captum.attr import IntegratedGradients, LayerConductance

import interpret as it
from interpret.attribution.attribution import explain
from interpret.attribution.find_target import target_function
from interpret.attribution.layer_attribution import LAYER_METHODS, layer_attribution
from interpret.attribution.methods import METHODS
from interpret.attribution.path_integral import RULES, walk
from interpret.attribution.target_function import BASELINES
from interpret.core import work_sizes
from interpret.core.devices import Device
from interpret.core.errors import Cancelled, InputError
from tests.interpret.attribution.linear import Both, Linear
from tests.tiny import FAMILIES, make_checkpoint

TEXT = "the river bank was steep because the animals said it"
EXACT = (
    "integrated_gradients",
    "gradient_shap",
    "occlusion",
    "feature_ablation",
    "shapley_sampling",
    "kernel_shap",
)


@pytest.fixture(scope="module")
def bert(tiny_folders):
    return it.load_encoder(str(tiny_folders["bert"]), device="cpu")


@pytest.fixture
def head(bert):
    """A head with weights of its own for three classes."""
    random = np.random.default_rng(0)
    weight = random.normal(size=(3, bert.width)).astype(np.float32)
    return it.LinearHead(("a", "b", "c"), weight, np.array([0.3, -0.2, 0.1], np.float32))


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("method", EXACT)
def test_methods_that_compare_with_a_baseline_are_exact_on_a_linear_model(bert, method, baseline):
    question = Linear(bert, bert.tokens(TEXT))
    found = explain(question, method, baseline)
    expected = np.where(question.tokens.special, 0, question.token_shares(baseline))
    words = [expected[list(group)].sum() for group in question.tokens.groups]
    # A regression over draws is solved up to rounding; the others are sums.
    np.testing.assert_allclose(found.word_scores(), words, atol=1e-4)
    assert found.output == pytest.approx(question.token_shares().sum(), abs=1e-4)
    if METHODS[method].complete:
        assert abs(found.delta) < 2e-3


def test_gradients_alone_are_exact_on_a_linear_model(bert):
    question = Linear(bert, bert.tokens(TEXT))
    free = ~question.tokens.special
    found = explain(question, "input_x_gradient").scores
    np.testing.assert_allclose(found[free], question.token_shares()[free], atol=1e-5)
    found = explain(question, "saliency").scores
    np.testing.assert_allclose(found[free], np.full(free.sum(), question.weight.norm().item()), rtol=1e-5)


def test_lime_finds_the_order_of_a_linear_model(bert):
    question = Linear(bert, bert.tokens(TEXT))
    expected = np.array([question.token_shares("pad")[list(group)].sum() for group in question.tokens.groups])
    found = explain(question, "lime").word_scores()
    # Its penalty draws every coefficient towards zero by about the same.
    strong = np.abs(expected) > 0.05
    strong[[0, -1]] = False
    np.testing.assert_allclose(found[strong], expected[strong], atol=0.15)


def test_shapley_shares_what_two_words_do_only_together(bert):
    question = Both(bert, bert.tokens(TEXT), (2, 4))
    found = explain(question, "shapley_sampling")
    whole = found.output - found.baseline_output
    # Whichever of the two comes second brings all of it, so each has half, up to the 25 orders' chance.
    assert found.scores.sum() == pytest.approx(whole, rel=1e-3)
    assert set(np.flatnonzero(np.abs(found.scores) > 1e-4)) == {2, 4}
    assert 0.2 < found.scores[2] / whole < 0.8
    paths = explain(question, "integrated_gradients", tolerance=1e-4)
    np.testing.assert_allclose(paths.scores[[2, 4]], [whole / 2, whole / 2], rtol=1e-3)


@pytest.mark.parametrize("baseline", BASELINES)
def test_integrated_gradients_are_an_independent_riemann_sum(bert, head, baseline):
    question = target_function(bert, TEXT, head=head)
    found = explain(question, "integrated_gradients", baseline, tolerance=1e-4)
    embedded, empty = question.embedded, question.baseline(baseline)
    total = torch.zeros_like(embedded)
    steps = 1000
    for places in (torch.arange(steps) + 0.5).split(100):
        points = (empty + places[:, None, None] / steps * (embedded - empty)).requires_grad_()
        inputs = bert.batch([question.tokens] * len(places))
        inputs["inputs_embeds"] = points
        del inputs["input_ids"]
        hidden = bert.model(**inputs).last_hidden_state
        score = hidden.mean(dim=1) @ torch.tensor(head.weight[question.target.index])
        total += torch.autograd.grad(score.sum(), points)[0].sum(dim=0)
    expected = (total / steps * (embedded - empty)).sum(dim=-1)
    np.testing.assert_allclose(found.scores, expected.numpy(), atol=2e-3 * abs(expected).max().item())
    assert found.error <= 1e-4


def test_integrated_gradients_are_captums_with_many_steps(minilm):
    rows = ["The court found him guilty.", "The striker scored twice.", "The judge spoke.", "The match was won."]
    question = target_function(minilm, rows[0], head=it.fit_head(minilm, rows, ["law", "sport"] * 2))
    found = explain(question, "integrated_gradients", tolerance=0.001)
    captum = IntegratedGradients(lambda one: question.score(one, gradients=True))
    expected = captum.attribute(question.embedded[None], question.baseline("pad")[None], n_steps=200)
    np.testing.assert_allclose(
        found.scores, expected[0].sum(dim=-1).detach().numpy(), atol=0.01 * abs(found.scores).max()
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("tolerance", [0.05, 0.01, 0.001])
def test_steps_are_added_until_the_sum_is_close_enough(minilm, tolerance, rule):
    question = target_function(minilm, "He deposited the cheque at the bank of the river.", target="norm")
    embedded, empty = question.embedded, question.baseline("pad")
    found = walk(question, embedded, empty, tolerance, rule)
    looked = question.backward_passes
    with torch.no_grad():
        ends = question.score(torch.stack([empty, embedded])).double().numpy()
    assert abs(found.scores.sum() - (ends[1] - ends[0])) <= tolerance * abs(ends[1] - ends[0]) + 1e-6
    assert found.delta == pytest.approx(found.scores.sum() - (ends[1] - ends[0]), abs=1e-5)
    assert np.all(found.weights != 0)
    assert len(found.alphas) == len(set(found.alphas))
    # Nothing is looked at twice; only Gauss and Legendre's places are others each time, and leave out the ends.
    if rule == "gauss_legendre":
        assert looked == 2 + sum(8 * 2**i for i in range(int(np.log2(len(found.alphas) / 8)) + 1))
    else:
        assert looked == len(found.alphas)


@pytest.mark.parametrize(("rule", "captums"), [("gauss_legendre", "gausslegendre"), ("trapezoid", "riemann_trapezoid")])
def test_the_other_path_rules_are_captums(bert, head, rule, captums):
    question = target_function(bert, TEXT, head=head)
    found = explain(question, "integrated_gradients", tolerance=0.001, rule=rule)
    expected = IntegratedGradients(lambda one: question.score(one, gradients=True)).attribute(
        question.embedded[None],
        question.baseline("pad")[None],
        n_steps=found.steps,
        method=captums,
    )
    # Captum's trapezium has n places, the ends among them, and divides by n where there are n - 1 intervals.
    right = found.steps / (found.steps - 1) if rule == "trapezoid" else 1
    np.testing.assert_allclose(found.scores, right * expected[0].sum(dim=-1).detach().numpy(), rtol=1e-3, atol=1e-5)
    assert found.rule == rule
    assert explain(question, "saliency").rule == ""


def test_a_path_ends_where_the_answer_jumps(bert, head, monkeypatch):
    """An interval was halved until its middle was one of its ends, and then for ever."""
    question = target_function(bert, TEXT, head=head)
    asked = []

    def jumps(line, alphas, _seen):
        asked.append(len(alphas))
        assert len(asked) < 1000, "it does not end"
        slopes = [np.zeros(len(question.tokens)) + 0.01 * alpha for alpha in alphas]
        line.found |= zip(alphas, zip([float(alpha > 0.3) for alpha in alphas], slopes, strict=True), strict=True)

    monkeypatch.setattr("interpret.attribution.path_integral._Line.take", jumps)
    found = explain(question, "integrated_gradients")
    # The slopes know nothing of the jump: of each token they are 0.01 times the place, whose integral is 0.005.
    special = question.tokens.special
    np.testing.assert_allclose(found.scores[~special], 0.005, rtol=1e-4)
    assert not found.scores[special].any()


def test_a_path_rule_that_is_none_is_named(bert, head):
    with pytest.raises(it.InputError, match="no path rule “simpson”"):
        explain(target_function(bert, TEXT, head=head), "integrated_gradients", rule="simpson")


def test_conductance_is_captums_and_every_level_has_all_of_it(bert, head):
    question = target_function(bert, TEXT, head=head)
    scores, deltas = layer_attribution(question, "conductance")
    assert scores.shape == (bert.layers + 1, len(question.tokens))
    with torch.no_grad():
        ends = [float(question.score(one[None])[0]) for one in (question.baseline("pad"), question.embedded)]
    np.testing.assert_allclose(scores.sum(axis=1) - deltas, ends[1] - ends[0], atol=1e-4)
    assert abs(deltas).max() < 0.03 * abs(ends[1] - ends[0])
    for level in range(bert.layers):
        captum = LayerConductance(lambda one: question.score(one, gradients=True), bert.part("encoder.layer")[level])
        expected = captum.attribute(
            question.embedded[None].requires_grad_(),
            question.baseline("pad")[None],
            n_steps=400,
            internal_batch_size=50,
        )
        expected = expected[0].sum(dim=-1).detach().numpy()
        np.testing.assert_allclose(scores[level + 1], expected, atol=0.03 * abs(expected).max())


def test_layer_integrated_gradients_add_up_at_every_level(bert, head):
    question = target_function(bert, TEXT, head=head)
    scores, deltas = layer_attribution(question, "integrated_gradients")
    whole = explain(question, "integrated_gradients")
    np.testing.assert_allclose(scores.sum(axis=1) - deltas, whole.output - whole.baseline_output, atol=1e-3)
    # Through the top level the head is linear, so the very steps do not matter.
    assert abs(deltas[-1]) < 1e-4


@pytest.mark.parametrize("target", ["norm", "unit 1.3", "unit 0.3"])
@pytest.mark.parametrize("method", LAYER_METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_layer_maps_work_on_every_family_and_end_at_the_units_level(tiny_folders, family, method, target):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    question = target_function(encoder, TEXT, target=target)
    if family == "albert" and method == "integrated_gradients":
        with pytest.raises(it.InputError, match="share their weights"):
            layer_attribution(question, method)
        return
    scores, deltas = layer_attribution(question, method)
    assert len(scores) == (encoder.layers if target == "norm" else int(target[5])) + 1
    whole = float(question.outputs([question.tokens])[0])
    empty = float(question.score(question.baseline("pad")[None])[0])
    np.testing.assert_allclose(scores.sum(axis=1) - deltas, whole - empty, rtol=1e-3, atol=1e-4)
    assert np.abs(deltas).max() <= 0.1 * abs(whole - empty) + 1e-3


def test_noise_is_on_words_alone(bert, head):
    question, seen = target_function(bert, TEXT, head=head), []
    score = question.score

    def watched(embedded, *args, **named):
        seen.append(embedded.detach().clone())
        return score(embedded, *args, **named)

    question.score = watched
    found = explain(question, "saliency", smooth=True)
    inputs = torch.cat([one for one in seen if len(one) > 1])
    moved = (inputs - question.embedded).abs().amax(dim=(0, 2)).numpy()
    assert np.all(moved[question.fixed] == 0)
    assert np.all(moved[~question.fixed] > 0)
    assert found.backward_passes == 10
    assert found.smooth


def test_a_word_that_shares_its_group_with_a_mask_has_its_whole_score(tmp_path):
    folder = make_checkpoint("roberta", tmp_path, loader=tf.AutoModelForMaskedLM)
    encoder = it.load_encoder(str(folder), device="cpu")
    question = target_function(encoder, "the river <mask> was steep")
    group = next(group for group in question.tokens.groups if question.fixed[list(group)].any() and len(group) > 1)
    free = [place for place in group if not question.fixed[place]]
    found = explain(question, "feature_ablation")
    gone = question.embedded.clone()
    gone[free] = question.baseline("pad")[free]
    lost = float(question.score(question.embedded[None])[0] - question.score(gone[None])[0])
    assert found.scores[free].sum() == pytest.approx(lost, abs=1e-5)
    assert explain(question, "shapley_sampling").error < 1e-3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_works_on_every_family(tiny_folders, family, method):
    encoder = it.load_encoder(str(tiny_folders[family]), device="cpu")
    question = target_function(encoder, "the bank lent money", target="norm")
    found = explain(question, method)
    assert found.scores.shape == (len(question.tokens),)
    assert np.isfinite(found.scores).all()
    assert not found.scores[question.tokens.special].any()
    assert np.abs(found.scores).max() > 0
    # Kernel SHAP adds up as far as its draws go.
    if METHODS[method].complete:
        assert abs(found.delta) < 0.05 * max(abs(found.output - found.baseline_output), 0.2)


def test_rollout_is_the_traces(bert, head):
    question = target_function(bert, TEXT, head=head)
    expected = it.attention.rollout(it.trace(bert, TEXT))[-1].mean(axis=0)
    found = explain(question, "rollout").scores
    free = ~question.tokens.special
    np.testing.assert_allclose(found[free], expected[free], atol=1e-6)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.random or one.gradient])
def test_the_same_seed_draws_the_same_and_leaves_the_generators_alone(bert, head, method, smooth):
    question = target_function(bert, TEXT, head=head)
    if smooth and not METHODS[method].gradient:
        with pytest.raises(InputError, match="takes no gradients of the embeddings"):
            explain(question, method, smooth=True)
        return
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again = (explain(question, method, smooth=smooth, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.scores, again.scores)
    assert torch.equal(torch.get_rng_state(), before)
    if smooth or (METHODS[method].random and method != "kernel_shap"):
        assert not np.array_equal(explain(question, method, smooth=smooth, seed=4).scores, first.scores)


def hooks(model):
    kinds = ("_forward_hooks", "_backward_hooks", "_forward_pre_hooks", "_backward_pre_hooks")
    return sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)


@pytest.mark.parametrize("method", [*METHODS, "layers"])
def test_no_hook_and_no_gradient_remains_after_success_and_after_an_error(bert, head, method):
    question = target_function(bert, TEXT, head=head)

    def stop(done, total, stage):
        raise Cancelled

    def run(progress=None):
        if method == "layers":
            layer_attribution(question, "integrated_gradients", progress=progress)
        else:
            explain(question, method, progress=progress)

    # transformers leaves hooks of its own on the layers when hidden states are first asked for.
    bert.forward([question.tokens], output_hidden_states=True)
    before = hooks(bert.model)
    run()
    assert hooks(bert.model) == before
    if method not in ("rollout", "gradient_x_attention"):
        with pytest.raises(Cancelled):
            run(stop)
    broken = target_function(bert, TEXT, head=head)
    broken.score = lambda *_a, **_k: (_ for _ in ()).throw(ValueError("broken"))
    question = broken
    with pytest.raises(ValueError, match="broken"):
        run()
    assert hooks(bert.model) == before
    assert all(one.grad is None and not one.requires_grad for one in bert.model.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("method", ["integrated_gradients", "feature_ablation", "input_x_gradient"])
def test_out_of_memory_is_a_sentence_and_the_next_question_is_answered(tiny_folders, method, monkeypatch):
    encoder = it.load_encoder(str(tiny_folders["bert"]), device="cpu")
    question = target_function(encoder, TEXT, target="norm")
    forward = encoder.model.forward

    def full(*args, **named):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(encoder.model, "forward", full)
    with pytest.raises(it.CapacityError, match="ran out of memory. Use a shorter text"):
        explain(question, method)
    monkeypatch.setattr(encoder.model, "forward", forward)
    assert explain(question, method).scores.shape == (len(question.tokens),)


@pytest.mark.parametrize(("free", "tokens"), [(64 * 2**30, 1024), (24 * 4 * 12 * 768 * 4 * 300, 300), (1, 1)])
def test_as_many_texts_go_together_as_fit_into_memory(monkeypatch, free, tokens):
    monkeypatch.setattr(work_sizes, "find_device", lambda name: Device(name, name, free, free, ("float32",)))
    assert work_sizes.tokens_with_gradients("cpu", 12, 768) == tokens


def test_two_people_at_once_get_their_own_answers(minilm):
    texts = [
        "The doctor saw the patient.",
        "The court heard the appeal of the tenant.",
        "He scored.",
        "Rates rose again.",
    ]
    methods = ("integrated_gradients", "gradient_shap", "feature_ablation", "gradient_x_attention")
    alone = {(t, m): it.attribute(minilm, t, target="norm", method=m).scores for t in texts for m in methods}
    found, errors = {}, []

    def work(text):
        try:
            for method in methods:
                found[text, method] = it.attribute(minilm, text, target="norm", method=method).scores
        except Exception as error:  # a thread's own would be lost
            errors.append(error)

    threads = [threading.Thread(target=work, args=(text,)) for text in texts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not errors
    for key, scores in alone.items():
        np.testing.assert_allclose(found[key], scores, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "deep_lift"}, "no method"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"baseline": "black"}, "no baseline"),
        ({"method": "lime", "smooth": True}, "takes no gradients of the embeddings"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(bert, options, sentence):
    with pytest.raises(InputError, match=sentence):
        it.attribute(bert, TEXT, target="norm", **options)
