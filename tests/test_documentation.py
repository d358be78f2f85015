"""What the documentation promises is true of itself: links, one style, no claim without a figure, terms to be found."""

import ast
import json
import re

import pytest
from babel.messages.pofile import read_po
from mypy import api

from dashboard import ROOT
from tests.api_reference import all_pages

PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
# The sentence of each README, and how its page on GPUs says that a figure is missing.
UNMEASURED = {
    "README.md": (
        "On CUDA nothing has been measured yet: see [On a GPU](docs/gpu.md).",
        "docs/gpu.md",
        "not measured yet",
    ),
    "README.zh-CN.md": (
        "目前还没有在 CUDA 上实测过，见[使用 GPU](docs/zh-CN/gpu.md)。",
        "docs/zh-CN/gpu.md",
        "尚未测量",
    ),
}
TERMS = """
attention weights; attention head; query; layer; hidden state; rollout; ablation; token; tokenizer; vocabulary;
special tokens; softmax; embedding; pooling; nearest neighbours; PCA; t-SNE; UMAP; trustworthiness; silhouette; CKA;
anisotropy; linear probe; probing; integrated gradients; saliency; occlusion; SHAP; LIME; baseline; completeness;
faithfulness; counterfactual; masked language modelling; next sentence prediction; logit lens; tuned lens; perplexity;
fine-tune; freeze; batch size; learning rate; layer-wise learning-rate decay; warmup; weight decay; label smoothing;
dropout; early stopping; gradient clipping; epoch; seed; precision; mixed precision; LoRA; adapter; checkpoint;
resume; metrics log; held-out; confusion matrix; calibration; F1; attention map; attention pattern; sentence embedding;
subword; WordPiece; residual stream; [CLS]; catastrophic forgetting; class weights; AdamW; optimizer; bootstrap;
expected calibration error (ECE); cosine similarity; gradient accumulation; counterfactuals; inference
"""


def flat(text):
    return " ".join(text.split())


def figures(page, missing):
    """The last cells of the table of what is measured: those that say so, and those that say it is not yet."""
    rows = [line.strip("| ").split("|") for line in page.splitlines() if line.startswith("|") and line.count("|") == 5]
    cells = [row[-1].strip() for row in rows if not set(row[-1].strip()) <= {"-", ":"}][1:]
    return [cell for cell in cells if cell != missing], [cell for cell in cells if cell == missing]


@pytest.mark.parametrize("file", UNMEASURED)
def test_the_readme_says_that_nothing_was_measured_on_cuda_until_something_was(file):
    sentence, page, missing = UNMEASURED[file]
    measured, unmeasured = figures((ROOT / page).read_text("utf-8"), missing)
    assert len(measured) + len(unmeasured) >= 15
    said = sentence.replace(" ", "") in flat((ROOT / file).read_text("utf-8")).replace(" ", "")
    assert said == (not measured)


def test_both_languages_have_measured_the_same():
    counts = [
        tuple(map(len, figures((ROOT / page).read_text("utf-8"), missing))) for _, page, missing in UNMEASURED.values()
    ]
    assert counts[0] == counts[1]


def test_a_figure_is_told_from_none():
    page = "| a | b | c | measured |\n|---|---|---|---|\n| x | y | 1 | not measured yet |\n| x | y | 1 | 0.9 |\n"
    assert figures(page, "not measured yet") == (["0.9"], ["not measured yet"])


@pytest.mark.parametrize("file", (*PAGES, *NOTEBOOKS), ids=lambda one: str(one.relative_to(ROOT)))
def test_per_cent_stands_at_its_number(file):
    assert re.findall(r".{0,20}\d\s+%.{0,9}|.{0,20}％.{0,9}", file.read_text("utf-8")) == []


@pytest.mark.parametrize("file", PAGES, ids=lambda one: str(one.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(file):
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        assert re.match(r"https?://", target) or (file.parent / target).exists(), target


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_leads_to_the_reference_and_the_notebooks(readme):
    text = (ROOT / readme).read_text("utf-8")
    assert "(docs/api/README.md)" in text
    assert re.search(r"\(docs/(notebooks/README|zh-CN/notebooks)\.md\)", text)


def test_the_pages_on_notebooks_name_them_all():
    for page in ("docs/notebooks/README.md", "docs/zh-CN/notebooks.md"):
        assert all(f"{one.name})" in (ROOT / page).read_text("utf-8") for one in NOTEBOOKS)


def test_notebooks_are_valid_json_that_ends_with_a_line():
    for one in NOTEBOOKS:
        text = one.read_text("utf-8")
        assert json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n" == text


@pytest.fixture(scope="module")
def searched():
    """What a stranger can search: every sentence of the pages, the documentation, and the reference."""
    with (ROOT / "dashboard/locale/zh_CN.po").open("rb") as file:
        found = [text for one in read_po(file) for text in ([one.id] if isinstance(one.id, str) else one.id)]
    subjects = [page.read_text("utf-8") for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "GLOSSARY.md"]
    return flat("\n".join((*found, *subjects, *all_pages().values()))).lower()


@pytest.mark.parametrize("term", [term.strip() for term in flat(TERMS).split(";")])
def test_a_term_of_the_field_is_found(searched, term):
    assert re.search(rf"(?<!\w){re.escape(term.lower())}", searched)


def test_there_are_many_terms_and_a_search_can_fail(searched):
    assert TERMS.count(";") >= 40
    assert not re.search(r"\bbeam search", searched)


def lines_of_python(page):
    return "\n".join(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), flags=re.DOTALL))


def test_the_lines_of_python_are_of_names_that_are_there(tmp_path):
    """By mypy, which reads them: to run them would take minutes, and a method that was renamed is seen without."""
    given = "texts: list[str] = []\nlabels: list[str] = []\npairs: list[tuple[str, str]] = []\n"
    file = tmp_path / "page.py"
    file.write_text(given + lines_of_python("docs/library.md"), "utf-8")
    settings = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    said, errors, status = api.run([*settings, str(file)])
    assert status == 0, said + errors


def test_both_languages_have_the_same_lines_of_python():
    one, other = (ast.dump(ast.parse(lines_of_python(f"docs/{folder}library.md"))) for folder in ("", "zh-CN/"))
    assert one == other
