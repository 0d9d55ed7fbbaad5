"""Rankings: a table of models and benchmarks, and blind votes between two answers, for lesson 08."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.units import counted
from course_utils.views.charts import intervals
from course_utils.views.picture import (
    BLUE,
    INK,
    LINE,
    QUIET,
    TRACK,
    VERMILLION,
    Picture,
    card,
    joined,
    row_html,
    scrolled,
    table_html,
)
from course_utils.views.text import answer_panel, side_by_side
from course_utils.widgets.explorer import Explorer, given

_FIRST = "#fbe3c0"  # background of the first rank
_CHOICES = {"the left one": 1.0, "no difference": 0.5, "the right one": 0.0}
_QUESTION = "Which goes on better?"
_MEAN = 1_000
_FEW = 10  # the fewest votes with which an interval is shown


def ranking(scores, *, chance=None, title=None, note=None, alt=None) -> Picture:
    """Draw a row for each model and a column for each benchmark: rank, score, interval and chance level.

    Models with the same score share a rank, which is written with an equals sign, such as 1=.

    scores : dict from a model's name to a dict from a benchmark to (score in percent, (low, high)); all
        models have the same benchmarks.
    chance : dict from a benchmark to the percentage that guessing gives, drawn as an upright line; some
        benchmarks may be missing.
    title : str, written above the picture.
    note : str, written below the picture, before the text that explains the marks.
    alt : str, the picture in words; by default every rank and score.
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
        cells = "".join(_cell(*row[name], ranks[name][model], chance.get(name)) for name in benchmarks)
        rows += row_html(
            f'<td style="padding:4px 6px 4px 0;border:none;background:#ffffff;color:{INK};text-align:left;'
            f'line-height:1.15">{escape(model)}</td>{cells}',
            f";border-top:1px solid {LINE}",
        )
        listed = ", ".join(f"{name} {ranks[name][model]} ({row[name][0]:.0f}%)" for name in benchmarks)
        words.append(f"{model}: {listed}")
    legend = "Bold: the rank, = if shared, shaded if first. Dot: percent right, 0 to 100; line: interval."
    if chance:
        legend += " Upright line: chance."
    html = card(scrolled(table_html(rows)), title, f"{note} {legend}" if note else legend)
    return Picture(html, alt or "; ".join(words))


def _ranks(values):
    """Return a dict from each name to its rank. The highest value has rank 1; equal values share a rank."""
    ranks = {}
    for name, value in values.items():
        rank = 1 + sum(other > value for other in values.values())
        shared = sum(other == value for other in values.values()) > 1
        ranks[name] = f"{rank}=" if shared else f"{rank}"
    return ranks


def _cell(value, span, rank, guess):
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
    shade = _FIRST if rank.rstrip("=") == "1" else "#ffffff"
    return (
        f'<td style="padding:4px 5px;border:none;background:{shade};color:{INK};text-align:left;'
        f'min-width:38px"><div style="line-height:1.3"><b>{rank}</b> '
        f'<span style="color:{QUIET}">{value:.0f}%</span></div>'
        f'<div style="position:relative;height:14px;margin:0 5px;background:{TRACK}">{marks}</div></td>'
    )


class Vote(Explorer):
    """Shows two answers above three buttons; each vote reveals the two models and updates all ratings.

    The buttons can be used by keyboard: Tab moves between them, and Enter votes.

    contests : list of (prompt, (left model, answer), (right model, answer)), in the order of voting.
    rate : function from a list of votes to a dict from each model to (rating, (low, high)). A vote is (left
        model, right model, result); the result is 1.0 if the left answer is better, 0.0 if the right answer
        is, and 0.5 if neither is.
    baked : list of votes that somebody else gave earlier, for comparison.
    voter : str, the name of that other voter.

    Raises CourseError if there is no contest.
    """

    def __init__(self, contests, rate, baked, voter):
        if not contests:
            raise CourseError("There is nothing to vote on: give at least one contest of two answers.")
        self.contests, self.rate, self.voter = contests, rate, voter
        self.votes = []
        self.rated = rate(baked), len(baked)
        self.buttons = [ipywidgets.Button(description=choice) for choice in _CHOICES]
        super().__init__(self.buttons, dict.fromkeys(self.buttons, self._vote))
        # Move the answers above the buttons, because a voter reads them first.
        row, picture, *rest = self.box.children
        self.box.children = [picture, row, *rest]

    def _vote(self, button):
        if len(self.votes) < len(self.contests):
            _, (left, _), (right, _) = self.contests[len(self.votes)]
            self.votes.append((left, right, _CHOICES[button.description]))
            self.update()

    def render(self):
        html, words = "", []
        if self.votes:
            left, right, result = self.votes[-1]
            choice = {1.0: f"you took {left}", 0.5: "you saw no difference", 0.0: f"you took {right}"}[result]
            words.append(f"Vote {len(self.votes)}: left was {left}, right was {right}; {choice}.")
            html += f'<div style="margin-bottom:10px">{escape(words[-1])}</div>'
        if len(self.votes) < len(self.contests):
            contest = _contest(*self.contests[len(self.votes)])
            html += contest.html
            words.append(contest.alt)
        else:
            words.append("That was the last one.")
            html += f"<div>{words[-1]}</div>"
        picture = Picture(card(html, _QUESTION), " ".join(words))
        return joined(picture, self._ratings(self.votes)) if self.votes else picture

    def still(self):
        """Return the first contest, and the ratings from the earlier voter's votes."""
        contest = _contest(*self.contests[0])
        return joined(Picture(card(contest.html, _QUESTION), contest.alt), self._ratings([]))

    def _ratings(self, votes):
        """Draw the ratings from the learner's votes, with the earlier voter's ratings as marks.

        If the learner has not voted yet, draw the earlier voter's ratings.
        """
        theirs, count = self.rated
        mine = given(self.rate, votes) if votes else theirs
        values, spans = zip(*mine.values(), strict=True)
        note = "Their mean is 1,000."
        if 0 < len(votes) < _FEW:
            spans, note = [None] * len(values), f"{note} Intervals from {_FEW} votes on."
        title = f"Ratings after {count} votes of {self.voter}"
        marks = None
        if votes:
            title = f"Ratings after your {counted(len(votes), 'vote')}"
            marks = [theirs[model][0] for model in mine]
        return intervals(
            list(mine),
            values,
            spans,
            unit="points",
            limits=(_MEAN - 500, _MEAN + 500),
            marks=marks,
            marks_label=self.voter,
            title=title,
            note=note,
        )


def _contest(prompt, left, right):
    """Return HTML and words for a contest: a prompt, and two answers without the names of their models."""
    (_, left), (_, right) = left, right
    html = f'<div style="color:{INK};margin-bottom:10px">{escape(prompt)} …</div>'
    html += side_by_side(answer_panel("left", left) + answer_panel("right", right))
    return Picture(html, f"{_QUESTION} {prompt} … left: {left} | right: {right}")
