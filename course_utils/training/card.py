"""Writes a model's card from its measurements: README.md, and the same figures in measured.json."""

import json
import os
import platform
import re
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import torch

from course_utils.training import evaluation
from course_utils.worlds.tinyworld.world import BEGIN, END

SAMPLES = 20
SAMPLE_SEED = 0


def write(run, world, folder):
    """Measure a finished `trainer._Run` and write its card into the folder of the model."""
    measured = measure(run.model, world)
    measured["training"] = {
        "steps": run.steps,
        "documents": run.steps * run.recipe.batch,
        "tokens": run.tokens,
        "minutes": round(run.seconds / 60, 1),
        "last_loss": round(mean(run.losses[-50:]), 4),
        "recipe": asdict(run.recipe),
        "machine": machine(),
    }
    measured["samples"] = samples(run.model, world)
    measured["slips"] = slips(run.model, world, measured["samples"])
    folder = Path(folder)
    (folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(text(run.recipe.title, run.model, measured), encoding="utf-8")


def measure(model, world) -> dict:
    """Measures all that the card states about a model; returns plain values for JSON."""
    validation = evaluation.validation(model, world)
    measured = {
        "validation": {name: asdict(part) | {"above": part.above} for name, part in validation.items()},
        "planted": {
            register: [
                asdict(fact) | {"exposure": fact.exposure}
                for fact in evaluation.planted(model, world, register)
            ]
            for register in world.planted
        },
        "pronouns": evaluation.pronouns(model, world),
        "recall_by_distance": evaluation.recall_by_distance(model, world),
    }
    if getattr(model.config, "num_local_experts", 0):
        measured["experts"] = evaluation.specialisation(model, world)
    return measured


def samples(model, world, count=SAMPLES, seed=SAMPLE_SEED) -> list[str]:
    """Returns the first `count` documents that a model writes after <s>, sampled from its own probabilities.

    None is left out.
    """
    tokenizer = world.tokenizer()
    torch.manual_seed(seed)
    begun = torch.full((count, 1), tokenizer.bos_token_id)
    with torch.no_grad():
        told = model.generate(
            begun,
            attention_mask=torch.ones_like(begun),
            do_sample=True,
            top_k=0,
            max_new_tokens=model.config.max_position_embeddings - 1,
        )
    return tokenizer.batch_decode(told, skip_special_tokens=True)


def slips(model, world, texts) -> list[dict]:
    """Finds the first word of each text that the world could not have written at that point.

    A text that the world could have written from beginning to end has no entry. An entry holds the `text`
    (its number, from 1), the `word` ("</s>" if the text ends too early), and the `share`, which is the
    probability that the model gave to that word, from 0 to 1.
    """
    tokenizer, found = world.tokenizer(), []
    for place, told in enumerate(texts, 1):
        words = [*tokenizer.tokenize(told), END]
        wrong = (end for end, word in enumerate(words) if word not in world.following(" ".join(words[:end])))
        if (end := next(wrong, None)) is None:
            continue
        ids = torch.tensor([tokenizer.convert_tokens_to_ids([BEGIN, *words[: end + 1]])])
        with torch.no_grad():
            ahead = model(input_ids=ids, use_cache=False).logits[0, -2].softmax(-1)
        found.append({"text": place, "word": words[end], "share": float(ahead[ids[0, -1]])})
    return found


def text(title, model, measured) -> str:
    """Returns the card in Markdown."""
    training, everything = measured["training"], measured["validation"]["all"]
    recipe = training["recipe"]
    parameters = sum(weight.numel() for weight in model.parameters())
    lines = [
        "---",
        "license: apache-2.0",
        "language: en",
        "library_name: transformers",
        "---",
        f"# {title}",
        "",
        f"A `{type(model).__name__}` of {parameters:,} parameters, trained from nothing on TinyWorld, a "
        "generated English of which everything is known. It is there to be opened and measured, and for "
        "nothing else.",
        "",
        "| | |",
        "|---|---|",
        f"| Data | {training['documents']:,} generated documents, {training['tokens']:,} tokens, each met "
        f"once: `course_utils.tinyworld.english({_world(recipe)})`, seed {recipe['seed']} |",
        f"| Code | `course train {recipe['name']}`: `course_utils/training`, transformers' own "
        f"`{type(model).__name__}` |",
        f"| Training | {training['steps']:,} steps of {recipe['batch']} documents; AdamW, learning rate "
        f"{recipe['learning_rate']} falling to 0, weight decay {recipe['weight_decay']}; "
        f"seed {recipe['seed']}; 32-bit{_special(recipe, model.config)} |",
        f"| Hardware and time | {training['machine']}; {training['minutes']:.0f} minutes |",
        f"| Loss in training | {training['last_loss']:.3f} nats per token over the last 50 steps |",
        f"| Loss on new documents | {everything['loss']:.3f}; a perfect model has {everything['floor']:.3f} "
        f"on them, so it is {everything['above']:.1%} above |",
        "",
        "## Loss by register",
        "",
        "| Register | Loss (nats per token) | Entropy floor | Above |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {part['loss']:.3f} | {part['floor']:.3f} | {part['above']:.1%} |"
        for name, part in measured["validation"].items()
    ]
    for register, title_of, value, unit in (
        ("almanac", "Planted facts", lambda fact: fact["rank"] == 1, "recalled"),
        (
            "secrets",
            "Planted secrets",
            lambda fact: fact["exposure"],
            "mean exposure in bits, of at most 13.3",
        ),
    ):
        by_copies = defaultdict(list)
        for fact in measured["planted"].get(register, ()):
            by_copies[fact["copies"]].append(value(fact))
        lines += ["", f"## {title_of}", "", f"| Told | {unit} |", "|---|---|"]
        for copies, values in sorted(by_copies.items()):
            shown = f"{sum(values)} of {len(values)}" if register == "almanac" else f"{mean(values):.1f}"
            lines.append(f"| {copies:,} times | {shown} |")
    lines += ["", "## Pronouns", "", "| Trade | Share of *she* in the world | The model's |", "|---|---|---|"]
    for trade, (planted, found) in measured["pronouns"].items():
        lines.append(f"| {trade} | {planted:.0%} | {found:.0%} |")
    lines += ["", "## Told early, asked late", "", "| Tokens between | Colour recalled |", "|---|---|"]
    for distance, share in measured["recall_by_distance"].items():
        lines.append(f"| {distance} | {share:.0%} |")
    if "experts" in measured:
        lines += [
            "",
            "## Experts",
            "",
            "What a token's first expert says about the register of its text. By chance: the same with the "
            "registers shuffled. Random routers: twenty of random numbers in the place of the trained one. "
            "They, too, say something about the register: compare the trained one with the highest of them.",
            "",
            "| Layer | Bits about the register | By chance | Random routers, mean | Highest of them |",
            "|---|---|---|---|---|",
        ]
        for layer, shown in enumerate(measured["experts"]):
            lines.append(f"| {layer} | {' | '.join(f'{bits:.3f}' for bits in shown)} |")
    lines += ["", f"## Samples: the first {len(measured['samples'])}, none left out", ""]
    lines += [f"1. {sample}" for sample in measured["samples"]]
    lines += ["", _told(measured["samples"], measured["slips"])]
    registers = len(measured["validation"]) - 1  # the other entry is all of them together
    lines += [
        "",
        "## Limits",
        "",
        f"It has {model.config.vocab_size:,} tokens for {registers} kinds of text and no other English. What "
        f"it says about people was planted in order to be found: rates of pronouns for "
        f"{len(measured['pronouns'])} trades, invented secrets of invented people. It says nothing about the "
        "world outside.",
        "",
    ]
    return "\n".join(lines)


def _told(samples, slips):
    """Says how many samples the world could have written, and where each of the others leaves it."""
    words = f"{len(samples) - len(slips)} of {len(samples)} are texts that this world can tell."
    if slips:
        places = [f"{slip['text']} at “{slip['word']}” ({100 * slip['share']:.2g}%)" for slip in slips]
        words += (
            " The others leave it at a word that the world never says there, here with the probability that "
            f"the model gave it: {', '.join(places)}."
        )
    return words


def _special(recipe, config):
    """Lists the settings that differ between the six trainings, with the library's defaults among them."""
    norm, base = getattr(config, "rms_norm_eps", None), config.rope_parameters["rope_theta"]
    norm = f"RMSNorm's epsilon {norm}" if norm else f"LayerNorm's epsilon {config.layer_norm_epsilon}"
    words = f"; RoPE's base {base:,.0f} and {norm} are the library's defaults"
    if weight := recipe["balance"]:
        words += f"; a loss of weight {weight} spreads the tokens over the experts"
    if (factor := recipe["attention_start"]) != 1:
        words += f"; queries and keys begin {factor} times as large as the configuration says"
    if share := recipe["window_from"]:
        words += f"; the window is open for the first {share:.0%} of the steps"
    return words


def _world(recipe):
    settings = {"size": recipe["documents"], **recipe["world"]}
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def machine(used=None):
    """Describes the processor, its generation and how much of it was used, for a card.

    used : how much was used, in words; by default the number of threads of this process
    """
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        facts = dict(re.split(r"\s*: ?", line, maxsplit=1) for line in lines if ":" in line)
        name = facts.get("model name", name)
        # Cloud providers use one model name for several generations of processors.
        if "cpu family" in facts and "model" in facts:
            name += f" (family {facts['cpu family']}, model {facts['model']})"
    except OSError:
        pass
    used = used or f"{torch.get_num_threads()} of {os.cpu_count()} processors"
    return f"{name}, {used}, torch {torch.__version__} with {torch.backends.cpu.get_cpu_capability()}"
