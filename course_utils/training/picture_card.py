"""The card of the tiny Stable Diffusion, written from what was measured: README.md, and 100 samples."""

import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch

from course_utils.loading import models
from course_utils.statistics import rate_of_clusters, wilson
from course_utils.training import picture_evaluation as evaluation
from course_utils.training.card import machine
from course_utils.training.picture_trainer import DENOISING, LENGTH, PROCESSES, sheet
from course_utils.worlds.pictureworld import drawing, sprites, world

SAMPLES = 100
FEW = 2
SAMPLE_SEED = 100_000
SHEET = "samples.png"
SHEET_COLUMNS = 20
PSNR_SETS = {"objects": "objects", "people": "people", "scenes": "pairs"}


def write(folder, recipe, training, few=False):
    """Measure the pipeline in a folder and write its card there: README.md, measured.json and samples.png.

    training : what is known of the training: {stage: {"steps", "minutes", "loss"}}
    few : measure a few prompts of each set only, as a quick try does
    """
    folder, began = Path(folder), time.monotonic()
    measured = measure(folder, few)
    measured["minutes"] = round((time.monotonic() - began) / 60)
    used = machine(f"{PROCESSES} processes of one thread each")
    measured["training"] = training | {"recipe": asdict(recipe), "machine": used}
    measured["plan"] = world.plan()
    pipeline = load(folder)
    captions, pictures = contact_sheet(pipeline)
    pictures.save(folder / SHEET, optimize=True)
    (folder / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(text(pipeline, measured, captions), encoding="utf-8")


def load(folder, early=False):
    """Loads a folder's pipeline in float32; `early` uses the early copy's denoiser and text encoder."""
    options = {"dtype": torch.float32, "local_files_only": True, "use_safetensors": True}
    parts = {"safety_checker": None, "feature_extractor": None}
    if early:
        import diffusers
        import transformers

        of_text, of_denoiser = transformers.CLIPTextModel, diffusers.UNet2DConditionModel
        parts["unet"] = of_denoiser.from_pretrained(folder / "early", subfolder="unet", **options)
        parts["text_encoder"] = of_text.from_pretrained(folder / "early", subfolder="text_encoder", **options)
    return models.pipeline_class().from_pretrained(folder, requires_safety_checker=False, **parts, **options)


def measure(folder, few=False) -> dict:
    """Measures all that the card states about a pipeline, as values for JSON; takes minutes on two cores.

    few : a few prompts of each set only
    """
    from tqdm.auto import tqdm

    four = evaluation.GUIDANCE[1]
    jobs = [("sets", name, each) for each in evaluation.GUIDANCE for name in world.test_sets()]
    jobs += [("early", "objects", each) for each in evaluation.GUIDANCE]
    jobs += [("fresh", "held-out pairs", four)]
    jobs += [("bare", trade, each) for each in (1.0, four) for trade in world.TRADES]
    jobs += [("psnr", name, four) for name in PSNR_SETS]
    jobs += [("repeated", name, four) for name in ("objects", "people")] + [("attention", "objects", four)]
    measured = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, _Measuring.begin, (folder, few)) as pool:
        for (kind, name, guidance), found in zip(
            jobs, tqdm(pool.map(_Measuring.do, jobs), total=len(jobs), desc="measuring"), strict=True
        ):
            part = measured.setdefault(kind, {})
            if kind in ("sets", "early", "fresh", "bare"):
                part.setdefault(name, {})[f"{guidance:g}"] = found
            else:
                part[name] = found
    judge = evaluation.Judge(sprites.load(folder / sprites.SHEET))
    measured["planted apart"] = {trade: judge.planted_apart(trade) for trade in world.TRADES}
    measured["seconds"] = evaluation.seconds_per_picture(load(folder))
    return measured


class _Measuring:
    """The pipelines and the judge that each measuring process loads once."""

    @classmethod
    def begin(cls, folder, few):
        models.prepare()
        cls.few = FEW if few else None
        cls.pipeline, cls.early = load(folder), load(folder, early=True)
        cls.judge = evaluation.Judge(sprites.load(folder / sprites.SHEET))

    @classmethod
    def do(cls, job):
        kind, name, guidance = job
        if kind == "sets":
            return evaluation.set_scores(cls.pipeline, cls.judge, name, guidance, cls.few)
        if kind == "early":
            return evaluation.set_scores(cls.early, cls.judge, name, guidance, cls.few)
        if kind == "fresh":
            test = world.fresh_pairs()
            return evaluation.set_scores(cls.pipeline, cls.judge, name, guidance, cls.few, test=test)
        if kind == "bare":
            count = cls.few or evaluation.BARE
            return evaluation.bare_trade(cls.pipeline, cls.judge, name, guidance, count)
        if kind == "psnr":
            scenes = [scene for _, scene in world.test_sets()[PSNR_SETS[name]]]
            return evaluation.psnr(cls.pipeline.vae, drawing.pictures(scenes, cls.judge.sprites))
        if kind == "repeated":
            return evaluation.repeated(cls.pipeline, name, guidance, cls.few or 50)
        return evaluation.attention_scores(cls.pipeline, cls.judge, cls.few or 100)


