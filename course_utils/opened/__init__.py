"""One module for each thing that a lesson opens: the computation, its pictures, and its explorer.

The names of a module are imported when they are first used. A module can be deleted together with its lesson.
torch, transformers and matplotlib are imported in the functions that use them, so that modules load quickly.
"""

import importlib

_ROOM_OF = {
    "Adapter": "adapter",
    "Attention": "attention",
    "Audit": "audit",
    "CacheGrowth": "cache",
    "CardCheck": "card_check",
    "CrossAttention": "denoising",
    "Denoising": "denoising",
    "Dial": "dial",
    "Drawn": "denoising",
    "Film": "learning",
    "Fits": "fits",
    "KeyValueCache": "cache",
    "LocalHub": "hub",
    "MayUse": "may_use",
    "OneWeight": "one_weight",
    "Patching": "patching",
    "Router": "router",
    "Sampling": "sampling",
    "SlidingWindow": "window",
    "Speech": "speech.explorer",
    "Stoppable": "stoppable",
    "Vote": "leaderboard",
    "Watermark": "watermark",
    "against_truth": "audit",
    "alignment": "speech.pictures",
    "as_mistral": "window",
    "decoding": "speech.pictures",
    "batch": "learning",
    "clauses": "permissions",
    "denoising_strip": "denoising",
    "green_tokens": "watermark",
    "licence_matrix": "permissions",
    "logit_lens": "attention",
    "low_rank": "adapter",
    "patch_everywhere": "patching",
    "patch_grid": "patching",
    "player": "speech.pictures",
    "ranking": "leaderboard",
    "routings": "mixture",
    "slip": "learning",
    "spectrogram": "speech.pictures",
    "valley": "learning",
    "waveform": "speech.pictures",
    "window_over_stories": "window",
    "word_maps": "denoising",
    "word_pairs": "mixture",
}

__all__ = [*_ROOM_OF]


def __getattr__(name):
    if name in _ROOM_OF:
        return getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    raise AttributeError(f"course.opened has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
