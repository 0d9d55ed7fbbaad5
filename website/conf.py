"""Sphinx's settings for the website, made from README.md, docs/, notebooks/ and exercises/.

`make website` shows the stored outputs of the notebooks: it runs no cell. Its only download, made once, is
onnxruntime-web, which runs the model of one explorable (see picture_onnx.py).
"""

import json
import re
import sys
from html import escape, unescape
from pathlib import Path
from textwrap import shorten

from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent))
import explorables
import front_page
import handouts
import lessons
import lighten
import shell
import slides
from shell import REPOSITORY

project = html_title = "Open the Box"
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "docs/*.md",
    "notebooks/*.ipynb",
    "translations/*/*.ipynb",
    "exercises/*/*.ipynb",
]
exclude_patterns = [".*", "build"]
extensions = ["myst_nb"]
nb_execution_mode = "off"
# The labels of the cells that `fold_checks` folds.
nb_code_prompt_show, nb_code_prompt_hide = "Show the check", "Hide the check"
nb_ipywidgets_js = {}  # pages show stored pictures and need no widget scripts from a CDN
myst_heading_anchors = 3  # headings have the same anchors as on GitHub

templates_path = ["templates"]
html_theme = "furo"
html_favicon = "../course_utils/widgets/mark.svg"
FONTS = {
    "font-stack": "'Atkinson Next', system-ui, sans-serif",
    "font-stack--headings": "'Atkinson Next', system-ui, sans-serif",
    "font-stack--monospace": "'Atkinson Mono', ui-monospace, monospace",
}
# The CSS variables for six colours of course_utils/widgets/identity.css, in this order: paper, card, line,
# ink, quiet and ember.
COLOURS = (
    "color-background-primary",
    "card",
    "color-background-border",
    "color-foreground-primary",
    "color-foreground-muted",
    "color-brand-primary",
)
LIGHT = dict(zip(COLOURS, ("#f6f7fb", "#ffffff", "#d9deea", "#121a33", "#55607c", "#b93a06"), strict=True))
DARK = dict(zip(COLOURS, ("#0b1020", "#121930", "#2a3454", "#eef2ff", "#a3aecb", "#ffa24a"), strict=True))
OF_THEME = {
    "color-background-secondary": "var(--card)",
    "color-foreground-secondary": "var(--color-foreground-muted)",
    "color-sidebar-link-text": "var(--color-foreground-primary)",
    "color-sidebar-link-text--top-level": "var(--color-foreground-primary)",
    "color-brand-content": "var(--color-brand-primary)",
    "color-brand-visited": "var(--color-brand-primary)",
}
html_theme_options = {
    "light_css_variables": FONTS | LIGHT | OF_THEME,
    "dark_css_variables": DARK | OF_THEME,
    "source_view_link": f"{REPOSITORY}/blob/main/{{filename}}",
    "top_of_page_buttons": ["view"],
}
html_static_path = ["website.css"]
html_css_files = ["website.css"]
# Lets the keyboard scroll boxes whose content is wider than the box, even in Safari.
SCROLLED_WITH_KEYS = """addEventListener("load", () => {
  const boxes = [...document.querySelectorAll("article pre, .table-wrapper, [style*='overflow-x:auto']")];
  for (const box of boxes.filter(box => box.scrollWidth > box.clientWidth)) box.tabIndex = 0;
})"""
html_js_files = [(None, {"body": SCROLLED_WITH_KEYS})]
html_copy_source = html_use_index = html_show_copyright = False
highlight_language = "none"  # for code blocks that name no language
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# The sidebar's contents. They are not in README.md because GitHub would show them as text.
CONTENTS = f"""
```{{toctree}}
:hidden:
:glob:
:caption: Lessons

Lesson map and test <notebooks/index>
notebooks/*
```

```{{toctree}}
:hidden:
:caption: In other languages

Deutsch · 00 Die Kiste öffnen <translations/de/00_open_the_box>
```

```{{toctree}}
:hidden:
:glob:
:caption: Documentation

docs/instructors
docs/timetables
docs/grading
docs/*
CONTRIBUTING
CODE_OF_CONDUCT
The repository <{REPOSITORY}>
```

```{{toctree}}
:hidden:
:glob:
:caption: Exercises

exercises/*/*
```
"""


