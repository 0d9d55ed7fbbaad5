"""A model hub on this machine, for trying out what a public hub does: publish, revise, copy, remove.

    hub = LocalHub()
    api = huggingface_hub.HfApi(endpoint=hub.url, token=False)
    api.create_repo("reader/small-town")

The local hub supports the part of the Hugging Face Hub's protocol that is used by `create_repo`,
`upload_folder`, `create_commit`, `snapshot_download`, `list_repo_commits`, `duplicate_repo` and
`delete_repo`. It keeps everything in memory, sends nothing to another machine, and needs no login. When the
kernel ends, everything is lost.

Programs on this machine may use the hub; pages of other sites may not. A request from another site, or to
another host, is refused with the status 403. A request that the hub does not understand gets another status
from 400 to 499, and a sentence.

For lesson 15.
"""

import base64
import contextlib
import hashlib
import json
import os
import sys
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from course_utils.errors import CourseError

MAIN = "main"
# The largest file, in bytes. Files are sent inside a commit and kept in memory.
LARGEST_FILE = 64_000_000
# The largest request, in bytes. A request holds files in base64, which makes them a third longer.
LARGEST_REQUEST = 100_000_000


def blob_id(content):
    """Return a file's id as git computes it: the SHA-1 of "blob", the file's length and the file's bytes."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Commit:
    """One revision of a repository: its id (40 hexadecimal digits), title and date, and all files by path."""

    id: str
    title: str
    files: dict[str, bytes]
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))


@dataclass(frozen=True)
class Reply:
    """A hub's answer: HTTP status, content and headers."""

    status: int
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Repositories:
    """Keeps repositories by id, each as a list of commits, oldest first, and answers requests.

    A commit's id is the SHA-1 of its parent's id, its title, its paths and the ids of its files. So the same
    history has the same ids on every machine.
    """

    def __init__(self, commits=None):
        self.commits: dict[str, list[Commit]] = dict(commits or {})
        # A tuple for each event, oldest first: (event, the repository's id, the repository's newest commit).
        # The event is "published", "copied" or "removed".
        self.log: list[tuple[str, str, Commit]] = []

    def commit(self, repository, title, files):
        """Add a revision that contains exactly the given files, {path: bytes}, and return the revision."""
        history = self.commits[repository]
        parts = [history[-1].id if history else "", title]
        parts += [f"{path} {blob_id(files[path])}" for path in sorted(files)]
        history.append(Commit(hashlib.sha1("\n".join(parts).encode()).hexdigest(), title, dict(files)))
        return history[-1]

    def answer(self, method, target, body=b"") -> Reply:
        """Answer one request.

        method : "GET", "HEAD", "POST" or "DELETE"
        target : the path and query in the request line
        body : the bytes of the request's body

        A request that is not understood gets a status from 400 to 499, and changes nothing.
        """
        try:
            path = urlsplit(target).path
        except ValueError:
            return refusal(400, "This is no address")
        try:
            return self._answer(method, [unquote(part) for part in path.strip("/").split("/")], body)
        except _Refused as refused:
            return refused.args[0]

    def _answer(self, method, parts, body):
        if parts == ["api", "validate-yaml"]:
            _only(method, "POST")
            return _json({"warnings": [], "errors": []})
        if parts[:2] == ["api", "repos"]:
            _only(method, "POST", "DELETE")
            return self._create_or_delete(method, _read(body, organization=str, name=str))
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            changes = {"duplicate", "preupload", "commit"} & set(parts[4:5])
            _only(method, *(("POST",) if changes else ("GET", "HEAD")))
            return self._about("/".join(parts[2:4]), parts[4:], body)
        if len(parts) >= 5 and parts[2] == "resolve":
            _only(method, "GET", "HEAD")
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        if len(parts) == 2 and parts[0] != "api":
            return _missing("Repo")
        return refusal(404, "This hub has no such address")

    def _create_or_delete(self, method, request):
        repository = f"{request['organization']}/{request['name']}"
        if method == "DELETE":
            if repository not in self.commits:
                return _missing("Repo")
            self.log.append(("removed", repository, self.commits.pop(repository)[-1]))
            return _json({})
        return self._create(repository, "initial commit", {})

    def _create(self, repository, title, files):
        if repository in self.commits:
            return _json({"error": "You already created this model repo", "url": repository}, 409)
        self.commits[repository] = []
        self.commit(repository, title, files)
        return _json({"url": repository})

    def _about(self, repository, rest, body):
        """Answer a request for /api/models/<id>/…. `rest` has the parts after the id, as ["tree", "main"]."""
        if repository not in self.commits:
            return _missing("Repo")
        if rest == ["duplicate"]:
            files, copy = self.commits[repository][-1].files, _read(body, repository=str)["repository"]
            reply = self._create(copy, f"Duplicate from {repository}", files)
            if reply.status == 200:
                self.log.append(("copied", copy, self.commits[copy][-1]))
            return reply
        revision = rest[1] if len(rest) > 1 else MAIN
        commit = self._find(repository, revision)
        if commit is None:
            return _missing("Revision")
        match rest[:1]:
            case [] | ["revision"]:
                siblings = [{"rfilename": path} for path in commit.files]
                return _json({"id": repository, "sha": commit.id, "siblings": siblings, "tags": []})
            case ["tree"]:
                return _json(
                    [
                        {"type": "file", "path": path, "size": len(content), "oid": blob_id(content)}
                        for path, content in commit.files.items()
                    ]
                )
            case ["commits"]:
                history = self.commits[repository]
                newest_first = history[history.index(commit) :: -1]
                return _json([_described(commit) for commit in newest_first])
            case ["preupload"]:
                return self._preupload(commit, _read(body, files=list)["files"])
            case ["commit"] if revision == MAIN:
                return self._commit_lines(repository, commit, body)
        return _missing("Entry")

    def _find(self, repository, revision):
        history = self.commits[repository]
        if revision == MAIN:
            return history[-1]
        return next((commit for commit in history if commit.id == revision), None)

    @staticmethod
    def _preupload(commit, files):
        """Answer that each file must be sent inside the commit. Refuse if a file is too large for this."""
        for file in files:
            _check(file, path=str, size=int)
            if file["size"] > LARGEST_FILE:
                most = LARGEST_FILE // 1_000_000
                return refusal(
                    413, f"{file['path']} has {file['size']:,} bytes; this hub keeps files up to {most} MB"
                )
        known = {path: blob_id(content) for path, content in commit.files.items()}
        plain = {"uploadMode": "regular", "shouldIgnore": False}
        return _json({"files": [plain | {"path": f["path"], "oid": known.get(f["path"])} for f in files]})

    def _commit_lines(self, repository, commit, body):
        """Add a commit. Each line of the body is a JSON object: first a header, then files and deletions."""
        files, title = dict(commit.files), ""
        for line in filter(None, body.split(b"\n")):
            step = _read(line, key=str, value=dict)
            value = step["value"]
            match step["key"]:
                case "header":
                    title = _check(value, summary=str)["summary"]
                case "file":
                    _check(value, path=str, content=str)
                    try:
                        files[value["path"]] = base64.b64decode(value["content"])
                    except ValueError:
                        raise _Refused(refusal(400, f"{value['path']} is not in base64")) from None
                case "deletedFile":
                    files.pop(_check(value, path=str)["path"], None)
                case "deletedFolder":
                    folder = _check(value, path=str)["path"].rstrip("/") + "/"
                    files = {path: content for path, content in files.items() if not path.startswith(folder)}
        new = self.commit(repository, title, files)
        self.log.append(("published", repository, new))
        return _json({"commitOid": new.id, "commitUrl": f"/{repository}/commit/{new.id}", "success": True})

    def _file(self, repository, revision, path):
        if repository not in self.commits:
            return _missing("Repo")
        commit = self._find(repository, revision)
        if commit is None:
            return _missing("Revision")
        if path not in commit.files:
            return _missing("Entry")
        content = commit.files[path]
        headers = {"X-Repo-Commit": commit.id, "ETag": f'"{blob_id(content)}"'}
        return Reply(200, content, headers)


