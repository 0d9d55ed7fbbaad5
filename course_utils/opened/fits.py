"""Shows which published models fit in a given memory, and writes copies of a model's file at fewer bits."""

import contextlib
import errno
import json
import shutil
from pathlib import Path

from course_utils import blueprints, catalog, loading, units
from course_utils.errors import CourseError
from course_utils.opened import cache
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

MEMORY = range(1, 1025)  # GB
BITS = (16, 8, 4)
CONTEXT = tuple(2**power for power in range(9, 18))  # 512 to 131,072 tokens
BATCH = (1, 2, 4, 8, 16, 32, 64)
# {first word of a model's title: the model's family}. For other models, this word is the family.
FAMILIES = {"Mixtral": "Mistral", "Stable": "Stable Diffusion"}
MACHINES = {8: "laptop", 16: "laptop", 24: "GPU", 80: "H100", 640: "8 H100"}  # {GB of memory: machine}


def states() -> dict:
    """Return the data of `fits.js`: facts on published models, and the memory of some machines."""
    models = [_facts(blueprints.blueprint(name)) for name in blueprints.names()]
    machines = [{"name": name, "gigabytes": memory} for memory, name in MACHINES.items()]
    return {"models": models, "machines": machines}


def _facts(plan):
    first = plan.title.split()[0]
    return {
        "title": plan.title,
        "family": FAMILIES.get(first, first),
        "parameters": plan.parameters,
        "perToken": plan.kv_cache_bytes_per_token,
        # bytes for an encoder's output, which do not depend on the number of tokens in the text
        "fixed": plan.kv_cache_bytes(1) - plan.kv_cache_bytes_per_token,
        "window": cache.window(plan),
        "limit": plan.context_length,
    }


class Fits(LiveView):
    """Shows which published models fit in a machine's memory. The learner sets the memory.

    A model needs memory for its weights and its key-value cache. A run needs more memory than this, for
    intermediate results.

    memory : int, GB (10^9 bytes) at the start, from 1 to 1,024.
    bits : int, bits per weight at the start; one of BITS.
    context : int, tokens in each text at the start; one of CONTEXT.
    batch : int, texts at once at the start; one of BATCH.

    Raises CourseError for any other value.
    """

    view = "fits"

    def __init__(self, *, memory=16, bits=16, context=2048, batch=1):
        check_choice("memory", memory, MEMORY)
        check_choice("bits per weight", bits, BITS)
        check_choice("context", context, CONTEXT)
        check_choice("batch", batch, BATCH)
        # `states()` takes seconds, so its result is stored. A test checks that the stored result is right.
        data = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
        alt = _in_words(data["models"], memory, bits, context, batch)
        chosen = {"memory": memory, "bits": bits, "context": context, "batch": batch}
        super().__init__(data=data, alt=alt, plan="Llama 3 8B", **chosen)


def _needs(model, bits, context, batch):
    """Return the bytes of a model's weights and cache, from its facts, as `needs` in `fits.js` does."""
    read = min(limit for limit in (context, model["limit"], model["window"]) if limit)
    return -(-model["parameters"] * bits // 8) + batch * (model["fixed"] + model["perToken"] * read)


def _in_words(models, memory, bits, context, batch):
    words, fitting = [], 0
    for model in models:
        need, least = (_needs(model, each, context, batch) for each in (bits, BITS[-1]))
        fits = need <= memory * 10**9
        fitting += fits
        verdict = "fits" if fits else f"does not fit; at {BITS[-1]} bits {units.size(least)}"
        words.append(f"{model['title']}: {units.size(need)}, {verdict}")
    return (
        f"{fitting} of {len(words)} models fit in {memory:,} GB, each on its own, at {bits} bits, with "
        f"{units.counted(context, 'token')} and {units.counted(batch, 'text')} at once. {'. '.join(words)}."
    )


_GGUF_FORMATS = {32: "F32", 16: "F16", 8: "Q8_0", 4: "Q4_0"}


def gguf_copies(name, folder, bits=(32, 16, 8, 4), size=None):
    """Write copies of a model's GGUF file, one for each number of bits, and return `{bits: path}`.

    Every matrix is stored at 32 bits (F32), 16 (F16), 8 (Q8_0) or 4 (Q4_0). With 8 or 4 bits, each block of
    32 numbers also has a 16-bit scale. Vectors (the norms) stay at 32 bits, as in llama.cpp. The copies are
    in `folder`, which you create and delete. For SmolLM2 they take 1.1 GB in all.

    name, size : as in `course.folder`

    Raises CourseError if the model has no GGUF file, if `bits` contains another number, if the disk has too
    little room, or if the folder can't be written. In these cases no copy is left behind.
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
        reason = error.strerror or "the disk may be full"  # strerror is None if a write ends too early
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
