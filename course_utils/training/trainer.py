"""Trains a tiny model deterministically, with a live page of its losses, and continues after interruptions.

`recipe.training(folder)` returns a training, which consists of stages (`stages.Stage`). This module runs the
steps of all stages, in one process or in several. Several processes share each step: each process has one
thread and computes the gradients for an equal part of the batch. Then these gradients are averaged. The
random numbers of a step depend only on the seed, the stage, the step and the process.
"""

import json
import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch

from course_utils import files, seeds, terminal
from course_utils.errors import CourseError
from course_utils.loading import store
from course_utils.training import recipes
from course_utils.training.progress import LivePage
from course_utils.training.stages import Run

SECONDS_BETWEEN_CHECKPOINTS = 60


def train(name, steps=None, minutes=None, folder=None):
    """Train a tiny model, or continue where an earlier call stopped, and return the model's folder.

    name : the name of a recipe, such as "tinyworld-llama" or "stable-diffusion"
    steps : for a quick try, the number of steps in each stage, at most as many as in the recipe
    minutes : the time after which the training pauses; to continue it, call the function again
    folder : the folder to work in; by default `training/NAME` in the course's cache

    The folder gets `loss.html`, a page that reloads itself in a browser. Each minute, a checkpoint of the
    current stage is saved there. At the end, the folder gets a folder `model`, which can be loaded with
    `from_pretrained`. If the training pauses before its end, the function returns None.

    Raises CourseError if the name is unknown, if the folder belongs to a training with other settings, or if
    the disk is full.
    """
    recipe = recipes.find(name)
    if steps is not None:
        recipe = recipe.shortened(steps)
    folder = store.cache_folder() / "training" / name if folder is None else Path(folder)
    model = folder / "model"
    with _readable_errors(folder, recipe.megabytes):
        folder.mkdir(parents=True, exist_ok=True)
        _check_settings(folder, json.loads(json.dumps(asdict(recipe))))
        if not model.exists():
            print(f"The losses as a picture, each minute: {folder / 'loss.html'}")
            training = run(recipe, folder, minutes)
            if training is None:
                return None
            with files.replacing(model, "model.part") as part:
                training.write(part)
    return model


def run(recipe, folder, minutes=None):
    """Take the remaining steps in all processes. Return the training, or None if it was paused."""
    seeds.prepare()
    training = recipe.training(folder)
    if recipe.processes == 1:
        return training if _take_steps(training, minutes) else None
    rendezvous = folder / f"rendezvous-{os.getpid()}"
    files.remove(rendezvous)
    context = multiprocessing.get_context("spawn")
    helpers = [
        context.Process(target=_run_helper, args=(recipe, folder, rendezvous, rank), daemon=True)
        for rank in range(1, recipe.processes)
    ]
    for helper in helpers:
        helper.start()
    try:
        _connect(rendezvous, 0, recipe.processes)
        return training if _take_steps(training, minutes) else None
    except RuntimeError as error:
        for helper in helpers:
            helper.join(timeout=5)
        if all(helper.is_alive() for helper in helpers):
            raise
        raise CourseError(
            "The second process of the training ended (its error is above): run this again, and it continues "
            "from its last checkpoint."
        ) from error
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for helper in helpers:
            helper.join(timeout=10)
            helper.terminate()
        files.remove(rendezvous)


def _connect(rendezvous, rank, processes):
    """Connect the processes of a training. Each of them calls this function with the same file `rendezvous`.

    rank : the number of this process, from 0
    processes : how many processes there are
    """
    # FileStore takes a path. `init_method` takes a URL, which fails if a folder has a space in its name.
    shared = torch.distributed.FileStore(str(rendezvous.absolute()), processes)
    torch.distributed.init_process_group("gloo", store=shared, rank=rank, world_size=processes)


