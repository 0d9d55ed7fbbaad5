"""Rankings: a table of models and benchmarks, and blind votes between two answers, for lesson 10."""

from html import escape

import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import (
    BLUE,
    INK,
    LINE,
    QUIET,
    TRACK,
    VERMILLION,
    Picture,
    card,
    row_html,
    scrolled,
    table_html,
)
from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

_FIRST = "#ffe7d6"  # background of a cell whose model is alone in the first rank
_LAST = "#d3e4f5"  # background of a cell whose model is alone in the last rank

# {letter that vote.js sends: the result of the vote}, for left, neither and right.
_RESULTS = {"l": 1.0, "n": 0.5, "r": 0.0}


def ranking(scores, *, chance=None, title=None) -> Picture:
    """Draw a table of ranks, with a row for each model and a column for each benchmark.

    A cell shows the model's rank, its score, the score's interval and the chance level. Models with the same
    score share a rank, which is written with an equals sign, such as 1=.

    scores : {model: {benchmark: (score in percent, (low, high))}}; all models have the same benchmarks.
    chance : {benchmark: the percentage that guessing gives}, drawn as an upright line; some benchmarks may be
        missing.
    title : str, written above the picture.
    """
    chance = chance or {}
    benchmarks = list(next(iter(scores.values())))
    ranks = {name: _ranks({model: row[name][0] for model, row in scores.items()}) for name in benchmarks}
    rows = row_html(
        "".join(
            f'<th style="padding:4px 6px;border:none;background:#ffffff;color:{QUIET};font-weight:400;'
            f'text-align:left">{escape(name)}</th>'
            for name in ("", *benchmarks)
        )
    )
    words = []
    for model, row in scores.items():
        cells = "".join(
            _cell(*row[name], ranks[name][model], chance.get(name), len(scores)) for name in benchmarks
        )
        rows += row_html(
            f'<td style="padding:4px 6px 4px 0;border:none;background:#ffffff;color:{INK};text-align:left;'
            f'line-height:1.15">{escape(model)}</td>{cells}',
            f";border-top:1px solid {LINE}",
        )
        listed = ", ".join(f"{name} {ranks[name][model]} ({row[name][0]:.0f}%)" for name in benchmarks)
        words.append(f"{model}: {listed}")
    legend = "Bold: the rank, = if shared. Shaded: alone in the first place (orange) or in the last (blue). "
    legend += "Dot: percent right, 0 to 100; line: interval."
    if chance:
        legend += " Upright line: chance."
    return Picture(card(scrolled(table_html(rows)), title, legend), "; ".join(words))


def _ranks(values):
    """Return a dict from each name to its rank. The highest value has rank 1. Equal values share a rank."""
    ranks = {}
    for name, value in values.items():
        rank = 1 + sum(other > value for other in values.values())
        shared = sum(other == value for other in values.values()) > 1
        ranks[name] = f"{rank}=" if shared else f"{rank}"
    return ranks


def _cell(value, span, rank, guess, models):
    marks = ""
    if guess is not None:
        marks += (
            f'<div style="position:absolute;top:0;bottom:0;left:{guess:.1f}%;width:3px;margin-left:-1px;'
            f'background:{VERMILLION}"></div>'
        )
    low, high = span
    marks += (
        f'<div style="position:absolute;top:5px;height:4px;left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%;'
        f'background:{BLUE}"></div><div style="position:absolute;top:2px;left:{value:.1f}%;width:10px;'
        f'height:10px;margin-left:-5px;border-radius:5px;background:{BLUE}"></div>'
    )
    shade = {"1": _FIRST, str(models): _LAST}.get(rank, "#ffffff")
    return (
        f'<td style="padding:4px 5px;border:none;background:{shade};color:{INK};text-align:left;'
        f'min-width:38px"><div style="line-height:1.3"><b>{rank}</b> '
        f'<span style="color:{QUIET}">{value:.0f}%</span></div>'
        f'<div style="position:relative;height:14px;margin:0 5px;background:{TRACK}">{marks}</div></td>'
    )


class Vote(LiveView):
    """Shows two answers as cards. Each vote reveals the two models and updates all ratings.

    There are two voters besides the learner: one who gave the votes `baked`, and one who always votes for the
    longer answer. Their votes can be counted one by one, and in another order.

    contests : list of (prompt, (left model, answer), (right model, answer)), in the order of voting.
    rate : function that takes a list of votes and returns {model: (rating, interval)}. The interval is (low,
        high) or None. The list has the votes on the first contests, in the contests' order. A vote is (left
        model, right model, result). The result is 1.0 if the left answer is better, 0.0 if the right answer
        is, and 0.5 if neither is.
    baked : list of another voter's votes, one for each contest; each has the form of the votes for `rate`.
    voter : str, the name of the voter who gave `baked`.

    Raises CourseError if there is no contest, or if `baked` does not have one vote for each contest.
    """

    view = "vote"

    def __init__(self, contests, rate, baked, voter):
        from scipy.special import stdtrit

        if not contests:
            raise CourseError("There is nothing to vote on: give at least one contest of two answers.")
        if len(baked) != len(contests):
            raise CourseError(
                f"There are {len(contests)} contests and {len(baked)} votes: give a vote for each."
            )
        self.contests = [(prompt, *left, *right) for prompt, left, right in contests]
        self.rate = rate
        self.models = sorted({model for _, left, _, right, _ in self.contests for model in (left, right)})
        sizes = [(len(one), len(other)) for _, _, one, _, other in self.contests]
        longer = [(1 + (one > other) - (one < other)) / 2 for one, other in sizes]
        votes = {"rule": [float(result) for *_, result in baked], "length": longer}
        numbers = range(1, len(contests) + 1)
        data = {"models": self.models, "contests": self.contests, "voter": voter, "votes": votes}
        data["ratings"] = {
            name: [self._ratings(results[:number]) for number in numbers] for name, results in votes.items()
        }
        freedom = numpy.arange(1, len({prompt for prompt, *_ in contests}))
        data["student"] = stdtrit(freedom, 0.975).tolist()
        prompt, _, left, _, right = self.contests[0]
        # `alt` leaves out the other voter's vote, which the view shows only after the learner's own vote.
        pair = f"left: {left} | right: {right}"
        alt = f"Which goes on better? {prompt} … {pair} | {len(contests)} pairs to judge"
        super().__init__(data=data, alt=alt, picks="", voter="you", count=len(contests), order=0)

    def answer(self, want):
        return {"ratings": self._ratings([_RESULTS[pick] for pick in want["picks"]])}

    def _ratings(self, results):
        """Return a list with [rating, low, high] for each model, or None for a model without votes.

        results : list of the results of votes on the first contests, such as [1.0, 0.5]
        """
        pairs = zip(self.contests, results, strict=False)
        found = given(self.rate, [(left, right, result) for (_, left, _, right, _), result in pairs])
        rows = []
        for model in self.models:
            rating, span = found.get(model, (None, None))
            row = None if rating is None else [rating, *(span or (None, None))]
            rows.append(row and [number if number is None else round(number, 1) for number in row])
        return rows
