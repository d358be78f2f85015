"""A window put on models that look everywhere: what is seen, what is lost, and what is said through it."""

import numpy as np
import pytest
import torch
import transformers as tf

import interpret as it
from interpret.attention.sliding_window import widths_to_try
from interpret.core.tap import Tap
from tests.tiny import FAMILIES, MORE_FAMILIES, make_checkpoint

TEXT = "the bank said it was rich"
EVERY = (*FAMILIES, *MORE_FAMILIES)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    made = {}

    def get(family):
        if family not in made:
            made[family] = it.load_encoder(str(make_checkpoint(family, tmp_path_factory.mktemp(family))), device="cpu")
        return made[family]

    return get


def through(encoder, tokens, window):
    """Return the hidden states that a pass through a window computes."""
    tap = Tap(encoder.layers, record=False, window=window)
    output = encoder.forward([tokens], tap, output_hidden_states=True)
    return torch.stack([one[0] for one in output.hidden_states]).numpy()


@pytest.mark.parametrize("family", EVERY)
def test_a_window_as_wide_as_the_text_changes_nothing(encoders, family):
    encoder = encoders(family)
    tokens = encoder.tokens(TEXT)
    everywhere = torch.from_numpy(it.attention.window_mask(len(tokens), len(tokens) - 1))
    assert everywhere.all()
    found = through(encoder, tokens, everywhere)
    np.testing.assert_allclose(found, through(encoder, tokens, None), atol=1e-6)
    # Without a tap attention is PyTorch's own.
    plain = encoder.forward([tokens], output_hidden_states=True).hidden_states
    np.testing.assert_allclose(found, torch.stack([one[0] for one in plain]).numpy(), atol=2e-5)
    sweep = it.attention.sweep_windows(encoder, it.trace(encoder, TEXT))
    assert sweep.widths[-1] == len(tokens) - 1
    assert sweep.moved[-1].max() < 1e-5
    assert sweep.similarity["mean"][-1] == pytest.approx(1, abs=1e-5)
    assert not sweep.lost[-1].any()
    assert sweep.moved[0].max() > 1e-3, "a window of no neighbours changes something"


@pytest.mark.parametrize("family", EVERY)
def test_nothing_beyond_the_windows_reach_is_seen(encoders, family):
    """Of a stack of layers each sees a width further: what is farther may be anything."""
    encoder = encoders(family)
    one, other = (
        encoder.tokens("bank said it was rich the the the said"),
        encoder.tokens("bank said it was rich it it it was"),
    )
    assert len(one) == len(other)
    apart = np.flatnonzero(np.array(one.ids) != np.array(other.ids))
    # MobileBERT's embeddings see a neighbour too (Sun et al. 2020, table 1).
    reach = encoder.layers + (family == "mobilebert")
    mask = torch.from_numpy(it.attention.window_mask(len(one), 1))
    states = [through(encoder, tokens, mask) for tokens in (one, other)]
    far = np.flatnonzero([abs(apart - i).min() > reach for i in range(len(one))])
    near = np.flatnonzero([abs(apart - i).min() <= 1 for i in range(len(one))])
    assert len(far) > 0
    np.testing.assert_allclose(states[0][:, far], states[1][:, far], atol=1e-6)
    assert abs(states[0][-1, near] - states[1][-1, near]).max() > 1e-3
    # A global token brings it everywhere.
    everywhere = np.zeros(len(one), bool)
    everywhere[0] = True
    mask = torch.from_numpy(it.attention.window_mask(len(one), 1, everywhere))
    states = [through(encoder, tokens, mask)[-1, far] for tokens in (one, other)]
    assert abs(states[0] - states[1]).max() > 1e-5


