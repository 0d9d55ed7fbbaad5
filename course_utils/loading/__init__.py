"""From a model's name to the library's own objects, in a straight line: find, plan, fetch, open.

    facts = catalog.find("llama", "full")
    plan = loading.plan(facts, four_bit=True)
    folder = loading.fetch(plan)
    model, tokenizer = loading.open(folder, plan)

`load` does all of it, shows the plan as a table before a download, and turns errors into sentences.
"""

from course_utils import catalog, notebook, units
from course_utils.errors import CourseError
from course_utils.loading import failures, fetching, hub, out_of_memory
from course_utils.loading.fetching import fetch
from course_utils.loading.opening import open
from course_utils.loading.planning import is_cached, plan

__all__ = [
    "announce",
    "fetch",
    "fetch_config",
    "folder",
    "is_cached",
    "load",
    "open",
    "plan",
    "preview",
    "weights",
]

LONGEST = 120  # minutes that a notebook's cell may download; a terminal may take longer


def load(name, size=None, four_bit=None, eight_bit=None):
    """Return `(model, tokenizer)`, for Whisper `(model, processor)`, for Stable Diffusion its pipeline.

    These are the library's own objects, ready to run: the same as
    `AutoModelForCausalLM.from_pretrained(folder(name))` in float32 on the CPU. The full size comes in the
    first of `planning.candidates` that fits into the memory that is free; on a GPU, send its inputs there,
    `.to(model.device)`. Attention is "eager", so that `output_attentions=True` gives the weights (the
    default, sdpa, has none). Random seeds, threads and warnings stay as they were; a lesson's `setup` is what
    sets them.

    name : a family ("llama") or a model of the catalogue ("smollm2-135m-instruct")
    size : "tiny", "small" or "full"; by default COURSE_SIZE, else the size in the lesson's set-up cell, else
        the smallest available size
    four_bit, eight_bit : whether bitsandbytes stores matrices at 4 bits (NF4) or at 8 (LLM.int8); by default
        only if a full-size model is too large otherwise

    Raises CourseError with one sentence if the files can't be had, bitsandbytes is missing, or the memory is
    too small or runs out.
    """
    planned = plan(catalog.find(name, size), four_bit, eight_bit)
    if planned.model.size == "full":
        out_of_memory.explain_in_later_cells(planned)
    with failures.in_one_sentence(planned):
        announce(planned)
        return open(fetch(planned), planned)


def folder(name, size=None):
    """Return the folder that `from_pretrained` takes.

    Its files are fetched, verified, and converted once if they are made for llama.cpp or CTranslate2. A tiny
    model came with the course. Before a download, a table shows what the model needs.

    name, size : as in `load`

    Raises CourseError with one sentence if the files can't be had, or the model can't run here.
    """
    planned = plan(catalog.find(name, size))
    with failures.in_one_sentence(planned):
        announce(planned)
        return fetch(planned)


def weights(name, size=None):
    """Return the path of a model's weights as they are published, such as a GGUF file, in the cache.

    name, size : as in `load`, of a model whose `files` the catalogue lists

    Raises what `folder` raises.
    """
    planned = plan(catalog.find(name, size))
    with failures.in_one_sentence(planned):
        announce(planned)
        return fetching.fetch_files(planned)


def preview(facts):
    """Show what a model would take here, without fetching it. Raises what `folder` raises."""
    planned = plan(facts)
    with failures.in_one_sentence(planned):
        announce(planned)


def announce(plan):
    """Show what a plan takes as a table, if anything must be downloaded, after a first request to its source.

    Raises CourseError before anything is downloaded: the plan's obstacle, or a download that is too long for
    a notebook's cell; and what the first request raises.
    """
    if not plan.download_bytes:
        return
    plan.check()
    speed = fetching.measure_speed(plan)
    rows, title = _rows(plan, speed), f"Before the download: {plan.model.title}"
    notebook.show(_table(rows, title))
    if speed and notebook.shell() and plan.download_bytes / speed > LONGEST * 60:
        raise CourseError(
            f"The {units.size(plan.download_bytes, 'MB')} of {plan.model.title} would take "
            f"{units.duration(plan.download_bytes / speed)}, at {units.speed(speed)}, too long for a cell: "
            f"leave `course fetch {plan.model.name}` running in a terminal, where a stop costs little, and "
            "run this again."
        )


def _rows(plan, speed):
    """Return the rows of the table: what the model takes, and what is there."""
    model = plan.model

    def megabytes(count):
        return units.size(count, "MB")

    gpu = f", GPU {megabytes(plan.free_gpu_bytes)}" if plan.free_gpu_bytes else ", no GPU"
    if model.size != "full":
        gpu = ""  # it runs on the CPU
    time = units.duration(plan.download_bytes / speed) if speed else "unknown"
    rows = [
        ("", "takes", "is there"),
        ("licence", model.licence, "gated, and you have access" if model.gated else "no gate"),
        ("download", megabytes(plan.download_bytes), f"{plan.source}"),
        ("disk", megabytes(plan.disk_bytes), f"{megabytes(plan.free_disk_bytes)} free"),
        ("memory", plan.memory, f"{megabytes(plan.free_main_bytes)} free{gpu}"),
        ("time", time, f"{units.speed(speed)}, just measured" if speed else "not measured"),
    ]
    if other := plan.smaller:
        instead = f"{other.title} ({other.size}), {megabytes(other.memory_bytes)} of memory"
        rows.append(("instead", instead, failures.how_to_continue(plan).replace("`", "")))
    return rows


def _table(rows, title):
    from course_utils import views
    from course_utils.views.tables import columns

    return views.table(rows, title=title, alt="\n".join([title, *columns(rows)]))


def fetch_config(repository, file):
    """Return the path of one small JSON file of a hub repository's main branch, in the hub's own cache.

    Returns None if the repository has no such file. Raises CourseError: no such repository, a gate, no
    answer, or offline and not in the cache.
    """
    with failures.of_hub_in_one_sentence(repository):
        return hub.config(repository, file)
