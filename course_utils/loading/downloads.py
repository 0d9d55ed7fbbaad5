"""One file by HTTP: found on pip's index, downloaded with a progress bar, resumed where it broke off.

pip itself can neither resume a download in a later run nor draw a bar in a notebook, so this small client
stands in for it, with pip's index, extra index, certificate and proxy. An index's pages are those of PEP 503
(HTML) and PEP 691 (JSON).
"""

import ast
import contextlib
import hashlib
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from course_utils.errors import CourseError

ATTEMPTS = 3
PAUSE = 1.0  # seconds between two attempts
TIMEOUT = (10, 60)  # seconds: to connect, and between two pieces of an answer
CHUNK = 1 << 16  # bytes
FIRST_BYTES = 16_000_000  # at most, for measuring how fast they come
FIRST_SECONDS = 1.5
PYPI = "https://pypi.org/simple"
PAGE_TYPES = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class Unavailable(Exception):
    """A source could not provide a file; the message is part of a sentence."""


class _BrokenOff(Unavailable):
    """The connection failed: the same request may succeed a second later."""


def download(session, url, part, name, size, sha256, progress, login=None):
    """Download `url` to the path `part`, going on where an earlier download broke off, and verify it.

    name : for the progress bar and the messages
    size : bytes that the file must have
    login : (user, password) for the URL's host, or None

    Raises Unavailable, with `part` kept for the next time unless its sha256 is wrong; OSError of the disk.
    """
    from tqdm.auto import tqdm

    with tqdm(total=size, unit="B", unit_scale=True, desc=name, disable=not progress) as bar:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _download_rest(session, url, part, size, bar, login)
                break
            except _BrokenOff as failure:
                if attempt == ATTEMPTS:
                    raise Unavailable(f"{failure}, {ATTEMPTS} times") from failure
                time.sleep(PAUSE)
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    verify(part, found, sha256, f"{name} from {place(url)}")


def verify(path, found, expected, name):
    """Delete the file and raise Unavailable when its sha256 is not the catalogue's."""
    if found != expected:
        path.unlink()
        raise Unavailable(
            f"{name} has sha256 {found[:12]} instead of {expected[:12]}, so it was refused and deleted; "
            "a proxy or a mirror may have changed it: try another network"
        )


