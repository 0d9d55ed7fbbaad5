"""Tests the `course` command as a person types it, and what importing the package costs."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml
from lazy import Lazy
from packaging.requirements import Requirement
from packaging.version import Version

import course_utils
from course_utils import __main__, catalog, runner

nbformat = Lazy("nbformat")
places = Lazy("places")
trainer = Lazy("course_utils.training.trainer")

ROOT = Path(__file__).parents[2]


def course(*arguments, **environment):
    """Runs the command. Returns (exit status, standard output, standard error)."""
    command = [sys.executable, "-m", "course_utils", *arguments]
    environment = os.environ | {"COLUMNS": "100"} | environment
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def here(capsys):
    """Returns a function like `course` above that runs the command in this process, which is quicker."""

    def run(*arguments, **environment):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            capsys.readouterr()
            return __main__.main(arguments), *capsys.readouterr()

    return run


@pytest.mark.parametrize("then", ["", "__main__.main(['--help'])"])
def test_neither_import_nor_help_brings_a_large_library(then):
    code = f"""
import contextlib, sys
import course_utils
from course_utils import __main__
before = set(sys.modules)
with contextlib.suppress(SystemExit):
    {then or "pass"}
large = {{"IPython", "ipywidgets", "matplotlib", "numpy", "requests", "torch", "transformers"}}
assert not large & set(sys.modules), large & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_public_names_exist_and_unknown_ones_are_refused():
    for name in course_utils.__all__:
        assert getattr(course_utils, name).__doc__, f"{name} has no docstring"
    with pytest.raises(AttributeError, match="course_utils has no 'loda'"):
        course_utils.loda  # noqa: B018


def test_models_as_json_is_the_catalogue():
    status, out, _ = course("models", "--json")
    assert status == 0
    listed = {model["name"]: model for model in json.loads(out)}
    assert listed.keys() == catalog.models().keys()
    assert listed["smollm2-135m-instruct"]["parameters"] == 134_515_008
    status, out, _ = course("models", "--json", "tinyworld-llama", "whisper")
    assert status == 0
    assert [(each["name"], each["here"]) for each in json.loads(out)][0] == ("tinyworld-llama", True)
    assert len(json.loads(out)) == 2
    status, out, _ = course("models")
    assert status == 0 and "134,515,008" in out and "Llama 3.1 Community (gated)" in out


def test_every_source_of_the_catalogue_is_pinned():
    for model in catalog.models().values():
        assert model.ours or re.fullmatch(r"[0-9a-f]{40}", model.hub_revision)
        for source in model.sources:
            if source.kind == "package":
                assert re.fullmatch(r"[0-9a-f]{64}", source.sha256) and source.version
            elif source.kind == "hub":
                assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
        for file in model.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_doctor_says_what_is_here_and_what_is_not(here, tmp_path):
    status, out, _ = course("doctor", "--all")
    lines = out.splitlines()
    assert status == 0 and lines[-1].endswith("/issues")
    checks = [line for line in lines if re.match(r"\[(OK|note)\] ", line)]
    for name in ("Python", "torch", "disk", "memory", "models of the lessons", "GPU", "package index", "hub"):
        assert any(name in line for line in checks)
    passed = f"All {len(checks) - 3} checks passed."  # three checks may end in a note and don't count
    assert passed in lines
    status, out, _ = here("doctor")
    assert status == 0 and out.startswith(passed) and len(out.splitlines()) <= 2
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    status, out, _ = here("doctor", **nowhere)
    assert status == 0 and "No model hub from here: not needed" in out and "FAIL" not in out
    status, out, _ = here("doctor", COURSE_CACHE=str(tmp_path), **nowhere)
    assert status == 1 and "can't run here yet" in out
    assert "[FAIL] models of the lessons: not here yet" in out
    status, out, _ = here("doctor", "--all", COURSE_CACHE=str(tmp_path), **nowhere)
    assert status == 1 and "[note] package index" in out


