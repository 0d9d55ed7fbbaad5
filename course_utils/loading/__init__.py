"""Turns a model's name into the library's own objects, in four steps: find, plan, fetch, open.

    facts = catalog.find("llama", "full")
    plan = loading.plan(facts, four_bit=True)
    folder = loading.fetch(plan)
    model, tokenizer = loading.open(folder, plan)

The function `load` takes all four steps. It shows the plan as a table before a download, and turns errors
into sentences.
"""

from course_utils import catalog, notebook, units
from course_utils.errors import CourseError
from course_utils.loading import failures, fetching, hub, out_of_memory, store
from course_utils.loading.fetching import fetch
from course_utils.loading.opening import open
from course_utils.loading.planning import damage, is_cached, plan

__all__ = [
    "announce",
    "damage",
    "fetch",
    "fetch_all",
    "fetch_config",
    "folder",
    "is_cached",
    "load",
    "open",
    "plan",
    "preview",
    "weights",
]

LONGEST = 120  # the longest download in a notebook's cell, in minutes; in a terminal there is no limit


def load(name, size=None, four_bit=None, eight_bit=None):
    """Return `(model, tokenizer)`, for Whisper `(model, processor)`, for Stable Diffusion the pipeline.

    These are the library's own objects, ready to run. `AutoModelForCausalLM.from_pretrained(folder(name))`
    returns an equal model in float32 on the CPU. A full-size model is loaded by the first plan of
    `planning.candidates` that fits into the free memory. If the model is on a GPU, move your inputs there
    with `.to(model.device)`. Attention is "eager", so that `output_attentions=True` returns the attention
    weights; the default, sdpa, returns none. Only Whisper's encoder has sdpa, for speed. This function does
    not change random seeds, threads and warnings; `course.setup` does.

    name : a family ("llama") or a model of the catalogue ("smollm2-135m-instruct")
    size : "tiny", "small" or "full"; by default COURSE_SIZE, else the size in the lesson's set-up cell, else
        the smallest available size
    four_bit, eight_bit : whether bitsandbytes stores matrices at 4 bits (NF4) or at 8 (LLM.int8); by default
        only if a full-size model does not fit otherwise

    Raises CourseError with one sentence if the files can't be fetched, bitsandbytes is missing, or there is
    too little memory.
    """
    planned = plan(catalog.find(name, size), four_bit, eight_bit)
    if planned.model.size == "full":
        out_of_memory.explain_in_later_cells(planned)
    with failures.in_one_sentence(planned):
        announce(planned)
        return open(fetch(planned), planned)


def folder(name, size=None):
    """Return a model's folder, in the form that `from_pretrained` takes.

    The model's files are fetched and verified. Files for llama.cpp or CTranslate2 are then converted once.
    Nothing is fetched for a tiny model, because tiny models come with the course. Before a download, a table
    shows what the model needs.

    name, size : as in `load`

    Raises CourseError with one sentence if the files can't be fetched, or the model can't run here.
    """
    planned = plan(catalog.find(name, size))
    with failures.in_one_sentence(planned):
        announce(planned)
        return fetch(planned)


def fetch_all(models, check=False):
    """Fetch models that are not on this machine yet. Damaged files are fetched again or converted again.

    Before each download, print its size and how long it will take.

    check : True to read every byte of the models on this machine. By default, a large file that was sound at
        its last check is not read again if nothing has been written to it since then

    Raises what `folder` raises.
    """
    if check:
        store.forget()
    for facts in models:
        planned = plan(facts)
        with failures.in_one_sentence(planned):
            if planned.download_bytes:
                planned.check()
                speed = fetching.measure_speed(planned)
                time = units.duration(planned.download_bytes / speed) if speed else "a while"
                amount = units.size(planned.download_bytes, "MB")
                print(f"{facts.title}: {amount} from {planned.source}, {time}", flush=True)
            fetch(planned, whole=check)
            # If the model is converted, `fetch` does not check its published files.
            if not facts.ours and store.damaged_files(facts):
                fetching.fetch_files(planned)


def weights(name, size=None):
    """Return the path, in the cache, of a model's weights in their published form, such as a GGUF file.

    name, size : as in `load`; the catalogue must list the model's `files`

    Raises what `folder` raises.
    """
    planned = plan(catalog.find(name, size))
    with failures.in_one_sentence(planned):
        announce(planned)
        return fetching.fetch_files(planned)


def preview(facts):
    """If a model is not on this machine yet, show what it would need, without fetching it.

    Raises what `folder` raises.
    """
    planned = plan(facts)
    with failures.in_one_sentence(planned):
        announce(planned)


def announce(plan):
    """If anything must be downloaded, measure the source's speed, and show what the plan needs as a table.

    Raises CourseError before anything is downloaded if the plan has an obstacle, or if the download would
    take too long for a notebook's cell. An error of the first request to the source is raised as it is.
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
    """Return the rows of the table that `announce` shows: what the model needs, and what this machine has."""
    model = plan.model

    def megabytes(count):
        return units.size(count, "MB")

    gpu = f", GPU {megabytes(plan.free_gpu_bytes)}" if plan.free_gpu_bytes else ", no GPU"
    if model.size != "full":
        gpu = ""  # only full-size models run on a GPU
    time = units.duration(plan.download_bytes / speed) if speed else "unknown"
    rows = [
        ("", "takes", "is there"),
        ("licence", model.licence, "gated, and you have access" if model.gated else "no gate"),
        ("download", megabytes(plan.download_bytes), str(plan.source)),
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
    """Return the path, in the hub's own cache, of one small JSON file of a hub repository's main branch.

    Returns None if the repository has no such file. Raises CourseError if the repository does not exist or is
    gated, if the hub does not answer, or if this machine is offline and the file is not in the cache.
    """
    with failures.of_hub_in_one_sentence(repository):
        return hub.config(repository, file)
