"""Puts the lessons, exercises, solutions and pages into the package when a wheel is built.

In a clone, these files lie beside the package. All other settings are in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PATTERNS = ("notebooks/*.ipynb", "exercises/*/*.ipynb", "solutions/*/*", "docs/*.md")


class BuildWithCourse(build_py):
    """Copies the course's files to course_utils/course, where `catalog.course_folder` finds them."""

    def run(self):
        super().run()
        if self.editable_mode:  # the package then uses the clone's files
            return
        for pattern in PATTERNS:
            for source in Path().glob(pattern):
                target = Path(self.build_lib, "course_utils", "course", source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


setup(cmdclass={"build_py": BuildWithCourse})
