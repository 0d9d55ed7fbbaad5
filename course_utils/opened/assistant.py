"""Asks a chat model for the moods of many holiday notes at once, and for answers to requests. Lesson 12."""

from course_utils.opened.fine_tuning import continued, prompt

_THINGS = """soup warm cold|waiter kind rude|bus early late|seat clean dirty|film funny dull
hall cosy freezing|teacher patient impatient|lesson clear confusing|bread fresh stale|cake sweet burnt
nurse friendly unfriendly|wait short long|parcel early lost|box intact broken|room quiet noisy
bed soft hard|park lovely empty|weather sunny awful|repair cheap expensive|bike fixed ruined
phone new broken|call clear noisy|trip fun tiring|hotel bright gloomy"""


def holiday_notes():
    """Return 24 notes of guests as a dict {note: mood}: twelve with the mood "good", then twelve "bad"."""
    things = [entry.split() for entry in _THINGS.replace("\n", "|").split("|")]
    notes = {}
    for mood, word in (("good", 1), ("bad", 2)):
        for first, second in zip(things[::2], things[1::2], strict=True):
            note = f"The {first[0]} was {first[word]} and the {second[0]} was {second[word]}."
            notes[note] = mood
    return notes


def words_after(model, tokenizer, start, texts):
    """Return, for each text, the most probable token after `start` + text, as a list of str without spaces.

    The model reads `start` only once. The tokens are the same as if the model read `start` with each text.

    model, tokenizer : a causal language model of transformers, and its tokenizer
    start : str, the text before each of the texts
    texts : list of str
    """
    import torch
    from transformers import DynamicCache

    with torch.no_grad():
        cache = DynamicCache(config=model.config)
        ids = tokenizer(start, return_tensors="pt")["input_ids"].to(model.device)
        model.model(ids, None, None, cache)
        cache.batch_repeat_interleave(len(texts))
        rows = tokenizer(list(texts), return_tensors="pt", padding=True, padding_side="right")
        states = model.model(rows["input_ids"].to(model.device), None, None, cache)
        # No token attends to later ones, so padding on the right changes nothing.
        last = rows["attention_mask"].sum(1) - 1
        ends = states.last_hidden_state[range(len(texts)), last]
        tokens = model.lm_head(ends).argmax(-1)
    return [tokenizer.decode(token).strip() for token in tokens]


def begun_answers(model, tokenizer, requests, *, begin="", tokens=12):
    """Return, as a list of str, how a chat model's answer to each request begins.

    model, tokenizer : a causal language model of transformers, and its tokenizer with a chat template
    requests : list of str
    begin : str, the first words of each answer, after which the model goes on
    tokens : int, how many tokens the model writes
    """
    prompts = [prompt(tokenizer, request) + begin for request in requests]
    return [begin + text for text in continued(model, tokenizer, prompts, tokens)]


def first_tokens(model, tokenizer, request):
    """Return two lists: the five most probable first tokens of a chat model's answer, and the probabilities.

    model, tokenizer : a causal language model of transformers, and its tokenizer with a chat template
    request : str
    """
    import torch

    text = prompt(tokenizer, request)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(model.device)
    with torch.no_grad():
        scores = model(ids).logits[0, -1]  # the scores for the token that comes next
    top = scores.float().softmax(-1).topk(5)
    return [tokenizer.decode(number) for number in top.indices], top.values.tolist()


def wrong_by_prompt(wrong, *, notes):
    """Draw how many answers are wrong with each prompt, for each kind of sentence.

    wrong : {prompt's name: {kind of sentence: number of wrong answers}}
    notes : int, the number of answers to each prompt for each kind of sentence (one answer for each note)
    """
    from course_utils import views

    labels, counts, prompts = [], [], []
    kinds = dict.fromkeys(kind for of_prompt in wrong.values() for kind in of_prompt)
    for kind in kinds:  # the bars of all prompts for one kind of sentence are next to each other
        for name, of_prompt in wrong.items():
            labels.append(f"{kind}, {name}")
            counts.append(of_prompt[kind])
            prompts.append(name)
    return views.bars(labels, counts, unit=f"of {notes}", groups=prompts, title=f"Wrong answers of {notes}")
