"""A script and styles that make every live widget of the course usable by keyboard and screen reader."""

import ipywidgets

from course_utils.views.picture import INK

# This script makes up for three things:
# - ipywidgets shows a slider's description, but gives the slider's handle and number no name that a screen
#   reader could say.
# - ipywidgets has no live region (an element whose text a screen reader says whenever the text changes).
# - JupyterLab treats arrow keys and letters as shortcuts for cells, even while a list, a slider or a radio
#   button has the focus, unless that control has an attribute that prevents this.
# One observer of the page handles all widgets, including those that later cells draw.
_FOR_EVERYONE = """
if (!window.courseForEveryone) {
  window.courseForEveryone = () => {
    const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
    const name = (part, end) => part.setAttribute("aria-label",
      part.closest(".widget-slider").querySelector("label").textContent + end);
    each(".course-explorer .noUi-handle:not([aria-label])", handle => name(handle, ""));
    each(".course-explorer .widget-readout[contenteditable=true]:not([role])", number => {
      number.setAttribute("role", "textbox");
      name(number, ", as a number");
    });
    each(".course-status > .widget-html-content:not([role])", words => words.setAttribute("role", "status"));
    each(":is(.course-explorer, .course-question) :is(select, input, audio, .noUi-handle)", control =>
      control.setAttribute("data-lm-suppress-shortcuts", "true"));
  };
  const observer = new MutationObserver(window.courseForEveryone);
  observer.observe(document.body, {childList: true, subtree: true});
}
window.courseForEveryone();
"""

# Shows the focus clearly on every control and in every theme; ipywidgets and JupyterLab change only a shade.
# The outline is drawn inside a control whose outside would be cut off.
_FOCUS = (
    "<style>:is(.course-explorer,.course-question) "
    ":is(input,select,textarea,button,audio,.noUi-handle,.widget-readout):focus-visible"
    "{outline:2px solid var(--jp-content-font-color1,currentColor)!important;outline-offset:-2px}"
    ":is(.course-explorer,.course-question) .noUi-handle:focus-visible{outline-offset:2px}"
    f"figure [tabindex]:focus-visible{{outline:2px solid {INK}!important;outline-offset:-2px}}</style>"
)


def for_everyone():
    """Return an invisible widget that makes the controls in its box usable by keyboard and screen reader.

    The box must have the class "course-explorer" or "course-question". Screen readers announce the text of an
    `ipywidgets.HTML` that has the class "course-status".
    """
    page = {"application/javascript": _FOR_EVERYONE, "text/html": _FOCUS}
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {kind: text}} for kind, text in page.items()
    ]
    return ipywidgets.Output(outputs=outputs, layout={"height": "0", "margin": "0"})
