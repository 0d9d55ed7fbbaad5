"""A dial that turns queries and keys by their positions, for lesson 03."""

from math import cos, radians

from course_utils.widgets.live_view import LiveView

LIMIT = 120  # the last position


def states(degrees=30) -> dict:
    """Return the view's data: the degrees by which a hand turns for each position, and the last position."""
    return {"degrees": degrees, "limit": LIMIT}


class Dial(LiveView):
    """Shows a query and a key as hands of a clock, which turn with their positions, and how well they match.

    The learner drags the hands, or moves one or both by a number of positions.

    query, key : int, the positions at the start.
    degrees : int, how far a hand turns for each position.
    """

    view = "dial"

    def __init__(self, query=5, key=3, degrees=30):
        match = round(cos(radians((query - key) * degrees)), 2)
        super().__init__(
            data=states(degrees),
            alt=f"A dial that turns by {degrees} degrees for each position. Query at position {query}, key "
            f"at position {key}: their match is {match:g}.".replace("-", "−"),
            query=query,
            key=key,
        )
