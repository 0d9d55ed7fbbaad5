"""Imports a large library when a test first uses it, so that collecting all tests takes a few seconds."""

import importlib


class Lazy:
    """Stands in for a module, which is imported when it is first used: `torch = Lazy("torch")`."""

    # pytest reads these attributes of every name in a test file.
    __test__, __bases__ = False, ()

    def __init__(self, name):
        self.__dict__["_name"] = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self._name), attribute)

    def __setattr__(self, attribute, value):
        setattr(importlib.import_module(self._name), attribute, value)

    def __delattr__(self, attribute):
        delattr(importlib.import_module(self._name), attribute)
