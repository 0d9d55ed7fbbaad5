"""Stores all matrices of a model at 4 bits (NF4) or 8 bits, even those that transformers would skip.

With bitsandbytes, transformers replaces modules whose class is `torch.nn.Linear` itself, by modules at 4 bits
(NF4) or 8 bits (LLM.int8). It leaves all other modules at 16 bits without a warning. Falcon's linear layers
have a class of their own, and Mixtral keeps all experts of a layer in one 3-dimensional parameter; the
experts are 97% of Mixtral's weights. The function `rest` stores these matrices at 4 or 8 bits, too. It uses
torch's parametrisations, which convert a stored parameter to 16 bits whenever it is read.
"""

from course_utils.errors import CourseError


def arguments(plan, dtype):
    """Return the arguments that make `from_pretrained` store linear layers at `plan.bits`.

    dtype : the 16-bit data type of torch in which the layers compute
    """
    from transformers import BitsAndBytesConfig

    if plan.bits == 8:
        settings = BitsAndBytesConfig(load_in_8bit=True)
    else:
        settings = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    # Matrices left at 16 bits may not fit on the GPU, so they stay in main memory until `rest` handles them.
    direct = plan.device == "cuda" and plan.model.is_plain_linear
    return {"dtype": dtype, "quantization_config": settings, "device_map": {"": 0 if direct else "cpu"}}


def rest(model, plan):
    """Convert the matrices that are still at 16 bits to `plan.bits`, and move the model to `plan.device`."""
    import torch
    from bitsandbytes.nn.parametrize import replace_parameter_4bit

    head = model.get_output_embeddings()
    for module in list(model.modules()):
        names = _wide_matrices(module, head)
        if names:
            module.to(plan.device)
        for name in names:
            if plan.bits == 4:
                replace_parameter_4bit(module, name, compress_statistics=True, quant_type="nf4")
            else:
                _replace_parameter_8bit(module, name)
        if names and plan.bits == 8:
            _cache_while_running(module)
    torch.nn.Module.to(model, plan.device)  # the `to` method of transformers refuses a quantised model
    if (plan.bits, plan.device) == (4, "cpu"):
        _refuse_lost_gradients(model)


def _wide_matrices(module, head):
    """Return the names of those of a module's parameters that `rest` must quantise.

    These are 3-dimensional parameters, and the weights of linear layers that transformers did not replace.
    The output layer, `head`, stays at 16 bits.
    """
    import torch
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    is_linear = isinstance(module, torch.nn.Linear) and not isinstance(module, Linear4bit | Linear8bitLt)
    return [
        name
        for name, weight in module.named_parameters(recurse=False)
        if weight.ndim == 3 or (is_linear and weight.ndim == 2 and module is not head)
    ]


def _replace_parameter_8bit(module, name):
    """Store a module's parameter as whole numbers from -127 to 127, with one scale for each row."""
    import torch
    from torch.nn.utils import parametrize

    class TimesScales(torch.nn.Module):
        def __init__(self, scales):
            super().__init__()
            self.register_buffer("scales", scales)

        @torch.no_grad()
        def forward(self, stored):
            return stored * self.scales

    weight = getattr(module, name).data  # shape (…, rows, columns)
    scales = weight.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 127  # one scale for each row: (…, rows, 1)

    # Clamp, because a scale that was rounded down to 16 bits would turn the largest weight into 128.
    stored = (weight / scales).round().clamp(-127, 127).to(torch.int8)
    setattr(module, name, torch.nn.Parameter(stored, requires_grad=False))
    parametrize.register_parametrization(module, name, TimesScales(scales), unsafe=True)


def _cache_while_running(module):
    """Make a module convert each of its parametrised parameters only once in a forward pass.

    A layer of experts reads the same parameter once for each expert.
    """
    from torch.nn.utils import parametrize

    open_caches = []  # several may be open, because a module may run again inside its own forward pass

    def open_cache(module, inputs):
        cache = parametrize.cached()
        cache.__enter__()
        open_caches.append(cache)

    def close_cache(module, inputs, output):
        open_caches.pop().__exit__(None, None, None)

    module.register_forward_pre_hook(open_cache)
    module.register_forward_hook(close_cache, always_call=True)


def _refuse_lost_gradients(model):
    """Make training raise an error if bitsandbytes has packed a matrix for fast inference on a CPU.

    bitsandbytes packs a matrix at its first forward pass unless the model is in training mode. No gradient
    passes through a packed matrix, so adapters in earlier layers would not learn, and torch would only warn.
    """
    from bitsandbytes.nn import Linear4bit

    def check(module, inputs):
        packed = getattr(module.weight.quant_state, "packing_format_for_cpu", False)
        if packed and inputs[0].requires_grad:
            raise CourseError(
                "This model has answered before, and its 4-bit matrices are packed for that: load it again "
                "and call `model.train()` before it first answers, then it can be trained."
            )

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.register_forward_pre_hook(check)
