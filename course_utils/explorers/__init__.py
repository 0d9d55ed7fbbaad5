"""Explorers: pictures with controls, for the part of each lesson in which the learner changes something."""

from .adapter import Adapter
from .attention import Attention
from .audit import Audit
from .card_check import CardCheck
from .denoising import Denoising, Drawn
from .fits import Fits
from .kv_cache import CacheGrowth, KeyValueCache
from .may_use import MayUse
from .one_weight import OneWeight
from .patching import Patching, patch_everywhere
from .router import Router
from .sampling import Sampling
from .sliding_window import SlidingWindow
from .speech import Speech
from .vote import Vote
from .watermark import Watermark

__all__ = [
    "Adapter",
    "Attention",
    "Audit",
    "CacheGrowth",
    "CardCheck",
    "Denoising",
    "Drawn",
    "Fits",
    "KeyValueCache",
    "MayUse",
    "OneWeight",
    "Patching",
    "Router",
    "Sampling",
    "SlidingWindow",
    "Speech",
    "Vote",
    "Watermark",
    "patch_everywhere",
]
