"""From the catalogue to the library's own model: `load("llama")`."""

import contextlib
import errno
import importlib.util
import logging
import os
import shutil
import warnings
from pathlib import Path

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.loading import preflight, sources


def prepare():
    """Sets one thread and one seed for this process and hides progress bars; returns the number of threads.

    A lesson's outputs should be the same on every machine. A lesson's `setup` and a training call it; `load`
    does not. COURSE_THREADS sets more threads; on a shared machine two are slower than one.
    """
    import random

    import numpy
    import torch
    from transformers.utils import logging as transformers_logging

    threads = os.environ.get("COURSE_THREADS", "1")
    if not threads.isdecimal() or int(threads) < 1:
        raise CourseError(f"COURSE_THREADS is {threads!r}: set it to a whole number from 1, or not at all.")
    torch.set_num_threads(int(threads))
    # The same as `transformers.set_seed`, which spends seconds on importing peft if it is installed.
    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    transformers_logging.disable_progress_bar()
    # When peft is used, bitsandbytes recommends a package that the course does not need.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # peft still uses an old name of a transformers attribute, which causes a warning.
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    return int(threads)


@contextlib.contextmanager
def _without_a_trace():
    """Hides progress bars and the advice of bitsandbytes while a model loads, then restores the process.

    It restores both settings and the state of torch's random numbers, because a new layer draws random
    weights before the stored ones are read.
    """
    import torch
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    advice = logging.getLogger("bitsandbytes")
    level = advice.level
    advice.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        advice.setLevel(level)
        if shown:
            transformers_logging.enable_progress_bar()


def folder(name, size=None):
    """The folder that `from_pretrained` takes: fetched, verified and, if made for llama.cpp or CTranslate2,
    converted once. A tiny model came with the course. Before a download, a table shows what the model needs.

    name : a family ("llama") or a model of the catalogue ("smollm2-135m-instruct")
    size : "tiny", "small" or "full"; by default COURSE_SIZE, else the size in the lesson's set-up cell, else
        the smallest available size

    Raises CourseError with one sentence when the files can't be had, or the model can't run here.
    """
    model = catalog.find(name, size)
    with preflight.or_smaller(model):
        return _folder(model)


def _folder(model, way=None):
    """Returns the folder of a model; `way` says how it will run, for the table before a download."""
    builders = {"gguf": _gguf_to_safetensors, "ctranslate2": _ctranslate2_to_safetensors}
    preflight.before_download(model, way)
    if build := builders.get(model.format):
        return sources.convert_once(model, lambda target: build(model, target))
    return sources.fetch(model)


def load(name, size=None, four_bit=None, eight_bit=None):
    """The library's own objects: `(model, tokenizer)`, for Whisper `(model, processor)`, ready to run; for
    Stable Diffusion diffusers' pipeline, which holds all its parts.

    The same as `AutoModelForCausalLM.from_pretrained(folder(name))` in float32 on the CPU. Random seeds,
    threads and warnings stay as they were; a lesson's `setup` is what sets them. The full size
    comes in the first of `preflight.ways` that fits into the memory that is free; on a GPU, send its inputs
    there, `.to(model.device)`. Attention is "eager", so that `output_attentions=True` gives the weights (the
    default, sdpa, has none).

    name, size : as in `folder`
    four_bit, eight_bit : whether bitsandbytes stores matrices at 4 bits (NF4) or at 8 (LLM.int8); by default
        only if a full-size model is too large otherwise

    Raises what `folder` raises, and CourseError when bitsandbytes is missing or the memory runs out.
    """
    facts = catalog.find(name, size)
    if facts.size == "full":
        preflight.explain_out_of_memory(facts)
    with preflight.or_smaller(facts), preflight.memory_errors(facts), _without_a_trace():
        if facts.architecture.startswith("StableDiffusion"):
            return _load_pipeline(facts, four_bit or eight_bit)
        return _load_transformers(facts, four_bit, eight_bit)


