"""PictureWorld makes the small pictures, with captions, on which the tiny Stable Diffusion is trained.

It is known what is in the pictures, and what was left out of the training:

    scenes.SCENES                        the scenes of all pictures that a model is trained on
    scenes.draw(index)                   one training example: a scene and its caption
    scenes.test_sets()                   the prompts that a model is measured on, fixed before any training
    scenes.plan()                        a record of what is held out, and of the planted biases
    drawing.picture(scene, sprites)      the pixels

The emoji are Google's Noto images (Apache-2.0); this package draws the shapes. See docs/pictureworld.md.
"""

from course_utils.worlds.pictureworld import scenes
from course_utils.worlds.pictureworld.scenes import Emoji, Scene, Shape

world = scenes  # lessons import the scenes under this name

__all__ = ["Emoji", "Scene", "Shape", "drawing", "scenes", "sprites", "world"]