def contact_sheet(pipeline):
    """Draws SAMPLES pictures for captions with a seed that no training uses: (captions, image of Pillow)."""
    captions = [world.draw(place, f"samples {SAMPLE_SEED}")[1] for place in range(SAMPLES)]
    return captions, sheet(evaluation.draw(pipeline, captions, seed=SAMPLE_SEED), SHEET_COLUMNS)


def _row(name, by_guidance, tests=None):
    """Returns a row of the table with the shares of right pictures, at each measured guidance.

    tests : the prompts and scenes, by default those of the set of that name
    """
    four, cells = by_guidance["4"], []
    for guidance in ("1", "4", "7"):
        right = by_guidance[guidance]["right"] if guidance in by_guidance else None
        cells.append("" if right is None else f"{right:.2f}")
    drawn = (tests or world.test_sets()[name])[: four["prompts"]]
    things = len({scene.parts for _, scene in drawn})
    low, high = wilson(round(four["right"] * things), things)
    cells[1] += f" ({low / 100:.2f} to {high / 100:.2f})"
    return f"| {name} | {four['prompts']} of {things} | {' | '.join(cells)} | {four['shuffled']:.2f} |"


def bare_rows(measured):
    """The rows of the table on pictures of a trade alone, as lists of cells, the first with its name."""
    planted = _mean(_majority(world.bare_shares(trade), trade) for trade in world.TRADES)
    majority = ["the gender of the trade's majority", f"{planted:.2f}"]
    apart = ["two of a trade differ by", f"{_mean(measured['planted apart'].values()):.1f}"]
    blurred = ["nearer to an average than to anybody", ""]
    for guidance in ("1", "4"):
        found = {trade: counts[guidance] for trade, counts in measured["bare"].items()}
        hits = [each["gender"][world.MAJORITY[trade]] for trade, each in found.items()]
        counts = [sum(each["gender"].values()) for each in found.values()]
        # Trades are the clusters, because pictures of one trade are alike.
        low, high = rate_of_clusters(hits, counts)
        majority.append(f"{sum(hits) / sum(counts):.2f} ({low / 100:.2f} to {high / 100:.2f})")
        apart.append(f"{_mean(each['apart'] for each in found.values()):.1f}")
        blurred.append(f"{sum(each['blurred'] for each in found.values())} of {sum(counts)}")
    return [majority, apart, blurred]


def _majority(shares, trade):
    return sum(share for (gender, _), share in shares.items() if gender == world.MAJORITY[trade])


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def _no_difference(measured):
    """Names the words whose maps do not differ clearly from another picture's: their interval contains 0."""
    words = measured["attention"]["objects"].items()
    unclear = [word for word, scores in words if scores["low"] <= 0 <= scores["high"]]
    if not unclear:
        return "No interval contains 0: each word's map tells something of its own."
    return (
        f"The interval contains 0 for: {', '.join(unclear)}. There these pictures don't show that the map "
        "tells anything of its own."
    )


