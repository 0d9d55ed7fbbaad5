"""Blueprints: the parameters and memory of models of any size, counted on a laptop without their weights.

`course.blueprint("llama-3.1-405b")` builds the library's own model on torch's "meta" device, where a tensor
has a shape but holds no numbers. It counts the model's parameters by part, and then discards the model. This
takes seconds and megabytes.

    config       lists the names that configs use for sizes, and refuses configs with impossible values
    building     turns a config into a model on the meta device
    counting     counts the model's parameters by part, and the bytes of its published weights
    kv_cache     computes the key-value cache that the design needs, and measures what transformers caches
    facts        defines the class Blueprint
    describing   presents a blueprint as text, as tables and as pictures
    reading      makes a Blueprint from a name, a file, a hub id, a dict or a config object
"""

from course_utils.blueprints.counting import BITS, PARTS
from course_utils.blueprints.describing import describe, describe_all
from course_utils.blueprints.facts import Blueprint
from course_utils.blueprints.kv_cache import CONTEXT
from course_utils.blueprints.reading import blueprint, later, names

__all__ = ["BITS", "CONTEXT", "PARTS", "Blueprint", "blueprint", "describe", "describe_all", "later", "names"]
