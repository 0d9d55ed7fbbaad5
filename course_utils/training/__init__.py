"""What trained the tiny models: their recipes, the trainer, what is measured of them, and their cards.

    train("tinyworld-llama")             the same as `course train tinyworld-llama`
    evaluation.validation(model, world)  the loss by register, against the exact floor

docs/tinyworld.md says how, and what was measured so far.
"""

from . import evaluation
from .recipes import RECIPES, Recipe
from .trainer import train

__all__ = ["RECIPES", "Recipe", "evaluation", "train"]
