"""Makes the plan for loading a model: whether and how it can run on this machine, and what must be fetched.

Planning needs no network, and writes only `checked.json` (see `checksums`). The table before a download, the
download itself and the opening of the model then follow the plan.
"""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils import catalog, units
from course_utils.errors import CourseError
from course_utils.loading import hub, memory, store

# {bits: bytes that bitsandbytes stores per weight, scales included}. At 8 bits, each row of a matrix has a
# scale. At 4 bits, each group of 64 weights has a scale.
QUANTISED = {8: 1.01, 4: 0.52}


@dataclass(frozen=True)
class Plan:
    """What a model needs, what this machine has free, and how the model will run.

    model : the catalogue's facts
    folder : the folder for the files; it may not exist yet
    download_bytes, disk_bytes : the bytes still to be fetched, and the disk space that they will take; 0 if
        all files are on this machine
    free_gpu_bytes, free_main_bytes, free_disk_bytes : what was free when the plan was made
    bits : the precision in bits per weight; the embedding and the output layer are stored with at least 16
    device : "cpu", "cuda", "both" (as many layers on the GPU as fit, the rest in main memory), or "offload"
        (a pipeline with one part at a time on the GPU)
    gpu_bytes, main_bytes : what the model needs in the GPU's memory and in main memory
    obstacle : a sentence that says why the model can't be fetched or can't run here, and what to do; or ""
    smaller : for a model of the hub, another model of the family, or None. It is the largest one that is
        smaller, fits into main memory and needs no download from the hub
    is_default : whether the family's name without a size means this model. If so, COURSE_SIZE can select
        another model.
    """

    model: catalog.Model
    folder: Path
    download_bytes: int
    disk_bytes: int
    free_gpu_bytes: float
    free_main_bytes: float
    free_disk_bytes: int
    bits: int = 32
    device: str = "cpu"
    gpu_bytes: float = 0
    main_bytes: float = 0
    obstacle: str = ""
    smaller: catalog.Model | None = None
    is_default: bool = False

    @property
    def source(self) -> catalog.Source:
        """The first source of the model's files."""
        return self.model.sources[0]

    @property
    def files(self) -> tuple[catalog.File, ...]:
        """The files that are not in the cache; empty if a whole repository is fetched."""
        return tuple(file for file in self.model.files if not store.has_file(self.model, file))

    @property
    def memory(self) -> str:
        """What the model needs in memory, such as "7.2 GB on the GPU at 4 bits"."""
        gpu, main = units.size(self.gpu_bytes, "MB"), units.size(self.main_bytes, "MB")
        text = {
            "cpu": f"{main} at {self.bits} bits",
            "cuda": f"{gpu} on the GPU at {self.bits} bits",
            "both": f"{gpu} on the GPU and {main} of main memory at {self.bits} bits",
            "offload": f"{gpu} on the GPU, one part at a time, and {main} of main memory at {self.bits} bits",
        }[self.device]
        if self.device == "cuda" and self.main_bytes:
            return f"{text}, and {main} of main memory while it is loaded"
        return text

    def check(self):
        """Raise CourseError if something prevents the load, such as too little memory."""
        if self.obstacle:
            raise CourseError(self.obstacle)


def plan(model, four_bit=None, eight_bit=None) -> Plan:
    """Return the plan by which a model will be fetched and will run here.

    four_bit, eight_bit : as in `loading.load`

    Raises CourseError if a pipeline is to be stored at 4 or 8 bits. All other reasons against loading the
    model are in the plan's `obstacle`, because even a model that can't run here can be previewed.
    """
    if model.is_pipeline and (four_bit or eight_bit):
        raise CourseError(
            f"{model.title} is not stored at 4 bits here, nor at 8: leave `four_bit` and `eight_bit` out."
        )
    folder = _folder(model)
    download, disk = (0, 0) if is_cached(model) else _still_needed(model)
    if model.size == "full":
        limits = free = memory.free()
    else:  # the model runs on the CPU; the limit is all main memory, because other programs can free theirs
        free_main, all_main = memory.main()
        free, limits = (0, free_main), (0, all_main)
    start = Plan(model, folder, download, disk, *free, store.free_bytes(folder))
    start = replace(start, smaller=_smaller(model), is_default=catalog.default(model.family) is model)
    possible = candidates(start, four_bit, eight_bit)
    fitting = [each for each in possible if each.gpu_bytes <= limits[0] and each.main_bytes <= limits[1]]
    if not fitting:
        least = min(possible, key=lambda each: each.gpu_bytes + each.main_bytes)
        return replace(least, obstacle=_does_not_fit(least, limits))
    best = fitting[0]
    return replace(best, obstacle=_lack_of_package(best) or store.lack_of_room(model.title, folder, disk))


