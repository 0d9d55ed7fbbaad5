"""Tests the attention explorer on prepared maps, and the patching explorer on prepared values and SmolLM2."""

import base64
import json
from pathlib import Path

import numpy
import pytest

import course_utils as course
from course_utils import CourseError, opened
from course_utils.opened import real_heads
from course_utils.opened.attention import Attention
from course_utils.opened.patching import Patching, effects, patch_everywhere

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
VALUES = numpy.full((4, 5), -7.3)
VALUES[:2, 3], VALUES[3, 3], VALUES[2:, 4] = 6.0, 0.5, 6.4


def test_patches_are_told_in_words():
    assert effects(VALUES, PIECES) == (
        "4 layers by 5 tokens, from −7.3 to 6.4 logits. ·Rome ahead of ·Paris in 5 of 20 patches: at ·France "
        "in layers 0 to 1 and 3; at ·is in layers 2 to 3"
    )
    assert effects(numpy.array([[-1.0]]), ["a"]).endswith("ahead of ·Paris in 0 of 1 patches")
    assert effects(numpy.array([[-1.0], [1]]), ["a"]).endswith("at a in layer 1")


def unpacked(sentence):
    """Returns the attention maps of a sentence as an array of shape (layers × heads, tokens, tokens)."""
    count = len(sentence["tokens"])
    shares = numpy.frombuffer(base64.b64decode(sentence["maps"]), numpy.uint8).reshape(
        -1, count * (count + 1) // 2
    )
    maps = numpy.zeros((len(shares), count, count))
    maps[:, *numpy.tril_indices(count)] = shares / 255
    return maps


def test_attention_hands_all_maps_to_its_view_and_reads_a_text_once():
    texts = []

    def counted(text):
        texts.append(text)
        return attend(text)

    view = Attention(counted, split, FRANCE, layer=2, head=1)
    data, row = view.widget.data, WEIGHTS[2, 1, -1]
    assert (data["layers"], data["heads"]) == (LAYERS, HEADS)
    assert data["sentences"][0]["tokens"] == PIECES
    assert numpy.abs(unpacked(data["sentences"][0]) - WEIGHTS.reshape(-1, 5, 5)).max() < 0.5 / 255 + 1e-9
    chosen = view.widget.head, view.widget.row, view.widget.column
    assert chosen == (2 * HEADS + 1, 4, row.argmax())
    most = PIECES[row.argmax()].replace(" ", "·")
    assert view.alt.startswith(f"Layer 2, head 1: ·is looks at {most} {row.max():.1%}, ")
    [said] = view.replies({"text": "One <two> three"})
    assert said["tokens"] == ["One", " <two>", " three"] and unpacked(said).shape == (6, 3, 3)
    assert texts == [FRANCE, "One <two> three"]


def test_further_texts_can_be_chosen_at_once():
    view = Attention(attend, split, FRANCE, others=["One two", "One two three"])
    sentences = view.widget.data["sentences"]
    assert [len(sentence["tokens"]) for sentence in sentences] == [5, 2, 3]
    assert unpacked(sentences[2]).shape == (LAYERS * HEADS, 3, 3)
    with pytest.raises(CourseError, match="25 tokens are too many"):
        Attention(attend, split, FRANCE, others=["w " * 25])


def test_stored_heads_are_packed_as_the_explorer_packs_them():
    stored = json.loads((Path(opened.__file__).parent / "heads.json").read_text(encoding="utf-8"))
    maps = [unpacked(sentence) for sentence in stored["sentences"]]
    assert all(len(each) == stored["layers"] * stored["heads"] for each in maps)
    assert all(numpy.abs(each.sum(-1) - 1).max() < 0.02 for each in maps)


def test_attention_says_in_one_sentence_what_is_wrong():
    view = Attention(attend, split, FRANCE)
    for text, sentence in {
        "  ": "There is no text: type a few words, then press Enter.",
        "w " * 25: "25 tokens are too many for one map: shorten it to 24.",
    }.items():
        assert list(view.replies({"text": text})) == [{"want": {"text": text}, "error": sentence}]
    with pytest.raises(CourseError, match="no layer 3: choose one from 0 to 2"):
        Attention(attend, split, FRANCE, layer=3)
    with pytest.raises(CourseError, match="torch.cat"):
        Attention(lambda text: attend(text)[0], split, FRANCE)


def said(view, **want):
    """Sends the view the request `want`. Returns the answer."""
    view.widget.want = want
    return view.widget.said


