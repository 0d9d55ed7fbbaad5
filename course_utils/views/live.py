"""What every live widget of the course needs beside its controls to be worked by keyboard and by ear."""

from .picture import INK

# ipywidgets writes a slider's description beside it, but gives its two parts no name for screen readers,
# and has no live region: what is announced must change inside an element that stays. JupyterLab takes arrow
# keys and letters for its cells, also from a list, a slider or radio buttons, if these don't object.
# One observer for the page sees to each widget, also those that later cells draw.
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

# The focus is as clear in every place and theme: ipywidgets and JupyterLab change hardly more than a shade.
# Inside of what would be cut off outside.
_FOCUS = (
    "<style>:is(.course-explorer,.course-question) "
    ":is(input,select,textarea,button,audio,.noUi-handle,.widget-readout):focus-visible"
    "{outline:2px solid var(--jp-content-font-color1,currentColor)!important;outline-offset:-2px}"
    ":is(.course-explorer,.course-question) .noUi-handle:focus-visible{outline-offset:2px}"
    f"figure [tabindex]:focus-visible{{outline:2px solid {INK}!important;outline-offset:-2px}}</style>"
)


def for_everyone():
    """A widget that is not seen; in the same box as controls it makes them work by keyboard and by ear.

    The box has the class "course-explorer" or "course-question"; what stands in an `ipywidgets.HTML` of the
    class "course-status" is announced.

    Returns
    -------
    ipywidgets.Output
    """
    import ipywidgets

    page = {"application/javascript": _FOR_EVERYONE, "text/html": _FOCUS}
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {kind: text}} for kind, text in page.items()
    ]
    return ipywidgets.Output(outputs=outputs, layout={"height": "0", "margin": "0"})
