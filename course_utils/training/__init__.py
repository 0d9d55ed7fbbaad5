"""Trains the tiny models: their recipes, the trainer, the measurements and the model cards.

    train("tinyworld-llama")             does the same as `course train tinyworld-llama`
    evaluation.validation(model, world)  gives the loss by register, and the exact floor

docs/tinyworld.md describes the training and what was measured so far.
"""

from course_utils.training.recipes import RECIPES, Recipe
from course_utils.training.trainer import train

__all__ = ["RECIPES", "Recipe", "evaluation", "train"]
