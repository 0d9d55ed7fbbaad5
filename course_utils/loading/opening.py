"""Opens a folder of files as the library's own model with its tokenizer, processor or other parts."""

import copy
import logging

from course_utils import seeds
from course_utils.loading import quantise


def open(folder, plan):
    """Return `(model, tokenizer)`, for Whisper `(model, processor)`, for Stable Diffusion the pipeline.

    folder, plan : as `fetch` and `plan` return them

    Raises CourseError if the plan has an obstacle.
    """
    plan.check()
    with seeds.unchanged():
        return _pipeline(folder, plan) if plan.model.is_pipeline else _model_and_inputs(folder, plan)


def _model_and_inputs(folder, plan):
    """Open a model of transformers together with its tokenizer or processor."""
    import transformers

    if plan.model.is_whisper:
        of_model, of_inputs = transformers.AutoModelForSpeechSeq2Seq, transformers.AutoProcessor
        logging.getLogger("transformers.generation.utils").addFilter(_is_useful)
    else:
        of_model, of_inputs = transformers.AutoModelForCausalLM, transformers.AutoTokenizer
    safely = {"trust_remote_code": False, "local_files_only": True}
    model = of_model.from_pretrained(
        folder, attn_implementation="eager", use_safetensors=True, **safely, **_precision_and_device(plan)
    )
    if plan.bits < 16:
        quantise.rest(model, plan)
    if plan.model.is_whisper:
        _quicken(model.get_encoder())
    return model.eval(), of_inputs.from_pretrained(folder, **safely)


def _quicken(encoder):
    """Let Whisper's encoder compute attention with sdpa, which halves its time for 1,500 positions.

    With sdpa the encoder returns no attention weights. The decoder keeps "eager", because lesson 09 reads the
    decoder's attention weights.
    """
    encoder.config = copy.copy(encoder.config)  # a copy, because the decoder shares this object
    encoder.config._attn_implementation = "sdpa"
    for layer in encoder.layers:
        layer.self_attn.config = encoder.config


def _precision_and_device(plan):
    """Return the arguments of `from_pretrained` that set the precision and the device of the weights."""
    import torch

    if plan.bits == 32:
        return {"dtype": torch.float32}
    if plan.bits < 16:
        return quantise.arguments(plan, sixteen_bits())
    if plan.device == "both":
        most = {0: plan.free_gpu_bytes - plan.model.work_bytes, "cpu": plan.free_main_bytes}
        return {"dtype": sixteen_bits(), "device_map": "auto", "max_memory": most}
    return {"dtype": sixteen_bits()} | ({"device_map": {"": 0}} if plan.device == "cuda" else {})


def sixteen_bits():
    """Return bfloat16, in which the models are published, or float16 if the GPU does not support bfloat16."""
    import torch

    old = torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 0)
    return torch.float16 if old else torch.bfloat16


def _is_useful(record):
    """Return False for log records of two warnings that transformers always gives in Whisper's `generate`."""
    message = record.getMessage()
    return (
        not message.startswith("Passing `generation_config` together with")
        and "SuppressTokens" not in message
    )


def _pipeline(folder, plan):
    """Open all parts of a pipeline: in float32 on the CPU, or, at full size with a GPU, in float16."""
    import diffusers
    import torch
    from diffusers.utils import logging as diffusers_logging
    from packaging.version import Version

    diffusers_logging.disable_progress_bar()
    # The files are in 16 bits. On a CPU all parts must have the same data type to work together.
    dtype = torch.float32 if plan.device == "cpu" else torch.float16
    argument = "dtype" if Version(diffusers.__version__) >= Version("0.40") else "torch_dtype"
    # Stable Diffusion XL has no safety checker. The course loads Stable Diffusion 1.5 without its checker.
    unchecked = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = pipeline_class(plan.model.architecture).from_pretrained(
        folder,
        **{argument: dtype},
        **(unchecked if plan.model.architecture == "StableDiffusionPipeline" else {}),
        variant=plan.source.variant,
        local_files_only=True,
        use_safetensors=True,
    )
    pipeline.set_progress_bar_config(disable=True)
    if plan.device == "offload":
        pipeline.enable_model_cpu_offload()
    return pipeline.to("cuda") if plan.device == "cuda" else pipeline


def pipeline_class(name="StableDiffusionPipeline"):
    """Return a pipeline class of diffusers. Hide the import's advice to install torchvision."""
    from transformers.utils import logging as transformers_logging

    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        import diffusers

        return getattr(diffusers, name)
    finally:
        transformers_logging.set_verbosity(level)
