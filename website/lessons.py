"""Prepares the pages of lessons: code to fold, forms for predictions, links from pictures to explorables.

A page contains everything as HTML, so it can be read without JavaScript. live/lesson.js folds the code and
shows the forms.
"""

import base64
import hashlib
import itertools
import re
import struct
from html import escape, unescape
from pathlib import Path

import glossary
from docutils import nodes
from explorables import PACKAGE, explorables

FOLDERS = ("notebooks/", "translations/")
UNPREDICTED = re.compile(r"(.*?)\s*\(No prediction from you yet\.\)", re.S)
# Matches a stored picture or sound of 4,000 characters or more. `with_files` moves these to files.
INLINE = re.compile(r'<(img|audio)([^>]*) src="data:(image/png|audio/mpeg);base64,([^"]{4000,})"([^>]*)>')
PHOTOGRAPH = re.compile(r'(<figure class="photograph"[^>]*>)(<img[^>]*>)(</figure>)')
HINT = re.compile(r"<div[^>]*>Run this cell to change it\.</div>")


def prepare(app, doctree, docname):
    """Change a lesson's document. This is a handler of Sphinx's event `doctree-resolved`."""
    if not docname.startswith(FOLDERS):
        return
    live = live_pictures()
    cells = [node for node in doctree.findall(nodes.container) if "cell" in node["classes"]]
    codes = {id(cell): _part(cell, "cell_input").astext() for cell in cells if _part(cell, "cell_input")}
    for cell in cells:
        code = codes.get(id(cell), "")
        output = _part(cell, "cell_output")
        if "course.quiz(" in code and output:
            output["classes"].append("no-search")
        if output:
            _ask(output, code)
            _reveal(output, code)
            for raw in output.findall(nodes.raw):
                raw.children[:] = [nodes.Text(with_files(raw.astext(), Path(app.outdir), docname))]
            _lead_to_live(output, code, live, "../" * docname.count("/"))
    _veil(doctree, codes)
    glossary.explain(doctree)
    if cells:
        told = _ran(docname) if re.search(r"/\d\d_", docname) else ""
        # lesson.js puts its buttons into the <div> element.
        cells[0].insert(0, _html(f'{told}<div class="tools"></div>', classes=["no-search"]))
    for cell in cells:
        _fold(cell)


def _ran(docname):
    """Return a line of HTML that says that a page's cells have run, and where a visitor can run them."""
    start = "../" * docname.count("/") + "README.html#start"
    says = "The outputs are those of an earlier run. To change a cell and run it, open the lesson in Colab, "
    says += f'by the link above, or <a class="reference" href="{start}">on your own computer</a>.'
    if docname.startswith("translations/de/"):
        says = "Die Ausgaben stammen von einem früheren Lauf. Ändern und selbst ausführen kannst du die "
        says += f'Zellen <a class="reference" href="{start}">auf deinem eigenen Rechner</a>.'
    return f'<p class="ran">{says}</p>'


def with_files(html, outdir, docname, lazy=True):
    """Move the pictures and sounds of a stored output to files below `outdir`, and return the new HTML.

    docname : the page that shows the output, as a path from `outdir`
    lazy : whether a browser loads a picture only when the visitor scrolls to it
    """
    return INLINE.sub(lambda found: _file(found, outdir, docname, lazy), HINT.sub("", html))


def _file(found, outdir, docname, lazy):
    """Write a picture or sound of a stored output into a file, and return the element that loads it."""
    tag, before, mime, data, after = found.groups()
    content = base64.b64decode(data)
    name = f"{hashlib.sha256(content).hexdigest()[:16]}.{'png' if tag == 'img' else 'mp3'}"
    (outdir / "_images").mkdir(parents=True, exist_ok=True)
    (outdir / "_images" / name).write_bytes(content)
    more = ' preload="none"' if tag == "audio" else ' loading="lazy"' * lazy
    if tag == "img" and " height=" not in before:  # give the size, so that the page leaves room
        width, height = struct.unpack(">II", content[16:24])
        shown = re.search(r' width="(\d+)"', before)
        more += f' height="{round(int(shown[1]) * height / width)}"' if shown else ""
        more += "" if shown else f' width="{width}" height="{height}"'
    before = before.replace(' preload="metadata"', "")
    return f'<{tag}{before}{more} src="{"../" * docname.count("/")}_images/{name}"{after}>'


def _part(cell, name):
    return next((part for part in cell.children if name in part.get("classes", ())), None)


def _html(text, **more):
    return nodes.raw("", text, format="html", **more)


def _fold(cell):
    """Put a cell's code into an open <details> element, which lesson.js closes.

    The output of the set-up goes with its code, because it speaks of the machine on which the cells ran.
    """
    code = _part(cell, "cell_input")
    if not code:
        return
    code["classes"].append("no-search")
    is_set_up = "course.setup(" in code.astext()
    label = "Show the set-up" if is_set_up else _label(code.astext())
    index = cell.index(code)
    end = len(cell) if is_set_up else index + 1
    cell[index:end] = [
        _html(f'<details class="code" open><summary>{label}</summary>'),
        *cell[index:end],
        _html("</details>"),
    ]


def _label(code):
    """Return HTML that names a cell's code by the functions that it defines, as the lesson's text does."""
    defined = ", ".join(f"<code>{name}</code>" for name in re.findall(r"^def (\w+)", code, re.M))
    return "Show code" + (f": {defined}" if defined else "")


def calls(code, function):
    """Return the keys of the predictions for which code calls `function`, which is "predict" or "reveal"."""
    return re.findall(rf"course\.{function}\(\s*[\"']([^\"']+)", code)


