"""An explorer for blind votes: two answers without the models' names, and ratings from the votes."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.intervals import intervals
from course_utils.views.picture import INK, LINE, QUIET, Picture, card

from .base import Explorer, given

_CHOICES = {"the left one": 1.0, "no difference": 0.5, "the right one": 0.0}
_QUESTION = "Which goes on better?"
_MEAN = 1_000
_FEW = 10  # with fewer votes no interval is shown


class Vote(Explorer):
    """Shows two answers above three buttons; each vote reveals the two models and updates all ratings.

    The buttons work by keyboard: Tab moves between them, Enter votes.

    Parameters
    ----------
    contests: list of (prompt, (left model, its answer), (right model, its answer)), in the order of
        voting.
    rate: function from a list of votes, (left model, right model, 1.0 for the left one, 0.5 for no difference
        or 0.0 for the right one), to a dict from each model to (rating, (low, high)).
    baked: list of votes of the same kind by somebody else, to compare with.
    voter: str, the name of that other voter.

    Raises
    ------
    CourseError: if there is no contest.
    """

    def __init__(self, contests, rate, baked, voter):
        if not contests:
            raise CourseError("There is nothing to vote on: give at least one contest of two answers.")
        self.contests, self.rate, self.voter = contests, rate, voter
        self.votes = []
        self.rated = rate(baked), len(baked)
        self.buttons = [ipywidgets.Button(description=choice) for choice in _CHOICES]
        super().__init__(self.buttons)
        # Here the answers are above the buttons, because a voter reads them first.
        row, picture, *rest = self.box.children
        self.box.children = [picture, row, *rest]
        for button in self.buttons:
            button.on_click(self._vote)

    def _vote(self, button):
        if len(self.votes) < len(self.contests):
            _, (left, _), (right, _) = self.contests[len(self.votes)]
            self.votes.append((left, right, _CHOICES[button.description]))
            self.update()

    def render(self):
        drawn, words = "", []
        if self.votes:
            left, right, result = self.votes[-1]
            won = {1.0: f"you took {left}", 0.5: "you saw no difference", 0.0: f"you took {right}"}[result]
            told = f"Vote {len(self.votes)}: left was {left}, right was {right}; {won}."
            drawn += f'<div style="margin-bottom:10px">{escape(told)}</div>'
            words.append(told)
        if len(self.votes) < len(self.contests):
            contest = self.contests[len(self.votes)]
            drawn += _side_by_side(contest)
            words.append(_in_words(contest))
        else:
            words.append("That was the last one.")
            drawn += f"<div>{words[-1]}</div>"
        picture = Picture(card(drawn, _QUESTION), " ".join(words))
        return _joined(picture, self._ratings(self.votes)) if self.votes else picture

    def still(self):
        """Return the first contest, and the ratings from the baked votes."""
        contest = self.contests[0]
        picture = Picture(card(_side_by_side(contest), _QUESTION), _in_words(contest))
        return _joined(picture, self._ratings([]))

    def _ratings(self, votes):
        """Draw the ratings from the learner's votes, with those from the baked votes as marks.

        Without a vote, draw the ratings from the baked votes.
        """
        theirs, count = self.rated
        mine = given(self.rate, votes) if votes else theirs
        values, spans = zip(*mine.values(), strict=True)
        note = "Their mean is 1,000."
        if 0 < len(votes) < _FEW:
            spans, note = [None] * len(values), f"{note} Intervals from {_FEW} votes on."
        who = f"your {len(votes)}" if votes else f"{count}"
        title = f"Ratings after {who} vote{'s' * (len(votes) != 1)}"
        title += "" if votes else f" of {self.voter}"
        looks = {"unit": "points", "limits": (_MEAN - 500, _MEAN + 500)}
        if votes:
            looks |= {"marks": [theirs[model][0] for model in mine], "marks_label": self.voter}
        return intervals(list(mine), values, spans, title=title, note=note, **looks)


def _joined(*pictures):
    return Picture(
        "".join(picture.html for picture in pictures), " | ".join(picture.alt for picture in pictures)
    )


def _in_words(contest):
    prompt, (_, left), (_, right) = contest
    return f"{_QUESTION} {prompt} … left: {left} | right: {right}"


def _side_by_side(contest):
    prompt, (_, left), (_, right) = contest
    panels = "".join(
        f'<div style="flex:1 1 220px;min-width:0;box-sizing:border-box;border:1px solid {LINE};'
        f'border-radius:6px;padding:8px 12px"><div style="font-size:13px;color:{QUIET}">{side}</div>'
        f'<div style="font-size:15px;overflow-wrap:break-word;margin-top:2px">{escape(text)}</div></div>'
        for side, text in (("left", left), ("right", right))
    )
    return (
        f'<div style="color:{INK};margin-bottom:10px">{escape(prompt)} …</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:10px">{panels}</div>'
    )
