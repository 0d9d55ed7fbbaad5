"""Writes the website's front page and the pages of the explorables: a page each, and one that lists them.

A page is plain HTML and ES modules. It hosts the same view as a notebook does, from course_utils/opened.
A model that runs in the page is loaded on a press.
"""

import importlib
import json
import re
import shutil
import tomllib
from dataclasses import asdict
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "course_utils"
SIDES = ("speaks_for", "speaks_against")
MODEL_FILES = ("config.json", "tokenizer.json", "model.safetensors")
MARK = """<svg viewBox="0 0 64 64" aria-hidden="true">
<path d="M14 32v24h36V32M14 32 4 20M50 32l10-12M14 32h10M40 32h10" fill="none" stroke="var(--ink)"
stroke-width="6" stroke-linecap="round" stroke-linejoin="round"/>
<circle cx="32" cy="18" r="9" fill="var(--ember)"/></svg>"""


def explorables():
    """Return the facts of each explorable by name, from explorables.toml."""
    return tomllib.loads((ROOT / "website" / "explorables.toml").read_text(encoding="utf-8"))


def write(folder):
    """Write all pages of explorables, with what they load, into `folder`/explorables."""
    target = Path(folder) / "explorables"
    shutil.copytree(ROOT / "website" / "live", target / "live", dirs_exist_ok=True)
    shutil.copytree(PACKAGE / "widgets" / "fonts", target / "live" / "fonts", dirs_exist_ok=True)
    for name in ("identity.css", "mark.svg", "view.js", "host.js"):
        shutil.copy(PACKAGE / "widgets" / name, target / "live")
    pages = explorables()
    for name, facts in pages.items():
        for suffix in (".js", ".css"):
            shutil.copy(PACKAGE / "opened" / f"{name}{suffix}", target / "live")
        if "data" in facts:
            (target / "live" / facts["data"]).write_bytes(_data(facts["data"]))
        for pattern in facts.get("files", []):
            for path in (PACKAGE / "opened").glob(pattern):
                shutil.copy(path, target / "live")
        if model := facts.get("model"):
            (target / "models" / model).mkdir(parents=True, exist_ok=True)
            for file in MODEL_FILES:
                shutil.copy(PACKAGE / "training" / "weights" / model / file, target / "models" / model)
        (target / f"{name}.html").write_text(_page(name, facts), encoding="utf-8")
    (target / "index.html").write_text(_list(pages), encoding="utf-8")


def _data(name):
    """Return what a view draws from: a file of its room, or what the room's `states()` returns now."""
    if name == "claims.json":
        return json.dumps(_claims(), ensure_ascii=False).encode()
    file = PACKAGE / "opened" / name
    if file.exists():
        return file.read_bytes()
    states = importlib.import_module(f"course_utils.opened.{file.stem}").states()
    return json.dumps(states, ensure_ascii=False).encode()


def _claims():
    from course_utils import catalog

    lessons = {name[:2]: lesson for name, lesson in catalog.lessons().items()}
    claims = []
    for claim in catalog.claims().values():
        settled = [
            {"title": f"{lesson.name[:2]} {lesson.title}", "address": f"../notebooks/{lesson.name}.html"}
            for lesson in map(lessons.get, claim.settled)
        ]
        points = {side: [asdict(point) for point in getattr(claim, side)] for side in SIDES}
        facts = {key: getattr(claim, key) for key in ("number", "words", "reading", "verdict", "one_sided")}
        claims.append({**facts, **points, "lessons": settled})
    return {"verdicts": catalog.VERDICTS, "claims": claims}


def _page(name, facts):
    lesson = f'<a href="../notebooks/{facts["lesson"]}.html">The lesson that opens it</a>'
    body = f"""<h1>{facts["headline"]}</h1>
<p class="lead">{escape(facts["lead"])}</p>
{_view(name, facts)}
<footer>{escape(facts["foot"])} {lesson} · <a href="index.html">All explorables</a></footer>"""
    return _html(facts["title"], facts["teaser"], body, view=name)


def _view(name, facts, folder=""):
    """Return the element in which page.js shows a view. `folder` leads to explorables/."""
    attributes = {
        "view": f"./{name}.js",
        "start": json.dumps(facts["start"]),
        "kept": " ".join(facts.get("kept", facts["start"])),
    }
    if "data" in facts:
        attributes["data"] = f"{folder}live/{facts['data']}"
    if model := facts.get("model"):
        files = [PACKAGE / "training" / "weights" / model / file for file in MODEL_FILES]
        size = f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
        attributes |= {"weights": f"{folder}models/{model}", "answers": facts["answers"], "size": size}
    values = " ".join(f'data-{key}="{escape(value)}"' for key, value in attributes.items())
    return f'<div id="view" class="view" {values}></div>'