def _ask(output, code):
    """Put a form after each stored question. lesson.js shows the form in the question's place."""
    questions = [raw for raw in output.findall(nodes.raw) if "<b>Predict: " in raw.astext()]
    for key, raw in zip(calls(code, "predict"), questions, strict=True):
        question, *answers = re.findall(r'<div style="margin:3px 0">(.*?)</div>', raw.astext(), re.S)
        question = question.removeprefix("<b>Predict: ").removesuffix("</b>")
        if answers[0].startswith("(a number"):
            unit = re.sub(r"^\(a number,? ?(?:in )?|\)$", "", answers[0])
            field = (
                f'<label><input inputmode="decimal" autocomplete="off" aria-label="Guess"> {unit}</label>'
                '<button type="submit">Commit</button>'
            )
        else:
            field = "".join(
                f'<button type="submit" value="{escape(_text(answer))}">{answer[3:]}</button>'
                for answer in answers
            )
        box = _html(
            f'<form class="prediction" data-key="{key}" hidden><p class="question">{question}</p>'
            f'<div class="guesses">{field}</div><p class="reply" aria-live="polite"></p>'
            '<button type="button" class="show">Show me without a guess</button></form>',
            classes=["no-search"],
        )
        node = _around(raw)
        node["classes"].append("asked")
        node.parent.insert(node.parent.index(node) + 1, box)


def _text(answer):
    """Return the text of a choice, such as "A. <em>oxygen</em>", without its letter and its HTML."""
    return unescape(re.sub(r"<[^>]+>", "", answer))[3:]


def _reveal(output, code):
    """Replace "(No prediction from you yet.)" by an element that lesson.js fills."""
    found = [raw for raw in output.findall(nodes.raw) if "(No prediction from you yet.)" in raw.astext()]
    for key, raw in zip(calls(code, "reveal"), found, strict=True):
        before, after = UNPREDICTED.match(raw.astext())[1], UNPREDICTED.sub("", raw.astext(), count=1)
        start = before.rindex(">") + 1
        actual = re.sub(r"^(?:Measured|Computed|It turned out): |[ .]+$", "", unescape(before[start:]))
        yours = f'<span class="yours" data-key="{key}" data-actual="{escape(actual)}"></span>'
        raw.children[:] = [nodes.Text(before[:start] + yours + before[start:] + after)]


def _around(raw):
    """Return the node of the cell's output that contains the node `raw`, or `raw` itself."""
    return raw.parent if "output" in raw.parent.get("classes", ()) else raw


def live_pictures():
    """Return {name of a class in course_utils/opened: name of the explorable that shows the same view}."""
    pages = explorables()
    found = {"".join(word.title() for word in name.split("_")): name for name in pages}
    for path in (PACKAGE / "opened").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= dict(re.findall(r'class (\w+)\(LiveView\):.*?\n    view = "(\w+)"', text, re.S))
    return {explorer: name for explorer, name in found.items() if name in pages}


def lived(code, live):
    """Return the names of the explorables whose views a cell's code shows.

    live : what `live_pictures` returns
    """
    made = re.findall(r"course\.opened\.([A-Z]\w+)\(", code)
    return list(dict.fromkeys(live[name] for name in made if name in live))


def _lead_to_live(output, code, live, root):
    """If a cell's code shows views that are explorables, too, put a link to each above its photograph.

    The photograph becomes a link, too, since on a phone its words are too small to read. If the cell has more
    or fewer photographs than such views, the links stand below its output.
    """
    photographs = [raw for raw in output.findall(nodes.raw) if PHOTOGRAPH.search(raw.astext())]
    names = lived(code, live)
    if len(photographs) != len(names):
        photographs = []
    for name, raw in itertools.zip_longest(names, photographs):
        title, page = escape(explorables()[name]["title"]), f"{root}explorables/{name}.html"
        link = f'<a class="reference" href="{page}">Take it in your hand: {title}</a>'
        link = _html(f'<p class="live">{link}</p>')
        if raw is None:
            output.append(link)
            continue
        linked = PHOTOGRAPH.sub(rf'\1<a href="{page}">\2</a>\3', raw.astext())
        raw.children[:] = [nodes.Text(linked)]
        node = _around(raw)
        node.parent.insert(node.parent.index(node), link)


def _veil(doctree, codes):
    """Mark the blocks after a question, because they may tell its answer. lesson.js shows them after a guess.

    codes : {id of a cell's node: its code}

    The mark is a class with the question's key.
    """
    blocks = [node for node in doctree.findall(nodes.Element) if isinstance(node.parent, nodes.section)]
    blocks = [node for node in blocks if not isinstance(node, nodes.section)]
    starts = [i for i, node in enumerate(blocks) if isinstance(node, nodes.title)]
    asked = {key: i for i, node in enumerate(blocks) for key in calls(codes.get(id(node), ""), "predict")}
    told = {key: i for i, node in enumerate(blocks) for key in calls(codes.get(id(node), ""), "reveal")}
    for key in asked.keys() & told.keys():
        first, last = asked[key] + 1, told[key]
        # What follows the answer may repeat it, up to the next section or the next question.
        after = [i for i in range(last + 1, len(blocks)) if i in starts or i in asked.values()]
        end = min(after, default=len(blocks))
        titles = [i for i in starts if first <= i < last]
        # If a section begins between the question and the answer, the blocks between its title and the answer
        # stay visible.
        hidden = [*range(first, titles[0]), *range(last, end)] if titles else range(first, end)
        for block in (blocks[i] for i in hidden):
            block["classes"].append(f"veil-{key}")
