"""Lets models generate nothing twice, for tests in which dozens of answers ask a model the same."""

import contextlib

import numpy

_TENSORS = ("_parameters", "_buffers", "_modules")  # a module's attributes that hold tensors and modules


@contextlib.contextmanager
def generating():
    """Inside the block, `generate` of transformers returns what it returned for the same call.

    The same call has the same arguments, plain values and tensors, and the same model in the same state: its
    settings, and the sum of each of its tensors. What draws random numbers is computed again, and so is what
    a model with hooks or replaced functions gives.
    """
    import torch
    from transformers import GenerationMixin

    plain, known = GenerationMixin.generate, {}

    def generate(model, *arguments, **named):
        try:
            call = id(model), _state(model), _written((arguments, named))
        except TypeError:
            return plain(model, *arguments, **named)
        if call not in known:
            before = torch.get_rng_state()
            result = plain(model, *arguments, **named)
            if not isinstance(result, torch.Tensor) or not torch.equal(before, torch.get_rng_state()):
                return result
            known[call] = result, model  # a model that is kept shares its id with no other
        return known[call][0].clone()

    GenerationMixin.generate = generate
    try:
        yield
    finally:
        GenerationMixin.generate = plain


def _state(model):
    """Return what tells two states of a model apart. Raises TypeError if something else may change it."""
    import torch

    state = [str(model.config), str(model.generation_config)]
    for name, part in model.named_modules():
        if part._forward_hooks or part._forward_pre_hooks:
            raise TypeError("a hook")
        state.append(name)
        for key, value in vars(part).items():
            if callable(value) and hasattr(type(part), key):
                raise TypeError("a replaced function")
            if isinstance(value, bool | int | float | str | list | dict) and key not in _TENSORS:
                state.append(f"{key} {value!r}")
    for name, tensor in model.state_dict().items():
        stored = tensor.contiguous().view(-1).view(torch.uint8).numpy()
        words = stored[: len(stored) // 4 * 4].view(numpy.uint32)
        total = numpy.add.reduce(words, dtype=numpy.uint32)  # torch takes ten times as long
        state.append(f"{name} {total} {stored[len(words) * 4 :]}")
    return "\n".join(state)


def _written(value):
    """Return arguments, plain values and tensors, in a form that can be compared, or raise TypeError."""
    import torch

    if isinstance(value, torch.Tensor):
        return tuple(value.shape), str(value.dtype), value.cpu().numpy().tobytes()
    if isinstance(value, dict):
        return tuple((key, _written(item)) for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_written, value))
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(type(value).__name__)