def _json(value, status=200, headers=None):
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))


def _missing(what):
    """Return the hub's answer if a "Repo", a "Revision" or an "Entry" (a file) is missing.

    A missing repository gets the status 401, as a private one would. The others get 404.
    """
    name = {"Repo": "repository", "Revision": "revision", "Entry": "file"}[what]
    headers = {"X-Error-Code": f"{what}NotFound"}
    return _json({"error": f"This hub has no such {name}"}, 401 if what == "Repo" else 404, headers)


def refusal(status, sentence) -> Reply:
    """Return an answer that says in one sentence why a request is refused, as JSON and in a header."""
    said = " ".join(sentence.encode("ascii", "replace").decode().split())  # a header is one line of ASCII
    return _json({"error": sentence}, status, {"X-Error-Message": said})


class _Refused(Exception):
    """Ends the work on a request. The exception's argument is the `Reply`."""


def _only(method, *allowed):
    if method not in allowed:
        reply = refusal(405, f"This address takes {' and '.join(allowed)}, not {method}")
        raise _Refused(replace(reply, headers=reply.headers | {"Allow": ", ".join(allowed)}))


def _read(body, /, **kinds) -> dict:
    """Return the JSON object in `body`.

    For each name in `kinds`, the object must have a value of the type `kinds[name]`.
    """
    try:
        return _check(json.loads(body), **kinds)
    except (ValueError, RecursionError):
        raise _Refused(refusal(400, "The body of this request is not JSON")) from None


