"""Checks before a download or a load: what a model needs, what is available, and what works here instead."""

import contextlib
import errno
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.lessons import megabytes
from course_utils.loading import sources

CONTAINER = Path("/sys/fs/cgroup")
LONGEST = 120  # minutes that a notebook's cell may download; a terminal may take longer
# Bytes per weight in bitsandbytes, with the scales: 64 weights share one at 4 bits, a row shares one at 8.
QUANTISED = {8: 1.01, 4: 0.52}


@dataclass(frozen=True)
class Way:
    """How a model can run here.

    bits : bits per weight; embedding and output layer have at least 16
    device : "cpu", "cuda", "both" (as many layers on the GPU as fit, the rest in main memory), or
        "offload" (a pipeline with one part at a time on the GPU)
    gpu_bytes, main_bytes : bytes that the model needs in the GPU's memory and in main memory
    """

    bits: int
    device: str
    gpu_bytes: float
    main_bytes: float

    def __str__(self):
        gpu, main = megabytes(self.gpu_bytes), megabytes(self.main_bytes)
        words = {
            "cpu": f"{main} at {self.bits} bits",
            "cuda": f"{gpu} on the GPU at {self.bits} bits",
            "both": f"{gpu} on the GPU and {main} beside it at {self.bits} bits",
            "offload": f"{gpu} on the GPU, one part at a time, and {main} beside it at {self.bits} bits",
        }[self.device]
        while_loading = self.device == "cuda" and self.main_bytes
        return words + (f", and {main} of main memory while it is loaded" if while_loading else "")


def free_memory() -> tuple[int, int]:
    """Returns the free bytes of the GPU (0 if there is none) and of main memory."""
    import torch

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0, _main_memory()[0]


def _main_memory():
    """Returns free and total bytes of main memory, within the limit of a container."""
    import psutil

    memory = psutil.virtual_memory()
    with contextlib.suppress(OSError, ValueError):  # the file says "max" if there is no limit
        limit, used = (int((CONTAINER / f"memory.{what}").read_text()) for what in ("max", "current"))
        counts = dict(line.split() for line in (CONTAINER / "memory.stat").read_text().splitlines())
        used -= int(counts["active_file"]) + int(counts["inactive_file"])  # file cache can be freed
        return min(memory.available, limit - used), min(memory.total, limit)
    return memory.available, memory.total


def plain_linear(model):
    """Returns whether transformers itself quantises all of a model's matrices while it reads them."""
    return model.architecture not in ("FalconForCausalLM", "MixtralForCausalLM")


def ways(model, four_bit=None, eight_bit=None) -> list[Way]:
    """How a model can run, best first, whether or not it fits: a full size where there is a GPU as published,
    at 8 or at 4 bits on it, else in part on it; without one at 32 bits, 16, 8 or 4 in the main memory.

    four_bit, eight_bit : as in `models.load`
    """
    asked = 4 if four_bit else 8 if eight_bit else None
    if model.size != "full":
        return [Way(asked or 32, "cpu", 0, model.memory_bytes)]
    gpu, _ = free_memory()
    if model.architecture.startswith("StableDiffusion"):
        order = [(16, "cuda"), (16, "offload"), (32, "cpu")]
    elif asked:
        order = [(asked, "cuda"), (asked, "cpu")]
    elif model.architecture.startswith("Whisper"):
        order = [(16, "cuda"), (32, "cpu")]
    else:
        order = [(16, "cuda"), (8, "cuda"), (4, "cuda"), (16, "both")]
        order += [(32, "cpu"), (16, "cpu"), (8, "cpu"), (4, "cpu")]
        refused = {bits for bits, wanted in ((4, four_bit), (8, eight_bit)) if wanted is False}
        order = [(bits, device) for bits, device in order if bits not in refused]
    return [_way(model, bits, device, gpu) for bits, device in order if gpu or device == "cpu"]


def _way(model, bits, device, gpu):
    work, published = model.work_bytes, 2 * model.parameters
    if bits in QUANTISED:
        quantised = QUANTISED[bits] * (model.parameters - model.kept_parameters) + 2 * model.kept_parameters
        # Weights that transformers leaves at 16 bits stay in main memory until `load` replaces them.
        waiting = 0 if plain_linear(model) else published
        if device == "cuda":
            return Way(bits, device, quantised + work, waiting)
        return Way(bits, device, 0, max(quantised, waiting) + work)
    if device == "cuda":
        return Way(bits, device, published + work, 0)
    if device == "offload":
        return Way(bits, device, 2 * model.largest_part + work, published)
    if device == "both":
        return Way(bits, device, min(gpu, published + work), max(0, published + work - gpu))
    return Way(bits, device, 0, model.parameters * bits / 8 + work)


def way(model, four_bit=None, eight_bit=None) -> Way:
    """Returns the best of `ways` that fits: a full size into free memory, other sizes into all memory.

    Raises CourseError: none fits.
    """
    there = ways(model, four_bit, eight_bit)
    gpu, main = free_memory() if model.size == "full" else (0, _main_memory()[1])
    for each in there:
        if each.gpu_bytes <= gpu and each.main_bytes <= main:
            return each
    least = min(there, key=lambda each: each.gpu_bytes + each.main_bytes)
    raise CourseError(
        f"{model.title} does not fit here: it takes at least {least} ({_there(gpu, main)}): close other "
        "notebooks and programs, or use a machine with more memory, and run this again."
    )


def _there(gpu, main):
    return f"there are {megabytes(main)} of main memory{f' and {megabytes(gpu)} of the GPU' if gpu else ''}"


