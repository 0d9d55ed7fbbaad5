"""A model card that is checked while the learner writes it. For lesson 15."""

import re
from pathlib import Path

from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

WEIGHTS = Path(__file__).parent.parent / "training" / "weights"
# The card that lesson 15 starts with.
POOR = """---
language: en
---
# Otterbot 7000

Otterbot knows every town and loves to help. It was trained on the best data there is.
It is 99% right. Read the limits of our guarantee before you buy.
"""


class CardCheck(LiveView):
    """Shows a model card that can be edited, marks what a linter found, and lists the missing parts.

    The cards of the course's own models can be loaded.

    lint : function (text) -> (parts, people). `parts`: dict from each part of a good card to the words found
        for it, or "" if the part is missing. `people`: list of words that describe the model as if it were a
        person. If `lint` raises an error, the view shows a message.
    text : str, the card at the start: YAML between two lines of ---, and then Markdown.
    """

    view = "card_check"

    def __init__(self, lint, text):
        self.lint = lint
        parts, people = given(lint, text)
        missing = [part for part, words in parts.items() if not words]
        alt = (
            f"{len(missing)} of {len(parts)} parts are missing: {', '.join(missing) or 'none'}. "
            f"People-words: {', '.join(people) or 'none'}."
        )
        cards = _titled([text, *_own_cards()])
        super().__init__(data={"cards": cards}, alt=alt, card=next(iter(cards)), text="")

    def answer(self, want):
        parts, people = given(self.lint, want["text"])
        return {"parts": parts, "people": people}


def states():
    """Return the data of the website's page."""
    return {"cards": _titled([POOR, *_own_cards()])}


def _own_cards():
    return [path.read_text(encoding="utf-8") for path in sorted(WEIGHTS.glob("*/README.md"))]


def _titled(texts):
    """Return a dict from the first heading of each card to the card's text."""
    heading = re.compile(r"^# (.+)$", re.M)
    return {found[1] if (found := heading.search(text)) else "Your card": text for text in texts}
