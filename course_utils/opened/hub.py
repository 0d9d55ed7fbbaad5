"""A model hub on this machine, for trying out what a public hub does: publish, revise, copy, remove.

    hub = LocalHub()
    api = huggingface_hub.HfApi(endpoint=hub.url, token=False)
    api.create_repo("reader/small-town")

The local hub supports the part of the Hugging Face Hub's protocol that is used by `create_repo`,
`upload_folder`, `create_commit`, `snapshot_download`, `list_repo_commits`, `duplicate_repo` and
`delete_repo`. It keeps everything in memory, sends nothing to another machine, and needs no login. When the
kernel ends, everything is lost.

For lesson 15.
"""

import base64
import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from course_utils.errors import CourseError

MAIN = "main"
# The largest file, in bytes. Files are sent inside a commit and kept in memory.
LARGEST_FILE = 64_000_000


def blob_id(content):
    """Return a file's id as git computes it: the SHA-1 of the word "blob", its length and its bytes."""
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
    """A hub's answer: HTTP status, headers and content. `file` is True for a file of a repository."""

    status: int
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    file: bool = False


class Repositories:
    """Keeps repositories by id, each as a list of commits, oldest first, and answers requests.

    A commit's id is the SHA-1 of its parent's id, its title, its paths and the ids of its files. So the same
    history has the same ids on every machine.
    """

    def __init__(self, commits=None):
        self.commits: dict[str, list[Commit]] = dict(commits or {})
        # What happened, oldest first: "published", "copied" or "removed", the repository, and its commit.
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
        """
        parts = [unquote(part) for part in urlsplit(target).path.strip("/").split("/")]
        if method == "POST" and parts == ["api", "validate-yaml"]:
            return _json({"warnings": [], "errors": []})
        if parts[:2] == ["api", "repos"]:
            return self._create_or_delete(method, json.loads(body))
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            return self._about("/".join(parts[2:4]), parts[4:], body)
        if len(parts) >= 5 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return _missing("Repo")

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
        """Answer a request for /api/models/<id>/…; `rest` lists its last parts: ["tree", "main"]."""
        if repository not in self.commits:
            return _missing("Repo")
        if rest == ["duplicate"]:
            files, copy = self.commits[repository][-1].files, json.loads(body)["repository"]
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
                return self._preupload(commit, json.loads(body)["files"])
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
            if file["size"] > LARGEST_FILE:
                most = LARGEST_FILE // 1_000_000
                error = f"{file['path']} has {file['size']:,} bytes; this hub keeps files up to {most} MB"
                return _json({"error": error}, 413, {"X-Error-Message": error})
        known = {path: blob_id(content) for path, content in commit.files.items()}
        plain = {"uploadMode": "regular", "shouldIgnore": False}
        return _json({"files": [plain | {"path": f["path"], "oid": known.get(f["path"])} for f in files]})

    def _commit_lines(self, repository, commit, body):
        """Add a commit. Each line of the body is a JSON object: first a header, then files and deletions."""
        files, title = dict(commit.files), ""
        for line in filter(None, body.split(b"\n")):
            step = json.loads(line)
            value = step["value"]
            match step["key"]:
                case "header":
                    title = value["summary"]
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "deletedFile":
                    files.pop(value["path"], None)
                case "deletedFolder":
                    folder = value["path"].rstrip("/") + "/"
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
        return Reply(200, content, headers, file=True)


def _json(value, status=200, headers=None):
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | (headers or {}))


def _missing(what):
    """Return the hub's answer for a missing "Repo" (401, as if it were private), "Revision" or "Entry"."""
    return Reply(401 if what == "Repo" else 404, headers={"X-Error-Code": f"{what}NotFound"})


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

    Raises CourseError if HF_HUB_OFFLINE is set, because the library would then not even use this hub.
    """

    def __init__(self):
        from huggingface_hub import constants  # here, because the library reads its settings at import

        if constants.HF_HUB_OFFLINE:
            raise CourseError(
                "HF_HUB_OFFLINE is set, so the library asks no hub, not even one on this machine: "
                "take it out of the environment and start the kernel again."
            )
        super().__init__()
        _no_proxy_for_this_machine()
        handler = type("Handler", (_Handler,), {"hub": self, "lock": threading.Lock()})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Stop listening, and delete everything."""
        self._server.shutdown()
        self._server.server_close()
        self.commits.clear()
        self.log.clear()


def _no_proxy_for_this_machine():
    """Exempt this machine's address from the proxy, because a school's proxy can't reach this machine."""
    named = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    if "127.0.0.1" not in named.split(","):
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, [named, "127.0.0.1"]))
        from huggingface_hub import close_session

        close_session()  # the library then opens a new session, with the new environment


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.lock:
            reply = self.hub.answer(self.command, self.path, body)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.content)

    do_GET = do_HEAD = do_POST = do_DELETE = _serve

    def log_message(self, *arguments):
        pass
