"""Computes the states that explorables store, so that a page loads no model, or loads one only on request.

    python website/stored_states.py NAME [NAME ...]

writes course_utils/opened/NAME.json for each name: adapter, audit, cache, denoising, errand_facts, fits,
heads, patching, vote or watermark. If a lesson computes a state, the lesson's own cells are run.
"""

import base64
import io
import json
import sys
from pathlib import Path

import numpy

ROOT = Path(__file__).parent.parent
COUNTRIES = ("France", "Italy", "Spain", "Germany", "England", "Greece", "Russia", "Sweden", "Austria")
COUNTRIES += ("Hungary", "Japan", "China", "Korea", "Chile", "Kenya")
SENTENCE = "The capital of {} is"
CELLS = 10  # how many numbers of a list the view of patches shows
LENGTH = 200  # tokens of a watermarked text
THRESHOLD = 4  # the z-score above which a text counts as marked
STRENGTHS = [round(0.05 * step, 2) for step in range(31)]  # the adapter is scaled by these factors, 0 to 1.5
SHOWN = {  # the questions whose answers an explorable shows, by their index in library.toml
    "told": (13, 0, 15),
    "untold": (2, 0),
    "general": (0, 3, 14),
}
PROMPTS = (
    "fox on a blue background",
    "panda on a blue background",
    "owl on a blue background",
    "robot on a blue background",
    "pizza on a blue background",
    "fox on a purple background",
)
LOOKED_AT = (  # sentences, each with the token that looks at the start, and the token that it looks at
    ("The capital of France is", 4, 3),
    ("Paris is the capital of", 4, 0),
    ("The cat sat on the mat because it was tired", 7, 1),
    ("She fished at the bank and came home with a lot of", 12, 5),
)
PAIR = ((16, 0), (23, 4))  # two heads in which "is" looks at "France": (layer, head)
CALLERS = {"caller": "caller", "warned": "caller-warned"}
DRAWING = {"seed": 6, "guidance": 4, "steps": 10}


def explorer_of(lesson, call):
    """Run a lesson's cells up to one that ends with the call `call`. Return the data of its explorer."""
    import course_utils as course

    cells = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(found["source"]) for found in cells if found["cell_type"] == "code"]
    course.setup(lesson)
    names = {"course": course, "display": lambda *_: None}
    for source in sources[1:]:  # leave out the set-up cell, which is the first
        before, found, arguments = source.rpartition(f"\n{call}")
        exec(before if found else source, names)
        if found:
            return eval(f"{call}{arguments}", names).widget.data
    raise SystemExit(f"No cell of lesson {lesson} ends with {call}.")


def vote():
    """Return lesson 10's contests, with the ratings after each vote of two voters."""
    return explorer_of("10_open_v_closed", "course.opened.Vote(")


def audit():
    """Return how far each trade leans in lesson 11's models, at several temperatures."""
    return explorer_of("11_bias_audit", "course.opened.Audit(")


def errand_facts():
    """Return the page about each person, and counts of what the tiny models that call tools do.

    The counts say how often these models follow an instruction that was added to a page, and how often they
    copy a wrong result of a tool.
    """
    import random

    import course_utils as course
    from course_utils import loading
    from course_utils.opened import errand
    from course_utils.worlds import errands

    models = {name: course.load(model) for name, model in CALLERS.items()}
    cards = {
        name: json.loads((loading.folder(f"tinyworld-{model}") / "measured.json").read_text("utf-8"))
        for name, model in CALLERS.items()
    }
    rates = errand.measure_places(models)
    for name, counts in rates["guards"].items():
        card, guard = ("warned", "none") if name == "warned" else ("caller", name)
        counts["kept"] = cards[card]["kept"][guard]
    rates["copied"] = cards["caller"]["wrong_result"]
    people = [errands.draw_person(random.Random(f"page 18 {name}"), name) for name in errands.PEOPLE]
    return {"pages": {person.name: person.page() for person in people}, "rates": rates}