def _check(value, /, **kinds) -> dict:
    if isinstance(value, dict) and all(_is(kind, value.get(name)) for name, kind in kinds.items()):
        return value
    wanted = " and ".join(f"{name} ({kind.__name__})" for name, kind in kinds.items())
    raise _Refused(refusal(400, f"The body of this request lacks {wanted}"))


def _is(kind, value):
    if kind is str and isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON can hold half of a surrogate pair, and UTF-8 can't
            return False
    return isinstance(value, kind)


def _described(commit):
    return {
        "id": commit.id,
        "title": commit.title,
        "message": "",
        "date": commit.date,
        "authors": [{"user": "reader"}],
    }


class LocalHub(Repositories):
    """A hub that listens on this machine's own address, 127.0.0.1, until `stop()` or the end of the kernel.

    `url` is the hub's address, for `HfApi(endpoint=...)`.

    Raises CourseError if HF_HUB_OFFLINE is set, because huggingface_hub would then not even use this hub.
    """

    def __init__(self):
        from huggingface_hub import constants  # imported here, because the import reads HF_HUB_OFFLINE

        if constants.HF_HUB_OFFLINE:
            raise CourseError(
                "HF_HUB_OFFLINE is set, so the library asks no hub, not even one on this machine: "
                "take it out of the environment and start the kernel again."
            )
        super().__init__()
        _no_proxy_for_this_machine()
        handler = type("Handler", (_Handler,), {"hub": self, "lock": threading.Lock()})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Stop listening, and delete everything."""
        self._server.shutdown()
        self._server.server_close()
        self.commits.clear()
        self.log.clear()


def _no_proxy_for_this_machine():
    """Exempt 127.0.0.1 from the proxy, because a school's proxy can't reach this machine at this address."""
    named = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    if "127.0.0.1" not in named.split(","):
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, [named, "127.0.0.1"]))
        from huggingface_hub import close_session

        close_session()  # huggingface_hub then opens a new session, with the new environment


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Print the traceback of an error, but not if a client closed its connection."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds without a byte, after which the connection is closed

    def _serve(self):
        reply = self._foreign()
        if reply is None:
            body, reply = self._body()
        if reply is None:
            with self.lock:
                reply = self.hub.answer(self.command, self.path, body)
        else:
            self.close_connection = True
        self._send(reply)
        if self.close_connection:
            self._discard()

    do_GET = do_HEAD = do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = _serve

    def _foreign(self):
        """Return a refusal if a page of another site may have made the request, otherwise None.

        A browser names the page's site in the header Origin. But a site can also make its own name lead to
        127.0.0.1. Then the header Host has the site's name in place of 127.0.0.1.
        """
        port = self.server.server_port
        own = [f"127.0.0.1:{port}", f"localhost:{port}"]
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in own:
            return refusal(403, f"This hub answers as {own[0]} only")
        if origin is not None and origin not in [f"http://{host}" for host in own]:
            return refusal(403, "This hub answers programs on this machine, and no page of another site")
        return None

    def _body(self):
        """Return (body of the request, None), or (None, refusal) if the body can't be accepted."""
        if "Transfer-Encoding" in self.headers:
            return None, refusal(411, "This hub takes a body only with its Content-Length")
        told = self.headers.get("Content-Length", "0")
        if not (told.isascii() and told.isdecimal()):
            return None, refusal(400, "Content-Length is not a number of bytes")
        if len(told) > 15 or int(told) > LARGEST_REQUEST:
            most = LARGEST_REQUEST // 1_000_000
            return None, refusal(413, f"This hub takes requests up to {most} MB")
        try:
            body = self.rfile.read(int(told))
        except TimeoutError:
            return None, refusal(408, "The body of this request did not come")
        if len(body) < int(told):
            return None, refusal(400, "The body of this request is shorter than its Content-Length")
        return body, None

    def _send(self, reply):
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    def _discard(self):
        """Read the rest of a refused request. If it stayed unread, the client might not get the answer."""
        self.connection.settimeout(1)
        left = 2 * LARGEST_REQUEST
        with contextlib.suppress(OSError):
            while left > 0 and (chunk := self.rfile.read1(1 << 16)):
                left -= len(chunk)

    def send_error(self, code, message=None, explain=None):
        """Answer a request that Python's server does not understand. http.server calls this method."""
        self.close_connection = True
        status = {501: 405, 505: 400}.get(code, code)
        self._send(refusal(status, message or self.responses[code][0]))

    def log_message(self, *arguments):
        pass
