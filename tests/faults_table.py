"""Prints docs/faults.md: faults of a full-size model, damaged files, and the messages for learners.

`make faults` brings about every fault. The real libraries talk to a model hub on this machine.
"""

import contextlib
import errno
import filecmp
import io
import os
import re
import resource
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from damage import DAMAGES, PUBLISHED
from servers import Hub, Index, shrunken, wheel

from course_utils import catalog, doctor, loading
from course_utils.loading import checksums, convert, memory, package_index, store
from course_utils.opened.hub import Commit

START = """# What a learner sees when something fails

`make faults` generates this page, and `make everything` compares it. The real `huggingface_hub` and
transformers run each cell against a hub on this machine that has the fault. The message is quoted to the
letter, except for the hub's address and the speed. The free memory and disk are those of a laptop without a
GPU: 8 GB and 60 GB. Three errors (†) were raised by hand, because we can't fill up a disk and have no GPU.

The last column shows the command that the message suggests. We ran it while the fault was still there, and
the notebook then loaded that model. "The same cell" is the cell that loads the model.

| Fault | The cell | The message that the learner sees | What works instead |
|---|---|---|---|
"""
DAMAGED = """
## Damaged files

What was fetched or made can be damaged later: by a failing disk, a full one, another program, a power cut.
Each row damages SmolLM2's files in the cache. The second column is what `course doctor` then says of it, the
third what `course.load("llama")` prints before it gives the model. Afterwards every file is again, byte for
byte, what was fetched or made. The conversion was run once, and its result used in the other rows.

| Damage | `course doctor` | The cell |
|---|---|---|
"""
STOPPED = """
Where a damaged file would have to be fetched again and can't be, the cell stops:

| Damage | The cell | The message that the learner sees |
|---|---|---|
"""
FILES = {"config.json": b"{}", "model.safetensors": bytes(5_000)}
PICKLES = {"config.json": b"{}", "pytorch_model.bin": b"a pickle"}
FALCON, MISTRAL = "tiiuae/falcon-7b-instruct", "mistralai/Mistral-7B-Instruct-v0.1"
GB = 1_000_000_000


def not_accepted(patch, hub):
    patch.setattr(hub, "gated", True)
    patch.setenv("HF_TOKEN", "a good one")


def no_token(patch, hub):
    patch.setattr(hub, "gated", True)


def expired(patch, hub):
    patch.setattr(hub, "expired", "an old one")
    patch.setenv("HF_TOKEN", "an old one")


def slow(patch, hub):
    patch.setattr(hub, "pause", 0.3)
    large = hub.others["meta-llama/Llama-3.1-8B-Instruct"]
    patch.setitem(large.files, "model.safetensors", bytes(500_000))
    patch.setitem(catalog.models(), "llama-3.1-8b-instruct", REAL["llama-3.1-8b-instruct"])


def no_room(patch, hub):
    patch.setattr(shutil, "disk_usage", lambda folder: DISK._replace(free=2 * GB))
    patch.setitem(catalog.models(), "mistral-7b-instruct", REAL["mistral-7b-instruct"])