def _run_helper(recipe, folder, rendezvous, rank):
    """Take a share of each step, in a process other than the first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this process

    # Make this process end even if the first process is killed before the two processes are connected.
    # Otherwise this process would wait for 30 minutes.
    threading.Thread(target=_exit_after, args=(multiprocessing.parent_process(),), daemon=True).start()
    seeds.prepare()
    _connect(rendezvous, rank, recipe.processes)
    _take_steps(recipe.training(folder), None, rank)


def _exit_after(process):
    process.join()
    os._exit(1)


def _take_steps(training, minutes, rank=0):
    """Take this process's share of all remaining steps. Return whether all steps have been taken."""
    deadline = time.monotonic() + (float("inf") if minutes is None else 60 * minutes)
    page = LivePage(training.folder)
    for stage in training.stages:
        stage.begin()
        training.runs.append(Run(stage, training.folder, training.recipe.processes))
        if not _take_stage(training, page, deadline, rank):
            return False
        training.runs[-1].finish()
    return True


def _take_stage(training, page, deadline, rank):
    """Take the remaining steps of the current stage. Return whether all of its steps have been taken."""
    run, recipe, saved = training.runs[-1], training.recipe, time.monotonic()
    stage, share = run.stage, run.stage.batch // recipe.processes
    options = {"unit": "step", "desc": stage.name, "mininterval": 1, "disable": rank > 0}
    total = {"total": stage.steps, "initial": run.done}
    with _interrupt_after_step(rank) as interrupted, terminal.bars()(**total, **options) as bar:
        while run.done < stage.steps:
            began = time.monotonic()
            first = run.done * stage.batch + rank * share
            seed = (recipe.seed * 10 + len(training.runs)) * 10**7 + run.done
            generator = torch.Generator().manual_seed(seed * recipe.processes + rank)
            run.step(*stage.loss(range(first, first + share), generator))
            now = time.monotonic()
            run.seconds += now - began
            bar.set_postfix_str(training.status(), refresh=False)
            bar.update()
            if run.done == stage.early and rank == 0:
                run.copy_averages()
            pause = now >= deadline or bool(interrupted)
            save = pause or run.done == stage.steps or now - saved >= SECONDS_BETWEEN_CHECKPOINTS
            save, pause = _decisions_of_the_first(save, pause, recipe.processes)
            if save:
                if rank == 0:
                    run.save()
                    page.draw(training)
                saved = time.monotonic()
            if pause and run.done < stage.steps:
                return False
    return True


@contextmanager
def _interrupt_after_step(rank):
    """Delay Ctrl-C to the end of the `with` block, so that a checkpoint can be saved first.

    A second Ctrl-C acts at once. Yields a list that is empty until Ctrl-C is pressed.

    rank : the number of this process; only the first process, 0, delays Ctrl-C
    """
    pressed, before = [], signal.getsignal(signal.SIGINT)
    elsewhere = rank or threading.current_thread() is not threading.main_thread()
    if elsewhere or before is not signal.default_int_handler:
        yield pressed
        return

    def press(number, frame):
        pressed.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _decisions_of_the_first(save, pause, processes):
    """Return the first process's values of `save` and `pause` in all processes.

    Each process decides by its own clock, so without this function the processes could decide differently.
    """
    if processes == 1:
        return save, pause
    decisions = torch.tensor([float(save), float(pause)])
    torch.distributed.broadcast(decisions, 0)
    return decisions.bool().tolist()


def _check_settings(folder, settings):
    """Store the settings in a new folder. Raise CourseError if an old folder has other settings."""
    path = folder / "settings.json"
    if not path.exists():
        files.write_text(path, json.dumps(settings, indent=2))
    try:
        stored = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise CourseError(f"{path} is damaged: delete {folder}, or name another folder.") from None
    for name, value in settings.items():
        if stored.get(name) != value:
            raise CourseError(
                f"{folder} holds a training with {name} {stored.get(name)}, and this one has {value}: "
                "name another folder, or delete that one."
            )


@contextmanager
def _readable_errors(folder, megabytes):
    """Turn a disk error into a CourseError. `megabytes` is the disk space that the training needs."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CourseError(
            f"The training can't write to {folder} ({reason}): it needs about {megabytes} MB. Make room or "
            "name another folder, and run this again: it continues from its last checkpoint."
        ) from error
