"""Shows which published models fit in a memory, and writes a model's file again at fewer bits."""

import contextlib
import errno
import shutil
from html import escape
from pathlib import Path

import ipywidgets
import psutil

from course_utils import blueprints, catalog, loading, units
from course_utils.errors import CourseError
from course_utils.views.picture import BLUE, INK, LINE, ORANGE, QUIET, TRACK, Picture, card
from course_utils.widgets.explorer import Explorer, check_choice, labelled

MEMORY = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 512, 640, 1024, 2048)  # GB
BITS = (32, 16, 8, 4)
CONTEXT = tuple(2**power for power in range(9, 18))  # 512 to 131,072 tokens
BATCH = (1, 2, 4, 8, 16, 32, 64)
_DTYPE_OF_BITS = {bits: dtype for dtype, bits in blueprints.BITS.items()}


class Fits(Explorer):
    """Shows the memory that each published model needs, compared with a memory that the learner chooses.

    Other sliders choose bits, context and batch. The bars show weights and key-value cache. A run of the
    model needs more memory than this, for intermediate results.

    memory : int, GB (10^9 bytes) at the start; one of MEMORY.
    bits : int, bits per weight at the start; one of BITS.
    context : int, tokens in each sequence at the start; one of CONTEXT.
    batch : int, sequences in a batch at the start; one of BATCH.

    Raises CourseError if a slider has no such value.
    """

    def __init__(self, *, memory=16, bits=16, context=2048, batch=1):
        # It takes up to a second to count a blueprint, so all are counted before a slider is moved.
        self.plans = [blueprints.blueprint(name) for name in blueprints.names()]
        self.memory = _slider("memory (GB)", memory, MEMORY)
        self.bits = _slider("bits per weight", bits, BITS)
        self.context = _slider("context (tokens)", context, CONTEXT)
        self.batch = _slider("batch (texts at once)", batch, BATCH)
        super().__init__([self.memory, self.bits, self.context, self.batch])

    def render(self):
        installed = psutil.virtual_memory().total / 1e9
        return self._draw(
            f"This machine has {installed:.0f} GB of memory in all, for every program that runs on it."
        )

    def still(self):
        """Return the picture for a notebook that is read without a kernel.

        It does not state this machine's memory, because the reader has another machine.
        """
        return self._draw()

    def _draw(self, this_machine=""):
        memory = self.memory.value * 10**9
        rows, words, fitting = "", [], 0
        for plan in self.plans:
            weights, cache, read = self._needs(plan, self.bits.value, self.context.value, self.batch.value)
            fits = weights + cache <= memory
            fitting += fits
            verdict = "fits" if fits else f"does not fit, {self._remedy(plan)}"
            limit = f" (at most {read:,} tokens)" if cache and read < self.context.value else ""
            needs = f"{units.size(weights + cache)}{limit}"
            rows += _row(plan.title, weights, cache, memory, needs, verdict)
            words.append(f"{plan.title}: {needs}, {verdict}")
        title = (
            f"{fitting} of {len(self.plans)} published models fit: {self.memory.value:,} GB of memory, "
            f"{self.bits.value} bits, {self.context.value:,} tokens, batch {self.batch.value}"
        )
        note = (
            "Bar: weights (solid), then key-value cache (striped). Full width: twice the memory; » goes on. "
            "Dashed line: the memory, in GB of 10⁹ bytes: a chip sold as 16 GB holds 17.2 of them. The "
            "working space of a pass comes on top, and other programs need memory too. Real 4- and 8-bit "
            "files are a little larger: they add scales."
        )
        above = f'<div style="margin-bottom:8px">{escape(this_machine)}</div>' if this_machine else ""
        alt = " ".join(filter(None, [f"{title}.", this_machine, "; ".join(words)]))
        return Picture(card(above + rows, title, note), alt)

    @staticmethod
    def _needs(plan, bits, context, batch):
        """Return the bytes of the weights, the bytes of the cache, and how many tokens the model can read."""
        read = min(context, plan.context_length or context)
        row = plan.memory(read, batch)[_DTYPE_OF_BITS[bits]]
        return row["weights"], row["kv_cache"], read

    def _remedy(self, plan):
        """Name the shortest move of a slider that makes the model fit, or the memory needed at 4 bits."""
        now = {"bits": self.bits.value, "context": self.context.value, "batch": self.batch.value}
        sliders = (
            ("batch", BATCH, "a batch of {:,}"),
            ("context", CONTEXT, "a context of {:,} tokens"),
            ("bits", BITS, "{} bits"),
        )
        remedies = []  # (number of positions that the slider moves, words)
        for name, values, words in sliders:
            smaller = sorted((value for value in values if value < now[name]), reverse=True)
            for moves, value in enumerate(smaller, 1):
                weights, cache, _ = self._needs(plan, **(now | {name: value}))
                if weights + cache <= self.memory.value * 10**9:
                    remedies.append((moves, words.format(value)))
                    break
        if remedies:
            # If several moves are equally short, take the first.
            _, shortest = min(remedies, key=lambda remedy: remedy[0])
            return f"but at {shortest} it would"
        weights, cache, _ = self._needs(plan, **(now | {"bits": BITS[-1]}))
        return f"and at {BITS[-1]} bits needs {units.size(weights + cache)}"


