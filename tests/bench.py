"""Measures how long commands, pages and lessons take on this machine, for `make bench`.

Each step runs three times; the fastest run counts. Each time is also printed as a multiple of the time of a
reference: a step without the course's code, such as importing torch and transformers. These multiples make
machines and years comparable. If the processors are less than a quarter busy at the start, the times are
added to docs/bench.tsv.

Each lesson is run once, and its processor time is printed as a share of the time that it may take.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
HISTORY = ROOT / "docs" / "bench.tsv"
COLUMNS = "date commit machine python name seconds multiple reference"
LIBRARIES = "import torch\nfrom transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM\n"
IMPORTS, PLAIN = "import torch and transformers", "the same answer with transformers alone"
# Minutes of processor time that these lessons may take. Each other lesson may take one minute.
MINUTES = {"05_how_it_learns": 3, "08_stable_diffusion": 2, "14_fine_tune": 3, "15_community": 2}
EMPTY, REDRAW = "open an empty notebook in JupyterLab", "draw a chart with matplotlib alone"
ANSWER = """
chat = [{"role": "user", "content": "What is the capital of France?"}]
inputs = tokenizer.apply_chat_template(
    chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
model.generate(**inputs, max_new_tokens=16, do_sample=False)
"""
WITH_THE_COURSE = """
import course_utils as course
course.setup("00_open_the_box")
model, tokenizer = course.load("llama")
"""
WITHOUT = """
import sys
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
"""


def fastest(step, count=3):
    """Runs `step` a few times, each time with the run's number. Returns the seconds of the fastest run."""
    seconds = []
    for number in range(count):
        start = time.perf_counter()
        step(number)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def process(*arguments):
    """Returns a step, that is, a function of the run's number: it runs Python in a new process."""
    command = [sys.executable, *map(str, arguments)]
    return lambda _: subprocess.run(command, check=True, capture_output=True)


def moves(control, values):
    """Returns a step that sets an explorer's control to values[0] in the first run, then values[1], …"""
    return lambda number: setattr(control, "value", values[number % len(values)])


def references():
    """Yields (name, step) of each reference, whose time other steps are compared with."""
    from course_utils import loading

    yield IMPORTS, process("-c", LIBRARIES)
    yield PLAIN, process("-c", LIBRARIES + WITHOUT + ANSWER, loading.folder("llama", "small"))
    yield REDRAW, draw_a_chart


def draw_a_chart(_):
    """Draws twenty bars into a PNG file in memory."""
    import io

    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().bar(range(20), range(20))
    figure.savefig(io.BytesIO())


def commands():
    """Yields (name, reference, step) for what a learner waits for in a new Python process."""
    yield "import course_utils", IMPORTS, process("-c", "import course_utils")
    yield "course --help", IMPORTS, process("-m", "course_utils", "--help")
    yield "course blueprint: all published sizes", IMPORTS, process("-m", "course_utils", "blueprint")
    answer = process("-c", LIBRARIES + WITH_THE_COURSE + ANSWER)
    yield "lesson 00, from the first import to the first answer", PLAIN, answer
    yield "lesson 01, all cells", IMPORTS, process("-m", "course_utils", "run", "01")


def grading(folder):
    """Yields (name, reference, step) of one measurement: ten copies of a solution are graded."""
    name = "01_what_open_means"
    (folder / "in").mkdir()
    for number in range(10):
        shutil.copy(ROOT / "solutions" / name / f"{name}.ipynb", folder / "in" / f"student{number}.ipynb")

    def grade(number):
        process("-m", "course_utils", "grade", name, folder / "in", "--out", folder / f"out{number}")(number)

    yield "grade ten submissions of lesson 01", IMPORTS, grade


def pages(folder):
    """Yields (name, reference, step) for what a browser shows. All steps have the first step as reference."""
    import nbformat
    from lab import Notebook, Server, chromium

    (folder / "server").mkdir()
    lesson = "00_open_the_box.ipynb"
    shutil.copy(ROOT / "notebooks" / lesson, folder / "server")
    # Without a kernel's name, JupyterLab would ask for one.
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(metadata=kernel), folder / "server" / "empty.ipynb")
    with Server(folder / "server", folder / "home") as server, chromium() as browser:

        def opened(path):
            return lambda _: Notebook(browser, server, path).close()

        yield EMPTY, EMPTY, opened("empty.ipynb")
        yield "open lesson 00 in JupyterLab", EMPTY, opened(lesson)


