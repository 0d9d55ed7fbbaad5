"""Tests the tool server: the lines sent to it, the lines of its replies, and the message when it fails."""

import importlib.util
import json

import pytest

from course_utils import CourseError
from course_utils.opened.tool_server import ToolServer

DOUBLE = """
from mcp.server import MCPServer

server = MCPServer("numbers")

@server.tool(structured_output=False)
def double(text: str) -> str:
    '''Twice a whole number.'''
    return str(2 * int(text))

server.run()
"""


def test_a_server_lists_its_tools_and_runs_them():
    server = ToolServer(DOUBLE)
    (tool,) = server.ask("tools/list")["result"]["tools"]
    assert tool["name"] == "double" and tool["description"] == "Twice a whole number."
    assert list(tool["inputSchema"]["properties"]) == ["text"]
    reply = server.ask("tools/call", name="double", arguments={"text": "21"})
    assert reply["result"]["content"] == [{"type": "text", "text": "42"}]
    assert [who for who, _ in server.lines] == ["program", "server"] * 2
    lines = [json.loads(line) for _, line in server.lines]
    assert [line["id"] for line in lines] == [1, 1, 2, 2]
    assert lines[2]["params"]["name"] == "double" and lines[3] == reply
    assert "_meta" in lines[2]["params"] and "_meta" not in server.last_lines()
    asked, replied = server.last_lines().split("\n\n")
    assert asked.startswith("program: ") and '"text": "21"' in asked
    assert replied.startswith("server: ") and '"text": "42"' in replied
    assert server.ask("tools/call", name="halve", arguments={})["result"]["isError"]
    process = server._process
    server.close()
    assert process.returncode is not None
    with pytest.raises(CourseError, match="The server was closed. Run the cell that starts it"):
        server.ask("tools/list")


def test_a_server_that_stops_says_why():
    server = ToolServer("raise SystemExit('no tools today')")
    with pytest.raises(CourseError, match="The server has stopped: no tools today"):
        server.ask("tools/list")
    server.close()


def test_without_its_package_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CourseError, match=r'%pip install "mcp>=2.3,<3"'):
        ToolServer(DOUBLE)
