"""The base class of all explorers that are drawn by a view: it connects the view to the notebook.

A view is a JavaScript module in course_utils/opened, with a function `render({ model, el })`; docs/adding.md
has an example. On the website, host.js connects the same view to its page.
"""

import os
import re
import threading
from functools import cache
from html import escape
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.views.picture import Picture, bundle, data_url
from course_utils.widgets import interrupts
from course_utils.widgets.explorer import failure
from course_utils.widgets.identity import identity

WIDGETS = Path(__file__).parent
ROOM = WIDGETS.parent / "opened"
# The environment variable that `course run --write` sets, so that a notebook stores a picture of each view.
PHOTOGRAPHS = "COURSE_PHOTOGRAPHS"
# CSS that adds space around a view in a notebook. On the website, the page itself leaves this space.
_ROOM_AROUND = (
    ".otb:not(body) { max-width: 60rem; padding: 1.25rem; border-radius: 0.75rem; background: var(--paper); }"
)


class LiveView:
    """Shows a view, answers the view's requests, and stores a photograph of the view in the notebook.

    A subclass names its `view`, and calls `super().__init__`. If its view needs a model, it implements
    `answer`.

    data : the data that the view draws, of types that JSON has.
    alt : str, the first state of the view in words and numbers, for screen readers and tests.
    chosen : keyword arguments, the initial value of each control, by the control's name in the view.

    `widget` is the anywidget object that displays the view. It has a trait for each name in the list `names`.
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
        # anywidget stores one style sheet for each class name, so each view gets a class with its name.
        self.widget = type(self.view, (anywidget.AnyWidget,), sources | traits)()
        self.widget.observe(self._respond, "want")
        interrupts.listen()

    def answer(self, want):
        """Return the answer to the view's request `want`, as a dict, or yield several dicts in turn.

        Raise CourseError for input that can't be drawn: the view shows the error's message. Call functions
        that come from the notebook through `given`, so that their errors are not reported as errors of the
        course.
        """
        raise NotImplementedError

    def replies(self, want):
        """Yield the answers to a view's request: dicts with `want`, and `error` if the request failed."""
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
            with interrupts.stoppable():
                for said in self.replies(change.new):
                    self._tell(said)
        except KeyboardInterrupt:
            message = "Interrupted before the answer was there. Change something to ask again."
            self._tell({"want": change.new, "error": message})
            if threading.current_thread() is threading.main_thread():
                raise  # so that a running cell stops, too
        finally:
            self.widget.want = None  # so that traitlets reports the next request even if it is equal

    def _tell(self, said):
        if said == self.widget.said:  # traitlets does not send an equal answer again, so the view would wait
            said = {**said, "again": True}
        self.widget.said = said

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
    """Return a view's JavaScript as one module that imports nothing. `view` is the view's name in opened/."""
    shared = (WIDGETS / "view.js").read_text(encoding="utf-8")
    names = ", ".join(re.findall(r"^export (?:function|const|class) (\w+)", shared, re.M))
    shared = re.sub(r"^export ", "", shared, flags=re.M)
    own = (ROOM / f"{view}.js").read_text(encoding="utf-8")
    own = re.sub(r'^import (\{[^}]*\}) from "./view.js";', r"const \1 = shared;", own, flags=re.M)
    return f"const shared = (() => {{\n{shared}\nreturn {{ {names} }};\n}})();\n{own}"


@cache
def styles(view):
    """Return the course's CSS and a view's own CSS as one text, with the fonts as data URLs."""
    return "\n".join([identity()[0], (ROOM / f"{view}.css").read_text(encoding="utf-8"), _ROOM_AROUND])