def _cards(pages, folder=""):
    """Return a list of links to the explorables."""
    items = "\n".join(
        f'<li><a href="{folder}{name}.html"><b>{escape(facts["title"])}</b>'
        f"<span>{escape(facts['teaser'])}</span></a></li>"
        for name, facts in pages.items()
    )
    return f'<ul class="gallery">\n{items}\n</ul>'


def _list(pages):
    body = f"<h1>Take it in your <em>hand</em>.</h1>\n{_cards(pages)}"
    return _html("Explorables", "Open models that can be touched, in the page.", body)


def front_page(repository):
    """Return the website's front page. `repository` is the address of the course's repository."""
    from course_utils import catalog
    from course_utils.learning.course_map import PARTS

    pages = explorables()
    first, *_ = pages
    lessons = {name[:2]: lesson for name, lesson in catalog.lessons().items()}
    parts = ""
    for part, numbers in PARTS.items():
        rows = "\n".join(
            f'<li><a href="notebooks/{lessons[number].name}.html"><b class="num">{number}</b> '
            f"{escape(lessons[number].title)}</a></li>"
            for number in numbers
        )
        parts += f"<section><h3>{escape(part)}</h3><ol>\n{rows}\n</ol></section>\n"
    start = next(iter(catalog.lessons()))
    lesson = (ROOT / "notebooks" / f"{start}.ipynb").read_text(encoding="utf-8")
    colab = re.search(r"https://colab\.research\.google\.com/[^)]+", lesson)[0]
    others = {name: facts for name, facts in pages.items() if name != first}
    body = f"""<h1>{pages[first]["headline"]}</h1>
<p class="lead">{escape(pages[first]["lead"])}</p>
{_view(first, pages[first], "explorables/")}
<p class="starts"><a class="start" href="notebooks/{start}.html">Start with lesson 00</a>
<a href="{colab}">Open it in Colab</a></p>
<section class="breath"><h2>Open models, opened</h2>
<p class="lead">A popular article praises open source AI. Is it right? In this free course you open the models
that it names, Llama, Falcon, Mistral, Mixtral, Stable Diffusion and Whisper, and judge
{len(catalog.claims())} of its claims with evidence of your own. You need to read ten lines of Python.
You need no account and no GPU.</p></section>
<section><h2>More to take in your hand</h2>
{_cards(others, "explorables/")}</section>
<section><h2>{len(lessons)} lessons</h2>
<div class="map">
{parts}</div></section>
<section><h2>On your own machine</h2>
<pre tabindex="0"><code>git clone {escape(repository)}
cd open-the-box
make lab</code></pre>
<p><a href="README.html">What it needs</a> · <a href="docs/instructors.html">For teachers</a> ·
<a href="{escape(repository)}">The repository</a></p></section>
<footer>Code under Apache-2.0, text under CC BY 4.0. {escape(pages[first]["foot"])}
Typeface: Atkinson Hyperlegible (OFL).</footer>"""
    summary = (
        "A free course: open Llama, Falcon, Mistral, Stable Diffusion and Whisper, and judge the claims."
    )
    return _html("Open the models that an article praises", summary, body, view=first, root="")


def _html(title, description, body, view=None, root="../"):
    """Return a whole page. `root` leads from the page to the top of the website."""
    live = f"{root}explorables/live"
    style = f'<link rel="stylesheet" href="{live}/{view}.css">' if view else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Open the Box</title>
<meta name="description" content="{escape(description)}">
<link rel="icon" href="{live}/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="{live}/identity.css">
<link rel="stylesheet" href="{live}/page.css">
{style}
</head>
<body class="otb">
<div class="page">
<header class="top"><a href="{root}index.html">{MARK}<span>Open the Box</span></a>
<button id="theme" type="button">Light or dark</button></header>
<main>
{body}
</main>
</div>
<script>
if (location.protocol === "file:") document.getElementById("view")?.append(
  "A browser runs this picture only from a server. In the website's folder run python -m http.server, " +
  "then open http://localhost:8000.");
</script>
<noscript>The pictures of this page need JavaScript. The lessons can be read without.</noscript>
<script type="module" src="{live}/page.js"></script>
</body>
</html>
"""
