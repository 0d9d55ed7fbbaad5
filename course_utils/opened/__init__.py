"""One module for each thing that a lesson opens: the computation, its pictures, and its explorer.

The names of a module are imported when they are first used. A module can be deleted together with its lesson.
torch, transformers and matplotlib are imported in the functions that use them, so that modules load quickly.
"""

import importlib

_ROOM_OF = {
    "Adapter": "adapter",
    "Attention": "attention",
    "Audit": "audit",
    "CardCheck": "card_check",
    "CrossAttention": "denoising",
    "Denoising": "denoising",
    "Dial": "dial",
    "Drawn": "denoising",
    "Film": "learning",
    "Fits": "fits",
    "KeyValueCache": "cache",
    "KnownPictures": "painting",
    "LocalHub": "hub",
    "LossCurve": "fine_tuning",
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
    "answer_table": "fine_tuning",
    "answers": "fine_tuning",
    "area_of_objects": "painting",
    "as_mistral": "window",
    "attention_maps": "painting",
    "attention_on_objects": "painting",
    "average_person": "painting",
    "batch": "learning",
    "change_on_objects": "painting",
    "clauses": "permissions",
    "codes_in_order": "reciting",
    "decoding": "speech.pictures",
    "denoising_strip": "denoising",
    "early_copy": "painting",
    "examples": "fine_tuning",
    "floor_of": "learning",
    "general_lines": "fine_tuning",
    "green_tokens": "watermark",
    "how_different": "painting",
    "is_right": "fine_tuning",
    "largest_move": "window",
    "library_adapter": "fine_tuning",
    "library_questions": "fine_tuning",
    "licence_matrix": "permissions",
    "lit_by": "denoising",
    "loss_in_bits": "learning",
    "low_rank": "adapter",
    "name_unknown_words": "painting",
    "nearest_look": "painting",
    "nearest_person": "painting",
    "noise_shares": "painting",
    "next_texts": "learning",
    "next_words": "window",
    "openness_wall": "permissions",
    "patch_everywhere": "patching",
    "picture_model": "painting",
    "picture_words": "painting",
    "pixel_rows": "painting",
    "planted_share": "painting",
    "places": "reciting",
    "player": "speech.pictures",
    "probability_after": "learning",
    "published_versions": "painting",
    "prompt": "fine_tuning",
    "ranking": "leaderboard",
    "recites": "reciting",
    "release": "permissions",
    "router_shares": "mixture",
    "routings": "mixture",
    "some_lines": "fine_tuning",
    "some_names": "painting",
    "spectrogram": "speech.pictures",
    "stories_by_distance": "window",
    "story_beginning": "window",
    "to_latents": "painting",
    "to_picture": "painting",
    "trained_and_random": "mixture",
    "training_figure": "painting",
    "valley": "learning",
    "watch_noise": "painting",
    "where_it_changed": "painting",
    "words_and_noise": "painting",
    "window_over_stories": "window",
    "word_pairs": "mixture",
    "write": "learning",
}

__all__ = [*_ROOM_OF]


def __getattr__(name):
    if name in _ROOM_OF:
        return getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    raise AttributeError(f"course.opened has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__)
