"""Tests the pictures and explorers of attention, the logit lens and patches, on a real Llama."""

import re

import numpy
import pytest
from pages import Page, Pictures

import course_utils as course
from course_utils import CourseError, opened
from course_utils.opened.attention import Attention, attention_map
from course_utils.opened.patching import Patching, patch_everywhere

LAYERS, HEADS = 3, 2
FRANCE, ITALY = "The capital of France is", "The capital of Italy is"
PIECES = ["The", " capital", " of", " France", " is"]


def split(text):
    return [f" {word}" if position else word for position, word in enumerate(text.split())]


def attend(text):
    """Returns weights that depend on layer and head. Each row is 0 after the diagonal and adds up to 1."""
    count = len(text.split())
    weights = numpy.tril(numpy.random.default_rng(count).random((LAYERS, HEADS, count, count)))
    return weights / weights.sum(-1, keepdims=True)


WEIGHTS = attend(FRANCE)
MAP = numpy.array([[1, 0, 0], [0.25, 0.75, 0], [0.004, 0.9, 0.096]])
VALUES = numpy.full((4, 5), -7.3)
VALUES[:2, 3], VALUES[3, 3], VALUES[2:, 4] = 6.0, 0.5, 6.4

PICTURES = Pictures(
    {
        "attention_map": lambda: attention_map(["A", " <b>", "\n"], MAP, 2, title="Layer 1, head 2"),
        "attention_map, chosen": lambda: attention_map(PIECES, WEIGHTS[1, 1], 3),
        "attention_map, long": lambda: attention_map(["w"] * 24, attend("w " * 24)[0, 0], 23),
        "logit_lens": lambda: opened.logit_lens(
            ["A", " b"], [["<", " x"], [" ", " y"]], [[0.5, 0.1], [1, 0.004]]
        ),
        "patch_grid": lambda: opened.patch_grid(VALUES, PIECES, replaced=split(ITALY), chosen=(3, 4)),
        "Attention": lambda: Attention(attend, split, FRANCE).still(),
        "Patching": lambda: Patching(None, split, ITALY, FRANCE, baked=((" Rome", " Paris"), VALUES)).still(),
    }
)


@pytest.mark.parametrize("name", PICTURES)
def test_html_survives_the_sanitiser_and_reads_when_narrow(name):
    page = Page(PICTURES[name].html)
    page.assert_survives_the_sanitiser()
    page.assert_reads_when_narrow(widest=100)
    assert all(image["alt"] and "max-width:100%" in image["style"] for image in page.images)


@pytest.mark.parametrize("name", PICTURES)
def test_a_token_is_never_broken_and_a_wide_table_scrolls(name):
    html = PICTURES[name].html
    assert all("white-space:nowrap" in style for style in re.findall(r'<th style="([^"]*)"', html))
    assert '<div tabindex="0" style="overflow-x:auto;width:0;min-width:100%"><table ' in html
    assert "overflow-wrap" not in html


def test_a_map_shows_percentages_and_nothing_of_later_tokens():
    picture = PICTURES["attention_map"]
    cells = re.findall(r";font-weight:(\d+)\">([^<]+)</td>", picture.html)
    assert [shown for _, shown in cells] == ["100", "25", "75", "&lt;1", "90", "10"]
    assert [shown for weight, shown in cells if weight == "700"] == ["100", "75", "90"]
    assert re.findall(r'colspan="(\d)"></td>', picture.html) == ["2", "1"]
    assert picture.alt == "↵ looks at ·<b> 90.0%, ↵ 9.6%, A 0.4%"


def test_the_chosen_token_is_drawn_over_the_words():
    picture = attention_map(["A", " b", " c"], MAP, 1)
    assert picture.alt == "·b looks at ·b 75.0%, A 25.0%"
    text = Page(picture.html).text
    assert "What ·b looks at" in text
    assert "A25%" in text and "·b75%" in text and "·clater" in text
    assert re.findall(r"display:block;height:(\d+)px", picture.html) == ["14", "42", "0"]


def test_a_long_map_marks_the_largest_without_numbers():
    text = Page(attention_map(["w"] * 9, numpy.eye(9), 8).html).text
    assert text.count("●") == 9 + 1  # and once in the note
    assert ">100</td>" not in attention_map(["w"] * 9, numpy.eye(9), 8).html


