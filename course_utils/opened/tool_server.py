"""Runs a tool server in a process of its own. Notebook and server speak MCP, a protocol for tools."""

import importlib.util
import json
import subprocess
import sys
import tempfile
import weakref

from course_utils.errors import CourseError

VERSION = "2026-07-28"  # the version of MCP that each request names


class ToolServer:
    """A running server of tools. Requests and replies are lines of JSON.

    code : text, a Python program. Its last statement runs a server of the package `mcp`, which reads requests
        from standard input and writes replies to standard output.

    Attributes:
    - lines: list with a pair (who, line) for each line sent so far; who is "program" or "server"
    - calls: list with a text such as "calculator 47 * 86" for each call of a tool so far

    Raises CourseError if the package `mcp` is missing.
    """

    def __init__(self, code: str):
        if importlib.util.find_spec("mcp") is None:
            raise CourseError(
                'This cell needs the package mcp, which is missing here. Run  %pip install "mcp>=2.3,<3"  in '
                "a cell of its own, and then this cell again. Other parts of the lesson do without it."
            )
        self.lines, self.calls = [], []
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115, see _stop
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )
        self.close = weakref.finalize(self, _stop, self._process, self._errors)

    def ask(self, method: str, **parameters) -> dict:
        """Send a request to the server, and return its reply: a dict with "result" or "error".

        If the server has stopped, raises CourseError with the last line of the server's messages.
        """
        if not self.close.alive:
            raise CourseError("The server was closed. Run the cell that starts it, and then this one again.")
        meta = {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        number = len(self.lines) // 2 + 1
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**parameters, "_meta": meta}}
        line, reply = json.dumps(request), ""
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            reply = self._process.stdout.readline().strip()
        except OSError:  # the server has ended; the code below says why
            pass
        if not reply:
            self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["it gave no reason"]
            raise CourseError(f"The server has stopped: {said[-1]}")
        self.lines += [("program", line), ("server", reply)]
        if method == "tools/call":
            self.calls.append(" ".join([parameters["name"], *map(str, parameters["arguments"].values())]))
        return json.loads(reply)

    def last_lines(self) -> str:
        """Return the last request and the reply to it, without the field `_meta`, which names versions."""
        shown = []
        for who, line in self.lines[-2:]:
            message = json.loads(line)
            for part in ("params", "result"):
                if part in message:
                    message[part].pop("_meta", None)
            shown.append(f"{who}: {json.dumps(message)}")
        return "\n\n".join(shown)


def _stop(process, errors):
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, errors):
        stream.close()
