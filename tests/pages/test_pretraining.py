"""The Pretraining page without a browser: every tab, what it says against the library, and what comes of bad input."""

import json

import numpy as np
import pytest
import transformers as tf
from streamlit.testing.v1 import AppTest

import interpret as it
from dashboard import ROOT, cache
from dashboard.subject import Subject
from interpret.core.builtin import pretraining_facts
from pages.pretraining.figures import rank_lines
from pages.pretraining.fill_mask_view import survival_table
from pages.pretraining.masking_view import DRAWS, mask_often
from pages.pretraining.pseudo_likelihood_view import verdict
from tests.apps import charts, offered, switch
from tests.slot import hold
from tests.tiny import make_checkpoint

TABS = ("guess", "game", "surprise", "following")
# How many tiles each has, and which figures.
DRAWN = {
    "guess": (0, {"layers", "ranks"}),
    "game": (5, set()),
    "surprise": (3, set()),
    "following": (7, {"following"}),
}
TEXT = "the river bank was steep and the bank lent money"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("games")
    for family in ("bert", "albert"):
        make_checkpoint(family, root / family, loader=tf.AutoModelForPreTraining)
    make_checkpoint("roberta", root / "roberta", loader=tf.AutoModelForMaskedLM)
    make_checkpoint("mpnet", root / "mpnet", loader=tf.AutoModelForMaskedLM)
    make_checkpoint("bert", root / "headless")
    return root


@pytest.fixture
def page(models, monkeypatch, tmp_path):
    cache.clear()
    monkeypatch.setenv("BERTOSCOPE_MODELS", str(models))
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    return AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)


def open_page(page, **query):
    page.query_params.update({"text": TEXT, **query})
    return switch(page, "pretraining").run()


def said(page):
    return [one.value for one in (*page.warning, *page.error)]


def fine(page):
    assert not page.exception
    assert said(page) == []
    return page


def give_story(page):
    """Short sentences in the place of the shipped ones, which are too long for a tiny ALBERT."""
    page.session_state["following_source"] = "file"
    hold(page, "t.txt", b"The river was steep. It was rich. The bank lent.\n\nMoney was.")


def encoder(models, name):
    return it.load_encoder(str(models / name), device="cpu")


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("family", ["bert", "albert"])
def test_every_tab_runs_for_both_games(page, tab, family):
    give_story(page)
    fine(open_page(page, model=f"folder:{family}", pre=tab, pair="it was rich"))
    assert (len(page.metric), charts(page)) == DRAWN[tab]


@pytest.mark.parametrize("tab", TABS[:3])
def test_models_of_masked_words_alone_are_asked_all_but_pairs(page, tab):
    fine(open_page(page, model="folder:roberta", pre=tab))
    assert (len(page.metric), charts(page)) == DRAWN[tab]


def test_the_built_in_model_gets_its_shipped_heads_and_says_how_good_they_are(page):
    fine(open_page(page, pre="guess"))
    facts = pretraining_facts()
    [sentence] = [one.value for one in page.caption if "published without its pretraining heads" in one.value]
    assert f"top-1 accuracy on tokens selected as in training is {100 * facts.first:.1f}% and" in sentence
    assert f"random halves is {100 * facts.following:.1f}% ({100 * facts.following_hidden:.1f}% with" in sentence
    # Elsewhere the built-in model is the one that it was.
    switch(page, "attention").run()
    assert not any("published without" in one.value for one in page.caption)


def test_what_is_hidden_in_the_address_is_guessed_as_by_the_library(page, models):
    fine(open_page(page, model="folder:bert", hidden="2,5"))
    found = it.fill_mask(encoder(models, "bert"), TEXT, hidden=[2, 5], top=10)
    tables = [one.value for one in page.dataframe][:2]
    for table, guess in zip(tables, found.guesses, strict=True):
        assert [one.removesuffix("  ✓") for one in table["Guess"]] == list(guess.candidates)
        np.testing.assert_allclose(table["Probability"], 100 * guess.probabilities, rtol=1e-5)
    assert any("Mask 2, originally “steep”" in one.value for one in page.markdown)