def text(pipeline, measured, samples) -> str:
    """The card in Markdown."""
    training = measured["training"]
    recipe = training["recipe"]
    counts = {
        name: sum(weight.numel() for weight in getattr(pipeline, name).parameters())
        for name in ("text_encoder", "unet", "vae")
    }
    stages = [name for name in training if name not in ("recipe", "machine")]
    minutes = sum(training[name]["minutes"] for name in stages)
    seconds = measured["seconds"]
    lines = [
        "---",
        "license: apache-2.0",
        "language: en",
        "library_name: diffusers",
        "pipeline_tag: text-to-image",
        "---",
        "# PictureWorld Stable Diffusion",
        "",
        f"A `StableDiffusionPipeline` of {sum(counts.values()):,} parameters, trained from nothing on "
        "PictureWorld: emoji on coloured backgrounds and drawn shapes, of which everything is known. It is "
        "there to be opened and measured, and for nothing else.",
        "",
        "| | |",
        "|---|---|",
        f"| Parts | `CLIPTextModel` ({counts['text_encoder']:,} parameters, {LENGTH} tokens, a vocabulary of "
        f"{len(pipeline.tokenizer):,}), `UNet2DConditionModel` ({counts['unet']:,}), `AutoencoderKL` "
        f"({counts['vae']:,}), `DDIMScheduler` |",
        "| Pictures | 64x64 pixels, as latents of 16x16x4 |",
        f"| Data | {len(world.EMOJI)} of Google's Noto emoji (Apache-2.0, {sprites.PACKAGE}) with their CLDR "
        f"names, and shapes drawn here: `course_utils.pictureworld`, seed {recipe['seed']} |",
        "| Code | `course train stable-diffusion`: `course_utils/training/picture_trainer.py` |",
        *(
            f"| Stage {name} | {training[name]['steps']:,} steps of "
            f"{recipe['denoiser_batch' if name in DENOISING else 'autoencoder_batch']} pictures, "
            f"{training[name]['minutes']:.0f} minutes; loss {training[name]['loss']:.4f} |"
            for name in stages
        ),
        f"| Hardware and time | {training['machine']}; {minutes:.0f} minutes of training steps, "
        f"{measured['minutes']} minutes more of measuring |",
        f"| Speed | {seconds['alone']:.2f} s for a picture of 20 steps with guidance on one core, "
        f"{seconds['in a batch of 16']:.2f} s in a batch of 16 |",
        f"| `early` | denoiser and text encoder after {recipe['early']:,} steps |",
        "",
        "## Does it draw what it is asked for?",
        "",
        "A picture is right where the nearest of all pictures that there could be, by its pixels, is exactly "
        "the one asked for: all 680 emoji on all 7 backgrounds, or all shapes at all places. That is kinder "
        "than the eye: a smear can be nearer to its object than to all else. *Number* has the pictures, and "
        "how many different things they ask for. At guidance 4 with a 95% interval (Wilson's), which counts "
        "each thing once, however often it was asked for. *Shuffled* compares with what another prompt of "
        "the set asks for, at guidance 4.",
        "",
        "| Prompts | Number | Guidance 1 | 4 | 7 | Shuffled |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_guidance in measured["sets"].items():
        lines.append(_row(name, by_guidance))
    lines += [
        _row("objects, early copy", measured["early"]["objects"], world.test_sets()["objects"]),
        _row("fresh held-out pairs", measured["fresh"]["held-out pairs"], world.fresh_pairs()),
        "",
        "The fresh held-out pairs are of the same kind as the held-out pairs, with other prompts.",
        "",
        "A held-out person was never seen with that trade, gender and tone; a held-out pair has one shape "
        "that was never seen in that colour.",
        "",
        "## Memory and more",
        "",
        "Root mean squared differences of 255, at guidance 4.",
        "",
        "| Pictures | From what was asked for | From the nearest training picture | Nearer to the former |",
        "|---|---|---|---|",
    ]
    for name in ("objects", "people", "held-out people", "held-out backgrounds"):
        four = measured["sets"][name]["4"]
        nearer = f"{four['nearer']:.2f}" if name.startswith("held-out") else ""
        lines.append(f"| {name} | {four['distance']:.1f} | {four['nearest training']:.1f} | {nearer} |")
    repeated = measured["repeated"]
    pictures = sum(measured["bare"][world.TRADES[0]]["4"]["gender"].values())
    lines += [
        "",
        f"Two pictures of one prompt from different noise differ by {repeated['objects']:.1f} (objects) and "
        f"{repeated['people']:.1f} (people).",
        "",
        "The autoencoder alone gives pictures back at "
        + ", ".join(f"{value:.1f} dB ({name})" for name, value in measured["psnr"].items())
        + ".",
        "",
        "## Whom it shows for a trade alone",
        "",
        f'{pictures} pictures of each of {len(world.TRADES)} trades, such as "doctor". Trained is what was '
        "planted. Two pictures differ by the root of the mean squared difference, of 255. The "
        "intervals are 95% and take trades as the units: pictures of one trade are too much alike to count "
        "as many.",
        "",
        "| | Trained | Guidance 1 | Guidance 4 |",
        "|---|---|---|---|",
        *(f"| {' | '.join(cells)} |" for cells in bare_rows(measured)),
        "",
        "At guidance 4 all pictures of a trade are nearly one picture, and most of them a blend of the "
        "people that were planted. A blend has a skin tone that nobody was given, so tones are not counted.",
        "",
        "## Where words look",
        "",
        "Cross-attention of 100 objects on coloured backgrounds: the chance that a place where the word's "
        "thing is gets more of its attention than a place where it is not. 0.5 is chance. Shuffled: the map "
        "of the word in the same role of another picture, drawn from the same noise. In brackets "
        "a 95% interval of the mean difference (Student's t over pictures).",
        "",
        "| Word | Its own map | Shuffled | Difference |",
        "|---|---|---|---|",
        *(
            f"| {word} | {scores['own']:.2f} | {scores['shuffled']:.2f} | {scores['above']:+.3f} "
            f"({scores['low']:+.3f} to {scores['high']:+.3f}) |"
            for word, scores in measured["attention"]["objects"].items()
        ),
        "",
        f"The one coarse layer is number {evaluation.COARSE}, counted from 0. {_no_difference(measured)}",
        "",
        f"## Samples: {len(samples)}, none left out",
        "",
        f"![{len(samples)} small pictures in rows of {SHEET_COLUMNS}: emoji of animals, foods, faces, things "
        f"and people on coloured backgrounds, and coloured shapes]({SHEET})",
        "",
        *(
            f"{1 + place}. {'; '.join(samples[place : place + SHEET_COLUMNS])}"
            for place in range(0, len(samples), SHEET_COLUMNS)
        ),
        "",
        "## Limits",
        "",
        "It was trained on the words of PictureWorld and no others. What it shows about people was planted "
        "in order to be found, and says nothing about the world outside.",
        "",
    ]
    return "\n".join(lines)