@pytest.mark.parametrize("global_tokens", [(), (0,), (0, 3)])
# At a width of 1 its code fails.
@pytest.mark.parametrize("width", [2, 3, 4])
def test_it_is_the_pattern_of_transformers_longformer(encoders, width, global_tokens):
    """RoBERTa's weights, those of global tokens being the same: Longformer's code computes band and columns apart."""
    encoder = encoders("roberta")
    given = encoder.model.config.to_dict()
    kept = {name: value for name, value in given.items() if name not in ("model_type", "architectures", "dtype")}
    longformer = tf.LongformerModel(tf.LongformerConfig(**kept, attention_window=2 * width)).eval()
    state = encoder.model.state_dict()
    for name in list(state):
        if ".self." in name:
            state[name.replace(".weight", "_global.weight").replace(".bias", "_global.bias")] = state[name]
    longformer.load_state_dict(state, strict=True)
    tokens = encoder.tokens("the bank said it was rich the bank said")
    looks = torch.zeros(1, len(tokens), dtype=torch.long)
    looks[0, list(global_tokens)] = 1
    with torch.no_grad():
        wanted = longformer(
            torch.tensor(tokens.ids)[None],
            attention_mask=torch.ones_like(looks),
            global_attention_mask=looks,
            output_hidden_states=True,
        )
    sweep = it.attention.sweep_windows(encoder, it.trace(encoder, tokens.text), global_tokens, [width])
    mask = torch.from_numpy(sweep.allowed(width))
    found = through(encoder, tokens, mask)
    np.testing.assert_allclose(found[-1], wanted.last_hidden_state[0], atol=1e-5)
    ordinary = through(encoder, tokens, None)
    moved = np.linalg.norm(found - ordinary, axis=-1) / np.linalg.norm(ordinary, axis=-1)
    np.testing.assert_allclose(sweep.moved[0], moved, atol=1e-5)
    assert sweep.moved[0].max() > 1e-3


@pytest.mark.parametrize("global_tokens", [(), (0,), (2, 5)])
def test_what_is_lost_is_the_mass_of_the_pairs_that_are_left_out(encoders, global_tokens):
    encoder = encoders("bert")
    trace = it.trace(encoder, TEXT, "it was rich")
    sweep = it.attention.sweep_windows(encoder, trace, global_tokens, [3, 0, 100, 3])
    length = len(trace.tokens)
    assert sweep.widths.tolist() == [0, 3, length - 1]
    for row, width in enumerate(sweep.widths.tolist()):
        out = np.array(
            [
                [abs(q - k) > width and q not in global_tokens and k not in global_tokens for k in range(length)]
                for q in range(length)
            ]
        )
        assert (sweep.allowed(width) == ~out).all()
        np.testing.assert_allclose(sweep.lost[row], trace.attention[:, :, out].sum(-1) / length, atol=1e-6)
        assert sweep.uniform[row] == pytest.approx(out.sum() / length**2)
        assert sweep.left[row] == pytest.approx(1 - out.sum() / length**2)


def test_local_layers_of_the_model_itself_stay_local(encoders):
    encoder = encoders("modernbert")
    trace = it.trace(encoder, f"{TEXT} {TEXT}")
    sweep = it.attention.sweep_windows(encoder, trace, [0], [2, 3])
    for row, width in enumerate(sweep.widths.tolist()):
        seen = trace.mask & sweep.allowed(width)
        assert sweep.left[row] == pytest.approx(seen.mean())
        share = (trace.mask & ~sweep.allowed(width)).sum(-1) / trace.mask.sum(-1)
        assert sweep.uniform[row] == pytest.approx(share.mean(), abs=1e-6)
        tap = Tap(encoder.layers, window=torch.from_numpy(sweep.allowed(width)))
        encoder.forward([trace.tokens], tap)
        # What is computed is what is said to be left.
        np.testing.assert_array_equal(tap.attention.tensor[:, 0, 0].numpy() > 0, seen)
    assert sweep.left[-1] < 1
    assert sweep.uniform[-1] == 0