def _slider(description, start, values):
    check_choice(description, start, values)
    return ipywidgets.SelectionSlider(value=start, options=labelled(values), description=description)


def _row(title, weights, cache, memory, needs, verdict):
    """Return HTML of one model: the name and the verdict, and a bar below them."""
    solid, striped = (100 * part / (2 * memory) for part in (weights, cache))
    beyond = solid + striped > 100
    solid = min(solid, 100)
    striped = min(striped, 100 - solid)
    stripes = f"repeating-linear-gradient(45deg,{ORANGE} 0 3px,#ffffff 3px 6px)"
    look = "position:absolute;top:0;height:12px"
    bar = (
        f'<div style="{look};left:0;min-width:2px;width:{solid:.1f}%;background:{BLUE}"></div>'
        f'<div style="{look};left:{solid:.1f}%;width:{striped:.1f}%;background:{stripes}"></div>'
    )
    if beyond:
        bar += f'<div style="{look};right:3px;line-height:10px;color:#ffffff;font-weight:700">»</div>'
    verdict = f"<b>✓ {escape(verdict)}</b>" if verdict == "fits" else f"✗ {escape(verdict)}"
    return (
        f'<div style="padding:5px 0;border-top:1px solid {LINE}">'
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 14px">'
        f'<div><b>{escape(title)}</b> <span style="color:{QUIET}">{escape(needs)}</span></div>'
        f"<div>{verdict}</div></div>"
        f'<div style="position:relative;height:12px;background:{TRACK};margin-top:3px">{bar}'
        '<div style="position:absolute;left:50%;top:-3px;bottom:-3px;width:0;'
        f'border-left:2px dashed {INK}"></div></div></div>'
    )


_GGUF_FORMATS = {32: "F32", 16: "F16", 8: "Q8_0", 4: "Q4_0"}


def gguf_copies(name, folder, bits=(32, 16, 8, 4), size=None):
    """Write copies of a model's GGUF file, one for each number of bits, and return `{bits: path}`.

    Every matrix is stored at 32 bits (F32), 16 (F16), 8 (Q8_0) or 4 (Q4_0). With 8 or 4 bits, each block of
    32 numbers also has a 16-bit scale. Vectors (the norms) stay at 32 bits, as in llama.cpp. The copies are
    in `folder`, which you create and delete. For SmolLM2 they take 1.1 GB in all.

    name, size : as in `course.folder`

    Raises CourseError if the model has no GGUF file, if `bits` has another number, if the disk has too little
    room, or if the folder can't be written. In these cases no copy is left behind.
    """
    import gguf

    model = catalog.find(name, size)
    if model.format != "gguf":
        raise CourseError(
            f"{model.title} has no GGUF file here: name a model that has, such as 'llama', size 'small'."
        )
    if unknown := [width for width in bits if width not in _GGUF_FORMATS]:
        raise CourseError(
            f"There is no copy at {unknown[0]} bits: choose among {', '.join(map(str, _GGUF_FORMATS))}."
        )
    reader = gguf.GGUFReader(loading.weights(model.name))
    tensors = {each.name: gguf.dequantize(each.data, each.tensor_type) for each in reader.tensors}
    formats = {width: gguf.GGMLQuantizationType[_GGUF_FORMATS[width]] for width in bits}
    bytes_per_weight = sum(size / block for block, size in map(gguf.GGML_QUANT_SIZES.get, formats.values()))
    needed = bytes_per_weight * sum(values.size for values in tensors.values())
    paths = {width: Path(folder) / f"{model.name}-{width}-bit.gguf" for width in bits}
    try:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OSError(errno.ENOSPC, f"{units.size(free, 'MB')} are free")
        for width, path in paths.items():
            _write_gguf(path, reader.fields, tensors, formats[width])
    except OSError as error:
        for path in paths.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        reason = error.strerror or "the disk may be full"  # a write that ends too early has no strerror
        raise CourseError(
            f"The copies of {model.title} can't be written to {folder} ({reason}): they need "
            f"{units.size(needed, 'MB')} of disk. Make room, or give a folder on another disk (for temporary "
            "folders, set TMPDIR, on Windows TEMP, and start Jupyter again), and run this again."
        ) from error
    return paths


def _write_gguf(path, fields, tensors, format):
    """Write a GGUF file with the given fields, and with the matrices in a format such as Q4_0."""
    import gguf

    architecture = gguf.Keys.General.ARCHITECTURE
    added_by_the_writer = (architecture, gguf.Keys.General.FILE_TYPE)
    with contextlib.closing(gguf.GGUFWriter(path, fields[architecture].contents())) as writer:
        for name, field in fields.items():
            if not name.startswith("GGUF.") and name not in added_by_the_writer:
                writer.add_key_value(name, field.contents(), *field.types[:2])
        prefix = "ALL" if format.name == "F32" else "MOSTLY"
        writer.add_file_type(gguf.LlamaFileType[f"{prefix}_{format.name}"])
        for name, values in tensors.items():
            if values.ndim == 1:
                writer.add_tensor(name, values)
            else:
                writer.add_tensor(name, gguf.quantize(values, format), raw_dtype=format)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