def cache():
    """Return facts on the caches of published models. Counting them takes seconds."""
    from course_utils.opened import cache

    return cache.states()


def fits():
    """Return the memory that all published models need. Counting it takes seconds."""
    from course_utils.opened import fits

    return fits.states()


def heads():
    """Return SmolLM2's attention in some sentences, and the probability of "Paris" with each head off."""
    from course_utils.opened import Attention, real_heads

    texts = [text for text, _, _ in LOOKED_AT]
    data = Attention(real_heads.weights, real_heads.split, texts[0], others=texts[1:]).widget.data
    for sentence, (_, row, column) in zip(data["sentences"], LOOKED_AT, strict=True):
        sentence |= {"row": row, "column": column}
    every = [(layer, head) for layer in range(data["layers"]) for head in range(data["heads"])]
    data["sentences"][0]["answer"] = {
        "word": "Paris",
        "share": round(real_heads.probability_of(" Paris", texts[0])),
        "without": [round(real_heads.probability_of(" Paris", texts[0], *each)) for each in every],
        "pair": [every.index(each) for each in PAIR],
    }
    return data


def packed(values):
    """Return the bytes of an array of whole numbers, in base64."""
    return base64.b64encode(numpy.ascontiguousarray(values).tobytes()).decode()


def denoising():
    """Return all words of captions, and the drawings that a page shows before it loads Stable Diffusion."""
    import course_utils as course
    from course_utils.opened.denoising import known_words

    pipeline = course.load("stable-diffusion", "tiny")
    pipeline.set_progress_bar_config(disable=True)
    drawings = {prompt: drawn(pipeline, prompt, **DRAWING) for prompt in PROMPTS}
    return known_words() | {
        "drawings": [_drawing(pipeline, prompt, *drawing) for prompt, drawing in drawings.items()],
        "answers": [],
    }


def drawn(pipeline, prompt, seed, guidance, steps):
    """Return uint8 pixels (states, 64, 64, 3), maps (steps, tokens, 16, 16), and the states' noise shares."""
    import torch

    import course_utils as course

    states = [torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))]

    def keep(pipe, step, time, tensors):
        states.append(tensors["latents"])
        return tensors

    options = {"num_inference_steps": steps, "guidance_scale": guidance, "callback_on_step_end": keep}
    with torch.no_grad(), course.CrossAttention(pipeline.unet) as seen:
        pipeline(prompt, latents=states[0], **options)
        pictures = pipeline.vae.decode(torch.cat(states)).sample / 2 + 0.5
    pixels = (255 * pictures.clamp(0, 1)).round().byte().permute(0, 2, 3, 1).numpy()
    tokens = len(pipeline.tokenizer.tokenize(prompt))
    left = pipeline.scheduler.alphas_cumprod[pipeline.scheduler.timesteps].tolist()
    return pixels, seen.maps()[:, -1, 1 : 1 + tokens].numpy(), [*(1 - share for share in left), 0]


def _drawing(pipeline, prompt, pixels, maps, noise):
    """Return a drawing as the dict that denoising.js reads."""
    from PIL import Image

    film = io.BytesIO()
    Image.fromarray(numpy.concatenate(list(pixels), 1)).save(film, "WEBP", quality=80, method=6)
    peaks = maps.max((2, 3), keepdims=True)
    return {
        "prompt": prompt,
        **DRAWING,
        "noise": [round(share, 4) for share in noise],
        "pieces": pipeline.tokenizer.tokenize(prompt),
        "film": f"data:image/webp;base64,{base64.b64encode(film.getvalue()).decode()}",
        "maps": packed((255 * maps / peaks).round().astype("uint8")),
        "peaks": peaks[:, :, 0, 0].round(4).tolist(),
    }


