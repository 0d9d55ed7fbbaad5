"""Explorers: pictures with sliders, one for each lesson's "change it"."""

from .one_weight import OneWeight
from .sampling import Sampling

__all__ = ["OneWeight", "Sampling"]
