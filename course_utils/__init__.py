"""Open the Box: the course's helper package.

It finds files, draws and checks. The models are the libraries' own objects, which the lessons call directly.
Names are imported at their first use, so that `import course_utils` takes milliseconds, without torch.
"""

import importlib

_HOME_OF = {
    "CourseError": "errors",
    "folder": "models",
    "gguf_copies": "models",
    "load": "models",
    "prepare": "models",
    "setup": "lessons",
    "predict": "learning.predict",
    "reveal": "learning.predict",
    "quiz": "learning.quiz",
    "check": "learning.check",
    "article": "learning.article",
    "evidence": "learning.capstone",
    "capstone": "learning.capstone",
    "report": "learning.capstone",
    "test": "learning.matched_test",
    "gain": "learning.matched_test",
    "progress": "learning.progress",
    "competencies": "learning.progress",
    "LocalHub": "hub",
    "blueprint": "blueprints",
    "CrossAttention": "cross_attention",
}
_MODULES = (
    "blueprints",
    "catalog",
    "explorers",
    "licences",
    "openness",
    "sandbox",
    "speech",
    "statistics",
    "tinyworld",
    "views",
)

__all__ = [*_HOME_OF, *_MODULES]


def __getattr__(name):
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
