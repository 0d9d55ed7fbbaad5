"""Makes a Blueprint from a name, a config file, a hub id, a dict or a config object.

The names are those in catalog/blueprints.toml. Only configs are fetched from the hub, and no code of a
model's author is ever run. If the parameters can't be counted from a config, a CourseError says why in one
sentence.
"""

import difflib
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course_utils import catalog
from course_utils.blueprints.building import build, first_line, quiet, refusing
from course_utils.blueprints.config import check_experts, check_values, first_number, text_config
from course_utils.blueprints.counting import PARTS, count, published_format
from course_utils.blueprints.facts import Blueprint
from course_utils.blueprints.kv_cache import by_design, dimensions
from course_utils.errors import CourseError

_LARGEST_FILE = 10_000_000  # in bytes; a larger file is no config, because a config has a few thousand bytes


@dataclass(frozen=True)
class LaterModel:
    """A model of 2025 or 2026, as its makers and others describe it.

    `blueprint(name)` counts the model's parameters.

    design: what the model is, in a few words, such as "dense; windows in three of four layers".
    source: where the sizes in the model's entry of catalog/blueprints.toml were read.
    read: the day on which the sizes were read, year-month-day.
    stated: the parameters that the maker states, in billions; for a mixture of experts, also the active ones.
    stated_source: where the maker's number was read.
    """

    name: str
    title: str
    hub_id: str
    design: str
    source: str
    read: str
    stated: tuple[float, ...]
    stated_source: str


def names() -> list[str]:
    """Return the names of the catalogue's models, without those of `later`. `blueprint` accepts each name."""
    return [name for name, facts in _catalogue()["models"].items() if not facts.get("later")]


def later() -> dict[str, LaterModel]:
    """Return {name: LaterModel} of the models of 2025 and 2026. `blueprint` accepts each name."""
    found = {name: facts for name, facts in _catalogue()["models"].items() if facts.get("later")}
    fields = ("title", "hub_id", "design", "source", "read", "stated_source")
    return {
        name: LaterModel(name, **{field: facts[field] for field in fields}, stated=tuple(facts["stated"]))
        for name, facts in found.items()
    }


def blueprint(name=None, *, config=None) -> Blueprint:
    """Return the blueprint of a model: its parameters by part and its memory. No weights are loaded.

    name : one of `names()` or `later()`, or a hub id such as "Qwen/Qwen2-0.5B" (only its configs are fetched)
    config : in place of a name, a config.json or model_index.json file, a folder that holds one, a dict, a
        config object of transformers or diffusers, or a hub id

    Raises CourseError with one sentence if the name is unknown, or if the config can't be fetched or read, or
    its model can't be built.
    """
    if (name is None) == (config is None):
        raise CourseError('Give a name, as blueprint("llama-3-8b"), or a config, as blueprint(config=...).')
    if isinstance(name, str) and (known := _names_and_aliases().get(name.strip().lower())):
        return _from_catalogue(known)
    if config is None:
        if isinstance(name, str) and _is_hub_id(name) and not Path(name).exists():
            return _from_hub(name)
        raise _unknown_name(name)
    if isinstance(config, str | os.PathLike):
        path = Path(config).expanduser()
        if isinstance(config, str) and _is_hub_id(config) and not path.exists():
            return _from_hub(config)
        return _from_path(path)
    if isinstance(config, dict):
        return _from_values(dict(config), "your config", "the config")
    if hasattr(config, "to_dict"):
        return _from_values(config.to_dict(), type(config).__name__, "the config")
    raise CourseError(
        f"A config is a file, a hub id, a dict or a config object of transformers or diffusers, "
        f"not {type(config).__name__}."
    )


# Names of models


@cache
def _catalogue():
    return catalog.read("blueprints.toml")


@cache
def _names_and_aliases():
    """Return a dict from each name and each alias of a model to the model's name."""
    models = _catalogue()["models"].items()
    return {alias: name for name, facts in models for alias in (name, *facts.get("aliases", ()))}


def _unknown_name(name):
    if not isinstance(name, str):
        return CourseError(f"A name is a text such as 'llama-3-8b', not {type(name).__name__}.")
    if Path(name).exists() or name.endswith(".json"):
        return CourseError(f"{name!r} looks like a file: give it as the config (in the command, --config).")
    close = difflib.get_close_matches(name.lower(), _names_and_aliases(), n=1)
    meant = f" (is {close[0]} meant?)" if close else ""
    known = _catalogue()["models"]
    return CourseError(
        f"There is no blueprint named {name!r}{meant}: the names are {', '.join(known)}; "
        "any other model goes by its hub id (maker/model) or its config file."
    )


@cache
def _from_catalogue(name):
    facts = _catalogue()["models"][name]
    title, hub_id = facts["title"], facts["hub_id"]
    if "components" not in facts:
        return _of_model(name, title, hub_id, facts["class"], facts["config"])
    components = {}
    for component, key in facts["components"].items():
        part = _catalogue()["components"][key]
        components[component] = _of_model(component, part["title"], hub_id, part["class"], part["config"])
    return _of_pipeline(name, title, hub_id, components)


# Configs from files and from the hub


def _is_hub_id(text):
    is_file = text.endswith((".json", ".gguf", ".safetensors", ".bin"))
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text) and not is_file


