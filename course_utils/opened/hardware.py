"""Measures a machine, and the memory that a step of training takes. For lesson 13."""

import contextlib
import timeit
from types import SimpleNamespace

_NUMBERS = 128_000_000  # of 4 bytes each: more than the caches of a processor hold


def bytes_per_second(repeat=10) -> float:
    """Return how many bytes one thread of the processor reads from memory in a second.

    It adds up half a gigabyte of numbers, and the best of `repeat` times counts.
    """
    import torch

    numbers = torch.ones(_NUMBERS)
    return numbers.nbytes / min(timeit.repeat(numbers.sum, number=1, repeat=repeat))


def tokens_per_second(path, repeat=4) -> float:
    """Return how many tokens llama.cpp writes in a second on one thread.

    path : path of a GGUF file.
    repeat : int, runs of 24 tokens; the best one counts.
    """
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(path)
    settings.n_ctx = 512
    settings.n_gpu_layers = 0
    settings.verbosity = -1
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    engine = xllamacpp.Server(settings)
    task = {"prompt": "The sky is blue because", "max_tokens": 24, "ignore_eos": True}
    speeds = [engine.handle_completions(task)["timings"]["predicted_per_second"] for _ in range(repeat)]
    return max(speeds)


@contextlib.contextmanager
def kept_for_backward(model):
    """Count what torch keeps for `backward` while a model computes: `with kept_for_backward(model) as kept:`.

    After the block `kept.nbytes` is the number of bytes. Each piece of memory counts once, and the model's
    parameters, which are there anyway, do not count.
    """
    import torch

    parameters = {each.untyped_storage().data_ptr() for each in model.parameters()}
    sizes = {}
    kept = SimpleNamespace(nbytes=0)

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept
    kept.nbytes = sum(sizes.values())
