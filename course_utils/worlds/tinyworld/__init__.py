"""TinyWorld generates the short English texts on which the tiny language models are trained.

The probability of each text is known, and so is the exact entropy of the texts.

    world = english()                        the course's world
    for document in world.corpus(): ...      the documents that a model is trained on
    world.floor().loss                       the loss of a perfect model
    world.plan()                             a record of what is planted in the documents

docs/tinyworld.md says what the world contains, and how to write a world of your own.
"""

from course_utils.worlds.tinyworld.english_world import english
from course_utils.worlds.tinyworld.world import Document, Floor, Planted, World

__all__ = ["Document", "Floor", "Planted", "World", "english"]