def _load_transformers(facts, four_bit, eight_bit):
    """A model of transformers and its tokenizer or processor."""
    import torch
    import transformers

    if facts.architecture.startswith("Whisper"):
        of_model, of_inputs = transformers.AutoModelForSpeechSeq2Seq, transformers.AutoProcessor
        logging.getLogger("transformers.generation.utils").addFilter(_not_of_whisper_itself)
    else:
        of_model, of_inputs = transformers.AutoModelForCausalLM, transformers.AutoTokenizer
    way = preflight.way(facts, four_bit, eight_bit)
    if way.bits < 16:
        where = _quantised(facts, way)
    elif way.device == "both":
        free = zip((0, "cpu"), preflight.free_memory(), strict=True)
        most = {place: count - facts.work_bytes * (place == 0) for place, count in free}
        where = {"dtype": _sixteen_bits(), "device_map": "auto", "max_memory": most}
    else:
        dtype = torch.float32 if way.bits == 32 else _sixteen_bits()
        where = {"dtype": dtype} | ({"device_map": {"": 0}} if way.device == "cuda" else {})
    place = _folder(facts, way)
    model = of_model.from_pretrained(
        place,
        attn_implementation="eager",
        trust_remote_code=False,
        local_files_only=True,
        use_safetensors=True,
        **where,
    )
    if way.bits < 16:
        _quantise_rest(model, way)
    if (way.bits, way.device) == (4, "cpu"):
        _refuse_lost_gradients(model)
    return model.eval(), of_inputs.from_pretrained(place, trust_remote_code=False, local_files_only=True)


def pipeline_class(name="StableDiffusionPipeline"):
    """A pipeline of diffusers, without the advice to install torchvision that its import gives."""
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        import diffusers

        return getattr(diffusers, name)
    finally:
        transformers_logging.set_verbosity(level)


def _load_pipeline(facts, quantised):
    """Loads the whole pipeline: in float32 on the CPU, or, for a full size with a GPU, in float16 on it."""
    import diffusers
    import torch
    from diffusers.utils import logging as diffusers_logging
    from packaging.version import Version

    if quantised:
        raise CourseError(
            f"{facts.title} is not stored at 4 bits here, nor at 8: leave `four_bit` and `eight_bit` out."
        )
    way = preflight.way(facts)
    diffusers_logging.disable_progress_bar()
    # The files hold 16 bits. On a CPU all parts must be converted to one data type to work together.
    dtype = torch.float32 if way.device == "cpu" else torch.float16
    called = "dtype" if Version(diffusers.__version__) >= Version("0.40") else "torch_dtype"
    # SDXL has no safety checker; the course loads version 1.5 without its own.
    unchecked = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = pipeline_class(facts.architecture).from_pretrained(
        _folder(facts, way),
        **{called: dtype},
        **(unchecked if facts.architecture == "StableDiffusionPipeline" else {}),
        variant=facts.sources[0].variant,
        local_files_only=True,
        use_safetensors=True,
    )
    pipeline.set_progress_bar_config(disable=True)
    if way.device == "offload":
        pipeline.enable_model_cpu_offload()
    return pipeline.to("cuda") if way.device == "cuda" else pipeline


def _not_of_whisper_itself(record):
    """Returns False for two warnings that Whisper's `generate` always causes in transformers."""
    says = record.getMessage()
    return not says.startswith("Passing `generation_config` together with") and "SuppressTokens" not in says


def _sixteen_bits():
    """bfloat16, as the models are published; float16 on a GPU that has no bfloat16 of its own."""
    import torch

    old = torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 0)
    return torch.float16 if old else torch.bfloat16


