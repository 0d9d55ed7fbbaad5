"""Measures the tiny Stable Diffusion, and writes its model card and 100 sample pictures."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean

from course_utils import seeds, terminal
from course_utils.statistics import rate_of_clusters, wilson
from course_utils.training import card
from course_utils.training import picture_evaluation as evaluation
from course_utils.training.picture_pipeline import LENGTH, contact_sheet, load
from course_utils.worlds.pictureworld import drawing, sprites, world

SAMPLES = 100
COLUMNS = 20
SAMPLE_SEED = 100_000  # a seed that no training uses
PICTURES_OF_A_TRADE = 20
FEW = 2  # the number of prompts of each test set in a quick try

# The autoencoder is measured on these kinds of pictures: {name on the card: test set with such pictures}.
PSNR_SETS = {"objects": "objects", "people": "people", "scenes": "pairs"}
_PROCESSES = 2


def write(folder, training, few=False):
    """Measure the pipeline in a folder, and write its README.md, measured.json and samples.png there.

    training : facts about the training: {stage: {"steps", "minutes", "loss"}, "recipe": ..., "machine": ...}
    few : whether to measure only a few prompts of each test set, for a quick try
    """
    began = time.monotonic()
    measured = measure(folder, few)
    measured["minutes"] = round((time.monotonic() - began) / 60)
    measured |= {"training": training, "plan": world.plan()}
    pipeline = load(folder)
    pictures = evaluation.draw(pipeline, sample_captions(), seed=SAMPLE_SEED)
    contact_sheet(pictures, COLUMNS).save(folder / "samples.png", optimize=True)
    card.write(folder, measured, lambda measured: text(pipeline, measured, card.remarks(folder)))


def sample_captions():
    """Return the captions of the sample pictures on the card."""
    return [world.draw(index, f"samples {SAMPLE_SEED}")[1] for index in range(SAMPLES)]


def measure(folder, few=False) -> dict:
    """Return all measurements of a pipeline for its card, as plain values for JSON. This takes minutes."""
    one, four, _ = evaluation.GUIDANCE
    jobs = [("sets", name, guidance) for guidance in evaluation.GUIDANCE for name in world.test_sets()]
    jobs += [("early", "objects", guidance) for guidance in evaluation.GUIDANCE]
    jobs += [("fresh", "held-out pairs", four)]
    jobs += [("bare", trade, guidance) for guidance in (one, four) for trade in world.TRADES]
    jobs += [("psnr", name, None) for name in PSNR_SETS]
    jobs += [("repeated", name, None) for name in ("objects", "people")] + [("attention", "objects", None)]
    measured = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, context, _load_once, (folder, few)) as pool:
        results = terminal.bars()(pool.map(_measure_one, jobs), total=len(jobs), desc="measuring")
        for (kind, name, guidance), result in zip(jobs, results, strict=True):
            if guidance is None:
                measured.setdefault(kind, {})[name] = result
            else:
                measured.setdefault(kind, {}).setdefault(name, {})[f"{guidance:g}"] = result
    classifier = evaluation.Classifier(sprites.load(folder / sprites.SHEET))
    measured["planted apart"] = {trade: classifier.planted_difference(trade) for trade in world.TRADES}
    measured["seconds"] = evaluation.seconds_per_picture(load(folder))
    return measured


_loaded = {}  # what this process has loaded to measure: pipelines, a classifier, and the number of prompts


def _load_once(folder, few):
    seeds.prepare()
    _loaded["count"] = FEW if few else None
    _loaded["pipeline"], _loaded["early"] = load(folder), load(folder, early=True)
    _loaded["classifier"] = evaluation.Classifier(sprites.load(folder / sprites.SHEET))


def _measure_one(job):
    kind, name, guidance = job
    pipeline, classifier, count = _loaded["pipeline"], _loaded["classifier"], _loaded["count"]
    if kind == "bare":
        return evaluation.bare_trade(pipeline, classifier, name, guidance, count or PICTURES_OF_A_TRADE)
    if kind == "psnr":
        scenes = [scene for _, scene in world.test_sets()[PSNR_SETS[name]]]
        return evaluation.psnr(pipeline.vae, drawing.pictures(scenes, classifier.sprites))
    if kind == "repeated":
        return evaluation.repeated(pipeline, name, count or 50)
    if kind == "attention":
        return evaluation.attention_scores(pipeline, classifier, count or 100)
    pipeline, test = _loaded["early" if kind == "early" else "pipeline"], None
    if kind == "fresh":
        test = world.fresh_pairs()
    return evaluation.set_scores(pipeline, classifier, name, guidance, count, test)


def text(pipeline, measured, remarks=None) -> str:
    """Return the card in Markdown.

    remarks : a person's remarks on these weights, as `card.remarks` returns them
    """
    parts = ("text_encoder", "unet", "vae")
    sets = [(name, scores, world.test_sets()[name]) for name, scores in measured["sets"].items()]
    sets.append(("objects, early copy", measured["early"]["objects"], world.test_sets()["objects"]))
    sets.append(("fresh held-out pairs", measured["fresh"]["held-out pairs"], world.fresh_pairs()))
    words = measured["attention"]["objects"].items()
    stages = [name for name in measured["training"] if name not in ("recipe", "machine")]
    return card.text(
        "picture",
        measured,
        parameters={part: getattr(pipeline, part).num_parameters() for part in parts},
        caption_tokens=LENGTH,
        vocabulary=len(pipeline.tokenizer),
        emoji=len(world.EMOJI),
        backgrounds=len(world.BACKGROUNDS),
        emoji_package=sprites.PACKAGE,
        stages=stages,
        training_minutes=sum(measured["training"][name]["minutes"] for name in stages),
        rows=[_row(name, scores, test) for name, scores, test in sets],
        trades=bare_trades(measured),
        coarse_layer=evaluation.COARSE_LAYER,
        unclear=[word for word, scores in words if scores["low"] <= 0 <= scores["high"]],
        columns=COLUMNS,
        captions=sample_captions(),
        remarks=remarks or {},
    )


def _row(name, scores, test):
    """Return a row of the card's table: a test set's scores at each guidance, and an interval at guidance 4.

    The interval is that of the share of right pictures. If several prompts ask for the same thing, they count
    as one case of the sample.

    test : the test set, as (caption, scene) pairs
    """
    four = scores["4"]
    things = len({scene.parts for _, scene in test[: four["prompts"]]})
    low, high = wilson(round(four["right"] * things), things)
    return {"name": name, "scores": scores, "things": things, "low": low / 100, "high": high / 100} | four


def bare_trades(measured):
    """Return which people are in the pictures if the caption names only a trade, such as "doctor".

    Returns {"planted": entry, "1": entry, "4": entry}. "planted" is about the training pictures, "1" and "4"
    are about the pictures that the model drew with guidance 1 and 4. Each entry has the share of people of
    the trade's `majority` gender, and how far two pictures are `apart` (RMSE). The entries "1" and "4" also
    have the interval of the share (`low`, `high`), the number of `pictures`, and the number of `blurred`
    pictures.
    """
    planted = [
        sum(share for (gender, _), share in world.bare_shares(trade).items() if gender == majority)
        for trade, majority in world.MAJORITY.items()
    ]
    results = {"planted": {"majority": fmean(planted), "apart": fmean(measured["planted apart"].values())}}
    for guidance in ("1", "4"):
        scores = {trade: by_guidance[guidance] for trade, by_guidance in measured["bare"].items()}
        hits = [score["gender"][world.MAJORITY[trade]] for trade, score in scores.items()]
        counts = [sum(score["gender"].values()) for score in scores.values()]
        # Each trade is a cluster, because pictures of the same trade are alike.
        low, high = rate_of_clusters(hits, counts)
        results[guidance] = {
            "majority": sum(hits) / sum(counts),
            "low": low / 100,
            "high": high / 100,
            "apart": fmean(score["apart"] for score in scores.values()),
            "blurred": sum(score["blurred"] for score in scores.values()),
            "pictures": sum(counts),
        }
    return results