def add_contents(app, docname, source):
    if docname == root_doc:
        source[0] += CONTENTS


def name_the_map(app, docname, source):
    """Give notebooks/index a title of its own, because the website's front page is another page."""
    if docname == "notebooks/index":
        source[0] = source[0].replace("# Open the Box", "# Lesson map and test", 1)


def fold_checks(app, docname, source):
    """Fold the cells that JupyterLab shows folded, which are the checks of the exercises."""
    if docname.startswith("exercises/"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if cell["metadata"].get("jupyter", {}).get("source_hidden"):
                cell["metadata"].setdefault("tags", []).append("hide-input")
        source[0] = json.dumps(notebook)


def mend_labels(app, pagename, templatename, context, document):
    """For screen readers, give the sidebar's captions a heading level, and remove a folded check's label."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["body"] = context.get("body", "").replace('aria-label="Toggle hidden content"', "")


def add_head(app, pagename, templatename, context, document):
    """Add metadata for search engines and social networks, and the course's scripts, to a page's <head>."""
    paragraphs = document.findall(nodes.paragraph) if document else ()
    texts = (paragraph.astext().replace("\n", " ") for paragraph in paragraphs)
    description = next((text for text in texts if len(text) > 50), "A free course on open AI models.")
    of_lesson = (name for name, facts in explorables.explorables().items() if facts["lesson"] in pagename)
    title = re.sub(r"<[^>]+>", "", context.get("title", project))
    root = context["content_root"]
    context["mark"] = shell.MARK
    context["metatags"] = f"""{context.get("metatags", "")}
<meta name="description" content="{escape(shorten(description, 160, placeholder="…"))}">
{shell.FONTS.format(live=f"{root}explorables/live")}
{shell.card(unescape(title), description, f"{pagename}.html", next(of_lesson, None))}
<script src="{root}explorables/live/shell.js" data-root="{root}" defer></script>"""
    if pagename.startswith("translations/"):
        context["language"] = pagename.split("/")[1]
    if pagename.startswith(lessons.FOLDERS):
        # This class hides what lesson.js will hide, even before that script has run.
        context["metatags"] += f"""
<script>document.documentElement.classList.add("js")</script>
<script src="{root}explorables/live/lesson.js" defer
  onerror="document.documentElement.classList.remove('js')"></script>"""


def link_within(app, doctree, docname):
    """Make links to the website's own address relative, so that they stay inside a copy of the site."""
    root, own = "../" * docname.count("/"), shell.website()
    for link in doctree.findall(nodes.reference):
        if link.get("refuri", "").startswith(own):
            link["refuri"] = root + (link["refuri"].removeprefix(own) or "index.html")


def add_pages(app, failure):
    """Write what Sphinx does not write: front page, explorables, slides, handouts and the service worker."""
    if not failure:
        explorables.write(app.outdir)
        slides.write(app.outdir)
        handouts.write(app.outdir)
        (Path(app.outdir) / "index.html").write_text(front_page.front_page(), encoding="utf-8")
        shell.write_worker(Path(app.outdir))


def make_pages_load_faster(app, failure):
    if not failure:
        lighten.lighten(Path(app.outdir))


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("source-read", name_the_map)
    app.connect("source-read", fold_checks)
    app.connect("doctree-resolved", lessons.prepare)
    app.connect("doctree-resolved", link_within)
    app.connect("html-page-context", mend_labels, priority=900)  # runs after the theme's handler
    app.connect("html-page-context", add_head, priority=900)
    app.connect("build-finished", add_pages)
    # This runs after the theme's handler, which adds the dark colours of code.
    app.connect("build-finished", make_pages_load_faster, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
