"""Open the Box: the course's helper package.

The package finds files, draws pictures and checks answers. Lessons call the models directly, as objects of
the libraries. Each name below is imported when it is first used. So `import course_utils` does not import
torch, and takes milliseconds.
"""

import importlib

# {name of a function or class: the module that defines it}.
_HOME_OF = {
    "CourseError": "errors",
    "folder": "loading",
    "gguf_copies": "opened.fits",
    "load": "loading",
    "prepare": "seeds",
    "setup": "lessons",
    "predict": "learning.predictions",
    "reveal": "learning.predictions",
    "quiz": "learning.quizzes",
    "check": "learning.checks",
    "drawn": "learning.drawn",
    "article": "learning.claims",
    "evidence": "learning.verdicts",
    "capstone": "learning.verdicts",
    "test": "learning.before_after",
    "gain": "learning.before_after",
    "progress": "learning.course_map",
    "routes": "learning.course_map",
    "competencies": "learning.ai_literacy",
    "LocalHub": "opened.hub",
    "blueprint": "blueprints",
    "CrossAttention": "opened.denoising",
}
# {name of a module: its path in the package}.
_MODULE_OF = {
    "blueprints": "blueprints",
    "catalog": "catalog",
    "freshness": "freshness",
    "law": "law",
    "licences": "licences",
    "opened": "opened",
    "openness": "openness",
    "pictureworld": "worlds.pictureworld",
    "sandbox": "opened.isolation",
    "speech": "opened.speech",
    "statistics": "statistics",
    "sums": "worlds.sums",
    "tinyworld": "worlds.tinyworld",
    "views": "views",
}

__all__ = [*_HOME_OF, *_MODULE_OF]


def __getattr__(name):
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    if name in _MODULE_OF:
        return importlib.import_module(f"{__name__}.{_MODULE_OF[name]}")
    raise AttributeError(f"course_utils has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