def _quantised(facts, way):
    """Returns the arguments that make `from_pretrained` store linear layers at 4 or 8 bits."""
    from transformers import BitsAndBytesConfig

    if importlib.util.find_spec("bitsandbytes") is None:
        raise CourseError(
            f"{facts.title} at {way.bits} bits needs the package bitsandbytes: run `pip install "
            "bitsandbytes`, restart the kernel and run this again."
        )
    dtype = _sixteen_bits()
    if way.bits == 8:
        settings = BitsAndBytesConfig(load_in_8bit=True)
    else:
        settings = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    # Matrices left at 16 bits may not fit on the GPU: they stay in main memory until `_quantise_rest`.
    direct = way.device == "cuda" and preflight.plain_linear(facts)
    return {"dtype": dtype, "quantization_config": settings, "device_map": {"": 0 if direct else "cpu"}}


def _quantise_rest(model, way):
    """Stores at 4 or 8 bits, on `way.device`, the matrices that transformers silently leaves at 16.

    transformers replaces modules whose class is `torch.nn.Linear` itself. Falcon's linear layers have a class
    of their own, and Mixtral keeps all experts of a layer in one 3-dimensional parameter: 97% of its weights.
    A parametrisation can replace any parameter, and returns it at 16 bits whenever it is used.
    """
    import torch
    from bitsandbytes.nn import Linear4bit, Linear8bitLt
    from bitsandbytes.nn.parametrize import replace_parameter_4bit

    head = model.get_output_embeddings()
    for module in list(model.modules()):
        linear = isinstance(module, torch.nn.Linear) and not isinstance(module, Linear4bit | Linear8bitLt)
        names = [
            name
            for name, weight in module.named_parameters(recurse=False)
            if weight.ndim == 3 or (linear and weight.ndim == 2 and module is not head)
        ]
        if names:
            module.to(way.device)
        for name in names:
            if way.bits == 4:
                replace_parameter_4bit(module, name, compress_statistics=True, quant_type="nf4")
            else:
                _replace_parameter_8bit(module, name)
    torch.nn.Module.to(model, way.device)  # transformers' own `to` refuses a model that is quantised


def _refuse_lost_gradients(model):
    """Makes training raise an error if bitsandbytes has packed a matrix for fast inference on a CPU.

    bitsandbytes packs a matrix at its first forward pass unless the model is in training mode. From then on
    no gradient passes through it: adapters in earlier layers would not learn, and torch would only warn.
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


def _replace_parameter_8bit(module, name):
    """Stores a module's parameter as whole numbers from -127 to 127 with a scale for each row."""
    import torch
    from torch.nn.utils import parametrize

    class Rows(torch.nn.Module):
        def __init__(self, scales):
            super().__init__()
            self.register_buffer("scales", scales)

        @torch.no_grad()
        def forward(self, stored):
            return stored * self.scales

    caches = []

    def open_cache(module, inputs):  # a layer of experts reads the same parameter once for each expert
        caches.append(parametrize.cached())
        caches[-1].__enter__()

    def close_cache(module, inputs, output):
        caches.pop().__exit__(None, None, None)

    weight = getattr(module, name).data
    scales = weight.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 127
    # At 16 bits the scale is rounded too, so the largest weight of its row may become 128.
    whole = (weight / scales).round().clamp(-127, 127).to(torch.int8)
    setattr(module, name, torch.nn.Parameter(whole, requires_grad=False))
    parametrize.register_parametrization(module, name, Rows(scales), unsafe=True)
    module.register_forward_pre_hook(open_cache)
    module.register_forward_hook(close_cache, always_call=True)


