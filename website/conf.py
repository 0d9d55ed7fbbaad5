"""The course as a website: Sphinx reads README.md, docs/, notebooks/ and exercises/ where they are.

`make website` builds it from the outputs that the notebooks store: no cell is run and nothing is fetched.
"""

import json
import shutil
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]

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
# Of the cells that fold_checks folds, below.
nb_code_prompt_show, nb_code_prompt_hide = "Show the check", "Hide the check"
nb_ipywidgets_js = {}  # pictures are stored for the widgets, whose scripts would come from a CDN
myst_heading_anchors = 3  # each heading has the address that it has on GitHub

html_theme = "furo"
html_theme_options = {
    "source_view_link": f"{REPOSITORY}/blob/main/{{filename}}",
    "top_of_page_buttons": ["view"],
}
html_static_path = ["website.css"]
html_css_files = ["website.css"]
# What is wider than the screen can be scrolled with keys, in Safari too.
SCROLLED_WITH_KEYS = """addEventListener("load", () => {
  for (const box of document.querySelectorAll("article pre, .table-wrapper, [style*='overflow-x:auto']"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
})"""
html_js_files = [(None, {"body": SCROLLED_WITH_KEYS})]
html_copy_source = html_use_index = html_show_copyright = False
highlight_language = "none"  # of a block of text that names no language
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# The sidebar. README.md can't say this itself: GitHub would show it.
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
    """The cells that JupyterLab shows folded, the checks of the exercises, are folded here too."""
    if docname.startswith("exercises/"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if cell["metadata"].get("jupyter", {}).get("source_hidden"):
                cell["metadata"].setdefault("tags", []).append("hide-input")
        source[0] = json.dumps(notebook)


def mend_labels(app, pagename, templatename, context, document):
    """What a screen reader says: captions of which level, and a folded check by its own words."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')
    context["body"] = context.get("body", "").replace('aria-label="Toggle hidden content"', "")


def copy_front_page(app, failure):
    """README.html once more, under the name that a server shows for the folder."""
    if not failure:
        shutil.copyfile(app.outdir / f"{root_doc}.html", app.outdir / "index.html")


def setup(app):
    app.connect("source-read", add_contents)
    app.connect("source-read", fold_checks)
    app.connect("html-page-context", mend_labels, priority=900)  # after the theme's own
    app.connect("build-finished", copy_front_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
