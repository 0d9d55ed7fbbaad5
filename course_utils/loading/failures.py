"""Turns errors of the network, the hub, the disk and the memory into one sentence each for the learner.

Only `in_one_sentence` and `of_hub_in_one_sentence` do this. The rest of `loading` raises a CourseError if it
knows the reason itself, and lets all other errors of the libraries pass.
"""

import contextlib
import errno

from course_utils import notebook
from course_utils.errors import CourseError
from course_utils.loading import downloads, memory, store

# Error numbers that mean that a folder can't be created, or that nothing can be written to it.
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EIO)


@contextlib.contextmanager
def in_one_sentence(plan):
    """Turn expected errors in the `with` block into a CourseError, which names a smaller size if one fits.

    plan : the `Plan` of the model that the block loads or fetches
    """
    try:
        yield
    except CourseError as error:
        raise CourseError(with_smaller(plan, str(error))) from error.__cause__
    except Exception as error:
        text = _of_memory_or_disk(error, plan)
        source = plan.model.sources[-1]
        if not text and source.kind == "hub":
            text = _of_hub(error, plan.model.title, source.repository, source.revision)
        if not text:
            raise
        raise CourseError(with_smaller(plan, text)) from error


@contextlib.contextmanager
def of_hub_in_one_sentence(repository):
    """Turn the hub's errors in the `with` block into a CourseError.

    repository : the repository whose main branch the block uses
    """
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        text = _of_hub(error, repository, repository, "main")
        if not text:
            raise
        raise CourseError(text) from error


def with_smaller(plan, text, then="this cell again"):
    """Return the text. If the plan has a smaller size, name that size at the text's end, and how to load it.

    then : what to run again after setting COURSE_SIZE, in words
    """
    if not plan.smaller:
        return text
    smaller = f"{plan.smaller.title} ({plan.smaller.size})"
    return f"{text.rstrip('.')}; or go on with {smaller}: run {how_to_continue(plan, then)}."


def how_to_continue(plan, then="this cell again"):
    """Return what to run to continue with the smaller size: code in a notebook, or a command in a terminal.

    then : as in `with_smaller`
    """
    family, size = plan.smaller.family, plan.smaller.size
    if not notebook.shell():
        return f"`course fetch {family} --size {size}`"
    if plan.is_default:
        return f"`%env COURSE_SIZE={size}` and {then}"
    return f'`course.load("{family}", size="{size}")`'


def _of_memory_or_disk(error, plan):
    """Return a sentence about an error of the memory, the disk or a file; "" for any other error."""
    title = plan.model.title
    if memory.is_out_of_memory(error):
        return (
            f"The memory ran out while {title} was loaded ({memory.in_words(*memory.free())}): close other "
            "notebooks and programs, restart this kernel and run this again."
        )
    if store.is_full(error):
        return store.disk_is_full(title, f"a file in {plan.folder} could not be written to its end")
    if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
        return (
            f"{title} can't be kept in {plan.folder} ({error.strerror}): set COURSE_CACHE to a folder that "
            "you may write to, restart the kernel and run this again."
        )
    if type(error).__name__ in ("SafetensorError", "JSONDecodeError"):
        return (
            f"The files of {title} can't be read ({error}): leave `course fetch --check {plan.model.name}` "
            "running in a terminal, which finds what is damaged and gets it again, and run this again."
        )
    return ""


def _of_hub(error, title, repository, revision):
    """Return a sentence about an error of the hub, such as a gated repository; "" for any other error."""
    from huggingface_hub import constants, errors, get_token
    from requests.utils import urldefragauth

    address = urldefragauth(constants.ENDPOINT)  # the hub's address, without a login
    page = f"{address}/{repository}"
    if isinstance(error, errors.GatedRepoError):
        gate = "is behind a gate"
        steps = "accept its conditions, then run `hf auth login` in a terminal (or set HF_TOKEN)"
        if get_token():
            gate = "is behind a gate, and your account has no access yet"
            steps = "accept its conditions and wait for the answer"
        return f"{title} {gate}: open {page}, {steps}, and run this again."
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"The hub's {repository} no longer has the revision {revision[:12]}, which this course pins, and "
            f"no other is taken instead: open {page} to see what became of it, and choose another model or "
            "size meanwhile."
        )
    # If the learner's token is no longer valid, the hub answers 401, which its library also reports as a
    # missing repository. So this test comes before the test for a missing repository.
    if isinstance(error, errors.HTTPError) and _status(error) == 401 and _token_is_refused():
        return (
            f"{title} could not be fetched: the hub no longer takes your token, which may have expired; make "
            f"a new one at {address}/settings/tokens, run `hf auth login` in a terminal (or set HF_TOKEN), "
            "and run this again."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"The hub has no {repository} at revision {revision[:12]}, or keeps it private: open {page} to "
            "see what became of it, and choose another model or size meanwhile."
        )
    if isinstance(error, errors.HTTPError | errors.LocalEntryNotFoundError | downloads.Unavailable):
        return (
            f"{title} could not be fetched: {downloads.host(constants.ENDPOINT)} {_reason(error)}; check the "
            "network and its proxy, and run this again: finished files are kept."
        )
    return ""


def _status(error):
    """Return the HTTP status of the answer that caused an error, or None."""
    return getattr(getattr(error, "response", None), "status_code", None)


def _reason(error):
    if isinstance(error, downloads.Unavailable):
        return str(error)
    name = type(error).__name__
    if status := _status(error):
        return f"answered {status}"
    if "Timeout" in name:
        return "gave no answer in time"
    if name in ("RemoteProtocolError", "ReadError"):
        return "broke off the download"
    return f"gave no answer ({name})"


def _token_is_refused():
    """Return whether the learner has a token that the hub no longer accepts."""
    from huggingface_hub import HfApi, errors, get_token

    if not get_token():
        return False
    try:
        HfApi().whoami()
    except errors.HTTPError as error:
        return _status(error) == 401
    return False
