"""Writes the pages of the explorables: one for each, and one that lists them all.

A page is plain HTML and ES modules. It shows the same view as a notebook, from course_utils/opened. If the
page runs a model, the model is loaded when the visitor presses a button.
"""

import base64
import importlib
import json
import shutil
import tomllib
from html import escape
from pathlib import Path

import picture_onnx
import shell
from shell import ROOT

PACKAGE = ROOT / "course_utils"
MODEL_FILES = ("config.json", "tokenizer.json", "model.safetensors")


def explorables():
    """Return the facts of each explorable by name, from explorables.toml."""
    return tomllib.loads((ROOT / "website" / "explorables.toml").read_text(encoding="utf-8"))


def write(folder, names=None):
    """Write the pages of explorables, and the files that these pages load, into `folder`/explorables.

    names : which explorables; by default all
    """
    target = Path(folder) / "explorables"
    shutil.copytree(ROOT / "website" / "live", target / "live", dirs_exist_ok=True)
    shutil.copytree(PACKAGE / "widgets" / "fonts", target / "live" / "fonts", dirs_exist_ok=True)
    for name in ("identity.css", "mark.svg", "view.js", "host.js"):
        shutil.copy(PACKAGE / "widgets" / name, target / "live")
    pages = {name: facts for name, facts in explorables().items() if names is None or name in names}
    followers = dict(zip(pages, [*list(pages.items())[1:], next(iter(pages.items()))], strict=True))
    for name, facts in pages.items():
        for suffix in (".js", ".css"):
            shutil.copy(PACKAGE / "opened" / f"{name}{suffix}", target / "live")
        if "data" in facts:
            (target / "live" / facts["data"]).write_bytes(_data(facts["data"]))
        for pattern in facts.get("files", []):
            for path in (PACKAGE / "opened").glob(pattern):
                shutil.copy(path, target / "live")
        for model in [facts["model"], *facts.get("other_models", [])] if "model" in facts else []:
            (target / "models" / model).mkdir(parents=True, exist_ok=True)
            for file in _model_files(model):
                shutil.copy(file, target / "models" / model)
        page = _page(name, facts, followers[name])
        (target / f"{name}.html").write_text(page, encoding="utf-8")
    (target / "index.html").write_text(_list(pages), encoding="utf-8")
    shell.write_pictures(target / "pictures")
    _write_folder_script(target / "live", pages)


def _model_files(model):
    """Return the paths of the files that a page loads when the visitor starts its model."""
    if model == "pictureworld":
        return picture_onnx.files()
    return [PACKAGE / "training" / "weights" / model / file for file in MODEL_FILES]


def _write_folder_script(live, pages):
    """Write the pages' modules and data into folder.js, for pages that are opened without a server."""
    files = ["page.js", "host.js", "view.js", *(f"{name}.js" for name in pages)]
    files += [facts["data"] for facts in pages.values() if "data" in facts]
    texts = {name: (live / name).read_text(encoding="utf-8") for name in files}
    for path in live.glob("*.flac"):
        sound = base64.b64encode(path.read_bytes()).decode("ascii")
        texts[path.name] = f"data:audio/flac;base64,{sound}"
    script = (live / "folder.js").read_text(encoding="utf-8")
    script = script.replace("FILES = {}", f"FILES = {json.dumps(texts, ensure_ascii=False)}")
    (live / "folder.js").write_text(script, encoding="utf-8")


def _data(name):
    """Return a view's data as bytes: the file `name` in opened/, or else its module's `states()` as JSON."""
    file = PACKAGE / "opened" / name
    if file.exists():
        return file.read_bytes()
    states = importlib.import_module(f"course_utils.opened.{file.stem}").states()
    return json.dumps(states, ensure_ascii=False).encode()


def _page(name, facts, follower):
    """Return an explorable's page. `follower` is (name, facts) of the next explorable."""
    from course_utils import catalog

    lesson, (after, next_facts) = facts["lesson"], follower
    body = f"""<h1>{facts["headline"]}</h1>
<p class="lead">{escape(facts["lead"])}</p>
{view(name, facts)}
<p class="whole"><a href="{name}.html" target="_blank">Open it in a page of its own</a></p>
<div class="after"><div class="share" hidden><button type="button" data-does="link">Copy the link</button>
<button type="button" data-does="embed">Embed</button>
<button type="button" data-does="picture">Save as PNG</button>
<p aria-live="polite"></p></div>
<nav class="onward" aria-label="Next"><a href="../notebooks/{lesson}.html"><span>Lesson {lesson[:2]}</span>
<b>{escape(catalog.lessons()[lesson].title)}</b></a>
<a href="{after}.html"><span>Next</span> <b>{escape(next_facts["title"])}</b></a></nav></div>
<footer>{escape(facts["foot"])} <a href="index.html">All explorables</a></footer>"""
    address = f"explorables/{name}.html"
    return shell.page(facts["title"], facts["teaser"], body, address, view=name, name=facts["title"])


def view(name, facts, folder=""):
    """Return the element in which page.js shows a view.

    folder : the path from the page to explorables/
    """
    attributes = {
        "view": f"./{name}.js",
        "start": json.dumps(facts["start"]),
        "kept": " ".join(facts.get("kept", facts["start"])),
    }
    if "data" in facts:
        attributes["data"] = f"{folder}live/{facts['data']}"
    if model := facts.get("model"):
        size = f"{sum(file.stat().st_size for file in _model_files(model)) / 1e6:.1f} MB"
        attributes |= {"weights": f"{folder}models/{model}", "answers": facts["answers"], "size": size}
    if "wakes" in facts:
        attributes["wakes"] = facts["wakes"]
    values = " ".join(f'data-{key}="{escape(value)}"' for key, value in attributes.items())
    return f'<div id="view" class="view" {values}></div>'


def cards(pages, folder=""):
    """Return a list of links to the explorables as HTML, each with its miniatures if there are any.

    An explorable has a miniature for light pages and one for dark pages. page.css hides the one that does not
    fit the page's theme. Browsers do not load the hidden picture, because it has loading="lazy".
    """
    items = ""
    for name, facts in pages.items():
        picture = ""
        files = [f"{name}{end}" for end in ("", "-dark") if (shell.PICTURES / f"{name}{end}.webp").is_file()]
        for file, theme in zip(files, ("in-light", "in-dark") if len(files) == 2 else ("",), strict=False):
            picture += (
                f'<img class="{theme}" src="{folder}pictures/{file}.webp" alt="" width="600" height="360" '
                'loading="lazy">'
            )
        items += (
            f'<li><a href="{folder}{name}.html">{picture}<b>{escape(facts["title"])}</b>'
            f"<span>{escape(facts['teaser'])}</span></a></li>\n"
        )
    return f'<ul class="gallery">\n{items}</ul>'


def _list(pages):
    body = f"<h1>Take it in your <em>hand</em>.</h1>\n{cards(pages)}"
    description = "Open models that can be touched, in the page."
    return shell.page("Explorables", description, body, "explorables/index.html")
