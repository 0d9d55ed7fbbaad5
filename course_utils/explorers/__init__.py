"""Explorers: pictures with sliders, one for each lesson's "change it"."""

from .attention import Attention
from .fits import Fits
from .may_use import MayUse
from .one_weight import OneWeight
from .patching import Patching, patch_everywhere
from .sampling import Sampling

__all__ = ["Attention", "Fits", "MayUse", "OneWeight", "Patching", "Sampling", "patch_everywhere"]
