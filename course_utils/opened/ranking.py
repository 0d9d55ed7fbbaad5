"""Rankings: models and benchmarks in a table, and blind votes between two answers."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.intervals import intervals
from course_utils.views.picture import BLUE, INK, LINE, QUIET, TRACK, VERMILLION, Picture, card
from course_utils.widgets.explorer import Explorer, given

_FIRST = "#fbe3c0"


def ranking(scores, chance=None, title=None, note=None, alt=None):
    """Draw a row for each model and a column for each benchmark: rank, score, interval and chance level.

    Models with the same score share a rank, which has an equals sign: 1= if two or more share the first rank.

    Parameters
    ----------
    scores: dict from a model's name to a dict from a benchmark to (score in percent, (low, high)); all models
        have the same benchmarks.
    chance: dict from a benchmark to the percentage that guessing gives, drawn as an upright line; some
        benchmarks may be missing.
    title: str above the picture.
    note: str below the picture, before the text that explains the marks.
    alt: str, the description; by default every rank and score in words.

    Returns
    -------
    Picture
    """
    chance = chance or {}
    benchmarks = list(next(iter(scores.values())))
    ranks = {each: _ranks({model: row[each][0] for model, row in scores.items()}) for each in benchmarks}
    heading = "".join(
        f'<th style="padding:4px 6px;border:none;background:#ffffff;color:{QUIET};font-weight:400;'
        f'text-align:left">{escape(each)}</th>'
        for each in ("", *benchmarks)
    )
    body, words = "", []
    for model, row in scores.items():
        cells = "".join(_cell(*row[each], ranks[each][model], chance.get(each)) for each in benchmarks)
        body += (
            f'<tr style="background:#ffffff;border-top:1px solid {LINE}"><td style="padding:4px 6px 4px 0;'
            f'border:none;background:#ffffff;color:{INK};text-align:left;line-height:1.15">{escape(model)}</td>'
            f"{cells}</tr>"
        )
        said = ", ".join(f"{each} {ranks[each][model]} ({row[each][0]:.0f}%)" for each in benchmarks)
        words.append(f"{model}: {said}")
    inner = (
        '<div tabindex="0" style="overflow-x:auto"><table style="width:100%;margin:0;border:none;'
        f'border-collapse:collapse;table-layout:auto;font-size:14px"><tbody><tr '
        f'style="background:#ffffff">{heading}</tr>{body}'
        "</tbody></table></div>"
    )
    reading = "Bold: the rank, = if shared, shaded if first. Dot: percent right, 0 to 100; line: interval."
    if chance:
        reading += " Upright line: chance."
    return Picture(card(inner, title, " ".join(filter(None, (note, reading)))), alt or "; ".join(words))


def _ranks(values):
    """Return the rank of each name, with 1 for the highest value; names with the same value share a rank."""
    found = {}
    for name, value in values.items():
        rank = 1 + sum(other > value for other in values.values())
        shared = sum(other == value for other in values.values()) > 1
        found[name] = f"{rank}=" if shared else f"{rank}"
    return found


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