def cells():
    """Yields (name, reference, step) for what a learner waits for in a lesson."""
    import torch

    import course_utils as course
    from course_utils.opened.attention import Attention
    from course_utils.opened.denoising import Denoising

    model, tokenizer = course.load("llama", size="small")
    yield "load SmolLM2 again", IMPORTS, lambda _: course.load("llama", size="small")
    yield "load Whisper", IMPORTS, lambda _: course.load("whisper", size="small")

    numbers = [float(number) for number in range(1000)]
    yield (
        "check a function that returns 1,000 numbers",
        REDRAW,
        lambda _: course.check("1", list, (numbers,), numbers),
    )

    def pieces(text):
        return tokenizer.batch_decode([[token] for token in tokenizer(text)["input_ids"]])

    def weights(text):
        with torch.no_grad():
            inputs = tokenizer(text, return_tensors="pt")
            return torch.cat(model(**inputs, output_attentions=True).attentions)

    seen = Attention(weights, pieces, "The capital of France is", layer=23, head=4)
    sentences = [f"{animal} sat on the mat with a big red dog" for animal in ("A cat", "The hen", "One ant")]
    yield (
        "Attention: another sentence of 12 tokens, a run of the model",
        REDRAW,
        lambda turn: seen.answer({"text": sentences[turn % len(sentences)]}),
    )

    pipeline = course.load("stable-diffusion", "tiny")
    pipeline.set_progress_bar_config(disable=True)

    def draw(prompt, seed, guidance, steps):
        told, untold = pipeline.encode_prompt(prompt, pipeline.device, 1, True)
        state = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))
        pipeline.scheduler.set_timesteps(steps)
        yield course.opened.Drawn(state, 1.0, prompt.split())
        for moment in pipeline.scheduler.timesteps:
            with torch.no_grad(), course.CrossAttention(pipeline.unet) as attention:
                both = pipeline.unet(torch.cat(2 * [state]), moment, torch.cat([untold, told])).sample
            prediction = both[:1] + guidance * (both[1:] - both[:1])
            state = pipeline.scheduler.step(prediction, moment, state).prev_sample
            yield course.opened.Drawn(state, 0.0, prompt.split(), attention.maps()[0, 1, 1:-1])

    def decode(latents):
        with torch.no_grad():
            decoded = pipeline.vae.decode(latents).sample
        return (decoded / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)

    drawn = Denoising(draw, decode, ("doctor", "cook"))
    asked = {"prompt": "doctor", "guidance": 4, "steps": 20}
    yield (
        "Denoising: another picture, twenty guided steps",
        REDRAW,
        lambda turn: drawn.answer(asked | {"seed": turn, "step": 20}),
    )


def lessons():
    """Yields (lesson, minutes that it may take, processor seconds that it took, imports included)."""
    from course_utils import catalog

    def spent():
        times = os.times()  # on Windows, the times of child processes are 0
        return times.children_user + times.children_system

    for name in catalog.lessons():
        before = spent()
        process("-m", "course_utils", "run", name)(0)
        yield name, MINUTES.get(name, 1), spent() - before


def commit():
    """Returns the commit's short name, with a plus sign if files have changed, or "" outside a repository."""
    command = ["git", "describe", "--always", "--dirty=+"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def main():
    # Measure the load now: the average load would still count what `make bench` itself did before, such as
    # loading the models.
    idle = psutil.cpu_percent(interval=3) < 25
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    known, lines = {}, []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["COURSE_ANSWERS"] = str(folder / "answers.json")
        for name, step in references():
            known[name] = fastest(step)
            print(f"{known[name]:9.3f} s           {name}", flush=True)
        for part in (commands(), cells(), grading(folder), pages(folder)):
            for name, reference, step in part:
                seconds = fastest(step)
                known.setdefault(reference, seconds)
                multiple = seconds / known[reference]
                print(f"{seconds:9.3f} s  {multiple:7.3f}  {name} (of: {reference})", flush=True)
                lines.append([name, f"{seconds:.3f}", f"{multiple:.3f}", reference])
        for name, minutes, seconds in lessons() if os.name != "nt" else ():
            share, allowed = seconds / (60 * minutes), f"{minutes} min of processor time"
            more = ", MORE THAN IT MAY TAKE" if share > 1 else ""
            print(f"{seconds:9.3f} s  {share:7.3f}  lesson {name} (of: {allowed}){more}", flush=True)
            lines.append([f"lesson {name}", f"{seconds:.3f}", f"{share:.3f}", allowed])
    if not idle:
        return print("This machine was busy, so docs/bench.tsv stays as it was.")
    if not HISTORY.exists():
        HISTORY.write_text("\t".join(COLUMNS.split()) + "\n", encoding="utf-8")
    with HISTORY.open("a", encoding="utf-8") as history:
        start = [date.today().isoformat(), commit(), machine, platform.python_version()]
        history.writelines("\t".join([*start, *line]) + "\n" for line in lines)


if __name__ == "__main__":
    main()