def candidates(start, four_bit=None, eight_bit=None) -> list[Plan]:
    """Return a plan for each combination of precision and device, best first, whether or not it fits.

    A full-size language model runs on a GPU at 16, 8 or 4 bits, or with some of its layers in main memory;
    otherwise it runs in main memory at 32, 16, 8 or 4 bits. A pipeline runs on a GPU at 16 bits, whole or
    one part at a time, or in main memory at 32. Whisper runs on a GPU at 16 bits, or in main memory at 32.
    Other sizes run in main memory, at 32 bits if neither 8 nor 4 are asked for.

    start : a `Plan` without precision and device
    """
    model = start.model
    asked = 4 if four_bit else 8 if eight_bit else None
    if model.size != "full":
        return [replace(start, bits=asked or 32, device="cpu", main_bytes=model.memory_bytes)]
    if model.is_pipeline:
        order = [(16, "cuda"), (16, "offload"), (32, "cpu")]
    elif asked:
        order = [(asked, "cuda"), (asked, "cpu")]
    elif model.is_whisper:
        order = [(16, "cuda"), (32, "cpu")]
    else:
        order = [(16, "cuda"), (8, "cuda"), (4, "cuda"), (16, "both")]
        order += [(32, "cpu"), (16, "cpu"), (8, "cpu"), (4, "cpu")]
        refused = {bits for bits, wanted in ((4, four_bit), (8, eight_bit)) if wanted is False}
        order = [(bits, device) for bits, device in order if bits not in refused]
    return [
        replace(start, bits=bits, device=device, **_memory_needed(start, bits, device))
        for bits, device in order
        if start.free_gpu_bytes or device == "cpu"
    ]


def _memory_needed(start, bits, device):
    """Return the `gpu_bytes` and `main_bytes` that a full-size model needs."""
    model = start.model
    work, published = model.work_bytes, 2 * model.parameters
    if bits in QUANTISED:
        quantised = QUANTISED[bits] * (model.parameters - model.kept_parameters) + 2 * model.kept_parameters
        # If transformers can't quantise all of the model's matrices, the model is first loaded into main
        # memory at 16 bits.
        waiting = 0 if model.is_plain_linear else published
        if device == "cuda":
            return {"gpu_bytes": quantised + work, "main_bytes": waiting}
        return {"gpu_bytes": 0, "main_bytes": max(quantised, waiting) + work}
    if device == "cuda":
        return {"gpu_bytes": published + work, "main_bytes": 0}
    if device == "offload":
        return {"gpu_bytes": 2 * model.largest_part + work, "main_bytes": published}
    if device == "both":
        on_gpu = min(start.free_gpu_bytes, published + work)
        return {"gpu_bytes": on_gpu, "main_bytes": published + work - on_gpu}
    return {"gpu_bytes": 0, "main_bytes": model.parameters * bits / 8 + work}


def _does_not_fit(least, limits):
    return (
        f"{least.model.title} does not fit here: it takes at least {least.memory} "
        f"({memory.in_words(*limits)}): close other notebooks and programs, or use a machine with more "
        "memory, and run this again."
    )


def _lack_of_package(best):
    if best.bits >= 16 or importlib.util.find_spec("bitsandbytes"):
        return ""
    return (
        f"{best.model.title} at {best.bits} bits needs the package bitsandbytes: run `pip install "
        "bitsandbytes`, restart the kernel and run this again."
    )


def is_cached(model) -> bool:
    """Return whether a model is on this machine, or can be made from files that are on this machine."""
    if model.ours:
        return (store.TRAINED_HERE / model.name).is_dir()
    if model.files:
        return store.converted(model)[0] in ("sound", "older") or store.has_all_files(model)
    return hub.is_cached(model)


def damage(model) -> str:
    """Return what is wrong with a model's files on this machine, such as "config.json is missing"; or ""."""
    if model.ours or model.files:
        return store.damage(model)
    if not hub.is_cached(model):
        return ""
    changed = hub.damaged(hub.snapshot(model.sources[0], local_files_only=True))
    return f"{changed[0].name} {hub.CHANGED}" if changed else ""


def _folder(model):
    if model.ours:
        return store.TRAINED_HERE / model.name
    return store.cache_folder() / model.name if model.files else hub.cache_folder()


def _still_needed(model):
    """Return the bytes to download, and the bytes of disk for the download and the converted files."""
    if model.ours:
        return 0, 0
    if model.files:
        return model.download_bytes, model.download_bytes + model.disk_bytes
    needed = hub.missing_bytes(model)
    return needed, needed


def _smaller(model):
    """Return the value of `Plan.smaller` for a model."""
    if model.sources[0].kind != "hub":
        return None
    free_main, _ = memory.main()
    family = catalog.family_of(model.family)
    for size in reversed(catalog.SIZES[: catalog.SIZES.index(model.size)]):
        other = family.get(size)
        near = other and (other.sources[0].kind != "hub" or is_cached(other))
        if near and other.memory_bytes <= free_main:
            return other
    return None
