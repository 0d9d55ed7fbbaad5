"""Tests that a call of `generate` is computed once, and again after any change that could matter."""

import pytest
import remembered
from lazy import Lazy

import course_utils as course

peft = Lazy("peft")
torch = Lazy("torch")


@pytest.fixture
def model():
    loaded, _ = course.load("tinyworld-llama")
    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    return peft.get_peft_model(loaded, settings).eval()


@pytest.fixture
def runs(model):
    """Counts how often the model computes."""
    counted = []
    inner, plain = model.get_base_model().model, type(model.get_base_model().model).forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(inner), "forward", lambda self, *a, **k: counted.append(1) or plain(self, *a, **k))
        yield counted


def test_only_what_may_differ_is_computed_again(model, runs):
    asked = {"input_ids": torch.tensor([[3, 4, 5]]), "max_new_tokens": 2, "do_sample": False}

    def is_computed(**more):
        before = len(runs)
        said.append(model.generate(**asked | more))
        return len(runs) > before

    said = []
    with remembered.generating():
        assert is_computed()
        assert not is_computed() and torch.equal(said[0], said[1])
        said[0].zero_()  # what a caller does with an answer stays with him
        assert not is_computed() and torch.equal(said[1], said[2])
        assert is_computed(max_new_tokens=3)
        assert is_computed(input_ids=torch.tensor([[3, 4, 6]]))
        with model.disable_adapter():
            assert is_computed() and not is_computed()
        weight = model.get_base_model().model.layers[0].mlp.up_proj.weight
        kept = weight[0, 0].item()
        weight.data[0, 0] += 1
        assert is_computed() and not is_computed()
        weight.data[0, 0] = kept
        assert not is_computed()
        assert is_computed(do_sample=True) and is_computed(do_sample=True)
        hook = model.get_base_model().model.layers[0].register_forward_hook(lambda *_: None)
        assert is_computed()
        hook.remove()
        assert not is_computed()
        model.get_base_model().lm_head.forward = lambda states: (
            -states @ model.get_base_model().lm_head.weight.T
        )
        assert is_computed()
