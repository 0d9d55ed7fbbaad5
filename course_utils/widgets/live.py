"""A script and styles that make the questions of the course usable by keyboard and screen reader."""

import ipywidgets

from course_utils.views.picture import INK

# JupyterLab treats arrow keys and letters as shortcuts for cells, even while a list, a radio button or a
# field has the focus, unless that control has an attribute that prevents this. One observer handles all
# questions, including those that later cells draw.
_FOR_EVERYONE = """
if (!window.courseForEveryone) {
  const controls = ".course-question :is(select, input, textarea, audio)";
  window.courseForEveryone = () => document.querySelectorAll(controls)
    .forEach(control => control.setAttribute("data-lm-suppress-shortcuts", "true"));
  const observer = new MutationObserver(window.courseForEveryone);
  observer.observe(document.body, {childList: true, subtree: true});
}
window.courseForEveryone();
"""

# Outlines the control that has the focus, in every theme. Otherwise only the control's shade would show the
# focus. The outline is drawn inside the control, because an outline around the control
# could be cut off.
_FOCUS = (
    "<style>.course-question :is(input,select,textarea,button,audio):focus-visible"
    "{outline:2px solid var(--jp-content-font-color1,currentColor)!important;outline-offset:-2px}"
    f"figure [tabindex]:focus-visible{{outline:2px solid {INK}!important;outline-offset:-2px}}</style>"
)


def for_everyone():
    """Return an invisible widget that makes the controls in its box usable by keyboard and screen reader.

    The box must have the class "course-question".
    """
    page = {"application/javascript": _FOR_EVERYONE, "text/html": _FOCUS}
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {kind: text}} for kind, text in page.items()
    ]
    return ipywidgets.Output(outputs=outputs, layout={"height": "0", "margin": "0", "overflow": "hidden"})
