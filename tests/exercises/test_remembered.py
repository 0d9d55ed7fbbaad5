"""Tests that equal calls of a model are computed only once, unless a change between them could matter."""

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
    """Yields a list that gets one entry each time the model computes."""
    counted = []
    inner, plain = model.get_base_model().model, type(model.get_base_model().model).forward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(inner), "forward", lambda self, *a, **k: counted.append(1) or plain(self, *a, **k))
        yield counted


WRITES = {"max_new_tokens": 2, "do_sample": False}


@pytest.mark.parametrize("way", ["generate", "run"])
def test_only_what_may_differ_is_computed_again(model, runs, way):
    base, said = model.get_base_model(), []

    def is_computed(**more):
        before, call = len(runs), base.generate if way == "generate" else base
        asked = {"input_ids": torch.tensor([[3, 4, 5]])} | (WRITES if way == "generate" else {}) | more
        with torch.no_grad():
            result = call(**asked)
        said.append(result if way == "generate" else result.logits)
        return len(runs) > before

    with remembered.computing():
        assert is_computed()
        assert not is_computed() and torch.equal(said[0], said[1])
        said[0].zero_()  # this must not change the remembered result
        assert not is_computed() and torch.equal(said[1], said[2])
        assert is_computed(input_ids=torch.tensor([[3, 4, 6]]))
        assert is_computed(use_cache=False) and not is_computed(use_cache=False)
        with model.disable_adapter():
            assert is_computed() and not is_computed()
        weight = base.model.layers[0].mlp.up_proj.weight
        kept = weight[0, 0].item()
        weight.data[0, 0] += 1
        assert is_computed() and not is_computed()
        weight.data[0, 0] = kept
        assert not is_computed()
        hook = base.model.layers[0].register_forward_hook(lambda *_: None)
        assert is_computed()
        hook.remove()
        assert not is_computed()
        base.lm_head.forward = lambda states: -states @ base.lm_head.weight.T
        assert is_computed()


def test_what_draws_or_keeps_gradients_or_goes_on_is_computed_again(model, runs):
    ids = torch.tensor([[3, 4, 5]])
    with remembered.computing():
        for _ in range(2):
            before = len(runs)
            model.generate(input_ids=ids, max_new_tokens=2, do_sample=True)
            assert len(runs) > before
            model(input_ids=ids, labels=ids).loss.backward()
            with torch.no_grad():
                begun = model(input_ids=ids).past_key_values
                before = len(runs)
                model(input_ids=ids, past_key_values=begun)
                assert begun.get_seq_length() == 6 and len(runs) > before