def test_the_best_guessed_word_is_hidden_at_first_and_nothing_where_the_text_has_a_mask(page, models):
    fine(open_page(page, model="folder:bert"))
    bert = encoder(models, "bert")
    surprise = it.pretraining.pseudo_log_likelihood(bert, TEXT)
    tokens = surprise.tokens
    # Words of four letters and more that are one token; the last of those that are as likely.
    telling = [i for i in range(len(tokens)) if not tokens.special[i] and np.ptp(tokens.span[i]) > 3]
    best = max(telling, key=lambda i: (surprise.logs[i], i))
    assert any(f"originally “{tokens.labels[best]}”" in one.value for one in page.markdown)
    # A long text would have to be read too often: its longest word.
    page.session_state["text"] = "the bank " * 20 + "animals " + "the bank " * 5
    fine(page.run())
    assert any("originally “animals”" in one.value or "(animals)" in one.value for one in page.markdown)
    # Half of “wasn't” is given away by the other half.
    page.session_state["text"] = "it wasn't the bank"
    fine(page.run())
    assert any("originally “bank”" in one.value for one in page.markdown)
    page.session_state["text"] = "the river [MASK] was steep"
    fine(page.run())
    assert any(one.value == "**Mask 1**" for one in page.markdown)
    assert not any("originally “" in one.value for one in page.markdown)


def test_nothing_hidden_is_said_and_not_refused(page):
    fine(open_page(page, model="folder:bert", hidden=""))
    assert len(page.info) == 1
    assert not page.dataframe


def test_all_hidden_is_one_sentence_and_nothing_is_lost(page):
    open_page(page, model="folder:bert", hidden=",".join(str(i) for i in range(1, 11)))
    assert len(said(page)) == 1
    assert not page.exception
    assert page.session_state["text"] == TEXT


@pytest.mark.parametrize("tab", TABS)
def test_a_model_without_heads_is_one_sentence(page, tab):
    open_page(page, model="folder:headless", pre=tab, pair="it was rich")
    assert not page.exception
    assert len(said(page)) == 1
    assert not page.metric
    assert not charts(page)


@pytest.mark.parametrize("tab", ["game", "surprise"])
def test_a_mask_typed_where_every_word_must_be_known_is_one_sentence(page, tab):
    open_page(page, model="folder:bert", pre=tab, text="the river [MASK] was steep")
    assert not page.exception
    assert len(said(page)) == 1


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("text", [" ", "​"])
def test_no_text_is_one_sentence(page, tab, text):
    open_page(page, model="folder:bert", pre=tab, text=text)
    assert not page.exception
    assert len(said(page)) == 1


@pytest.mark.parametrize("tab", TABS)
def test_a_text_over_the_limit_is_read_in_windows(page, tab):
    open_page(page, model="folder:bert", pre=tab, text=" ".join(["the river bank was steep"] * 40))
    assert not page.exception
    assert len(page.info) >= 1
    # Where two texts are needed, that is said too.
    assert len(said(page)) == (tab == "following")


def test_a_single_text_has_no_next_sentence_and_is_told_so(page):
    open_page(page, model="folder:bert", pre="following")
    assert len(said(page)) == 1
    assert offered(page, "make_room")


def test_shipped_pairs_are_scored_by_kind(page):
    fine(open_page(page, model="folder:bert", pre="surprise", surprise_over="pairs"))
    page.run()
    assert any("of 38 pairs" in one.value for one in page.markdown)
    kinds = next(one.value for one in page.dataframe if "Kind" in one.value)
    assert int(kinds.iloc[:, -1].sum()) == 44
    # Mistakes are drawn in a colour of their own.
    bars = json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
    assert [all(y > 0 for y in bars[0]["y"]), any(y > 0 for y in bars[1]["y"])] == [True, False]
    # Of the six stereotypes neither sentence is better: no mistakes, and last in the table.
    assert len(bars[0]["x"]) + len(bars[1]["x"]) == 38
    table = next(one.value for one in page.dataframe if "Better" in one.value)
    assert len(table) == 44
    assert list(table["Kind"][-6:]) == ["stereotype"] * 6
    better, worse, gap = table.select_dtypes("float")[:38].T.to_numpy()
    np.testing.assert_allclose(better - worse, gap, atol=2e-3)
    assert list(gap) == sorted(gap)