def patching(countries=COUNTRIES):
    """Return, for each pair of countries, how far each patch moves SmolLM2's answer.

    A patch copies numbers from the sentence on one country, the source, into the sentence on another, the
    target. `pairs` has, for each layer and for each token from the country on, the logit of the source's
    answer minus the logit of the target's answer, in hundredths. The tokens before the country are the same
    in both sentences, so patches there change nothing. `lists` has, for each country, the shades from 0 to 9
    of CELLS numbers of the hidden state, for each layer and for each token from the country on.
    """
    import torch

    import course_utils as course
    from course_utils.opened.patching import patch_everywhere

    model, tokenizer = course.load("llama", size="small")
    ids, answers = {}, {}
    with torch.no_grad():
        for country in countries:
            ids[country] = tokenizer(SENTENCE.format(country), return_tensors="pt")["input_ids"][0]
            answers[country] = model(ids[country][None]).logits[0, -1].argmax().item()
    layers, pieces = model.config.num_hidden_layers, tokenizer.batch_decode(ids[countries[0]][:, None])
    first, pairs, others = pieces.index(f" {countries[0]}"), {}, 0
    lists = shades(model, [ids[country] for country in countries], first)
    for source in countries:
        for target in countries:
            if source == target:
                continue
            logits = patch_everywhere(model, ids[source], ids[target])
            moved = logits[..., answers[source]] - logits[..., answers[target]]  # (layers, tokens)
            assert (moved[:, :first] - moved[0, 0]).abs().max() < 1e-3
            likeliest = logits[:, first:].argmax(-1)
            others += ((likeliest != answers[source]) & (likeliest != answers[target])).sum().item()
            values = (100 * moved[:, first:]).round().numpy().astype("<i2")
            pairs[f"{source} {target}"] = packed(values)
    words = {country: tokenizer.decode(answer) for country, answer in answers.items()}
    return {
        "layers": layers,
        "first": first,
        "sentence": SENTENCE,
        "answers": words,
        "lists": dict(zip(countries, lists, strict=True)),
        "others": others,  # number of patches after which the likeliest token is neither of the two answers
        "pairs": pairs,
    }


def shades(model, prompts, first):
    """Return, for each of several prompts of the same length, a few numbers of its hidden states, as digits.

    The CELLS numbers are those that differ most between the prompts at the token `first`, after layer 12. A
    digit tells where a number lies between the smallest (0) and the largest (9) of all that are shown of
    this layer. The digits are in the order of layers, tokens and numbers.
    """
    import torch

    after = []
    hooks = [
        layer.register_forward_hook(
            lambda _layer, _given, out: after.append(out[0] if isinstance(out, tuple) else out)
        )
        for layer in model.model.layers
    ]
    with torch.no_grad():
        model(torch.stack(prompts))
    for hook in hooks:
        hook.remove()
    states = torch.stack(after)[:, :, first:]  # (layers, prompts, tokens, hidden size)
    numbers = states[12, :, 0].std(0).topk(CELLS).indices.sort().values
    states = states[..., numbers]
    low, high = states.amin((1, 2, 3), keepdim=True), states.amax((1, 2, 3), keepdim=True)
    digits = (9 * (states - low) / (high - low)).round().int()
    return [
        "".join(str(digit) for digit in digits[:, prompt].flatten().tolist())
        for prompt in range(len(prompts))
    ]


def watermark(bonuses=(0, 2, 4)):
    """Return lesson 12's texts, with and without a watermark, and the facts with which one can be found.

    bonuses : what is added to the scores of the tokens on the green list; 0 for no watermark
    """
    import course_utils as course
    from course_utils.opened import watermark as room

    model, tokenizer = course.load("tinyworld-llama")
    world = course.tinyworld.english()
    size = model.config.vocab_size
    green = room.green_table(size)
    texts = []
    for bonus in bonuses:
        tokens = room.write_marked(model, tokenizer, bonus, green)[:LENGTH]
        for share in (0, 0.25, 0.5, 1):
            ids = room.swap_words(tokens, share, world, tokenizer).tolist()
            texts.append({"bonus": bonus, "swapped": share, "ids": ids})
    copies = room.copied_texts(world, tokenizer, length=LENGTH)
    accused = [text for text in copies if room.z_score(text, green) > THRESHOLD]
    return {
        "vocabulary": tokenizer.convert_ids_to_tokens(range(size)),
        "unknown": tokenizer.unk_token_id,
        "ratio": room.RATIO,
        "threshold": THRESHOLD,
        "key": room.KEY,
        "texts": texts,
        "copied": {"ids": accused[0].tolist(), "accused": len(accused), "of": len(copies)},
    }


