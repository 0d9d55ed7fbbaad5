"""Downloads one file by HTTP with a progress bar, resumes a broken download, and verifies the file."""

import contextlib
import ssl
import time
from urllib.parse import urlsplit

from course_utils import terminal
from course_utils.loading import checksums

ATTEMPTS = 3
PAUSE = 1.0  # seconds between two attempts
TIMEOUT = (10, 60)  # seconds to wait for a connection, and for the next piece of an answer
CHUNK = 1 << 16  # bytes in one read
FIRST_BYTES = 16_000_000  # the most bytes to read when measuring the speed
FIRST_SECONDS = 1.5  # the longest time in seconds to measure the speed


class Unavailable(Exception):
    """Raised when a source can't provide a file. The message is a clause for use inside a sentence."""


class BrokenOff(Unavailable):
    """Raised when the connection fails. The same request may succeed a second later."""


def session(certificate=None, proxy=None):
    """Return a requests session that trusts the same certificates as pip.

    certificate : path of a file with the only certificates to trust. By default the session trusts the
        certificates of Mozilla and of the operating system. Often only the operating system has a school's
        own certificate.
    proxy : URL of the proxy; by default the one in the environment's variables
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
            # Without this, requests would prefer REQUESTS_CA_BUNDLE to the session's `verify`.
            return super().send(request, verify=certificate or verify, **options)

    made = requests.Session()
    made.mount("https://", Adapter())
    if certificate:
        made.verify = certificate
    if proxy:
        made.proxies = {"http": proxy, "https": proxy}
    return made


def several_times(request):
    """Call the function `request` until its connection succeeds, at most ATTEMPTS times. Return its result.

    Raises Unavailable if the connection of the last call fails, too.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return request()
        except BrokenOff as failure:
            if attempt == ATTEMPTS:
                raise Unavailable(f"{failure}, {ATTEMPTS} times") from failure
            time.sleep(PAUSE)


def download(session, url, part, name, size, sha256, login=None):
    """Download `url` to the path `part`, or resume an earlier download that broke off. Verify the file.

    name : the file's name in the progress bar and in messages
    size : the bytes that the file must have
    login : (user, password) for the URL's host, or None

    Raises Unavailable if the download fails. `part` then stays for the next attempt, unless its sha256 is
    wrong. Raises OSError if the disk causes an error.
    """
    with terminal.bars()(total=size, unit="B", unit_scale=True, desc=name) as bar:
        several_times(lambda: _download_rest(session, url, part, size, bar, login))
    verify(part, checksums.sha256(part), sha256, f"{name} from {host(url)}")


def verify(path, found, expected, name):
    """Delete the file `path` and raise Unavailable if its sha256, `found`, is not the expected one."""
    if found != expected:
        path.unlink()
        raise Unavailable(
            f"{name} has sha256 {found[:12]} instead of {expected[:12]}, so it was refused and deleted; "
            "a proxy or a mirror may have changed it: try another network"
        )


def refuse(answer):
    """Raise an error unless a server's answer is a success.

    The error is BrokenOff for the status 429 (too many requests) and for errors of the server, after which
    the request can be repeated. For other statuses it is Unavailable.
    """
    if answer.status_code == 429 or answer.status_code >= 500:
        raise BrokenOff(f"it answered {answer.status_code}")
    if not answer.ok:
        raise Unavailable(f"it answered {answer.status_code}")


def first_bytes_speed(session, url, login=None):
    """Return the bytes per second at which the beginning of a file arrives. The bytes are not kept.

    Raises Unavailable if the source can't provide the file.
    """
    headers = {"Accept-Encoding": "identity", "Range": f"bytes=0-{FIRST_BYTES - 1}"}
    with (
        network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        answer.raise_for_status()
        return speed(answer.iter_content(CHUNK))


def speed(chunks):
    """Return the bytes per second at which the first chunks arrive.

    If the connection breaks after some chunks, only these chunks count.
    """
    started, count = time.monotonic(), 0
    try:
        for chunk in chunks:
            count += len(chunk)
            if time.monotonic() - started > FIRST_SECONDS or count >= FIRST_BYTES:
                break
    except Exception:
        # requests or httpx raised an error. If some chunks have arrived, return their speed, because the
        # download that follows will meet and report the same error.
        if not count:
            raise
    return count / max(time.monotonic() - started, 1e-3)


def host(url):
    """Return the host of a URL, without a login, so that a message can name the host."""
    try:
        found = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:  # urlsplit fails if the URL is "http://[", for example
        found = ""
    return found or "an address without a host"


@contextlib.contextmanager
def network_errors():
    """Turn errors of requests, and of reading an index's page, into Unavailable or BrokenOff.

    Errors of the disk are not changed.
    """
    from requests import exceptions

    try:
        yield
    except exceptions.SSLError as error:
        reason = "its certificate is not trusted here: set PIP_CERT to your network's own"
        raise Unavailable(reason) from error
    except exceptions.ProxyError as error:
        raise Unavailable("the proxy let nothing through") from error
    except exceptions.Timeout as error:
        raise BrokenOff("no answer in time") from error
    except exceptions.ChunkedEncodingError as error:
        raise BrokenOff("the download broke off") from error
    except exceptions.ConnectionError as error:
        raise BrokenOff("no connection") from error
    # HTMLParser raises AssertionError on garbage.
    except (exceptions.RequestException, ValueError, KeyError, TypeError, AssertionError) as error:
        raise Unavailable(f"no usable answer ({type(error).__name__})") from error


def _download_rest(session, url, part, size, bar, login):
    done = part.stat().st_size if part.exists() else 0
    if done == size:  # an earlier process ended after the last byte, before it compared the hash
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with (
        network_errors(),
        session.get(url, headers=headers, stream=True, timeout=TIMEOUT, auth=login) as answer,
    ):
        if answer.status_code == 416:  # `part` is longer than the file: start again
            part.unlink()
            raise BrokenOff("it could not go on with the download")
        refuse(answer)
        if answer.status_code == 200:  # the server sends the whole file, even if only the rest was asked for
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
    # If an answer has no Content-Length, requests raises no error when the answer ends too early.
    if part.stat().st_size < size:
        raise BrokenOff("the download broke off")