def test_lab_says_which_page_opens_and_ends_with_ctrl_c(tmp_path):
    """When `course lab` prints its link, JupyterLab already answers at the link's address."""
    environment = os.environ | {"BROWSER": "true", "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    environment |= {"JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-u", "-m", "course_utils", "lab", str(tmp_path / "mine")]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        said = ""
        while "Ctrl-C" not in said:
            said += process.stdout.readline()
        assert "Choose lesson 00" in said
        link = re.search(r"http://localhost:\S+/lab/tree/notebooks/index\.ipynb\?token=\w+", said)[0]
        assert urllib.request.urlopen(link, timeout=60).status == 200  # JupyterLab already listens
        with pytest.raises(urllib.error.HTTPError, match="403"):  # the address lacks the token
            urllib.request.urlopen(link.partition("/lab")[0] + "/api/contents", timeout=60)
    finally:
        os.killpg(process.pid, signal.SIGINT)  # like Ctrl-C, this reaches the command and JupyterLab
    process.wait(timeout=120)


def test_one_sentence_for_what_can_not_be_had(tmp_path):
    for arguments, sentence in [
        (("fetch", "lama"), "There is no model or family named 'lama'"),
        (("fetch", "mistral", "--size", "small"), "no size 'small' yet: choose one of tiny, full."),
        (("run", "77"), "There is no lesson '77'"),
        (("run", "no/such.ipynb"), "There is no notebook"),
    ]:
        status, out, error = course(*arguments)
        assert (status, out) == (1, "") and sentence in error and error.count("\n") == 1, error
    status, _, error = course("fetch", COURSE_SIZE="huge")
    assert status == 1 and "There is no size 'huge'" in error
    status, out, error = course("fetsh")
    assert (status, out) == (2, "") and "'fetsh' (is 'fetch' meant?)" in error and error.count("\n") == 1


def _notebook(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(notebook, path)
    return path


def test_run_tells_good_from_bad_and_writes_only_the_good(tmp_path):
    good = _notebook(tmp_path / "good.ipynb", "x = 20", "import sys; x + 1", "bytearray(50_000_000) and None")
    bad = _notebook(tmp_path / "bad.ipynb", "print('before')", "1 / 0")
    before = bad.read_bytes()
    status, out, error = course("run", "--write", str(good), str(bad))
    assert status == 1
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert rows["good"].endswith("ok") and "cell 2: ZeroDivisionError: division by zero" in rows["bad"]
    assert "0 of 2 lessons" in error and "good: ok, " in error and "Traceback" not in error
    assert bad.read_bytes() == before
    notebook = nbformat.read(good, as_version=4)
    assert notebook.cells[1].outputs[0]["data"]["text/plain"] == "21"
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert course("run", str(good))[0] == 0


def test_run_says_in_one_row_what_is_no_notebook_and_what_failed_at_length(tmp_path):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{not json", encoding="utf-8")
    empty = tmp_path / "empty.ipynb"
    empty.write_text("{}", encoding="utf-8")
    wordy = _notebook(tmp_path / "wordy.ipynb", "raise ValueError('one\\ntwo ' + 'x' * 500)")
    foreign = _notebook(tmp_path / "foreign.ipynb", "1")
    notebook = nbformat.read(foreign, as_version=4)
    notebook.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    nbformat.write(notebook, foreign)
    status, out, error = course("run", str(broken), str(empty), str(wordy), str(foreign))
    assert status == 1 and "Traceback" not in error
    rows = out.splitlines()[2:]
    assert rows.pop().endswith("not a notebook in Python, but in R")
    assert len(rows) == 3 and rows[0].endswith("not a notebook that can be read (NotJSONError)")
    assert rows[2].endswith("cell 1: ValueError: one")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_a_run_that_is_stopped_tells_what_was_finished(tmp_path):
    quick = _notebook(tmp_path / "quick.ipynb", "1")
    slow = _notebook(tmp_path / "slow.ipynb", "open('begun', 'w').close()", "import time; time.sleep(3600)")
    command = [sys.executable, "-m", "course_utils", "run", str(quick), str(slow)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=600)
    assert process.returncode == 130 and "course run: stopped" in error and "Traceback" not in error
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["quick"]


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m course_utils models --json | true"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert result.stderr == ""


def test_doctor_finds_what_would_stop_the_lessons(here, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    status, out, _ = here("doctor", COURSE_CACHE=str(blocked / "cache"))
    assert status == 1 and "[FAIL] disk" in out and "can't be written" in out
    status, out, _ = here("doctor", COURSE_CACHE=str(tmp_path / "cache"), HF_HUB_OFFLINE="1")
    assert status == 1 and "passed" not in out
    (tmp_path / "torch.py").write_text("raise ImportError('a broken build')")
    status, out, _ = course("doctor", PYTHONPATH=str(tmp_path))
    assert status == 1 and "[FAIL] torch does not import (ImportError: a broken build)" in out


def test_run_names_a_kernel_that_dies_and_measures_memory(tmp_path):
    result = runner.run(_notebook(tmp_path / "dies.ipynb", "import os; os._exit(1)"))
    assert result.error == "cell 1: the kernel died"
    hungry = "import time; block = bytearray(300_000_000); time.sleep(0.5)"
    assert runner.run(_notebook(tmp_path / "hungry.ipynb", hungry)).peak_bytes > 300_000_000


def test_environment_takes_its_packages_from_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, packages = environment["dependencies"]
    index, pins, course = packages["pip"]
    assert (pip, course) == ("pip", "-e .") and index.startswith("--extra-index-url ")
    newest = max((ROOT / "constraints").glob("*.txt"), key=lambda path: Version(path.stem))
    assert pins == f"-c {newest.relative_to(ROOT).as_posix()}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.15"
    assert python.removeprefix("python=") in ("3.11", "3.12", "3.13", "3.14")
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in project["dependencies"]}
    card = {"jupyterlab", "transformers", "diffusers", "torch", "ipywidgets", "matplotlib"}
    assert card <= names


def test_colab_changes_none_of_its_own_packages_for_ours():
    """Another torch or numpy would break a running kernel. Colab's page needs Colab's own ipywidgets."""
    ships = dict(each.split("==") for each in places.colab_versions())
    asked = {each.name: each.specifier for each in map(Requirement, places.PROJECT["dependencies"])}
    both = ships.keys() & asked.keys()
    assert {"torch", "transformers", "diffusers", "ipywidgets"} <= both
    assert [name for name in both if ships[name] not in asked[name]] == []


def test_outputs_are_stored_without_the_answers_of_whoever_runs_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "mine.json"))
    path = _notebook(tmp_path / "asks.ipynb", "import os; print('mine' in os.environ['COURSE_ANSWERS'])")
    runner.run(path, write=True)
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.text == "False\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize("ctrl_c", ["stops", "is ignored", "waits for a step"])
def test_sigterm_stops_a_command_as_ctrl_c_does(ctrl_c, monkeypatch, capsys):
    done = []

    def train(*_):
        delay = trainer._interrupt_after_step(0) if ctrl_c == "waits for a step" else contextlib.nullcontext()
        with delay:
            signal.raise_signal(signal.SIGTERM)
            done.append("the step")
        done.append("the next step")

    monkeypatch.setattr(trainer, "train", train)
    handler = signal.SIG_IGN if ctrl_c == "is ignored" else signal.default_int_handler
    terminated, interrupted = signal.getsignal(signal.SIGTERM), signal.signal(signal.SIGINT, handler)
    try:
        assert __main__.main(["train", "tinyworld-llama"]) == 143
    finally:
        signal.signal(signal.SIGINT, interrupted)
    assert capsys.readouterr().err == "\ncourse train: stopped. Everything that was finished is kept.\n"
    assert done == (["the step"] if ctrl_c == "waits for a step" else [])
    assert signal.getsignal(signal.SIGTERM) == terminated
