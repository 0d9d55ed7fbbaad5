"""Writes model cards. A card is a template of the folder cards/, filled with what was measured on a model.

A person may have written remarks on a model. They are in the file remarks.toml in the model's folder.
"""

import json
import os
import platform
import re
import tomllib
from pathlib import Path

import torch

_TEMPLATES = Path(__file__).parent / "cards"


def write(folder, measured, text_of):
    """Write measured.json and README.md, the model card, into the folder of a model.

    text_of : a function that takes the measured values, as they are read from measured.json, and returns the
        text of the card
    """
    content = json.dumps(measured, indent=1) + "\n"
    (folder / "measured.json").write_text(content, encoding="utf-8")
    (folder / "README.md").write_text(text_of(json.loads(content)), encoding="utf-8")


def text(kind, measured, **facts) -> str:
    """Return a model card in Markdown: the template for `kind`, filled with measured values and other facts.

    In a template, `fmt` is Python's `format`: `{{ 0.25 | fmt(".0%") }}` becomes 25%.
    """
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["fmt"] = format
    template = (_TEMPLATES / f"{kind}.md").read_text(encoding="utf-8")
    return environment.from_string(template).render(measured | facts)


def remarks(folder) -> dict[str, str]:
    """Return a person's remarks on the model in a folder: {section of the card: text}."""
    path = folder / "remarks.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def machine(used=None):
    """Return a text with the processor's name and generation, how much of it was used, and torch's version.

    used : how much of the processor was used, in words; by default "2 of 8 processors" if this process has 2
        threads and the machine has 8 processors
    """
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        facts = dict(re.split(r"\s*: ?", line, maxsplit=1) for line in lines if ":" in line)
        name = facts.get("model name", name)
        # Cloud providers use one model name for several generations of processors.
        if "cpu family" in facts and "model" in facts:
            name += f" (family {facts['cpu family']}, model {facts['model']})"
    except OSError:
        pass
    used = used or f"{torch.get_num_threads()} of {os.cpu_count()} processors"
    return f"{name}, {used}, torch {torch.__version__} with {torch.backends.cpu.get_cpu_capability()}"