def before_download(model, chosen=None):
    """Shows what a model needs if it is not on this machine yet; does nothing if it is.

    chosen : the `Way` in which it will be loaded; by default the best that fits

    Raises CourseError with one sentence, before anything is downloaded: too little memory or disk, a gate, a
    hub that refuses or is silent, or a download that is too long for a notebook's cell.
    """
    if sources.is_cached(model):
        return
    chosen = chosen or way(model)
    missing, disk, folder = sources.still_needed(model)
    free = sources.check_room(model, folder, disk)
    speed = sources.measured_speed(model)
    _show(f"Before the download: {model.title}", _rows(model, chosen, missing, disk, free, speed))
    if speed and in_notebook() and missing / speed > LONGEST * 60:
        raise CourseError(
            f"The {megabytes(missing)} of {model.title} would take {_time(missing, speed)}, at "
            f"{speed / 1e6:.1f} MB/s, too long for a cell: leave `course fetch {model.name}` running in a "
            "terminal, where a stop costs little, and run this again."
        )


def _rows(model, chosen, missing, disk, free, speed):
    """The table: what a model takes, and what is there."""
    gpu, main = free_memory()
    room = f"{megabytes(main)} free" + (f", GPU {megabytes(gpu)}" if gpu else ", no GPU")
    rows = [
        ("", "takes", "is there"),
        ("licence", model.licence, "gated, and you are let in" if model.gated else "no gate"),
        ("download", megabytes(missing), f"{model.sources[0]}"),
        ("disk", megabytes(disk), f"{megabytes(free)} free"),
        ("memory", str(chosen), room),
        (
            "time",
            _time(missing, speed),
            f"{speed / 1e6:.1f} MB/s, just measured" if speed else "not measured",
        ),
    ]
    if other := smaller(model):
        instead = f"{other.title} ({other.size}), {megabytes(other.memory_bytes)} of memory"
        rows.append(("instead", instead, _how(model, other).replace("`", "")))
    return rows


def _time(count, speed):
    if not speed:
        return "unknown"
    minutes = count / speed / 60
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.0f} hours"


def _show(title, rows):
    from course_utils import views
    from course_utils.views.tables import columns

    picture = views.table(rows, title=title, alt="\n".join([title, *columns(rows)]))
    if in_notebook():
        from IPython.display import display

        display(picture)
    else:
        print(picture)


def in_notebook() -> bool:
    """Returns whether a notebook's kernel, or IPython, runs this."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def smaller(model):
    """Returns the largest smaller size of the family that fits and needs no download from the hub.

    Returns None if there is none, or if the model itself does not come from the hub.
    """
    if model.sources[0].kind != "hub":
        return None
    _, main = free_memory()
    family = catalog.family_of(model.family)
    for size in reversed(catalog.SIZES[: catalog.SIZES.index(model.size)]):
        other = family.get(size)
        near = other and (other.sources[0].kind != "hub" or sources.is_cached(other))
        if near and other.memory_bytes <= main:
            return other
    return None


def _how(model, other, go_on="this cell again"):
    """Returns the code or command that continues with another size, in a notebook or a terminal."""
    if not in_notebook():
        return f"`course fetch {other.family} --size {other.size}`"
    with contextlib.suppress(CourseError):  # the family may not have the size that COURSE_SIZE says
        if catalog.find(model.family) is model:
            return f"`%env COURSE_SIZE={other.size}` and {go_on}"
    return f'`course.load("{other.family}", size="{other.size}")`'


@contextlib.contextmanager
def or_smaller(model):
    """Adds to a CourseError about a model of the hub a smaller size, and the code that loads it."""
    try:
        yield
    except CourseError as error:
        raise _and_smaller(model, error) from error.__cause__


def _and_smaller(model, error, go_on="this cell again"):
    other = smaller(model)
    if not other:
        return error
    how = _how(model, other, go_on)
    return CourseError(f"{str(error).rstrip('.')}; or go on with {other.title} ({other.size}): run {how}.")


@contextlib.contextmanager
def memory_errors(model):
    """Turns out-of-memory errors of torch, Python and the system into a CourseError of one sentence."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        gpu, main = free_memory()
        raise CourseError(
            f"The memory ran out while {model.title} was loaded ({_there(gpu, main)}): close other "
            "notebooks and programs, restart this kernel and run this again."
        ) from error


def explain_out_of_memory(model):
    """Makes later cells of a notebook show one sentence when memory runs out, instead of torch's message.

    IPython selects exceptions by class, and torch raises a RuntimeError when a CPU's memory runs out. So the
    handler gets every RuntimeError, and checks the message.
    """
    if not in_notebook():
        return
    import torch

    def told(shell, kind, error, trace, tb_offset=None):
        if is_out_of_memory(error):
            memory = "GPU's memory" if isinstance(error, torch.OutOfMemoryError) else "memory"
            sentence = CourseError(
                f"The {memory} ran out with {model.title}: ask for a shorter text or fewer at a time, delete "
                "what you no longer need, or restart this kernel."
            )
            error = _and_smaller(model, sentence, "again every cell from the one that loads it")
            kind = CourseError
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)

    sys.modules["IPython"].get_ipython().set_custom_exc((RuntimeError, MemoryError), told)


def is_out_of_memory(error):
    """Returns whether an exception of Python, torch (GPU or CPU) or the system means that memory ran out."""
    import torch

    if (
        isinstance(error, MemoryError | torch.OutOfMemoryError)
        or getattr(error, "errno", None) == errno.ENOMEM
    ):
        return True
    return bool(re.search(r"(can't|[Cc]annot) allocate memory|os error 12\b", str(error)))
