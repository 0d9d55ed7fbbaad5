"""A package index and a model hub on this machine: tests use real HTTP and real faults, but no network."""

import contextlib
import functools
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from course_utils.opened.hub import Commit, Repositories

ROOT = Path(__file__).parent.parent


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(folder):
    """Serves a folder on this machine during the `with` block. Yields the server's address."""
    handler = functools.partial(_Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def wheel(folder, files):
    """Returns a wheel as bytes: a folder with `files`, {name: content}, and an __init__.py that raises."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{folder}/__init__.py", "raise SystemExit('this package was imported')")
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)
    return file.getvalue()


class _Server:
    """What both servers have in common: a thread, a log of requests, and faults that a test can set.

    log : [(method, path, Range header or None), …], an entry for each request
    cuts : [number of bytes, …]; each answer with a file takes the next number, and ends after so many bytes
    ranges : whether the server supports Range requests
    pause : seconds to wait before each 64 KiB
    surplus : how many bytes too many are sent after a file; if not 0, the answer has no Content-Length
    broken : files with this ending are always cut off after 1,000 bytes; or None
    """

    def __init__(self):
        self.log = []
        self.cuts = []
        self.ranges = True
        self.pause = 0.0
        self.surplus = 0
        self.broken = None
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"

    def encrypt(self, certificate):
        """Makes the server use HTTPS. Call this before the server starts. certificate : trustme's LeafCert"""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://{self.host}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    def asked_for(self, ending):
        """Returns the Range headers of the GET requests for paths with this ending, in order."""
        return [each for method, path, each in self.log if method == "GET" and path.endswith(ending)]


class Index(_Server):
    """A package index with one project.

    files : {file name: bytes}
    html : whether the index answers only in HTML (PEP 503)
    login : the Authorization header that requests must have, or None
    files_at : the address of the server that has the files; "" if it is this server
    page : (bytes, content type) to answer instead of the project's page, or None
    busy : how many of the next requests get the answer 503
    """

    def __init__(self, project, files, html=False, login=None):
        super().__init__()
        self.project, self.files, self.html, self.login = project, files, html, login
        self.files_at, self.page, self.busy = "", None, 0

    def answer(self, request):
        if self.busy:
            self.busy -= 1
            return request.reply(503)
        if self.login and request.headers.get("Authorization") != self.login:
            return request.reply(401)
        if request.path == f"/simple/{self.project}/" and self.page:
            content, kind = self.page
            return request.reply(200, content, {"Content-Type": kind})
        if request.path == f"/simple/{self.project}/":
            if self.html or "json" not in request.headers.get("Accept", ""):
                links = "".join(
                    f'<a href="../../files/{name}#sha256=0">{name}</a><br/>' for name in self.files
                )
                return request.reply(
                    200, f"<!DOCTYPE html><body>{links}</body>".encode(), {"Content-Type": "text/html"}
                )
            files = [
                {"filename": name, "url": f"{self.files_at}/files/{name}", "hashes": {}}
                for name in self.files
            ]
            page = json.dumps({"meta": {"api-version": "1.0"}, "name": self.project, "files": files}).encode()
            return request.reply(200, page, {"Content-Type": "application/vnd.pypi.simple.v1+json"})
        name = request.path.removeprefix("/files/")
        if name in self.files:
            return request.reply_file(self.files[name])
        return request.reply(404)


class Hub(_Server):
    """A model hub. It has `repository` at one revision, and the repositories in `others`, {name: Commit}.

    Like the public hub, it also offers weights by Xet, another way to transfer files. But here no server
    answers at Xet's address.

    gated : whether only the token "accepted" gets files
    expired : a token that the hub no longer accepts, or None
    status : the status of every answer, such as 503, or None for normal answers
    """

    def __init__(self, repository, revision, files, gated=False):
        super().__init__()
        self.repository, self.revision, self.files, self.gated = repository, revision, files, gated
        self.others, self.expired, self.status = {}, None, None

    def answer(self, request):
        if self.status:
            return request.reply(self.status)
        only = Commit(self.revision, "published", self.files)
        token = request.headers.get("Authorization")
        if self.expired and token == f"Bearer {self.expired}":
            return request.reply(401, headers={"X-Error-Message": f'User Access Token "{token}" is expired'})
        held = {self.repository: [only]} | {name: [commit] for name, commit in self.others.items()}
        reply = Repositories(held).answer(request.command, request.path)
        if self.gated and "/resolve/" in request.path and token != "Bearer accepted":
            return request.reply(403 if token else 401, headers={"X-Error-Code": "GatedRepo"})
        if "ETag" in reply.headers:  # the reply is a file of the repository
            xet = {"X-Xet-Hash": "ab" * 32, "X-Xet-Refresh-Route": f"{self.url}/xet-read-token"}
            offered = xet if request.path.endswith((".safetensors", ".gguf")) else {}
            return request.reply_file(reply.content, reply.headers | offered)
        return request.reply(reply.status, reply.content, reply.headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.owner.log.append((self.command, self.path, self.headers.get("Range")))
        self.owner.answer(self)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass

    def reply(self, status, content=b"", headers=None):
        self._start(status, len(content), headers)
        if self.command == "GET":
            self.wfile.write(content)

    def reply_file(self, content, headers=None):
        """Sends a file from the start of the requested range, slowly or cut short if the settings say so."""
        start, status, headers = 0, 200, dict(headers or {})
        if self.owner.ranges and (wanted := self.headers.get("Range")):
            start, status = int(wanted.removeprefix("bytes=").partition("-")[0]), 206
            if start >= len(content):
                return self.reply(416)
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        content += bytes(self.owner.surplus)
        self._start(status, None if self.owner.surplus else len(content) - start, headers)
        if self.command == "HEAD":
            return
        end = len(content)
        if self.owner.cuts:
            end = min(end, start + self.owner.cuts.pop(0))
        if self.owner.broken and self.path.endswith(self.owner.broken):
            end = min(end, 1_000)
        for position in range(start, end, 1 << 16):
            time.sleep(self.owner.pause)
            self.wfile.write(content[position : min(end, position + (1 << 16))])
        if end < len(content) or self.owner.surplus:
            self.close_connection = True

    def _start(self, status, length, headers):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def shrunken(model):
    """Returns a copy of a catalogue entry with small sizes, because the real model may not fit here."""
    return replace(
        model,
        parameters=1_000,
        kept_parameters=0,
        download_bytes=1_000,
        disk_bytes=1_000,
        memory_bytes=500_000_000,
    )


def load_elsewhere(model, files, home, program, **environment):
    """Runs the Python code `program` in a new process. Returns the last line that it prints.

    The program downloads from a local hub, which has the model's files.
    """
    return load_all_elsewhere({model: files}, home, program, **environment)


def load_all_elsewhere(published, home, program, **environment):
    """Does what `load_elsewhere` does, but the hub has several models. published : {model: its files}"""
    start = "from course_utils import catalog, load\nfrom course_utils.catalog import File, Model, Source\n"
    start += "".join(f"catalog.models()[{model.name!r}] = {shrunken(model)!r}\n" for model in published)
    plain = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    plain |= {"HF_HOME": str(home), "PYTHONPATH": str(ROOT)} | environment
    with Hub("nobody/nothing", "0" * 40, {}) as hub:
        for model, files in published.items():
            source = model.sources[0]
            hub.others[source.repository] = Commit(source.revision, "published", files)
        plain |= {"HF_ENDPOINT": hub.url}
        command = [sys.executable, "-c", start + program]
        result = subprocess.run(command, env=plain, capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stderr
    asked = {path.rpartition("/")[2] for _, path, _ in hub.log}
    assert not asked & {"consolidated.00.safetensors", "pytorch_model.bin", "v1-5-pruned.ckpt"}
    return result.stdout.strip().splitlines()[-1]
