"""Writes the pages of the explorables into the website: a page each, and one that lists them.

A page is plain HTML and ES modules. It hosts the same view as a notebook does, from course_utils/opened.
A model that runs in the page is loaded on a press.
"""

import json
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
    for name in ("identity.css", "mark.svg"):
        shutil.copy(PACKAGE / "widgets" / name, target / "live")
    pages = explorables()
    for name, facts in pages.items():
        for suffix in (".js", ".css"):
            shutil.copy(PACKAGE / "opened" / f"{name}{suffix}", target / "live")
        if "data" in facts:
            (target / "live" / facts["data"]).write_bytes(_data(facts["data"]))
        if model := facts.get("model"):
            (target / "models" / model).mkdir(parents=True, exist_ok=True)
            for file in MODEL_FILES:
                shutil.copy(PACKAGE / "training" / "weights" / model / file, target / "models" / model)
        (target / f"{name}.html").write_text(_page(name, facts), encoding="utf-8")
    (target / "index.html").write_text(_list(pages), encoding="utf-8")


def _data(name):
    """Return the stored states of a view: a file of its room, or what the catalogue says now."""
    if name == "claims.json":
        return json.dumps(_claims(), ensure_ascii=False).encode()
    return (PACKAGE / "opened" / name).read_bytes()


def _claims():
    from course_utils import catalog

    lessons = {lesson[:2]: lesson for lesson in catalog.lessons()}
    claims = []
    for claim in catalog.claims().values():
        settled = [
            {"title": f"Lesson {number}", "address": f"../notebooks/{lessons[number]}.html"}
            for number in claim.settled
        ]
        points = {side: [asdict(point) for point in getattr(claim, side)] for side in SIDES}
        facts = {key: getattr(claim, key) for key in ("number", "words", "reading", "verdict", "one_sided")}
        claims.append({**facts, **points, "lessons": settled})
    return {"verdicts": catalog.VERDICTS, "claims": claims}


def _page(name, facts):
    attributes = {
        "view": f"./{name}.js",
        "start": json.dumps(facts["start"]),
        "kept": " ".join(facts.get("kept", facts["start"])),
    }
    if "data" in facts:
        attributes["data"] = f"live/{facts['data']}"
    if model := facts.get("model"):
        size = sum((PACKAGE / "training" / "weights" / model / file).stat().st_size for file in MODEL_FILES)
        attributes |= {
            "weights": f"models/{model}",
            "answers": facts["answers"],
            "size": f"{size / 1e6:.1f} MB",
        }
    values = " ".join(f'data-{key}="{escape(value)}"' for key, value in attributes.items())
    lesson = f'<a href="../notebooks/{facts["lesson"]}.html">The lesson that opens it</a>'
    body = f"""<h1>{facts["headline"]}</h1>
<p class="lead">{escape(facts["lead"])}</p>
<div id="view" class="view" {values}></div>
<footer>{escape(facts["foot"])} {lesson} · <a href="index.html">All explorables</a></footer>"""
    return _html(facts["title"], facts["teaser"], body, name)


def _list(pages):
    items = "\n".join(
        f'<li><a href="{name}.html"><b>{escape(facts["title"])}</b>'
        f"<span>{escape(facts['teaser'])}</span></a></li>"
        for name, facts in pages.items()
    )
    body = f'<h1>Take it in your <em>hand</em>.</h1>\n<ul class="gallery">\n{items}\n</ul>'
    return _html("Explorables", "Open models that can be touched, in the page.", body)


def _html(title, description, body, view=None):
    style = f'<link rel="stylesheet" href="live/{view}.css">' if view else ""
    script = '<script type="module" src="live/page.js"></script>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Open the Box</title>
<meta name="description" content="{escape(description)}">
<link rel="icon" href="live/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="live/identity.css">
<link rel="stylesheet" href="live/page.css">
{style}
</head>
<body class="otb">
<div class="page">
<header class="top"><a href="../index.html">{MARK}<span>Open the Box</span></a>
<button id="theme" type="button">Light or dark</button></header>
<main>
{body}
</main>
</div>
{script}
</body>
</html>
"""
