"""Sphinx's settings for the website, made from README.md, docs/, notebooks/ and exercises/.

`make website` uses the stored outputs of the notebooks: it runs no cell and downloads nothing.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import explorables
import front_page
import shell
from shell import REPOSITORY

project = html_title = "Open the Box"
root_doc = "README"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "CODE_OF_CONDUCT.md",
    "docs/*.md",
    "notebooks/*.ipynb",
    "exercises/*/*.ipynb",
]
exclude_patterns = [".*", "build"]
extensions = ["myst_nb"]
nb_execution_mode = "off"
# The labels of the cells that `fold_checks` folds.
nb_code_prompt_show, nb_code_prompt_hide = "Show the check", "Hide the check"
nb_ipywidgets_js = {}  # no widget scripts, which would come from a CDN; pages show the stored pictures
myst_heading_anchors = 3  # headings have the same anchors as on GitHub

html_theme = "furo"
html_theme_options = {
    "source_view_link": f"{REPOSITORY}/blob/main/{{filename}}",
    "top_of_page_buttons": ["view"],
}
html_static_path = ["website.css"]
html_css_files = ["website.css"]
# Makes boxes that are wider than the screen scrollable by keyboard, also in Safari.
SCROLLED_WITH_KEYS = """addEventListener("load", () => {
  for (const box of document.querySelectorAll("article pre, .table-wrapper, [style*='overflow-x:auto']"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
})"""
html_js_files = [(None, {"body": SCROLLED_WITH_KEYS})]
html_copy_source = html_use_index = html_show_copyright = False
highlight_language = "none"  # for blocks without a language
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
:glob:
:caption: Documentation

docs/instructors
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


def fold_checks(app, docname, source):
    """Fold the cells that JupyterLab shows folded, which are the checks of the exercises."""
    if docname.startswith("exercises/"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if cell["metadata"].get("jupyter", {}).get("source_hidden"):
                cell["metadata"].setdefault("tags", []).append("hide-input")
        source[0] = json.dumps(notebook)


def mend_labels(app, pagename, templatename, context, document):
    """Correct what a screen reader reads: the level of the captions, and the label of a folded check."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["body"] = context.get("body", "").replace('aria-label="Toggle hidden content"', "")


def add_pages(app, failure):
    """Write the front page and the pages of the explorables."""
    if not failure:
        explorables.write(app.outdir)
        (Path(app.outdir) / "index.html").write_text(front_page.front_page(), encoding="utf-8")
        shell.write_worker(Path(app.outdir))


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("source-read", fold_checks)
    app.connect("html-page-context", mend_labels, priority=900)  # runs after the theme's handler
    app.connect("build-finished", add_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