def test_the_lens_says_the_last_token_of_each_layer():
    picture = PICTURES["logit_lens"]
    assert picture.alt == "After ·b, layer 0: ·x 10%; layer 1: ·y <1%"
    assert picture.html.endswith("the higher. · is a space. ␣ is a space and nothing else</div></figure>")
    assert re.findall(r"<bdi>([^<]*)</bdi>", picture.html)[2:] == ["&lt;", "·x", "␣", "·y"]
    assert "␣ is" not in opened.logit_lens(["b"], [[" x"]], [[0.1]]).html
    named = opened.logit_lens([" b"], [[" x"]], [[0.1]], layers=["embedding"])
    assert named.alt == "After ·b, layer embedding: ·x 10%"


def test_patches_have_signs_and_say_where_the_answer_turns():
    picture = PICTURES["patch_grid"]
    assert picture.alt == (
        "4 layers by 5 tokens, from −7.3 to 6.4 logits. ·Rome ahead of ·Paris in 5 of 20 patches: at ·France "
        "in layers 0 to 1 and 3; at ·is in layers 2 to 3"
    )
    bold = re.findall(r"<td[^>]*font-weight:700[^>]*>([^<]*)<", picture.html)
    assert sorted(bold) == ["+0.5", "+6.0", "+6.0", "+6.4", "+6.4"]
    assert re.findall(r"border:3px solid [^>]*>([^<]*)<", picture.html) == ["+6.4"]
    assert Page(picture.html).text.count("←") == 1
    assert opened.patch_grid([[-1.0]], ["a"]).alt.endswith("ahead of ·Paris in 0 of 1 patches")
    assert opened.patch_grid([[-1.0], [1]], ["a"]).alt.endswith("at a in layer 1")


def test_attention_follows_its_controls_and_reads_a_text_once():
    texts = []

    def counted(text):
        texts.append(text)
        return attend(text)

    explorer = Attention(counted, split, FRANCE, layer=2, head=1)
    assert explorer.token.label == "4 ·is"
    explorer.layer.value, explorer.head.value, explorer.token.index = 1, 0, 2
    assert explorer.render().alt.startswith("Layer 1, head 0: ·of looks at ")
    assert texts == [FRANCE]
    explorer.text.value = "One <two> three"
    assert texts == [FRANCE, "One <two> three"]
    assert explorer.token.label == "2 ·three"
    assert explorer.picture.value.count('class="course-readout"') == 6
    assert "·three looks at " in explorer.status.value
    assert "&lt;two&gt;" in explorer.picture.value and "<two>" not in explorer.picture.value


def test_each_cell_has_its_sentence_to_hover_which_the_stored_picture_has_not():
    explorer = Attention(attend, split, FRANCE)
    live, still = explorer.picture.value, explorer.still().html
    share = f"{attend(FRANCE)[0, 0, 4, 1]:.1%}"
    assert f"·is looks at ·capital: {share}" in Page(live).text
    assert "<style>" in live
    assert "course-" not in still and "Point at" not in still


def test_attention_says_in_one_sentence_what_is_wrong():
    explorer = Attention(attend, split, FRANCE)
    for text, sentence in {
        "  ": "There is no text: type a few words, then press Enter.",
        "w " * 25: "25 tokens are too many for one map: shorten it to 24.",
    }.items():
        explorer.text.value = text
        assert sentence in explorer.picture.value
        assert "<table" not in explorer.picture.value
        explorer.layer.value = 1 - explorer.layer.value
        assert sentence in explorer.picture.value
    explorer.text.value = "w " * 24
    assert "<table" in explorer.picture.value
    with pytest.raises(CourseError, match="no layer 3: choose one from 0 to 2"):
        Attention(attend, split, FRANCE, layer=3)
    with pytest.raises(CourseError, match="torch.cat"):
        Attention(lambda text: attend(text)[0], split, FRANCE)


def test_patching_shows_what_is_baked_and_points_at_the_strongest_patch():
    explorer = Patching(None, split, ITALY, FRANCE, baked=((" Rome", " Paris"), VALUES))
    assert (explorer.layer.value, explorer.token.label) == (2, "4 ·is")
    explorer.layer.value, explorer.token.index = 0, 3
    assert explorer.render().alt.startswith(
        "After layer 0, ·France got the numbers of ·Italy from the other prompt: ·Rome is ahead of ·Paris by "
        "6.0 logits, 400 times as probable. Without a patch: ·Paris is ahead of ·Rome by 7.3 logits, 1,500 "
        "times as probable. 4 layers by 5 tokens"
    )
    explorer.token.index = 4
    assert explorer.render().alt.startswith(
        "After layer 0, ·is got its numbers from the other prompt: ·Paris"
    )


