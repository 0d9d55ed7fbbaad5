"""Collect an exercise's notebooks from the homes of a JupyterHub's learners, or return feedback to them.

python docs/jupyterhub/homes.py collect https://class.example.org 00_open_the_box ~/class/submissions
python docs/jupyterhub/homes.py return https://class.example.org 00_open_the_box ~/class/grades

An administrator makes a token on the hub's page /hub/token and puts it into JUPYTERHUB_API_TOKEN. This token
is never sent to a learner's server, which runs the learner's code: the requests to that server have another
token, which gives access to that server alone.
"""

import argparse
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urljoin

import requests

COURSE = "open-the-box"  # the folder of the lessons in each home


class Hub:
    """A JupyterHub, to which an administrator's token gives access.

    Args:
        address: The address of the hub, such as https://class.example.org.
        token: A token of an administrator.
    """

    def __init__(self, address, token):
        self.address, self._headers = address.rstrip("/"), {"Authorization": f"token {token}"}
        self.name = self._ask("GET", "user").json()["name"]

    def _ask(self, method, path, **arguments):
        reply = requests.request(
            method, f"{self.address}/hub/api/{path}", headers=self._headers, timeout=60, **arguments
        )
        reply.raise_for_status()
        return reply

    def learners(self):
        """Returns the sorted names of all users who have logged in, except administrators."""
        found = []
        while page := self._ask("GET", "users", params={"offset": len(found), "limit": 50}).json():
            found += page
        return sorted(user["name"] for user in found if user["last_activity"] and not user["admin"])

    def _server(self, name):
        return self._ask("GET", f"users/{quote(name)}").json()["servers"].get("")

    def _wait(self, name, good, patience=300):
        deadline = time.monotonic() + patience
        while not good(server := self._server(name)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server was not ready after {patience} seconds")
            time.sleep(1)
        return server

    @contextmanager
    def home(self, name):
        """Yields a function that sends a request to the contents API of the server of the learner `name`.

        If the server is off, it is started first, and stopped again at the end.

        Raises:
            TimeoutError: If the server does not start.
        """
        was_off = not self._wait(name, lambda server: not server or server["pending"] != "stop")
        if was_off:
            self._ask("POST", f"users/{quote(name)}/server")
        try:
            server = self._wait(name, lambda server: server and server["ready"])
            wanted = {"scopes": [f"access:servers!server={name}/"], "expires_in": 600, "note": "homes.py"}
            token = self._ask("POST", f"users/{quote(self.name)}/tokens", json=wanted).json()["token"]

            def contents(method, path, **arguments):
                return requests.request(
                    method,
                    urljoin(self.address, f"{server['url']}api/contents/{quote(path)}"),
                    headers={"Authorization": f"token {token}"},
                    timeout=60,
                    **arguments,
                )

            yield contents
        finally:
            if was_off:
                self._ask("DELETE", f"users/{quote(name)}/server")


def _in_each_home(hub, names, work):
    """Calls work(name, contents) for each home. Yields "NAME: " and the text returned, or the error."""
    for name in names:
        try:
            with hub.home(name) as contents:
                line = work(name, contents)
        except (requests.RequestException, TimeoutError, LookupError, TypeError) as fault:
            line = f"{type(fault).__name__}: {fault}"
        yield f"{name}: {line}"


def collect(hub, sheet, folder):
    """Writes FOLDER/NAME/SHEET.ipynb for each learner who has this exercise; yields a line about each."""
    path = f"{COURSE}/exercises/{sheet}/{sheet}.ipynb"

    def fetch(name, contents):
        reply = contents("GET", path, params={"type": "file", "format": "text"})
        if reply.status_code == 404:
            return f"has no {path}"
        reply.raise_for_status()
        target = folder / name.lstrip(".") / f"{sheet}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(reply.json()["content"], encoding="utf-8")
        return target

    return _in_each_home(hub, hub.learners(), fetch)


def give_back(hub, sheet, grades):
    """Puts GRADES/feedback/SHEET/NAME.html into the home of NAME; yields a line about each."""
    path = f"{COURSE}/feedback/{sheet}.html"
    pages = {name: grades / "feedback" / sheet / f"{name}.html" for name in hub.learners()}

    def put(name, contents):
        contents("PUT", f"{COURSE}/feedback", json={"type": "directory"}).raise_for_status()
        text = {"type": "file", "format": "text", "content": pages[name].read_text(encoding="utf-8")}
        contents("PUT", path, json=text).raise_for_status()
        return path

    return _in_each_home(hub, [name for name, page in pages.items() if page.exists()], put)


if __name__ == "__main__":
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("what", choices=["collect", "return"])
    parser.add_argument("hub", help="the hub's address")
    parser.add_argument("sheet", help="the name of the sheet, such as 00_open_the_box")
    parser.add_argument("folder", type=Path, help="where notebooks go, or the folder with the grades")
    given = parser.parse_args()
    if not os.environ.get("JUPYTERHUB_API_TOKEN"):
        sys.exit("JUPYTERHUB_API_TOKEN is not set: make a token on the hub's page /hub/token.")
    work = {"collect": collect, "return": give_back}[given.what]
    for line in work(Hub(given.hub, os.environ["JUPYTERHUB_API_TOKEN"]), given.sheet, given.folder):
        print(line)
