"""Pretends that there is a GPU, to test cells that run on one.

The tensors report the device `pretend:0`, but their numbers are in the main memory. As on a real GPU, they
can't be mixed with tensors on the processor, and NumPy can't read them. So the tests find a missing
`.to(model.device)` or `.cpu()` without a GPU.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("pretend")
DEVICE = torch.device("pretend", 0)
# This makes backward run in the calling thread. When backward had a thread of its own, the process sometimes
# aborted when Python ended: 31 of 480 times on a busy machine, and 0 of 480 with this setting.
torch.autograd.set_multithreading_enabled(False)
# Operations that may mix the two devices: copying, and indexing by indices that are on the processor.
_MIXES = {"copy_", "_to_copy", "index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}


class Tensor(torch.Tensor):
    """A tensor on the pretended device; `inner` is the tensor with its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner):
        looks = {"strides": inner.stride(), "storage_offset": inner.storage_offset(), "dtype": inner.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, inner.size(), device=DEVICE, **looks)

    def __init__(self, inner):
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})

    def tolist(self):
        return self.inner.tolist()

    def numpy(self, *_, **__):
        raise TypeError("can't convert a tensor of the pretended GPU to numpy: use Tensor.cpu() first")

    __array__ = numpy

    def __repr__(self):
        return f"{self.inner!r} on {DEVICE}"

    def __format__(self, how):
        return format(self.inner.item(), how) if self.dim() == 0 else repr(self)


class Made(TorchDispatchMode):
    """In its `with` block, tensors can be made on the pretended GPU, as by `torch.ones(3, device=DEVICE)`."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if kwargs.get("device") is not None and torch.device(kwargs["device"]).type == DEVICE.type:
            return _run(operation, args, kwargs)
        return operation(*args, **kwargs)


def put(module):
    """Puts a module's parameters and buffers on the device, as `.to("cuda")` would. Returns the module."""
    for part in module.modules():
        for name, weight in part.named_parameters(recurse=False):
            setattr(part, name, torch.nn.Parameter(Tensor(weight.data), weight.requires_grad))
        for name, values in part.named_buffers(recurse=False):
            setattr(part, name, Tensor(values))
    return module


def _plain(each):
    return each.inner if isinstance(each, Tensor) else each


def _run(operation, args, kwargs):
    """Computes an operation of the pretended GPU on the processor. Raises an error where a real GPU would."""
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    ours, name = [each for each in tensors if isinstance(each, Tensor)], operation.__name__.split(".")[0]
    others = [tuple(each.shape) for each in tensors if not isinstance(each, Tensor) and each.dim()]
    if ours and others and name not in _MIXES:
        raise RuntimeError(f"{operation} expects all tensors on one device: on the processor are {others}")
    if name == "index" and ours and not isinstance(tensors[0], Tensor):
        raise RuntimeError("the indices of a tensor on the processor must be there too")
    on_device = bool(ours)
    if kwargs.get("device") is not None:
        on_device = torch.device(kwargs["device"]).type == DEVICE.type
        kwargs = kwargs | {"device": "cpu"}
    with _disable_current_modes():
        given, named = tree_map(_plain, args), tree_map(_plain, kwargs)
        if name == "histc":  # histc takes whole numbers only on a real GPU
            result = operation(given[0].float(), *given[1:], **named).to(given[0].dtype)
        else:
            result = operation(*given, **named)
    if name.endswith("_"):  # in-place operations return their first argument
        return args[0]
    known = {id(each.inner): each for each in ours}

    def wrapped(each):
        if not on_device or not isinstance(each, torch.Tensor):
            return each
        return known[id(each)] if id(each) in known else Tensor(each)

    return tree_map(wrapped, result)


def _empty(make):
    def made(*sizes, **looks):
        looks = {name: value for name, value in looks.items() if value is not None and name != "pin_memory"}
        with _disable_current_modes():
            return Tensor(make(*sizes, **looks | {"device": "cpu"}))

    return made


def _copy_from(source, target, non_blocking=False):
    with _disable_current_modes():
        _plain(target).copy_(_plain(source))
    return target


# torch's C++ code calls these three operations, for example in `torch.tensor([1, 2], device=...)`.
_LIBRARY = torch.library.Library("aten", "IMPL")
_LIBRARY.impl("empty.memory_format", _empty(torch.empty), "PrivateUse1")
_LIBRARY.impl("empty_strided", _empty(torch.empty_strided), "PrivateUse1")
_LIBRARY.impl("_copy_from", _copy_from, "PrivateUse1")