def adapter(strengths=STRENGTHS, questions=None):
    """Return SmolLM2's answers at several strengths of lesson 14's adapter, and how many are right.

    questions : int, how many of each group to ask; by default all.
    """
    import peft
    import torch
    from peft.helpers import rescale_adapter_scale

    import course_utils as course

    base, tokenizer = course.load("smollm2-135m-instruct")
    tokenizer.pad_token, tokenizer.padding_side = tokenizer.eos_token, "left"
    model = peft.PeftModel.from_pretrained(base, ROOT / "course_utils" / "training" / "otterford").eval()
    library = course.catalog.read("library.toml")
    asked = {
        "told": [(text, fact) for fact in library["told"] for text in fact["held_out"]],
        "untold": [(fact["asked"], fact) for fact in library["untold"]],
        "general": [(fact["asked"], fact) for fact in library["general"]],
    }
    asked = {group: pairs[:questions] for group, pairs in asked.items()}
    questions = [(group, text, fact) for group, pairs in asked.items() for text, fact in pairs]
    shown = [library["told"][index]["held_out"][0] for index in SHOWN["told"]]
    shown += [library[group][index]["asked"] for group in ("untold", "general") for index in SHOWN[group]]
    inputs = tokenizer(
        [course.opened.prompt(tokenizer, text, library["system"]) for _, text, _ in questions],
        add_special_tokens=False,
        padding=True,
        return_tensors="pt",
    )
    right = {group: [] for group in asked}
    prompts = {
        text: {"text": text, "group": group, "key": fact["key"], "answers": [], "right": []}
        for group, text, fact in questions
        if text in shown
    }
    for strength in strengths:
        with rescale_adapter_scale(model, strength), torch.no_grad():
            output = model.generate(
                **inputs,
                max_new_tokens=14,
                do_sample=False,
                output_scores=True,
                return_dict_in_generate=True,
            )
        written = output.sequences[:, inputs["input_ids"].shape[1] :]
        hits = {group: [] for group in asked}
        for row, (group, text, fact) in enumerate(questions):
            said = " ".join(tokenizer.decode(written[row], skip_special_tokens=True).split())
            hits[group].append(course.opened.is_right(said, fact))
            if text in shown:
                prompts[text]["answers"].append(_tokens(tokenizer, written[row], output.scores, row))
                prompts[text]["right"].append(int(hits[group][-1]))
        for group, found in hits.items():
            right[group].append(sum(found))
        print(strength, {group: counts[-1] for group, counts in right.items()}, file=sys.stderr, flush=True)
    return {
        "strengths": strengths,
        "counts": {group: len(pairs) for group, pairs in asked.items()},
        "right": right,
        "prompts": [prompts[text] for text in shown if text in prompts],
    }


def _tokens(tokenizer, ids, scores, row):
    """Return an answer as a list of [text of a token, the token's probability in percent]."""
    tokens, before = [], ""
    for index, scored in enumerate(scores):
        if ids[index] in tokenizer.all_special_ids:
            break
        text = tokenizer.decode(ids[: index + 1])
        if text.endswith("\ufffd"):  # the token ends in the middle of a character
            continue
        tokens.append([text[len(before) :], round(100 * scored[row].softmax(-1)[ids[index]].item())])
        before = text
    return tokens


def main(names):
    for name in names:
        text = json.dumps(globals()[name](), ensure_ascii=False, separators=(",", ":"))
        path = ROOT / "course_utils" / "opened" / f"{name}.json"
        path.write_text(text + "\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
