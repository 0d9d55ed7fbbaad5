"""PictureWorld: small captioned pictures about which everything is known, even what training leaves out.

    world.SCENES                         every picture that a model is trained on
    world.draw(index)                    one training example: a scene and its caption
    world.test_sets()                    the prompts that a model is measured on, fixed before any training
    world.plan()                         a record of the splits and of what is planted
    drawing.picture(scene, sprites)      the pixels

The emoji are Google's Noto images (Apache-2.0); this package draws the shapes. See docs/pictureworld.md.
"""

from course_utils.worlds.pictureworld.world import Emoji, Scene, Shape

__all__ = ["Emoji", "Scene", "Shape", "drawing", "sprites", "world"]
