"""Tests that stopping a Llama between two layers, and then continuing, gives the library's own results."""

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError

torch = Lazy("torch")

FRANCE, ITALY = "The capital of France is", "The capital of Italy is"


@pytest.fixture(scope="module")
def llama():
    return course.opened.Stoppable(*course.load("llama", size="small"))


@pytest.fixture(scope="module")
def whole(llama):
    """Returns what the library's own forward pass gives, without a stop."""
    with torch.no_grad():
        return llama.model(**llama.tokenizer(FRANCE, return_tensors="pt"), output_hidden_states=True)


@pytest.mark.parametrize("layer", [0, 11, 28])
def test_stopping_and_going_on_equals_the_library(llama, whole, layer):
    lists = llama.stop(FRANCE, after=layer)
    assert (lists - whole.hidden_states[layer + 1][0]).abs().max() < 1e-5 * lists.abs().max()
    before = lists.clone()
    assert (llama.go_on(lists, after=layer) - whole.logits[0, -1]).abs().max() < 1e-4
    assert torch.equal(lists, before)


def test_an_exchange_equals_the_patch_of_the_explorer(llama):
    answers, effects = llama.patch(ITALY, FRANCE)
    assert answers == [" Rome", " Paris"] and effects.shape == (30, 5)
    rome, paris = (llama.tokenizer(answer)["input_ids"][0] for answer in answers)
    lists = llama.stop(FRANCE, after=22)
    lists[3] = llama.stop(ITALY, after=22)[3]
    scores = llama.go_on(lists, after=22)
    assert scores[rome] - scores[paris] == pytest.approx(effects[22, 3].item(), abs=1e-3)


def test_one_head_is_off(llama, whole):
    module = llama.model.model.layers[23].self_attn.o_proj

    def off(module, inputs):
        collected = inputs[0].clone()
        collected[..., 4 * 64 : 5 * 64] = 0
        return collected

    with torch.no_grad(), module.register_forward_pre_hook(off):
        expected = llama.model(**llama.tokenizer(FRANCE, return_tensors="pt")).logits[0, -1]
    scores = llama.scores(FRANCE, off=(23, 4))
    assert scores.shape == (49_152,)
    assert (scores - expected).abs().max() < 1e-3 < (whole.logits[0, -1] - expected).abs().max()
    assert (llama.scores(FRANCE) - whole.logits[0, -1]).abs().max() < 1e-4


def test_the_chance_of_a_token_is_its_probability(llama, whole):
    likeliest = whole.logits[0, -1].softmax(-1).max().item()
    assert llama.chance(llama.scores(FRANCE), " Paris") == pytest.approx(likeliest, abs=1e-4)


def test_all_heads_of_a_layer_are_off(llama):
    module = llama.model.model.layers[23].self_attn.o_proj
    with torch.no_grad(), module.register_forward_hook(lambda *given: 0 * given[2]):
        expected = llama.model(**llama.tokenizer(FRANCE, return_tensors="pt")).logits[0, -1]
    assert (llama.scores(FRANCE, off=(23, list(range(9)))) - expected).abs().max() < 1e-3
    with pytest.raises(CourseError, match="no head 9"):
        llama.scores(FRANCE, off=(23, [0, 9]))


def test_a_token_has_its_place_in_the_line(llama):
    scores = torch.zeros(49_152)
    scores[llama.tokenizer(" Paris")["input_ids"][0]] = 1
    assert llama.place(scores, " Paris") == 1
    assert llama.place(-scores, " Paris") == 49_000


def test_the_products_make_what_the_feed_forward_part_adds(llama):
    block, made = llama.model.model.layers[11], []
    with torch.no_grad(), block.mlp.register_forward_hook(lambda *given: made.append(given[2][0])):
        llama.model(**llama.tokenizer(FRANCE, return_tensors="pt"))
    products = llama.products(FRANCE, 11)
    assert products.shape == (5, 1536)
    assert (products @ block.mlp.down_proj.weight.T - made[0]).abs().max() < 1e-5 * made[0].abs().max()


def test_a_layer_that_does_not_exist_is_named(llama):
    for ask in (
        lambda: llama.stop(FRANCE, after=30),
        lambda: llama.go_on(llama.stop(FRANCE, after=0), after=-1),
        lambda: llama.scores(FRANCE, off=(30, 0)),
        lambda: llama.products(FRANCE, 30),
    ):
        with pytest.raises(CourseError, match=r"no layer -?\d+: choose one from 0 to 29"):
            ask()
    with pytest.raises(CourseError, match="no head 9: choose one from 0 to 8"):
        llama.scores(FRANCE, off=(0, 9))


def test_what_is_kept_is_computed_anew_after_a_change(llama):
    """No earlier result is returned after a change of a weight, or while a hook is set."""
    layer, head = llama.model.model.layers[5], (9, 3)
    plain = llama.stop(FRANCE, after=20), llama.scores(FRANCE, off=head)
    assert torch.equal(llama.stop(FRANCE, after=20), plain[0])
    with layer.register_forward_hook(lambda *given: 2 * given[2]):
        assert not torch.equal(llama.stop(FRANCE, after=20), plain[0])
        assert not torch.allclose(llama.scores(FRANCE, off=head), plain[1])
    assert torch.equal(llama.stop(FRANCE, after=20), plain[0])
    weight = layer.mlp.down_proj.weight
    with torch.no_grad():
        weight.mul_(2)
        assert not torch.equal(llama.stop(FRANCE, after=20), plain[0])
        assert not torch.allclose(llama.scores(FRANCE, off=head), plain[1])
        weight.div_(2)
    assert torch.equal(llama.stop(FRANCE, after=20), plain[0])
    assert torch.equal(llama.scores(FRANCE, off=head), plain[1])


def test_heads_one_after_the_other_give_what_each_gives_alone(llama):
    together = [llama.scores(FRANCE, off=(23, head)) for head in range(9)]
    for head in (0, 4, 8):
        alone = llama.scores(FRANCE, off=(23, [head]))
        assert (together[head] - alone).abs().max() < 1e-3
