"""TinyWorld: seeded, simple English of which everything is known, its exact entropy included.

    world = english()                        the course's world
    for document in world.corpus(): ...      what a model is trained on
    world.floor().loss                       the loss of a perfect model
    world.plan()                             what is planted, for the record

docs/tinyworld.md says what is in it, and how to write a world of your own.
"""

from .english import english
from .world import Document, Floor, Planted, World

__all__ = ["Document", "Floor", "Planted", "World", "english"]