def gguf_copies(name, folder, bits=(32, 16, 8, 4), size=None):
    """Write a model's GGUF file again, once for each width in bits, and return `{bits: path}`.

    Every matrix is stored at 32 bits (F32), 16 (F16), 8 (Q8_0) or 4 (Q4_0); the last two add one 16-bit scale
    for each block of 32 numbers. Vectors (the norms) stay at 32 bits, as in llama.cpp. The copies are
    written to `folder`, which you create and delete; for SmolLM2 they take 1.1 GB in all.

    name, size : as in `folder()`

    Raises CourseError: a model that has no GGUF file, another width, a disk with too little room, or a folder
    that can't be written. Then no copy is left behind.
    """
    import gguf

    formats = {32: "F32", 16: "F16", 8: "Q8_0", 4: "Q4_0"}
    model = catalog.find(name, size)
    if model.format != "gguf":
        raise CourseError(
            f"{model.title} has no GGUF file here: name a model that has, such as 'llama', size 'small'."
        )
    if unknown := [width for width in bits if width not in formats]:
        raise CourseError(
            f"There is no copy at {unknown[0]} bits: choose among {', '.join(map(str, formats))}."
        )
    reader = gguf.GGUFReader(sources.fetch(model))
    # Fields that the writer adds itself are left out.
    fields = [
        field
        for field in reader.fields.values()
        if not field.name.startswith("GGUF.")
        and field.name not in (gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE)
    ]
    facts = [(field.name, field.contents(), field.types) for field in fields]
    architecture = reader.fields[gguf.Keys.General.ARCHITECTURE].contents()
    tensors = {each.name: gguf.dequantize(each.data, each.tensor_type) for each in reader.tensors}
    kinds = {width: gguf.GGMLQuantizationType[formats[width]] for width in bits}
    per_weight = sum(size / block for block, size in map(gguf.GGML_QUANT_SIZES.get, kinds.values()))
    needed = per_weight * sum(values.size for values in tensors.values())
    paths = {width: Path(folder) / f"{model.name}-{width}-bit.gguf" for width in bits}
    try:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OSError(errno.ENOSPC, f"{free / 1e6:,.0f} MB are free")
        for width, kind in kinds.items():
            with contextlib.closing(gguf.GGUFWriter(paths[width], architecture)) as writer:
                for key, value, types in facts:
                    writer.add_key_value(key, value, *types[:2])
                writer.add_file_type(gguf.LlamaFileType[f"{'ALL' if width == 32 else 'MOSTLY'}_{kind.name}"])
                for key, values in tensors.items():
                    stored = values if values.ndim == 1 else gguf.quantize(values, kind)
                    writer.add_tensor(key, stored, raw_dtype=None if values.ndim == 1 else kind)
                writer.write_header_to_file()
                writer.write_kv_data_to_file()
                writer.write_tensors_to_file()
    except OSError as error:
        for path in paths.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        reason = error.strerror or "the disk may be full"  # a write that ends too early has no strerror
        raise CourseError(
            f"The copies of {model.title} can't be written to {folder} ({reason}): they need "
            f"{needed / 1e6:,.0f} MB of disk. Make room, or give a folder on another disk (for temporary "
            "folders, set TMPDIR, on Windows TEMP, and start Jupyter again), and run this again."
        ) from error
    return paths


@_without_a_trace()
def _gguf_to_safetensors(model, target):
    """Write `model`'s GGUF file to the folder `target` as config, tokenizer and float32 safetensors.

    transformers reads GGUF scalar by scalar, so this takes about 20 s. A model that was loaded from GGUF
    can't be saved. So its state dict is loaded into a new model of the same class, which can be saved and
    gives equal logits.
    """
    import torch
    import transformers

    file = sources.fetch(model)
    print(f"Converting {model.title}: once, about half a minute.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    quantised = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    config = quantised.config
    config.__dict__.pop("quantization_config", None)
    config.name_or_path = model.hub_id
    plain = getattr(transformers, model.architecture)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)


@_without_a_trace()
def _ctranslate2_to_safetensors(model, target):
    """Write `model`'s CTranslate2 files to the folder `target` as config, processor and safetensors."""
    from course_utils.loading import whisper_weights

    file = sources.fetch(model)
    print(f"Converting {model.title}: once, a few seconds.")
    whisper_weights.to_transformers(file.parent, target, model.hub_id)
