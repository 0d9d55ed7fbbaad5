"""An explorer with a model card that the learner can edit, and what a linter finds in it."""

import ipywidgets

from course_utils.views import table
from course_utils.views.picture import Picture

from .base import Explorer, given


class CardCheck(Explorer):
    """Shows a model card in a text area, and below it the parts that a card should have and what was found.

    Parameters
    ----------
    lint: function (text) -> (found, people). `found`: dict from each part to the words found for it, "" if
        the part is missing. `people`: list of words that describe the model as if it were a person. If it
        raises an error, the explorer shows a message.
    text: str, the card at the start: YAML between two lines of ---, then Markdown.
    """

    def __init__(self, lint, text):
        self.lint = lint
        self.text = ipywidgets.Textarea(value=text, description="the card", rows=14, continuous_update=False)
        super().__init__([self.text])
        self.text.layout.width, self.text.layout.height = "740px", "280px"
        self.text.observe(self.update, "value")

    def render(self):
        return self._found(self.text.value)

    def still(self):
        """Return the card above what was found, because without a kernel no text area shows the card."""
        picture = self.render()
        rows = [("The card",), (self.text.value.strip(),)]
        shown = table(rows).html.replace("padding:4px 6px", "white-space:pre-wrap;padding:4px 6px")
        return Picture(shown + picture.html, picture.alt)

    def _found(self, text):
        found, people = given(self.lint, text)
        missing = [part for part, words in found.items() if not words]
        rows = [("", "part", "found")]
        for part, words in found.items():
            rows.append(("✓" if words else "✗", part, _shortened(words) or "missing"))
        rows.append(("✗" if people else "✓", "people-words", ", ".join(people) or "none"))
        count = f"{len(missing)} of {len(found)} parts are missing"
        alt = f"{count}: {', '.join(missing) or 'none'}. People-words: {', '.join(people) or 'none'}."
        return table(rows, title=count, alt=alt)


def _shortened(words, most=70):
    words = " ".join(words.split())
    return words if len(words) <= most else f"{words[: most - 1]}…"
