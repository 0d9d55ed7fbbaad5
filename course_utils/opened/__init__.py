"""Each module here has a lesson's code for one topic, which computes, draws pictures or shows an explorer.

A module is imported when one of its names is first used, and can be deleted together with its lesson. torch,
transformers and matplotlib are imported in the functions that use them, so that the modules load quickly.
"""

import importlib

# {module: the names in course.opened that come from it}
_NAMES = {
    "adapter": "Adapter low_rank",
    "assistant": "begun_answers first_tokens holiday_notes words_after wrong_by_prompt",
    "attention": "Attention",
    "audit": "Audit against_truth lean leans_among pronoun_probabilities share_of_she",
    "cache": "KeyValueCache",
    "calling": (
        "approval_requests calculate carry_out count_mistakes counts_by_guard dots_by_sentence "
        "pasted_in_training table_by_guard test_errands who_got_it without_orders"
    ),
    "card_check": "CardCheck card_marks lint_card parts_there published_cards",
    "completing": "completions",
    "denoising": "Denoising Drawn denoising_strip",
    "dial": "Dial",
    "errand": "ToolLoop",
    "evaluation": (
        "answer chosen_words contests right_or_wrong trained_on twins votes_of_the_world written_words"
    ),
    "fine_tuning": (
        "LossCurve adapter_card answer_loss answer_table answers ask_all count_right count_table examples "
        "general_lines is_right library_adapter library_questions prompt some_lines"
    ),
    "fits": "Fits",
    "hardware": "bytes_per_second cents_at_services copies_for_a_while memory_of_a_step tokens_per_second",
    "hub_story": (
        "a_night_passes a_stranger_comes answers_with asked_in hub_time_line new_machine publish_otterford"
    ),
    "law": "law_cards",
    "leaderboard": "Vote ranking",
    "learning": "Film batch floor_of loss_in_bits next_texts probability_after valley write",
    "may_use": "MayUse",
    "mixture": "router_shares routings trained_and_random word_pairs",
    "one_weight": "OneWeight what_is_left",
    "painting": (
        "KnownPictures area_of_objects attention_on_objects average_person beside_known beside_people "
        "change_on_objects early_copy how_different lit_twice name_unknown_words nearest_look "
        "nearest_person noise_shares picture_model picture_words pixel_rows planted_share "
        "published_versions schedule some_names to_latents to_picture training_figure watch_noise "
        "where_it_changed words_and_noise"
    ),
    "patching": "Patching patch_everywhere",
    "permissions": "clauses openness_wall release uses_wall",
    "quantising": "round_to rounded rulers unsure_among",
    "reciting": "codes_in_order places recites",
    "review": "Review finished_page",
    "router": "Router",
    "sampling": "Sampling",
    "scaled": "squares",
    "speculating": "Followers own_words passes",
    "speech.explorer": "Speech",
    "speech.pictures": "alignment decoding player spectrogram",
    "stoppable": "Stoppable",
    "thinking": ("EditedSteps after_steps final_answer most_frequent right_answers steps_add_up tries"),
    "tool_server": "ToolServer",
    "watermark": (
        "Watermark copied_texts count_along green_table marked_text swap_words write_marked z_score z_scores"
    ),
    "window": (
        "SlidingWindow as_mistral largest_move next_words stories_by_distance story_beginning "
        "window_over_stories"
    ),
}
_ROOM_OF = {name: room for room, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_ROOM_OF)


def __getattr__(name):
    if name in _ROOM_OF:
        return getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    raise AttributeError(f"course.opened has no {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
