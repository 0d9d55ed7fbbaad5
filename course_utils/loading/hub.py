"""Fetches repositories of the model hub into the hub's own cache, where other programs find them, too.

A repository is fetched without its pickles, which can run code when they are loaded. The catalogue's entry of
a model pins the revision.
"""

import contextlib
import hashlib
import re
from pathlib import Path

from course_utils import terminal
from course_utils.errors import CourseError
from course_utils.loading import checksums, downloads, store

SAFE_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model"]
# Files that are not fetched: copies of the weights in the model makers' own formats, the safety checker of
# Stable Diffusion, and a second autoencoder.
IGNORED = ["consolidated*", "safety_checker/*", "vae_1_0/*"]
CHANGED = "no longer has the content that the hub gave"


def cache_folder() -> Path:
    """Return the hub's cache, which may not exist yet."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def is_cached(model) -> bool:
    """Return whether this machine has all those files of the model's repository that the course uses."""
    from huggingface_hub import errors

    try:
        folder = snapshot(model.sources[0], local_files_only=True)
    except errors.LocalEntryNotFoundError:
        return False
    # The library also accepts incomplete folders, so compare sizes. The catalogue's size may be rounded.
    files = (file for pattern in SAFE_FILES for file in folder.rglob(pattern) if file.is_file())
    return sum(file.stat().st_size for file in files) >= 0.99 * model.download_bytes


def missing_bytes(model) -> int:
    """Return the bytes still to be fetched; a file that is only partly here counts as missing."""
    blobs = (repository_folder(model.sources[0]) / "blobs").glob("*")
    finished = (blob.stat().st_size for blob in blobs if blob.suffix != ".incomplete")
    return model.download_bytes - sum(finished)


def repository_folder(source) -> Path:
    """Return the folder, in the hub's cache, that has all that was fetched from a repository."""
    return cache_folder() / f"models--{source.repository.replace('/', '--')}"


def snapshot(source, show_progress=False, **options) -> Path:
    """Return the folder with those files of a repository that the course uses. Fetch missing files."""
    from huggingface_hub import snapshot_download

    class Bar(terminal.bars()):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **(options | {"disable": not show_progress}))

    with _plain_http():
        folder = snapshot_download(
            source.repository,
            revision=source.revision,
            allow_patterns=_wanted(source),
            ignore_patterns=IGNORED,
            tqdm_class=Bar,
            **options,
        )
    return Path(folder)


def damaged(folder, whole=False) -> list[Path]:
    """Return the files of a repository's folder that are no longer what the hub gave.

    In the hub's cache, each file is a link to a second file. The second file's name is the SHA-256 of its
    content or, for a small file, the content's hash in git. On a disk without links there are no such names,
    and nothing is compared.

    whole : whether to read large files, too, which can take a minute
    """
    files = sorted(path for pattern in SAFE_FILES for path in Path(folder).rglob(pattern) if path.is_file())
    small = [path for path in files if path.stat().st_size < checksums.LARGE]
    return [path for path in (files if whole else small) if _is_changed(path)]


def _is_changed(path):
    """Return whether a file's content has changed since its download.

    The name of the stored file is a hash of the content that was downloaded. If the name is no hash, nothing
    can be compared, and the file counts as unchanged.
    """
    stored = path.resolve()
    if re.fullmatch("[0-9a-f]{64}", stored.name):
        return checksums.sha256(stored) != stored.name
    if re.fullmatch("[0-9a-f]{40}", stored.name):
        content = stored.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() != stored.name
    return False


def remove(paths):
    """Remove links and the files to which they lead, so that the next download fetches these files again."""
    for path in paths:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _wanted(source):
    """Return patterns of the files to download: of the weights, only the variant that the source names."""
    if source.variant is None:
        return SAFE_FILES
    return [pattern.replace("*.safetensors", f"*.{source.variant}.safetensors") for pattern in SAFE_FILES]


def speed(source) -> float:
    """Return the bytes per second at which the beginning of the repository's weights arrives.

    This is the first request of a download. It does not retry, whereas `snapshot` would retry for 23 seconds.
    Raises the hub's errors, and CourseError if all weights of the repository are pickles.
    """
    from huggingface_hub import HfApi, constants, hf_hub_url
    from huggingface_hub.utils import (
        build_hf_headers,
        filter_repo_objects,
        get_session,
        hf_raise_for_status,
    )

    about = HfApi().model_info(source.repository, revision=source.revision, timeout=10)
    names = [file.rfilename for file in about.siblings]
    kept = filter_repo_objects(names, allow_patterns=_wanted(source), ignore_patterns=IGNORED)
    weights = [name for name in kept if name.endswith(".safetensors")]
    if not weights:
        raise CourseError(
            f"{source.repository} at revision {source.revision[:12]} has no weights as safetensors, and "
            "pickles, which run code when they are loaded, are never fetched: choose another model or size."
        )
    url = hf_hub_url(source.repository, weights[0], revision=source.revision)
    headers = build_hf_headers() | {"Range": f"bytes=0-{downloads.FIRST_BYTES - 1}"}
    answers = get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
    with answers as answer:
        if answer.is_error:
            answer.read()  # read the answer, because the error quotes it
        hf_raise_for_status(answer)
        return downloads.speed(answer.iter_bytes())


def config(repository, file) -> Path | None:
    """Return the path of a small JSON file of a repository's main branch, or None if the file does not exist.

    Raises the hub's errors. Raises CourseError if `repository` is not a valid hub id, or if the file is not
    in the hub's cache and HF_HUB_OFFLINE is set.
    """
    from huggingface_hub import HfApi, errors, hf_hub_download, try_to_load_from_cache

    try:
        # `cached` is a path, None if the cache does not know the file, or an object that says that the
        # repository has no such file.
        cached = try_to_load_from_cache(repository, file)
        if store.offline():
            if cached is None:
                raise CourseError(
                    f"{file} of {repository} is not on this machine yet, and HF_HUB_OFFLINE=1 keeps it "
                    "offline: unset that and run this again with a network."
                )
            return Path(cached) if isinstance(cached, str) else None
        try:  # ask the hub once first, because a download without an answer would retry for a long time
            HfApi().model_info(repository, timeout=10)
        except errors.HfHubHTTPError:
            raise
        except errors.HTTPError:  # the hub did not answer
            if isinstance(cached, str):
                return Path(cached)
            raise
        with _plain_http():
            return Path(hf_hub_download(repository, file))
    except errors.LocalEntryNotFoundError:
        raise
    except errors.EntryNotFoundError:
        return None
    except errors.HFValidationError as error:
        raise CourseError(f"{repository!r} is not a hub id, which is written maker/model.") from error


@contextlib.contextmanager
def _plain_http():
    """Make the hub's library use plain HTTP in the `with` block, and not Xet, the hub's other protocol.

    If a download breaks off, the library's error becomes Unavailable.

    Xet's errors have neither a status nor a class of their own, so nothing can be told from them. If Xet's
    storage can't be reached, Xet retries for minutes.
    """
    from huggingface_hub import constants, errors

    before, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, True
    try:
        yield
    except (errors.HTTPError, errors.LocalEntryNotFoundError):
        raise
    except OSError as error:
        if error.errno is None:  # this is no error of the disk: the download broke off
            raise downloads.Unavailable("broke off the download") from error
        raise
    finally:
        constants.HF_HUB_DISABLE_XET = before