def test_a_file_of_pairs_without_a_second_column_is_one_sentence(page):
    page.session_state["preference_source"] = "file"
    hold(page, "t.csv", b"text\nthe river\nthe bank\n")
    open_page(page, model="folder:bert", pre="surprise", surprise_over="pairs")
    assert not page.exception
    assert len(said(page)) == 1


def test_another_draw_is_another_game_and_the_means_are_those_of_all_draws(page, models):
    fine(open_page(page, model="folder:bert", pre="game", seed="7"))
    page.button(key="draw_again").click()
    fine(page.run())
    assert page.session_state["seed"] == 8
    table = next(one.value for one in page.dataframe if "Token" in one.value)
    drawn = it.pretraining.mask_text(encoder(models, "bert"), TEXT, seed=8)
    assert list(table["Token"]) == [drawn.tokens.labels[place] for place in drawn.positions]
    means = mask_often(Subject(encoder(models, "bert").spec, TEXT), it.pretraining.Masking(), lambda *_: None)
    assert page.metric[0].value == f"{means['hidden'][0]:.2f} nats"
    games = [it.pretraining.mask_text(encoder(models, "bert"), TEXT, seed=seed) for seed in (0, 1, 2)]
    assert means["all"][1] >= sum(len(one.positions) for one in games)
    assert DRAWS == 40


def test_none_chosen_is_one_sentence(page):
    page.session_state["game_rate"] = 1
    open_page(page, model="folder:bert", pre="game")
    assert not page.exception
    assert len(said(page)) == 1


def test_hidden_and_replaced_are_never_more_than_all(page):
    page.session_state["game_hidden"] = 95
    page.session_state["game_replaced"] = 60
    fine(open_page(page, model="folder:bert", pre="game"))
    assert "Only 5% are left after masking, so no more than that are replaced." in [one.value for one in page.caption]
    # Nothing that was set is lost.
    before = len(page.caption)
    fine(page.slider(key="game_hidden").set_value(30).run())
    assert page.session_state["game_replaced"] == 60
    assert len(page.caption) == before - 1


def test_two_sentences_are_compared_and_a_fault_in_the_second_takes_nothing_from_the_first(page, models):
    fine(open_page(page, model="folder:bert", pre="surprise", surprise_other="the bank lent it"))
    first, second = (
        it.pretraining.pseudo_log_likelihood(encoder(models, "bert"), one) for one in (TEXT, "the bank lent it")
    )
    tiles = [one.value for one in page.metric]
    assert tiles[0] == f"{first.perplexity:,.1f}"
    assert any(one.value == verdict(first, second) for one in page.markdown)
    page.text_input(key="surprise_other").set_value("the [MASK]")
    page.run()
    assert not page.exception
    assert len(said(page)) == 1
    assert [one.value for one in page.metric] == tiles
    assert any("Word" in one.value for one in page.dataframe)


def test_a_lens_is_fitted_once_and_kept(page):
    fine(open_page(page, model="folder:bert", lens="tuned"))
    assert not page.get("plotly_chart")
    page.button(key="lens_fit:start").click()
    fine(page.run())
    assert page.get("plotly_chart")
    # Another session finds it.
    other = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    fine(open_page(other, model="folder:bert", lens="tuned"))
    assert other.get("plotly_chart")
    assert not offered(other, "lens_fit:start")


