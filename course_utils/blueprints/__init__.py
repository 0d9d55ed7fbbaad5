"""Blueprints: a model at its full published size without its weights, counted on any laptop.

`course.blueprint("llama-3.1-405b")` builds the library's own model on torch's "meta" device, where a tensor
has a shape but holds no numbers, counts its parameters by part and discards it. This takes seconds and
megabytes.

    config       the names that sizes have in configs, and the refusal of a config that can't be right
    building     a config becomes a model on the meta device
    counting     its parameters by part, and the bytes of its published weights
    kv_cache     its key-value cache, by design and as transformers caches it
    facts        the class Blueprint
    describing   a blueprint as text, as tables and as pictures
    reading      from a name, a file, a hub id, a dict or a config object to a Blueprint
"""

from course_utils.blueprints.counting import BITS, PARTS
from course_utils.blueprints.describing import describe, describe_all
from course_utils.blueprints.facts import Blueprint
from course_utils.blueprints.kv_cache import CONTEXT
from course_utils.blueprints.reading import blueprint, names

__all__ = ["BITS", "CONTEXT", "PARTS", "Blueprint", "blueprint", "describe", "describe_all", "names"]
