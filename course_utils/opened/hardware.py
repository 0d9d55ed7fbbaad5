"""Measures a machine's speed and the memory of a training step, and lists services' prices. For lesson 13."""

import contextlib
import copy
import tempfile
import timeit
from types import SimpleNamespace

_NUMBERS = 128_000_000  # more numbers of 4 bytes than the caches of a processor hold


# US cents for a million tokens that Llama 3.1 8B writes, at four of the 21 services that cloudprice.net
# listed on 27 November 2026.
_CENTS = {"the cheapest service": 3, "DeepInfra": 5, "Amazon Bedrock": 22, "Cloudflare": 83}


def cents_at_services() -> dict:
    """Return prices of a million tokens written by Llama 3.1 8B: {name of a service: US cents}."""
    return dict(_CENTS)


@contextlib.contextmanager
def copies_for_a_while(name, *, size=None):
    """Give the copies of `gguf_copies` as {bits: path} inside a `with` block, and delete them afterwards."""
    from course_utils.opened.fits import gguf_copies

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield gguf_copies(name, folder, size=size)


def bytes_per_second(repeat=10) -> float:
    """Return how many bytes one thread of the processor reads from memory in a second.

    The thread adds up half a gigabyte of numbers `repeat` times, and the fastest time counts.
    """
    import torch

    numbers = torch.ones(_NUMBERS)
    return numbers.nbytes / min(timeit.repeat(numbers.sum, number=1, repeat=repeat))


def tokens_per_second(path) -> float:
    """Return how many tokens llama.cpp writes in a second on one thread.

    Of three runs of 24 tokens, the fastest counts.

    path : path of a GGUF file.
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
    speeds = [engine.handle_completions(task)["timings"]["predicted_per_second"] for _ in range(3)]
    return max(speeds)


@contextlib.contextmanager
def kept_for_backward(model):
    """Count the bytes that torch keeps for `backward`: `with kept_for_backward(model) as kept: ...`.

    The block runs the model. After it, `kept.nbytes` is the number of bytes. Memory that tensors share counts
    once. The model's parameters do not count, because they are in memory anyway.
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


def memory_of_a_step(model, batch) -> dict:
    """Return what a training step with AdamW keeps in memory, in MB (10^6 bytes).

    model : a language model of transformers, of which a copy is trained.
    batch : dict of tensors, as `course.opened.batch` returns it.

    The keys are "weights", "slopes" (gradients), "two means" (which AdamW keeps of each weight's slopes) and
    "activations" (what the layers keep for `backward`). The activations are rounded to tens of MB, because
    versions of transformers differ slightly.
    """
    import torch

    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003)
    with kept_for_backward(model) as activations:
        loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    sizes = {"weights": 0, "slopes": 0, "two means": 0}
    for weights in model.parameters():
        means = optimizer.state[weights]
        sizes["weights"] += weights.nbytes
        sizes["slopes"] += weights.grad.nbytes
        sizes["two means"] += means["exp_avg"].nbytes + means["exp_avg_sq"].nbytes
    megabytes = {part: round(size / 1e6, 1) for part, size in sizes.items()}
    return megabytes | {"activations": round(activations.nbytes / 1e7) * 10}
