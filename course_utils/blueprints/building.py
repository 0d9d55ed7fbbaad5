"""Builds models on torch's "meta" device, where a tensor has a shape but holds no numbers."""

import contextlib
import inspect
import logging
import os
import re
import warnings

from course_utils.blueprints.config import check_names, check_spelling, text_config
from course_utils.errors import CourseError

_MOST_TENSORS = 100_000  # building a model with more parameter tensors takes minutes and gigabytes

# Model types that transformers does not know, each with a known type of the same architecture.
_SAME_ARCHITECTURE = {
    # Kimi K2 has DeepSeek-V3's architecture. Its model_type differs only so that servers can tell the two
    # models apart; users may set it to deepseek_v3. Source: MoonshotAI/Kimi-K2, docs/deploy_guidance.md.
    "kimi_k2": "deepseek_v3",
}


def build(values, class_names, source):
    """Build the model of a config: return (model, config object, builder, note).

    values : the values of a config.json
    class_names : the name of a class, or a config's list of class names ("architectures"), or None
    source : where the config comes from, for messages

    The model is on the meta device. The builder is a function from a config object to such a model. The note
    says if only a part of the model was built, or if a model of another type was built in its place.
    Otherwise the note is "".
    """
    if "model_type" not in values:
        return _build_diffusers(values, class_names, source)
    values, note = _known_elsewhere(values)
    config = _transformers_config(values, source)
    builder = _on_meta_device(_constructor(config, class_names, source), source)
    try:
        return builder(config), config, builder, note
    except ImportError as error:
        return _build_text_part(config, error, source)


def _on_meta_device(make, source):
    """Return a function that takes a config, and returns the model that `make` builds on the meta device."""

    def builder(config):
        import torch

        with torch.device("meta"), _limited_tensors(source):
            return make(config)

    return builder


def _transformers_config(values, source):
    """Return the config object of a config.json of transformers."""
    import transformers

    model_type = values["model_type"]
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        code = "its author's own code" + (" (auto_map)" if "auto_map" in values else "")
        raise CourseError(
            f"{source} has the model_type {str(model_type)[:60]!r}, which transformers "
            f"{transformers.__version__} does not know: counting it needs a newer transformers, or {code}, "
            "which the course never runs."
        )
    # Leave out the format in which the weights are stored: it does not change how many weights the model has.
    # Leave out auto_map, too, which names code of the model's author.
    plain = {name: value for name, value in values.items() if name not in ("quantization_config", "auto_map")}
    config = transformers.CONFIG_MAPPING[model_type].from_dict(plain)
    check_spelling(plain, config, source)
    return config


def _constructor(config, class_names, source):
    """Return the function of transformers that builds a model from this config."""
    import transformers

    automatic = [
        transformers.AutoModelForCausalLM,
        transformers.AutoModelForSeq2SeqLM,
        transformers.AutoModelForSpeechSeq2Seq,
        transformers.AutoModelForImageTextToText,
        transformers.AutoModel,
    ]
    automatic = [auto for auto in automatic if type(config) in auto._model_mapping]
    default_classes = [auto._model_mapping[type(config)] for auto in automatic]
    stated = _stated_classes(class_names)
    for stated_class in stated:
        if stated_class in default_classes or isinstance(config, stated_class.config_class or ()):
            return stated_class._from_config
    if stated:
        other = getattr(stated[0].config_class, "model_type", None)
        raise CourseError(
            f"{source} has the model_type {config.model_type!r} and the architecture "
            f"{stated[0].__name__}, which belongs to the model_type {other!r}: correct the one that is wrong."
        )
    if not automatic:
        raise CourseError(
            f"{source} has the model_type {config.model_type!r}, of which transformers builds no model by "
            "itself."
        )
    return automatic[0].from_config


def _stated_classes(names):
    """Return the classes that a config lists under "architectures", without those that transformers lacks."""
    import transformers

    names = [names] if isinstance(names, str) else names or []
    found = [getattr(transformers, name, None) for name in names if isinstance(name, str)]
    return [one for one in found if isinstance(one, type) and hasattr(one, "config_class")]


def _known_elsewhere(values):
    """Return a config's values with a model_type that transformers knows, and a note: (values, note).

    A model_type in _SAME_ARCHITECTURE is replaced if transformers does not know it, and the note says so. If
    nothing was replaced, the note is "".
    """
    import transformers

    model_type = values["model_type"]
    same = _SAME_ARCHITECTURE.get(model_type) if isinstance(model_type, str) else None
    if same is None or model_type in transformers.CONFIG_MAPPING:
        return values, ""
    return values | {"model_type": same}, f"Counted as {same}, which is the architecture of {model_type}."


def _build_text_part(config, error, source):
    """Build only the text part of a model, and return what `build` returns.

    error : the ImportError that building the whole model raised. It is raised again if there is no text part
    """
    import transformers

    text = text_config(config)
    if text is None or text is config or type(text) not in transformers.AutoModelForCausalLM._model_mapping:
        raise error
    builder = _on_meta_device(transformers.AutoModelForCausalLM.from_config, source)
    missing = re.search(r"requires the (\w+) library", str(error))
    package = f"the package {missing[1]}" if missing else "a package that is not here"
    note = f"Only the part for text is counted: to build the rest, transformers needs {package}."
    return builder(text), text, builder, note


def _build_diffusers(values, class_name, source):
    """Build a model of diffusers, and return what `build` returns."""
    import diffusers

    found = getattr(diffusers, class_name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.ModelMixin)):
        reason = "has no weights to count" if found else f"is not in diffusers {diffusers.__version__}"
        raise CourseError(
            f"{source} is the config of a {class_name}, which {reason}: give the config.json of a model such "
            "as UNet2DConditionModel or AutoencoderKL."
        )
    parameters = inspect.signature(found.__init__).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    check_names(values, defaults, set(defaults), source)
    plain = {name: value for name, value in values.items() if name != "_class_name"}
    builder = _on_meta_device(found.from_config, source)
    return builder(plain), dict(values), builder, ""


@contextlib.contextmanager
def quiet():
    """Silence what the libraries print, log or warn about."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def refusing(source):
    """Raise CourseError if the `with` block can't build a model, whatever error a library has raised."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:  # wrong values can cause any error in the libraries
        raise CourseError(
            f"{source} can't be built ({first_line(error)}): compare it with a published config.json."
        ) from error


def first_line(error):
    """Return an error's message as one line of at most 160 characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


@contextlib.contextmanager
def _limited_tensors(source):
    """Raise CourseError in the `with` block when a model gets more than _MOST_TENSORS parameter tensors.

    No published model has so many tensors. Without this limit, a wrong config could fill the memory.
    """
    from torch.nn.modules.module import register_module_parameter_registration_hook

    built = 0

    def count(module, name, parameter):
        nonlocal built
        built += 1
        if built > _MOST_TENSORS:
            raise CourseError(
                f"{source} describes more than {_MOST_TENSORS:,} tensors, more than any published model: "
                "check its numbers of layers and experts."
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()