def package_indexes():
    """Returns a requests session and the index URLs, first choice first, with pip's settings.

    Raises CourseError when pip's certificate file is not there.
    """
    import requests

    settings = {}
    for key in ("index-url", "extra-index-url", "cert", "proxy"):
        if value := os.environ.get("PIP_" + key.upper().replace("-", "_")):
            settings[key] = value
    # Without pip this prints nothing, and PyPI is used.
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    # setdefault: the most specific section wins, as in pip
    for section in ("download.", "install.", "global."):
        for line in lines:
            if line.startswith(section):
                key, value = line.removeprefix(section).split("=", 1)
                settings.setdefault(key, ast.literal_eval(value))
    session = requests.Session()
    if "cert" in settings:
        session.verify = os.path.expanduser(settings["cert"])
        if not os.path.exists(session.verify):
            raise CourseError(
                f"pip's settings name the certificate {session.verify}, which is not there: correct PIP_CERT "
                "(or `cert` in pip's configuration), restart the kernel and run this again."
            )
    if "proxy" in settings:
        session.proxies = {"http": settings["proxy"], "https": settings["proxy"]}
    return session, [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def find_on_index(session, index, package, name):
    """Finds the file `name` of a package on an index: (URL, login or None). Raises Unavailable.

    A login in the index's URL is removed from it, so that no message shows it. It is sent only to the same
    scheme and host.
    """
    from requests.utils import get_auth_from_url, urldefragauth

    project = re.sub(r"[-_.]+", "-", package).lower()
    with _network_errors():
        login = get_auth_from_url(index)
        login = login if any(login) else None
        page = f"{urldefragauth(index).rstrip('/')}/{project}/"
        answer = session.get(page, headers={"Accept": PAGE_TYPES}, timeout=TIMEOUT, auth=login)
        if answer.status_code == 404:
            raise Unavailable(f"no package {package}")
        if not answer.ok:
            raise Unavailable(f"it answered {answer.status_code}")
        if "json" in answer.headers.get("Content-Type", ""):
            urls = {file["filename"]: file["url"] for file in answer.json()["files"]}
        else:
            links = _Links()
            links.feed(answer.text)
            urls = {unquote(urlsplit(link).path.rpartition("/")[2]): link for link in links.found}
        if name not in urls:
            raise Unavailable(f"no file {name}")
        url = urljoin(answer.url, urls[name])
        same = urlsplit(url).scheme == urlsplit(page).scheme and place(url) == place(page)
    return url, login if same else None


def first_bytes_speed(session, url, login=None):
    """Measures how fast a file's first bytes arrive, in bytes per second; stores none. Raises Unavailable."""
    headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{FIRST_BYTES - 1}"}
    with (
        _network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        answer.raise_for_status()
        return speed(answer.iter_content(CHUNK))


def speed(chunks):
    """Returns bytes per second over the first chunks; if the connection breaks, over those that arrived."""
    started, count = time.monotonic(), 0
    try:
        for chunk in chunks:
            count += len(chunk)
            if time.monotonic() - started > FIRST_SECONDS or count >= FIRST_BYTES:
                break
    except Exception:  # requests or httpx: the download will hit the same error and report it
        if not count:
            raise
    return count / max(time.monotonic() - started, 1e-3)


def place(url):
    """The host of a URL, without a login, for messages."""
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:  # "http://[", for example
        host = ""
    return host or "an address without a host"


class _Links(HTMLParser):
    """The addresses of a page's links, for indexes that speak only HTML."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def _download_rest(session, url, part, size, bar, login):
    have = part.stat().st_size if part.exists() else 0
    if have == size:  # a process died between the last byte and the hash
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with (
        _network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        if answer.status_code == 416:  # the part is longer than the file: start over
            part.unlink()
            raise _BrokenOff("it could not go on with the download")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _BrokenOff(f"it answered {answer.status_code}")
        if not answer.ok:
            raise Unavailable(f"it answered {answer.status_code}")
        if answer.status_code == 200:  # the whole file, whether or not a range was asked for
            have = 0
        length = answer.headers.get("Content-Length")
        if length and have + int(length) != size:
            raise Unavailable(f"a file of {have + int(length):,} bytes instead of {size:,}")
        bar.n = have
        bar.refresh()
        with open(part, "ab" if have else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                have += len(chunk)
                if have > size:
                    break
                file.write(chunk)
                bar.update(len(chunk))
    if have > size:
        part.unlink()
        raise Unavailable(f"more than the {size:,} bytes of the file")
    if part.stat().st_size < size:  # without a Content-Length, no error shows that an answer ended early
        raise _BrokenOff("the download broke off")


@contextlib.contextmanager
def _network_errors():
    """Turns errors of requests or of an unreadable page into Unavailable; errors of the disk pass through."""
    from requests import exceptions

    try:
        yield
    except exceptions.SSLError as error:
        reason = "its certificate is not trusted here: set PIP_CERT to your network's own"
        raise Unavailable(reason) from error
    except exceptions.ProxyError as error:
        raise Unavailable("the proxy let nothing through") from error
    except exceptions.Timeout as error:
        raise _BrokenOff("no answer in time") from error
    except exceptions.ChunkedEncodingError as error:
        raise _BrokenOff("the download broke off") from error
    except exceptions.ConnectionError as error:
        raise _BrokenOff("no connection") from error
    # HTMLParser raises AssertionError on garbage.
    except (exceptions.RequestException, ValueError, KeyError, TypeError, AssertionError) as error:
        raise Unavailable(f"no usable answer ({type(error).__name__})") from error
