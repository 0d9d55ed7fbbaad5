"""PictureWorld: small pictures with captions of which everything is known, what is held out included.

    world.SCENES                         every picture that a model is trained on
    world.draw(index)                    one training example: a scene and the caption it comes with
    world.test_sets()                    the prompts that a model is measured on, fixed before any training
    world.plan()                         the splits and what is planted, for the record
    drawing.picture(scene, sprites)      the pixels

The emoji are Google's Noto images (Apache-2.0); the shapes are drawn here. docs/pictureworld.md says more.
"""

from . import drawing, sprites, world
from .world import Emoji, Scene, Shape

__all__ = ["Emoji", "Scene", "Shape", "drawing", "sprites", "world"]