def disk_fills_up(patch, hub):
    def http_get(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr("huggingface_hub.file_download.http_get", http_get)


def too_large(patch, hub):
    patch.setitem(catalog.models(), "mixtral-8x7b-instruct", REAL["mixtral-8x7b-instruct"])


def memory_runs_out(patch, hub):
    """Limits the process to 30 MB more than it uses after the download. The model needs 38 MB."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

    def from_pretrained(place, **options):
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 30_000_000, hard))
        return original(place, **options)

    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = LlamaConfig(**shape, vocab_size=300_000, tie_word_embeddings=True)
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM._from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    patch.setitem(hub.others, MISTRAL, replace(hub.others[MISTRAL], files=files))
    original = AutoModelForCausalLM.from_pretrained
    patch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)


def loads(patch, hub):
    """Puts TinyWorld's Mistral, which can be loaded, on the hub in place of the real Mistral."""
    folder = store.TRAINED_HERE / "tinyworld-mistral"
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    patch.setitem(hub.others, MISTRAL, replace(hub.others[MISTRAL], files=files))


def memory_runs_out_later(patch, hub):
    """Returns a cell with a text that has too many tokens for any machine's memory."""
    loads(patch, hub)
    return "logits = model(input_ids=torch.zeros(1, 10**15, dtype=torch.long)).logits"


def gpu_runs_out_later(patch, hub):
    loads(patch, hub)
    return "raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.')"


def gpu_runs_out(patch, hub):
    import torch
    from transformers import AutoModelForCausalLM

    def from_pretrained(place, **options):
        if store.TRAINED_HERE in Path(place).parents:
            return original(place, **options)
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    original = AutoModelForCausalLM.from_pretrained
    patch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    patch.setattr("course_utils.loading.memory.free", lambda: (6 * GB, 8 * GB))


# (fault, the model that the cell loads, a function that brings the fault about). If the fault appears only in
# a later cell, the function returns that cell.
FAULTS = [
    ("the conditions of the gate are not accepted", "llama", not_accepted),
    ("a gate, and no token", "llama", no_token),
    ("the token has expired", "llama", expired),
    ("a name that is not in the catalogue", "lama", lambda patch, hub: None),
    ("the repository is gone, or private", "falcon", lambda patch, hub: patch.delitem(hub.others, FALCON)),
    (
        "the revision is gone",
        "falcon",
        lambda patch, hub: patch.setitem(hub.others, FALCON, Commit("f" * 40, "anew", FILES)),
    ),
    (
        "the weights are pickles",
        "falcon",
        lambda patch, hub: patch.setitem(hub.others, FALCON, replace(hub.others[FALCON], files=PICKLES)),
    ),
    ("the hub is down", "mistral", lambda patch, hub: patch.setattr(hub, "status", 503)),
    ("the hub falls silent", "mistral", lambda patch, hub: patch.setattr(hub, "pause", 10.0)),
    (
        "the download is cut off midway",
        "mistral",
        lambda patch, hub: patch.setattr(hub, "broken", ".safetensors"),
    ),
    ("the notebook is offline", "mistral", lambda patch, hub: patch.setenv("HF_HUB_OFFLINE", "1")),
    ("the line is slow", "llama", slow),
    ("the disk is too full", "mistral", no_room),
    ("the disk fills up on the way †", "mistral", disk_fills_up),
    ("too little memory", "mixtral", too_large),
    ("the memory runs out", "mistral", memory_runs_out),
    ("the GPU's memory runs out †", "mistral", gpu_runs_out),
    ("the memory runs out in a later cell", "mistral", memory_runs_out_later),
    ("the GPU's memory runs out in a later cell †", "mistral", gpu_runs_out_later),
]


class Notebook:
    """Runs cells one after the other in IPython and returns what they show."""

    def __init__(self):
        from IPython.core.interactiveshell import InteractiveShell

        self.shell = InteractiveShell.instance()
        assert self.run("import course_utils as course, torch")[1]

    def run(self, cell):
        """Runs a cell. Returns its printed text without colours, and whether it ended without an error."""
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
            result = self.shell.run_cell(cell)
        return re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue()).strip(), result.success

    def go_on(self, seen, cell):
        """Runs the command that a message suggests, if any. Returns the text of the table's last column."""
        told = re.search(r"or go on with (.+) \((\w+)\): run `(.+?)`", seen)
        if not told:
            return ""
        title, size, command = told.groups()
        assert self.run(command)[1] and self.run(cell)[1], (seen, command)
        count = sum(each.numel() for each in self.shell.user_ns["model"].parameters())
        (facts,) = [each for each in catalog.models().values() if (each.title, each.size) == (title, size)]
        assert count == facts.parameters
        return f"`{command}`, the same cell: {title}"


def met(fault, name, bring, notebook, hub):
    """Brings about one fault and returns its row of the table."""
    cell = f'model, tokenizer = course.load("{name}")'
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", cache)
        patch.setenv("COURSE_SIZE", "full")
        limit = resource.getrlimit(resource.RLIMIT_AS)
        later = bring(patch, hub)
        try:
            assert not later or notebook.run(cell)[1]
            seen, well = notebook.run(later or cell)
            assert not well and seen.count("Stopped:") == 1, seen
            then = notebook.go_on(seen, cell)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limit)
    sentence = seen[seen.index("Stopped:") :].replace(hub.url, "https://huggingface.co").replace(cache, "…")
    sentence = sentence.replace(hub.host, "huggingface.co")
    sentence = re.sub(r"about \d+ hours, at [\d.]+ MB/s", "about … hours, at … MB/s", sentence)
    assert "\n" not in sentence
    shown = later or f'course.load("{name}")'
    return f"| {fault} | `{shown}` | {sentence} | {then} |\n"


