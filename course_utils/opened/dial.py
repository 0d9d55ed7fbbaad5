"""A dial that turns queries and keys by their positions, for lesson 03."""

from math import cos, radians

from course_utils.widgets.live_view import LiveView

DEGREES = 30  # the angle in degrees by which a hand of the dial turns from one position to the next
LIMIT = 1024  # the last position, counted from 0, if 1,000 words stand before a text of 25 words


def states() -> dict:
    """Return the constants that dial.js reads as the view's `data`."""
    return {"degrees": DEGREES, "limit": LIMIT}


class Dial(LiveView):
    """Shows a query and a key as hands of a clock, and how well they match.

    A hand's angle depends on its position in the text. The learner drags the hands, or moves one hand or both
    hands by a number of positions.

    query, key : int, the positions at the start.
    """

    view = "dial"

    def __init__(self, query=5, key=3):
        match = round(cos(radians((query - key) * DEGREES)), 2)
        super().__init__(
            data=states(),
            alt=f"A dial that turns by {DEGREES} degrees for each position. Query at position {query}, key "
            f"at position {key}: their match is {match:g}.".replace("-", "−"),
            query=query,
            key=key,
            front=0,
            slow=False,
        )