def test_patching_points_at_the_strongest_patch():
    view = Patching(lambda *_: ((" Rome", " Paris"), VALUES), split, ITALY, FRANCE)
    assert (view.widget.layer, view.widget.token) == (2, 4)
    known = view.widget.data["known"]
    assert known["want"] == {"source": ITALY, "target": FRANCE}
    assert known["pieces"] == [split(ITALY), PIECES] and known["values"] == VALUES.tolist()
    assert view.alt.startswith(
        "After layer 2, ·is gets its numbers from the other prompt: ·Rome is ahead of ·Paris by 6.4 logits, "
        "600 times as probable. Without a patch: ·Paris is ahead of ·Rome by 7.3 logits, 1,500 times as "
        "probable. 4 layers by 2 tokens, from −7.3 to 6.4 logits. ·Rome ahead of ·Paris in 5 of 8 patches"
    )


def test_patching_answers_for_any_pair_and_says_what_is_wrong():
    def patch(source, target):
        if "Spain" in source:
            raise RuntimeError("no <memory>")
        return (" Rome", " Rome") if source == "The capital of Rome is" else (" Lima", " Paris"), VALUES

    view = Patching(patch, split, ITALY, FRANCE)
    assert said(view, source="The capital of Peru is", target=FRANCE)["answers"] == [" Lima", " Paris"]
    for source, sentence in {
        "The capital of New Zealand is": "6 tokens and “The capital of France is” 5 tokens: a patch",
        FRANCE: "Both prompts are the same",
        "The capital of Rome is": "Both prompts are continued with ·Rome",
        "The capital of Spain is": "`patch`, a function that this notebook gave to the explorer, stopped",
    }.items():
        assert sentence in said(view, source=source, target=FRANCE)["error"]
    message = "The prompts have 1 token: write two of 2 to 8 tokens."
    assert said(view, source="Two", target="One")["error"] == message
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
def test_all_patches_in_one_run_equal_one_at_a_time(llama, source):
    model, tokenizer = llama
    source, target = ids(tokenizer, source), ids(tokenizer, FRANCE)
    logits = patch_everywhere(model, source, target)
    assert logits.shape == (30, 5, len(tokenizer))
    for layer, position in [(0, 3), (12, 0), (22, 3), (23, 4), (29, 4), (29, 2)]:
        expected = one_patch(model, source, target, layer, position)
        assert (logits[layer, position] - expected).abs().max() < 1e-4, (layer, position)


def test_patches_need_two_prompts_of_one_length(llama):
    model, tokenizer = llama
    france = ids(tokenizer, FRANCE)
    for other in (france, france[:-1]):
        with pytest.raises(CourseError, match="two different prompts of the same number of tokens"):
            patch_everywhere(model, other, france)


def test_an_edit_runs_the_model_once(llama):
    import torch

    model, tokenizer = llama

    def pieces(text):
        return tokenizer.batch_decode([[i] for i in tokenizer(text)["input_ids"]])

    def weights(text):
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt")
            return torch.cat(model(**inputs, output_attentions=True).attentions)

    attention = Attention(weights, pieces, FRANCE, layer=23, head=4)
    assert attention.alt.startswith("Layer 23, head 4: ·is looks at ·France 9")
    stored = json.loads((Path(opened.__file__).parent / "heads.json").read_text(encoding="utf-8"))
    ours, theirs = attention.widget.data["sentences"][0], stored["sentences"][0]
    assert ours["tokens"] == theirs["tokens"]
    assert numpy.abs(unpacked(ours) - unpacked(theirs)).max() <= 1 / 255 + 1e-9
    answer = theirs["answer"]
    assert answer["pair"] == [16 * 9 + 0, 23 * 9 + 4] and len(answer["without"]) == 270
    assert abs(real_heads.probability_of(" Paris", FRANCE) - answer["share"]) < 1
    for head in answer["pair"]:
        now = real_heads.probability_of(" Paris", FRANCE, *divmod(head, 9))
        assert abs(now - answer["without"][head]) < 1
    asked = []

    def patch(source, target):
        asked.append(source)
        logits = patch_everywhere(model, ids(tokenizer, source), ids(tokenizer, target))
        theirs, ours = logits[-1, -1].argmax(), logits[-1, 0].argmax()
        return tokenizer.batch_decode([[theirs], [ours]]), logits[..., theirs] - logits[..., ours]

    patching = Patching(patch, pieces, ITALY, FRANCE)
    assert patching.alt.endswith("at ·France in layers 0 to 22; at ·is in layers 23 to 29")
    asked.clear()
    spain = said(patching, source="The capital of Spain is", target=FRANCE)
    assert asked == [spain["want"]["source"]] and spain["answers"] == [" Madrid", " Paris"]