def test_patching_computes_each_pair_once_and_says_what_is_wrong():
    pairs, seen = [], []

    def patch(source, target):
        pairs.append((source, target))
        seen.append("computing…" in explorer.picture.value)
        if "Spain" in source:
            raise RuntimeError("no <memory>")
        return (" Rome", " Rome") if source == "The capital of Rome is" else (" Rome", " Paris"), VALUES

    explorer = Patching(patch, split, ITALY, FRANCE, baked=((" Rome", " Paris"), VALUES))
    for source, sentence in {
        "The capital of New Zealand is": "6 tokens and “The capital of France is” 5 tokens: a patch",
        FRANCE: "Both prompts are the same",
        "The capital of Rome is": "Both prompts are continued with ·Rome",
        "The capital of Spain is": "`patch`, a function that this notebook gave to the explorer, stopped",
    }.items():
        explorer.source.value = source
        assert sentence in explorer.picture.value
        assert "<table" not in explorer.picture.value
    explorer.source.value = "The capital of Peru is"
    explorer.source.value = ITALY
    assert "<table" in explorer.picture.value
    explorer.source.value = "The capital of Peru is"
    assert [source.split()[3] for source, _ in pairs].count("Peru") == 1
    assert all(seen)
    explorer.target.value = explorer.source.value = "One"
    assert "Both prompts are the same" in explorer.picture.value
    explorer.source.value = "Two"
    assert "The prompts have 1 token: write two of 2 to 8 tokens." in explorer.picture.value
    with pytest.raises(CourseError, match=r"shape \(5, 4\), and 5 tokens need"):
        Patching(lambda source, target: ((" a", " b"), VALUES.T), split, ITALY, FRANCE)


@pytest.fixture(scope="module")
def llama():
    return course.load("llama", size="small")


def ids(tokenizer, text):
    return tokenizer(text, return_tensors="pt")["input_ids"][0]


def one_patch(model, source, target, layer, position):
    """Computes the logits of one patch in the simplest way: runs each prompt, with a hook on one layer."""
    import torch

    kept = []
    hooked = model.model.layers[layer]

    def swap(module, inputs, output):
        kept.append(output)
        if len(kept) == 2:
            patched = output.clone()
            patched[:, position] = kept[0][:, position]
            return patched

    with torch.no_grad(), hooked.register_forward_hook(swap):
        model(source[None])
        return model(target[None]).logits[0, -1]


@pytest.mark.parametrize("source", ["capital of the Italy is", "The capital of Italy was", ITALY])
@pytest.mark.parametrize(("layer", "position"), [(0, 3), (12, 0), (22, 3), (23, 4), (29, 4), (29, 2)])
def test_all_patches_in_one_run_equal_one_at_a_time(llama, source, layer, position):
    model, tokenizer = llama
    source, target = ids(tokenizer, source), ids(tokenizer, FRANCE)
    logits = patch_everywhere(model, source, target)
    assert logits.shape == (30, 5, len(tokenizer))
    expected = one_patch(model, source, target, layer, position)
    assert (logits[layer, position] - expected).abs().max() < 1e-4


def test_patches_need_two_prompts_of_one_length(llama):
    model, tokenizer = llama
    france = ids(tokenizer, FRANCE)
    for other in (france, france[:-1]):
        with pytest.raises(CourseError, match="two different prompts of the same number of tokens"):
            patch_everywhere(model, other, france)


def test_an_edit_runs_the_model_once_and_a_move_not_at_all(llama):
    import torch

    model, tokenizer = llama

    def pieces(text):
        return tokenizer.batch_decode([[i] for i in tokenizer(text)["input_ids"]])

    asked = []

    def weights(text):
        asked.append(text)
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt")
            return torch.cat(model(**inputs, output_attentions=True).attentions)

    explorer = Attention(weights, pieces, FRANCE, layer=23, head=4)
    assert explorer.still().alt.startswith("Layer 23, head 4: ·is looks at ·France 9")
    asked.clear()
    explorer.text.value = "One two three four, the big red cat sat on the mat with a dog"
    assert asked == [explorer.text.value] and "<table" in explorer.picture.value
    explorer.layer.value = 4
    assert len(asked) == 1

    def patch(source, target):
        asked.append(source)
        logits = patch_everywhere(model, ids(tokenizer, source), ids(tokenizer, target))
        theirs, ours = logits[-1, -1].argmax(), logits[-1, 0].argmax()
        return tokenizer.batch_decode([[theirs], [ours]]), logits[..., theirs] - logits[..., ours]

    patching = Patching(patch, pieces, ITALY, FRANCE)
    assert patching.still().alt.endswith("at ·France in layers 0 to 22; at ·is in layers 23 to 29")
    asked.clear()
    patching.source.value = "The capital of Spain is"
    assert asked == [patching.source.value]
    assert "<table" in patching.picture.value
