"""Explorers: pictures with sliders, one for each lesson's "change it"."""

from .attention import Attention
from .audit import Audit
from .fits import Fits
from .kv_cache import KeyValueCache
from .may_use import MayUse
from .one_weight import OneWeight
from .patching import Patching, patch_everywhere
from .router import Router
from .sampling import Sampling
from .sliding_window import SlidingWindow

__all__ = [
    "Attention",
    "Audit",
    "Fits",
    "KeyValueCache",
    "MayUse",
    "OneWeight",
    "Patching",
    "Router",
    "Sampling",
    "SlidingWindow",
    "patch_everywhere",
]