def test_a_lens_that_cannot_be_kept_is_one_sentence_before_it_is_fitted(page, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(it.pretraining, "fit_tuned_lens", lambda *_given, **_more: pytest.fail("fitted for nothing"))
    fine(open_page(page, model="folder:bert", lens="tuned"))
    page.button(key="lens_fit:start").click().run()
    assert not page.exception
    (fault,) = said(page)
    assert "BERTOSCOPE" in fault


def test_heads_that_are_out_change_the_guess_as_in_the_library(page, models):
    page.session_state["heads_off"] = [[0, 0], [2, 1]]
    page.session_state["heads_panel"] = True
    fine(open_page(page, model="folder:bert", hidden="3"))
    after = it.fill_mask(encoder(models, "bert"), TEXT, hidden=[3], heads=[(0, 0), (2, 1)])
    survival = survival_table(it.fill_mask(encoder(models, "bert"), TEXT, hidden=[3]), after)
    table = next(one.value for one in page.dataframe if set(survival) == set(one.value))
    _mask, _word, before, ablated, *_more = survival
    assert table[ablated][0] == pytest.approx(100 * after.guesses[0].probability, rel=1e-5)
    assert table[before][0] != table[ablated][0]


def test_heads_that_are_out_stay_out_while_their_panel_is_shut(page, models):
    page.session_state["heads_panel"] = False
    fine(open_page(page, model="folder:bert", hidden="3", off="0.0,2.1"))
    found = it.pretraining.logit_lens(encoder(models, "bert"), TEXT, None, [3], 3, heads=[(0, 0), (2, 1)])
    lines = json.loads(page.get("plotly_chart")[1].proto.spec)["data"]
    assert [line["x"] for line in lines] == [line["x"] for line in json.loads(rank_lines(found).to_json())["data"]]
    assert any("(2 heads ablated)" in one.value for one in page.markdown)


def test_a_link_with_heads_out_opens_their_panel(page):
    fine(open_page(page, model="folder:bert", hidden="3", off="0.0,2.1"))
    assert any(one.value.startswith("Ablated: 2 of") for one in page.caption)


def test_beside_another_model_the_same_words_are_hidden(page, models):
    page.session_state["beside_model"] = "folder:roberta"
    fine(open_page(page, model="folder:bert", hidden="3", beside="model"))
    other = encoder(models, "roberta")
    tokens = other.tokens(TEXT)
    places = [
        i for i in range(len(tokens)) if not tokens.special[i] and tokens.span[i, 1] >= 10 and tokens.span[i, 0] < 14
    ]
    assert len([one for one in page.markdown if "originally “" in one.value]) == 1 + len(places)


def test_beside_itself_a_model_says_so(page):
    page.session_state["beside_model"] = "minilm"
    fine(open_page(page, hidden="3", beside="model"))
    assert len(page.info) == 1


def test_a_link_holds_what_was_set(page, models):
    rules = {"game_rate": "40", "game_hidden": "50", "game_replaced": "20", "game_whole": "True"}
    fine(open_page(page, model="folder:bert", pre="game", **rules))
    masked = it.pretraining.mask_text(
        encoder(models, "bert"), TEXT, None, it.pretraining.Masking(0.4, 0.5, 0.2, True), 0
    )
    table = next(one.value for one in page.dataframe if "Token" in one.value)
    assert list(table["Token"]) == [masked.tokens.labels[place] for place in masked.positions]
    page.slider(key="game_rate").set_value(35)
    fine(page.run())
    assert page.query_params["game_rate"] == "35"


# Two words are hidden: a single one may by chance be the one that is hidden where a link names none.
@pytest.mark.parametrize(
    ("tab", "given"),
    [
        ("guess", {"beside": "text", "beside_text": "the bank [MASK] money", "hidden": "3,5"}),
        ("surprise", {"surprise_other": "the bank lent it", "within": "True"}),
        ("guess", {"beside": "model", "beside_model": "folder:roberta", "hidden": "3,5"}),
    ],
)
def test_a_link_holds_what_stands_beside(page, tab, given):
    fine(open_page(page, model="folder:bert", pre=tab, **given))
    for name, value in given.items():
        assert page.query_params[name] == value
    seen = [one.value for one in (*page.text_input, *page.selectbox)]
    assert next(value for name, value in given.items() if name.endswith(("_text", "_other", "_model"))) in seen


def test_words_that_the_vocabulary_lacks_have_no_true_guess(page):
    open_page(page, model="folder:bert", text="the river 药 was steep", hidden="3")
    assert not page.exception
    assert [one.value for one in page.markdown if "Mask" in one.value] == ["**Mask 1**"]
    assert any("“药” is not in this vocabulary" in one.value for one in page.caption)


def test_where_one_text_is_given_there_is_room_for_another(page):
    open_page(page, model="folder:bert", pre="following")
    page.button(key="make_room").click()
    page.run()
    assert [one.key for one in page.text_area] == ["text", "pair"]
    assert page.text_area(key="text").value == TEXT


def test_beside_another_text_its_own_masks_are_guessed(page):
    page.session_state["beside_text"] = "the bank [MASK] money"
    fine(open_page(page, model="folder:bert", hidden="3", beside="text"))
    assert any(one.value == "**Mask 1**" for one in page.markdown)
    page.session_state["beside_text"] = "the bank lent money"
    page.run()
    assert len(said(page)) == 1


def test_in_chinese_nothing_is_left_in_english(page):
    for tab in TABS:
        open_page(page, model="folder:bert", pre=tab, pair="it was rich", lang="zh_CN")
        fine(page)
        texts = [one.value for one in (*page.caption, *page.info)] + [one.label for one in page.metric]
        assert texts
        assert [one for one in texts if not any("一" <= c <= "鿿" for c in one) and "cpu" not in one] == []


def test_words_stay_hidden_with_another_model_and_unit_and_each_text_has_its_own(page):
    fine(open_page(page, model="folder:bert", hidden="2,8"))
    assert sum("originally “" in one.value for one in page.markdown) == 2
    page.session_state["hide"] = "token"
    fine(page.run())
    assert sum("originally “" in one.value for one in page.markdown) >= 2
    page.session_state["model"] = "folder:roberta"
    page.session_state["hide"] = "word"
    fine(page.run())
    assert sum("2 of 10 masked" in one.value for one in page.caption) == 1
    page.session_state["text"] = "the bank was rich"
    fine(page.run())
    assert any("1 of 4 masked" in one.value for one in page.caption)
    page.session_state["text"] = TEXT
    fine(page.run())
    assert any("2 of 10 masked" in one.value for one in page.caption)
    page.button(key="show_all").click()
    fine(page.run())
    assert len(page.info) == 1


def test_a_mask_that_is_typed_cannot_be_shown_and_asks_for_no_true_word(page):
    fine(open_page(page, model="folder:bert", text="the river [MASK] was steep", hidden="3"))
    assert [one.value for one in page.markdown if "Mask" in one.value] == ["**Mask 1**"]


def test_another_models_mask_is_said_to_be_no_mask(page):
    open_page(page, model="folder:roberta", text="the river [MASK] was steep")
    assert not page.exception
    assert ["<mask>" in one.value.replace("\\", "") for one in page.warning] == [True]


def test_the_true_token_is_marked_in_every_vocabulary(page, models):
    for name in ("bert", "albert", "roberta"):
        bert = encoder(models, name)
        tokens = bert.tokens(TEXT)
        place = int(np.flatnonzero(~tokens.special)[2])
        found = it.fill_mask(bert, TEXT, hidden=[place], top=400)
        [guess] = found.guesses
        assert guess.id == tokens.ids[place]
        assert guess.candidates[guess.ids.tolist().index(guess.id)] == guess.true
        assert guess.ids.tolist().index(guess.id) == guess.rank


def test_beside_another_model_typed_masks_are_written_as_it_writes_them(page):
    page.session_state["beside_model"] = "folder:roberta"
    fine(open_page(page, model="folder:bert", text="the [MASK] bank was steep", hidden="4", beside="model"))
    assert sum(one.value == "**Mask 1**" for one in page.markdown) == 2
    assert sum("originally “" in one.value for one in page.markdown) >= 2


def test_pairs_of_which_none_can_be_read_are_told_so(page):
    page.session_state["preference_source"] = "file"
    hold(page, "t.csv", b"a,b\nthe [MASK],the bank\nthe river,the [MASK]\n", text=0, pair=1)
    fine(open_page(page, model="folder:bert", pre="surprise", surprise_over="pairs"))
    assert any("2 pairs cannot be read" in one.value for one in page.caption)


def test_numbers_out_of_range_in_the_address_are_the_defaults(page):
    fine(open_page(page, model="folder:bert", pre="game", game_rate="500", game_hidden="-3", seed="99999999999"))
    assert page.session_state["game_rate"] == 15


def test_a_link_of_before_opens_the_same_view(page):
    """Tokens were called otherwise, in links too."""
    open_page(page, model="folder:bert", pre="guess", hide="piece")
    assert page.session_state["hide"] == "token"
    assert page.query_params["hide"] == "token"