class Cache:
    """A cache on this machine with SmolLM2's real files, and a package index that has SmolLM2's wheel."""

    def __init__(self, place, patch):
        """place : an empty folder"""
        self.place, self.patch, self.here = Path(place), patch, store.cache_folder()
        self.model = REAL["smollm2-135m-instruct"]
        self.file = self.model.files[0]
        self.original = convert.CONVERTERS["gguf"]

    def __enter__(self):
        self.sound = self.place / "sound"
        self.sound.mkdir()
        source = self.model.sources[0]
        published = (self.here / self.model.name / self.file.name).read_bytes()
        (self.sound / self.file.name).write_bytes(published)
        packed = wheel(source.folder, {self.file.name: published})
        sha256 = checksums.hashlib.sha256(packed).hexdigest()
        source = replace(source, bytes=len(packed), sha256=sha256)
        facts = replace(self.model, sources=(source,))
        self.patch.setitem(catalog.models(), self.model.name, facts)
        self.patch.setitem(convert.CONVERTERS, "gguf", self._convert)
        self.index = Index(source.package, {source.file: packed}).__enter__()
        session, _ = package_index.connect()
        self.patch.setattr(package_index, "connect", lambda: (session, [f"{self.index.url}/simple"]))
        self.patch.setenv("COURSE_SIZE", "small")
        return self

    def __exit__(self, *_):
        self.index.__exit__()

    def _convert(self, model, weights, target):
        made = self.sound / "model"
        if not made.exists():
            made.mkdir()
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                self.original(model, weights, made)
            self.shown = shown.getvalue()
        print(self.shown, end="")
        for path in made.iterdir():
            os.link(path, target / path.name)

    def damaged(self, bring):
        """Sets up a cache with all files sound, damages it, and returns what `course doctor` says."""
        cache = Path(tempfile.mkdtemp(dir=self.place))
        self.patch.setenv("COURSE_CACHE", str(cache))
        (cache / self.model.name).mkdir()
        os.link(self.sound / self.file.name, cache / self.model.name / self.file.name)
        with contextlib.redirect_stdout(io.StringIO()):
            loading.folder(self.model.name)
        bring(cache / self.model.name)
        checksums._sound.clear()  # as in a new process, which has checked nothing yet
        needed = [catalog.models()[self.model.name]]
        missing = [model for model in needed if not loading.is_cached(model)]
        wrong = {model.title: damage for model in needed if (damage := loading.damage(model))}
        return doctor._models(needed, missing, wrong)[1].removeprefix("models of the lessons: ")

    def is_whole(self):
        """Returns whether all files of the cache have the bytes that were fetched or made."""
        folder = store.cache_folder() / self.model.name
        names = [path.name for path in (self.sound / "model").iterdir()]
        pairs = [(self.sound / "model" / name, folder / "model" / name) for name in names]
        pairs.append((self.sound / self.file.name, folder / self.file.name))
        return all(filecmp.cmp(*pair, shallow=False) for pair in pairs)

    def row(self, words, bring, notebook):
        """Returns a row of the table of damages."""
        said = self.damaged(bring)
        seen, well = notebook.run('model, tokenizer = course.load("llama")')
        assert well and self.is_whole(), (words, seen)
        lines = [line for line in seen.splitlines() if line.startswith((self.model.title, "Converting"))]
        return f"| {words} | {said} | {' '.join(lines)} |\n"

    def stopped(self, words, bring, notebook, cell='model, tokenizer = course.load("llama")'):
        """Returns a row of the table of damages that stop a cell if the notebook is offline."""
        self.damaged(bring)
        self.patch.setenv("HF_HUB_OFFLINE", "1")
        seen, well = notebook.run(cell)
        self.patch.delenv("HF_HUB_OFFLINE")
        assert not well and seen.count("Stopped:") == 1, seen
        sentence = seen[seen.index("Stopped:") :]
        assert "\n" not in sentence
        return f"| {words} | `{cell.rpartition('= ')[2]}` | {sentence} |\n"


def damages(notebook, patch):
    """Returns the part of docs/faults.md on damaged files."""
    with tempfile.TemporaryDirectory() as place, Cache(place, patch) as cache:
        rows = [cache.row(words, bring, notebook) for words, bring in DAMAGES]
        words, bring = PUBLISHED
        weights = 'course.loading.weights("smollm2-135m-instruct")'
        stopped = [
            *(cache.stopped(*damage, notebook) for damage in DAMAGES[-3:]),
            cache.stopped(words, bring, notebook, weights),
        ]
        return DAMAGED + "".join(rows) + STOPPED + "".join(stopped)


REAL = dict(catalog.models())
DISK = shutil.disk_usage("/")._replace(free=60 * GB)


def table():
    """Returns the text of docs/faults.md.

    Call it in a new process, because huggingface_hub reads its settings only when it is imported.
    """
    for name in list(os.environ):
        if name.startswith(("HF_", "COURSE_SIZE")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    with (
        tempfile.TemporaryDirectory() as home,
        Hub("nobody/nothing", "0" * 40, {}) as hub,
        pytest.MonkeyPatch.context() as patch,
    ):
        settings = {"HF_HOME": home, "HF_ENDPOINT": hub.url, "HF_HUB_DOWNLOAD_TIMEOUT": "4"}
        for name, value in settings.items():
            patch.setenv(name, value)
        for name, model in REAL.items():
            if model.size == "full":
                source = model.sources[0]
                hub.others[source.repository] = Commit(source.revision, "published", dict(FILES))
                patch.setitem(catalog.models(), name, shrunken(model))
        patch.setattr(memory, "free", lambda: (0, 8 * GB))
        patch.setattr(shutil, "disk_usage", lambda folder: DISK)
        notebook = Notebook()
        faults = "".join(met(*fault, notebook, hub) for fault in FAULTS)
        return START + faults + damages(notebook, patch)


if __name__ == "__main__":
    sys.stdout.write(table())
