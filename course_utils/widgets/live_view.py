"""The base of all explorers that a view in the browser's language draws: its host in a notebook.

The same view runs on the website, with host.js as its host. A view is a module of course_utils/opened, with
`render({ model, el })`; docs/adding.md has an example.
"""

import base64
import os
import re
from functools import cache
from html import escape
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.views.picture import Picture, bundle, data_url
from course_utils.widgets.explorer import failure

WIDGETS = Path(__file__).parent
ROOM = WIDGETS.parent / "opened"
# Set by `course run --write`: the notebook then stores photographs of its views.
PHOTOGRAPHS = "COURSE_PHOTOGRAPHS"
# A page of the website gives its view room; an output of a notebook does not.
_ROOM_AROUND = (
    ".otb:not(body) { max-width: 60rem; padding: 1.25rem; border-radius: 0.75rem; background: var(--paper); }"
)


class LiveView:
    """Shows a view, answers what it asks for, and stores a photograph of it in the notebook.

    A subclass names its `view`, and calls `super().__init__`. If its view needs a model, it implements
    `answer`.

    data : what the view draws from, as JSON can hold it.
    alt : str, the first state of the view in words and numbers, for screen readers and tests.
    chosen : the visitor's choices at the start, by the names that the view has for them.

    `widget` is the widget of anywidget; it has a trait for each of `names`.
    """

    view = ""

    def __init__(self, *, data, alt, **chosen):
        import anywidget
        import traitlets

        live = type(self).answer is not LiveView.answer
        values = {"data": data, "live": live, "want": None, "said": None, **chosen}
        traits = {name: traitlets.Any(value).tag(sync=True) for name, value in values.items()}
        sources = {"_esm": module(self.view), "_css": styles(self.view)}
        self.alt, self.names = alt, [*values]
        # By the name of this class anywidget files the rules: views that share one would lose theirs.
        self.widget = type(self.view, (anywidget.AnyWidget,), sources | traits)()
        self.widget.observe(self._respond, "want")

    def answer(self, want):
        """Return what a view gets for `want`, as a dict, or yield several of them, one after the other.

        Raise CourseError for input that can't be drawn: the view shows its message. Call functions that come
        from the notebook through `given`, so that their errors are not mistaken for errors of the course.
        """
        raise NotImplementedError

    def replies(self, want):
        """Yield each value of `said` for `want`: a dict with the key `want`, and `error` if it failed."""
        try:
            answer = self.answer(want)
            for part in [answer] if isinstance(answer, dict) else answer:
                yield {"want": want, **part}
        except CourseError as error:
            yield {"want": want, "error": str(error)}
        except Exception as error:
            yield {"want": want, "error": failure(error).alt}

    def _respond(self, change):
        if change.new is None:
            return
        try:
            for said in self.replies(change.new):
                self.widget.said = said
        except KeyboardInterrupt:
            message = "Interrupted before the answer was there. Change something to ask again."
            self.widget.said = {"want": change.new, "error": message}
            raise

    def _repr_mimebundle_(self, include=None, exclude=None):
        if PHOTOGRAPHS in os.environ:
            from course_utils.widgets.photograph import photograph

            image, width = photograph(self)
            shown = (
                f'<img alt="{escape(self.alt)}" width="{width}" style="display:block;max-width:100%;'
                f'height:auto;margin:0" src="{data_url(image)}">'
            )
        else:
            shown = escape(self.alt)
        return bundle(
            self.widget, Picture(f'<figure class="photograph" style="margin:0">{shown}</figure>', self.alt)
        )


@cache
def module(view):
    """Return the JavaScript of a view as one module that imports nothing. `view` is its name in opened/."""
    shared = (WIDGETS / "view.js").read_text(encoding="utf-8")
    names = ", ".join(re.findall(r"^export (?:function|const|class) (\w+)", shared, re.M))
    shared = re.sub(r"^export ", "", shared, flags=re.M)
    own = (ROOM / f"{view}.js").read_text(encoding="utf-8")
    own = re.sub(r'^import (\{[^}]*\}) from "./view.js";', r"const \1 = shared;", own, flags=re.M)
    return f"const shared = (() => {{\n{shared}\nreturn {{ {names} }};\n}})();\n{own}"


@cache
def styles(view):
    """Return the course's identity and a view's rules as CSS that loads nothing: the fonts are inside."""

    def inside(match):
        font = base64.b64encode((WIDGETS / match[1]).read_bytes()).decode("ascii")
        return f'url("data:font/woff2;base64,{font}")'

    rules = [path.read_text(encoding="utf-8") for path in (WIDGETS / "identity.css", ROOM / f"{view}.css")]
    return re.sub(r'url\("(fonts/[^"]+)"\)', inside, "\n".join([*rules, _ROOM_AROUND]))