@pytest.mark.parametrize(
    ("loader", "text", "more"),
    [
        (tf.AutoModelForSequenceClassification, TEXT, {"num_labels": 3}),
        (tf.AutoModelForSequenceClassification, TEXT, {"num_labels": 3, "problem_type": "multi_label_classification"}),
        (tf.AutoModelForSequenceClassification, TEXT, {"num_labels": 1}),
        (tf.AutoModelForTokenClassification, TEXT, {"num_labels": 4}),
        (tf.AutoModelForMaskedLM, "the [MASK] said [MASK] was", {}),
    ],
)
def test_what_is_said_through_a_window_is_what_transformers_says_with_that_mask(loader, text, more, tmp_path):
    """Its eager attention takes a mask of a number for each pair."""
    folder = make_checkpoint("bert", tmp_path, loader=loader, **more)
    encoder = it.load_encoder(str(folder), device="cpu")
    trace = it.trace(encoder, text)
    sweep = it.attention.sweep_windows(encoder, trace)
    model = loader.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.tensor(trace.tokens.ids)[None]
    rows = [int(one.split()[0]) for one in sweep.answers.rows if one]
    said = []
    for row, width in enumerate([*sweep.widths, None]):
        allowed = sweep.allowed(int(width) if width is not None else len(trace.tokens))
        mask = torch.zeros(allowed.shape).masked_fill(torch.from_numpy(~allowed), torch.finfo(torch.float32).min)
        with torch.no_grad():
            logits = model(ids, attention_mask=mask[None, None]).logits[0]
        logits = logits[rows] if rows else logits[None]
        if encoder.task.kind == "score":
            wanted = logits
        else:
            wanted = logits.softmax(-1) if encoder.task.exclusive else logits.sigmoid()
        labels = sweep.answers.labels
        if not encoder.task.labels:
            # The tiny model has more rows than tokens; those are numbers.
            wanted = wanted[
                :, [int(one[2:-1]) if one.startswith("⟨#") else encoder.tokenizer.token_to_id(one) for one in labels]
            ]
        found = sweep.answers.ordinary if width is None else sweep.answers.windowed[row]
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        best = logits.argmax(-1).tolist()
        said.append(
            best if encoder.task.exclusive else [tuple((one > 0).nonzero().flatten().tolist()) for one in logits]
        )
    if encoder.task.kind == "score":
        assert sweep.answers.same is None
        return
    same = [one == said[-1] for one in said[:-1]]
    assert sweep.answers.same.tolist() == same
    assert sweep.answers.said == sweep.answers.said_through[-1]


def test_the_smallest_window_is_the_one_from_which_on_it_holds(encoders):
    sweep = it.attention.sweep_windows(encoders("bert"), it.trace(encoders("bert"), TEXT), widths=[0, 1, 2, 3])
    widest = int(sweep.widths[-1])
    for same, wanted in (
        ([True] * 5, 0),
        ([True, False, True, True, True], 2),
        ([False, False, False, False, True], widest),
        # Through the widest nothing is left out: that it should differ there would be rounding.
        ([True, True, True, True, False], 0),
    ):
        assert sweep.smallest(np.array(same)) == wanted


def test_a_heads_reach_is_the_narrowest_window_that_loses_no_more(encoders):
    sweep = it.attention.sweep_windows(encoders("bert"), it.trace(encoders("bert"), TEXT))
    for layer, head in np.ndindex(*sweep.lost.shape[1:]):
        enough = [int(one) for one, lost in zip(sweep.widths, sweep.lost[:, layer, head], strict=True) if lost <= 0.1]
        assert sweep.reach(0.1)[layer, head] == enough[0]
    assert not sweep.reach(1.0).any()


def test_a_text_without_a_head_says_nothing_and_bad_input_is_a_sentence(encoders, minilm):
    trace = it.trace(minilm, TEXT)
    told = []
    sweep = it.attention.sweep_windows(minilm, trace, progress=lambda *one: told.append(one))
    assert sweep.answers is None
    assert told[0][:2] == (0, len(sweep.widths))
    with pytest.raises(it.InputError, match="There is no token 99"):
        it.attention.sweep_windows(minilm, trace, [99])
    with pytest.raises(it.InputError, match="window: -1. Choose 0 or more"):
        it.attention.sweep_windows(minilm, trace, widths=[2, -1])
    with pytest.raises(it.InputError, match="Trace the text again"):
        it.attention.sweep_windows(encoders("bert"), trace)
    again = it.attention.sweep_windows(minilm, trace, widths=sweep.widths.tolist())
    assert (again.widths == sweep.widths).all()


def test_a_head_that_finds_spans_is_not_taken_for_one_that_guesses(tmp_path):
    encoder = it.load_encoder(
        str(make_checkpoint("bert", tmp_path, loader=tf.AutoModelForQuestionAnswering)), device="cpu"
    )
    trace = it.trace(encoder, "the [MASK] said")
    assert it.attention.sweep_windows(encoder, trace).answers is None
    assert it.attention.ablate(encoder, "the [MASK] said", heads=[(0, 0)]).answers is None


@pytest.mark.parametrize("length", [1, 2, 17, 18, 128, 4096])
def test_widths_rise_to_the_length(length):
    found = widths_to_try(length)
    assert found[0] == 0
    assert found[-1] == length - 1
    assert list(found) == sorted(set(found))
    assert len(found) < 60
