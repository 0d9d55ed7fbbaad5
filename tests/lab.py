"""Runs a real JupyterLab, Notebook 7 and Chromium, for tests that use a lesson as a learner does."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import programs
import pytest
from axe_playwright_python.sync_playwright import Axe
from lazy import Lazy
from playwright.sync_api import sync_playwright

nbformat = Lazy("nbformat")

# Milliseconds that a page may take: about ten times what the slowest step needs on an idle machine.
PATIENCE = 90_000
# Milliseconds that all cells of a lesson may take. Most of this is the kernel's time.
RUN = 1_200_000

# Replaces JupyterLab's defaults that would disturb a test, such as autosave.
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # Lay out all cells, not only the visible ones, so that they can be measured.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


class Server:
    """Runs `jupyter lab` on a folder during the `with` block. The server serves Notebook 7 as well.

    The settings and the trusted notebooks of the person who runs the tests are neither used nor changed.

    folder : the folder it serves
    home : an empty folder for the server's own files and the learner's answers
    """

    def __init__(self, folder, home):
        self.folder = Path(folder)
        self.home = Path(home)
        self.token = secrets.token_hex(16)

    def __enter__(self):
        config = self.home / "config"
        (config / "labconfig").mkdir(parents=True)
        (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))
        self._log = (self.home / "server.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
            + [f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True"]
            + ["--JupyterNotebookApp.expose_app_in_browser=True"]
            + [f"--ServerApp.root_dir={self.folder}"],
            cwd=self.folder,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ
            | {
                "JUPYTER_CONFIG_DIR": str(config),
                "JUPYTER_DATA_DIR": str(self.home / "data"),
                "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
                "JUPYTERLAB_SETTINGS_DIR": str(self.home / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
                "COURSE_ANSWERS": str(self.home / "answers.json"),
            },
        )
        self._wait_until_it_answers(300)
        return self

    def __exit__(self, *error):
        # This request makes the server stop its kernels before it ends, on Windows too.
        self._request("api/shutdown", "POST")
        try:
            self._process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_until_it_answers(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            for file in (self.home / "runtime").glob("jpserver-*.json"):
                try:
                    self.url = json.loads(file.read_text())["url"]
                    return self._request("api/status", "GET")
                except (OSError, ValueError):
                    pass  # the server has not started yet
            time.sleep(0.1)
        self._process.kill()
        log = (self.home / "server.log").read_text(errors="replace")
        raise RuntimeError(f"JupyterLab did not start within {seconds} s:\n{log[-2000:]}")

    def _request(self, path, method):
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, headers=headers, method=method)
        urllib.request.urlopen(request, timeout=120).close()


@contextmanager
def chromium(*arguments):
    """Starts a headless Chromium with these arguments. Without Chromium, skips the test, or fails in CI."""
    if says := programs.lack("a browser"):
        if programs.MUST_RUN:
            raise RuntimeError(says)
        pytest.skip(says)
    quiet = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        path = programs.browser()
        running = playwright.chromium.launch(
            executable_path=path, args=[*quiet, *arguments], timeout=PATIENCE
        )
        yield running
        running.close()


WIDGET = "application/vnd.jupyter.widget-view+json"
_NOTEBOOK = "window.jupyterapp.shell.currentWidget"
_STATUS = f"{_NOTEBOOK}?.sessionContext?.session?.kernel?.status"

# Errors that the extensions of JupyterLab and nbgrader cause in Notebook 7, even for an empty notebook.
_NOTEBOOK_7_COMPLAINS = ("reading 'schema'", "Command 'filebrowser:open-path' not registered")


def _sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


class Notebook:
    """A notebook open in JupyterLab or Notebook 7, in a browser window of its own.

    browser : the browser from `chromium`
    server : the `Server` whose folder contains it
    path : the file, relative to the server's folder
    place : "lab" or "notebook"

    `page` is Playwright's page. `complaints` lists the errors on the page's console.
    """

    def __init__(self, browser, server, path, place="lab"):
        self.place = place
        self.folder, self.sources = server.folder, _sources(server.folder / path)
        self.complaints = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        # A lesson must work without the network: a request to any other server is an error.
        elsewhere = re.compile(rf"https?://(?!{re.escape(server.url.split('/')[2])}/)")
        self.context.route(elsewhere, lambda route: route.abort())
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.on("pageerror", self._failed)
        self.page.on("console", self._heard)
        view = "lab/tree" if place == "lab" else "notebooks"
        self.page.goto(f"{server.url}{view}/{path}?token={server.token}&reset")
        self.page.wait_for_function(f"window.jupyterapp && {_STATUS} === 'idle'")

    def turn_to(self, path):
        """Ends this notebook and opens another in the same window, so that JupyterLab loads only once."""
        self.sources = _sources(self.folder / path)
        self.page.evaluate(
            f"""async () => {{
              const {{ id }} = {_NOTEBOOK}.sessionContext.session;
              {_NOTEBOOK}.dispose();
              await window.jupyterapp.serviceManager.sessions.shutdown(id);
            }}"""
        )
        self.complaints.clear()  # extensions report the kernel's end as an error
        self.page.evaluate(
            """async path => {
              await window.jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook" });
            }""",
            path,
        )
        opened = f"{_NOTEBOOK}?.context?.path === path && {_STATUS} === 'idle'"
        self.page.wait_for_function(f"path => {opened}", arg=path)

    def _failed(self, error):
        if not any(complaint in str(error) for complaint in _NOTEBOOK_7_COMPLAINS):
            self.complaints.append(str(error))

    def _heard(self, message):
        # Some versions of Jupyter's server refuse Notebook 7 its own icon fonts.
        own_font = re.search(r"/static/notebook/\w+\.woff2?$", message.location.get("url", ""))
        if message.type == "error" and not own_font:
            self.complaints.append(message.text)

    def close(self):
        """Stops the kernel, to free its memory, and closes the window."""
        self.page.evaluate(f"{_NOTEBOOK}.sessionContext.shutdown()")
        self.context.close()

    def run_all(self):
        """Runs all cells, and waits until the kernel is idle and the page shows every widget."""
        self.page.evaluate(
            """() => {
              const run = window.jupyterapp.commands.execute("notebook:run-all-cells");
              window.courseRun = "running";
              run.finally(() => (window.courseRun = "ended"));
            }"""
        )
        self.page.wait_for_function("window.courseRun === 'ended'", timeout=RUN)
        self.page.wait_for_function(
            f"""() => {_NOTEBOOK}.sessionContext.session.kernel.status === "idle" &&
            {_NOTEBOOK}.content.widgets.filter(cell => cell.model.type === "code").every(cell =>
              cell.outputArea.model.toJSON().filter(output => "{WIDGET}" in (output.data ?? {{}})).length ===
              cell.node.querySelectorAll(".jp-OutputArea-output > :is(.jupyter-widgets, .otb)").length)"""
        )

    def run(self, index):
        """Runs one cell again; `index` counts all cells from 0."""
        self.page.evaluate(
            f"""index => {{
              {_NOTEBOOK}.content.activeCellIndex = index;
              return window.jupyterapp.commands.execute("notebook:run-cell")
            }}""",
            index,
        )

    def find(self, code):
        """Returns the index of the first cell that contains this text."""
        return next(index for index, source in enumerate(self.sources) if code in source)

    def findings(self):
        """Returns the serious and critical problems that axe-core finds in the outputs, as sentences."""
        return findings(self.page, ".jp-Notebook .jp-OutputArea-child")

    def output(self, index):
        """Returns Playwright's locator for the output of a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputArea")

    def trusted(self):
        """Returns whether JupyterLab trusts the outputs of at least one cell."""
        return self.page.evaluate(
            f"""() => {_NOTEBOOK}.content.widgets.some(cell =>
            cell.model.type === "code" && cell.model.outputs.length > 0 && cell.model.trusted)"""
        )

    def set_theme(self, name):
        """Changes the theme to "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        self.page.locator(f'body[data-jp-theme-name="{name}"]').wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="hidden")

    def resize(self, width):
        """Makes the window `width` pixels wide and taller than any output, and waits for the layout.

        Closes the side bars in a narrow window of JupyterLab, because they leave no room.
        """
        if self.place == "lab":
            self.page.evaluate(
                """wide => {
                  const shell = window.jupyterapp.shell;
                  wide ? shell.expandLeft() : shell.collapseLeft();
                  if (!wide) shell.collapseRight();
                  for (const side of ["left", "right"])
                    if (shell.isSideTabBarVisible(side) !== wide) shell.toggleSideTabBarVisibility(side);
                }""",
                width >= 500,
            )
        self.page.set_viewport_size({"width": width, "height": 3000})
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def findings(page, part):
    """Returns the serious and critical problems that axe-core finds below a CSS selector, as sentences."""
    options = {"resultTypes": ["violations"], "preload": False}
    return [
        f"{violation['impact']} {violation['id']}: {node['html'][:160]} {node['failureSummary']}"
        for violation in Axe().run(page, part, options).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
