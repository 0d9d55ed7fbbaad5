"""Finds package indexes, and the address of a file on an index, with pip's settings.

pip itself can't resume a broken download in a later run, and draws no bar in a notebook. So the course
downloads a wheel as a file, from pip's index and extra index, with pip's certificate and proxy. An index's
pages follow PEP 503 (HTML) and PEP 691 (JSON).
"""

import ast
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

from course_utils.errors import CourseError
from course_utils.loading import downloads
from course_utils.loading.downloads import Unavailable

PYPI = "https://pypi.org/simple"
PAGE_TYPES = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


def connect():
    """Return a requests session, and the URLs of the indexes in the order in which to try them.

    Raises CourseError if the certificate file that pip's settings name does not exist.
    """
    settings = _settings()
    certificate = os.path.expanduser(settings.get("cert", ""))
    if certificate and not os.path.exists(certificate):
        raise CourseError(
            f"pip's settings name the certificate {certificate}, which does not exist: correct PIP_CERT (or "
            "`cert` in pip's configuration), restart the kernel and run this again."
        )
    session = downloads.session(certificate, settings.get("proxy"))
    return session, [settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split()]


def _settings():
    """Return pip's settings: from the environment, or else from the most specific section of pip's config."""
    settings = {}
    for key in ("index-url", "extra-index-url", "cert", "proxy"):
        if value := os.environ.get("PIP_" + key.upper().replace("-", "_")):
            settings[key] = value
    # If pip is missing, this command prints nothing, and PyPI is used.
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    for section in ("download.", "install.", "global."):
        for line in lines:
            if line.startswith(section):
                key, value = line.removeprefix(section).split("=", 1)
                settings.setdefault(key, ast.literal_eval(value))
    return settings


def find(session, index, package, name):
    """Return the URL of a package's file on an index, and the index's login or None.

    An index that does not answer is asked three times. Raises Unavailable if the index never answers, or does
    not have the file.

    A login in the index's URL is removed from the URL, so that no message shows it. The login is sent only to
    the scheme and host of the index's URL.
    """
    return downloads.several_times(lambda: _find(session, index, package, name))


def _find(session, index, package, name):
    from requests.utils import get_auth_from_url, urldefragauth

    project = re.sub(r"[-_.]+", "-", package).lower()
    with downloads.network_errors():
        login = get_auth_from_url(index)
        login = login if any(login) else None
        page = f"{urldefragauth(index).rstrip('/')}/{project}/"
        answer = session.get(page, headers={"Accept": PAGE_TYPES}, timeout=downloads.TIMEOUT, auth=login)
        if answer.status_code == 404:
            raise Unavailable(f"no package {package}")
        downloads.refuse(answer)
        if "json" in answer.headers.get("Content-Type", ""):
            urls = {file["filename"]: file["url"] for file in answer.json()["files"]}
        else:
            links = _Links()
            links.feed(answer.text)
            urls = {unquote(urlsplit(link).path.rpartition("/")[2]): link for link in links.found}
        if name not in urls:
            raise Unavailable(f"no file {name}")
        url = urljoin(answer.url, urls[name])
        same_scheme = urlsplit(url).scheme == urlsplit(page).scheme
    return url, login if same_scheme and downloads.host(url) == downloads.host(page) else None


class _Links(HTMLParser):
    """Collects the addresses of a page's links, for indexes that provide only HTML."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