def _from_path(path):
    """Return the blueprint of a config.json or model_index.json file, or of a folder that holds one."""
    if not path.exists():
        raise CourseError(f"There is no file {path}: check the path, or give a hub id such as maker/model.")
    if path.is_dir():
        inside = [path / name for name in ("model_index.json", "config.json") if (path / name).is_file()]
        if not inside:
            raise CourseError(
                f"{path} is a folder without a config.json or model_index.json: give the config file itself."
            )
        path = inside[0]

    def config_of(component):
        file = path.parent / component / "config.json"
        return _read_json(file, str(file)) if file.is_file() else None

    return _from_values(_read_json(path, str(path)), path.name, str(path), config_of)


def _from_hub(repository):
    """Return the blueprint of a model on the hub. Only its configs are fetched."""
    from course_utils import loading

    def read(file):
        path = loading.fetch_config(repository, file)
        return _read_json(path, f"{file} of {repository}") if path else None

    values = read("config.json") or read("model_index.json")
    if values is None:
        raise CourseError(
            f"{repository} has no config.json and no model_index.json on the hub: look for the repository "
            "that holds the model itself, not an adapter or a conversion such as GGUF."
        )
    return _from_values(values, repository, repository, lambda component: read(f"{component}/config.json"))


def _read_json(path, source):
    """Return the dict that a JSON file contains. Raises CourseError if the file contains anything else."""
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CourseError(f"{source} can't be read: {error.strerror}.") from error
    if content.startswith(b"GGUF"):
        raise CourseError(
            f"{source} is a GGUF file, weights in llama.cpp's format: give the config.json of the model that "
            "it was made from."
        )
    if len(content) > _LARGEST_FILE:
        raise CourseError(
            f"{source} is larger than 10 MB, so it is not a config: give the model's config.json."
        )
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CourseError(
            f"{source} is not JSON ({first_line(error)}): give the model's config.json."
        ) from error
    if not isinstance(values, dict):
        raise CourseError(
            f"{source} holds a JSON {type(values).__name__}, and a config is an object with names and "
            "values: give the model's config.json."
        )
    return values


# Blueprints from the values of configs


def _from_values(values, title, source, config_of=None):
    """Return the blueprint for the values of a config.json or model_index.json.

    config_of : for a pipeline, a function that returns the config values of the component with a given name,
        or None if the component has no config
    """
    if "peft_type" in values:
        base = values.get("base_model_name_or_path") or "its base model"
        raise CourseError(
            f"{source} is the config of an adapter ({values['peft_type']}), a small addition to {base}: "
            "give the config of that model."
        )
    if "model_type" in values:
        return _of_model(title, title, source, values.get("architectures"), values)
    class_name = values.get("_class_name")
    if not isinstance(class_name, str):
        raise CourseError(
            f"{source} has no model_type (transformers) and no _class_name (diffusers), so nothing says "
            "which architecture it is: give the config.json as published."
        )
    # A pipeline lists its components in the form "unet": ["diffusers", "UNet2DConditionModel"].
    listed = [
        name
        for name, entry in values.items()
        if isinstance(entry, list) and len(entry) == 2 and entry[0] in ("transformers", "diffusers")
    ]
    if not listed:
        return _of_model(title, title, source, class_name, values)
    components = {}
    for name in listed:
        if part := config_of(name) if config_of else None:
            components[name] = _from_values(part, name, f"{source}, {name}")
    if not components:
        raise CourseError(
            f"{source} lists the parts of a {class_name}, but no part's config.json is beside it: give the "
            "whole folder, or the hub id."
        )
    return _of_pipeline(title, title, source, components)


def _of_pipeline(name, title, source, components):
    """Return the blueprint of a pipeline. `components` is {component's name: its Blueprint}."""
    parts = components.values()
    return Blueprint(
        name=name,
        title=title,
        source=source,
        parameters=sum(part.parameters for part in parts),
        active_parameters=sum(part.active_parameters for part in parts),
        active_parameters_without_input=sum(part.active_parameters_without_input for part in parts),
        parts={name: total for name in PARTS if (total := sum(part.parts.get(name, 0) for part in parts))},
        components=components,
    )


def _of_model(name, title, source, class_names, values):
    """Build one model on the meta device, and return its blueprint.

    class_names : the name of a class, or a config's list of class names ("architectures"), or None
    """
    check_values(values, source)
    with refusing(source), quiet():
        model, config, builder, note = build(values, class_names, source)
        check_experts(config, source)
        parts, active, without_input = count(model, config)
        if first_number(text_config(config), "zero_expert_num"):
            note += " Some experts do nothing, so active is the most that a token passes through."
        cached_lists, source_lists = by_design(model, config, has_attention="attention" in parts)
        shipped_as, shipped_bytes = published_format(model, config, values.get("quantization_config"))
        sizes = dimensions(config)
    if not parts:
        raise CourseError(f"{source} describes a model without a single parameter: check its sizes.")
    return Blueprint(
        name=name,
        title=title,
        source=source,
        parameters=sum(parts.values()),
        active_parameters=active,
        active_parameters_without_input=without_input,
        note=note.strip(),
        parts=parts,
        shipped_as=shipped_as,
        shipped_bytes=shipped_bytes,
        config=config,
        _builder=builder,
        _cached_lists=cached_lists,
        _source_lists=source_lists,
        **sizes,
    )
