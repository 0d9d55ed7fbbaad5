"""One file by HTTP: downloaded with a progress bar, resumed where it broke off, and verified."""

import contextlib
import hashlib
import ssl
import time
from urllib.parse import urlsplit

ATTEMPTS = 3
PAUSE = 1.0  # seconds between two attempts
TIMEOUT = (10, 60)  # seconds: to connect, and between two pieces of an answer
CHUNK = 1 << 16  # bytes
FIRST_BYTES = 16_000_000  # at most, for measuring how fast they arrive
FIRST_SECONDS = 1.5


class Unavailable(Exception):
    """A source could not provide a file; the message is part of a sentence."""


class _BrokenOff(Unavailable):
    """The connection failed: the same request may succeed a second later."""


def session(certificate=None, proxy=None):
    """Return a requests session that trusts what pip trusts.

    certificate : path of the certificates to trust; by default those of the system and of Mozilla. A school's
        network is often in the system's store alone.
    proxy : URL of the proxy; by default the one that the environment names
    """
    import requests
    import truststore
    from requests.adapters import HTTPAdapter

    system = None if certificate else truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments, **options):
            super().init_poolmanager(*arguments, ssl_context=system, **options)

        def proxy_manager_for(self, proxy, **options):
            return super().proxy_manager_for(proxy, ssl_context=system, **options)

        def send(self, request, verify=True, **options):
            # requests prefers REQUESTS_CA_BUNDLE to the session's own `verify`.
            return super().send(request, verify=certificate or verify, **options)

    made = requests.Session()
    made.mount("https://", Adapter())
    if certificate:
        made.verify = certificate
    if proxy:
        made.proxies = {"http": proxy, "https": proxy}
    return made


def download(session, url, part, name, size, sha256, login=None):
    """Download `url` to the path `part`, going on where an earlier download broke off, and verify it.

    name : for the progress bar and the messages
    size : bytes that the file must have
    login : (user, password) for the URL's host, or None

    Raises Unavailable, with `part` kept for the next time unless its sha256 is wrong; OSError of the disk.
    """
    from tqdm.auto import tqdm

    with tqdm(total=size, unit="B", unit_scale=True, desc=name) as bar:
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
    verify(part, found, sha256, f"{name} from {host(url)}")


def verify(path, found, expected, name):
    """Delete the file and raise Unavailable if its sha256 is not the catalogue's."""
    if found != expected:
        path.unlink()
        raise Unavailable(
            f"{name} has sha256 {found[:12]} instead of {expected[:12]}, so it was refused and deleted; "
            "a proxy or a mirror may have changed it: try another network"
        )


def first_bytes_speed(session, url, login=None):
    """Return how fast a file's first bytes arrive, in bytes per second. Store none. Raises Unavailable."""
    headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{FIRST_BYTES - 1}"}
    with (
        network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        answer.raise_for_status()
        return speed(answer.iter_content(CHUNK))


def speed(chunks):
    """Return bytes per second over the first chunks; if the connection breaks, over those that arrived."""
    started, count = time.monotonic(), 0
    try:
        for chunk in chunks:
            count += len(chunk)
            if time.monotonic() - started > FIRST_SECONDS or count >= FIRST_BYTES:
                break
    except Exception:  # of requests or httpx: the download will meet the same error and report it
        if not count:
            raise
    return count / max(time.monotonic() - started, 1e-3)


def host(url):
    """Return the host of a URL, without a login, for messages."""
    try:
        found = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:  # "http://[", for example
        found = ""
    return found or "an address without a host"


@contextlib.contextmanager
def network_errors():
    """Turn errors of requests and of an unreadable page into Unavailable; errors of the disk pass through."""
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


def _download_rest(session, url, part, size, bar, login):
    done = part.stat().st_size if part.exists() else 0
    if done == size:  # a process was stopped between the last byte and the hash
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with (
        network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        if answer.status_code == 416:  # the part is longer than the file: start again
            part.unlink()
            raise _BrokenOff("it could not go on with the download")
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _BrokenOff(f"it answered {answer.status_code}")
        if not answer.ok:
            raise Unavailable(f"it answered {answer.status_code}")
        if answer.status_code == 200:  # the whole file, even if only a range was asked for
            done = 0
        length = answer.headers.get("Content-Length")
        if length and done + int(length) != size:
            raise Unavailable(f"a file of {done + int(length):,} bytes instead of {size:,}")
        bar.n = done
        bar.refresh()
        with open(part, "ab" if done else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                done += len(chunk)
                if done > size:
                    break
                file.write(chunk)
                bar.update(len(chunk))
    if done > size:
        part.unlink()
        raise Unavailable(f"more than the {size:,} bytes of the file")
    if part.stat().st_size < size:  # without a Content-Length, no error shows that an answer ended early
        raise _BrokenOff("the download broke off")
