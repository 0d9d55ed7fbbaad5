"""An explorer that shows for one use which models' licences allow it, and the clauses that say so."""

from html import escape

import ipywidgets

from course_utils.views.matrix import ANSWERS, scorecard
from course_utils.views.picture import INK, LINE, QUIET, Picture, card

from .base import Explorer


class MayUse(Explorer):
    """Shows a list of uses, and for the chosen use each licence's models, answer, reason and clauses.

    Parameters
    ----------
    models: dict from a name to an object with a `title` and a `licence`, such as `openness.models()`.
    licences: dict from a licence's name to a `Licence`, such as `licences.all()`; all of them have answers
        for the same uses.
    """

    def __init__(self, models, licences):
        titles = {}
        for model in models.values():
            titles.setdefault(model.licence, []).append(model.title)
        self.rows = [(", ".join(names), licences[licence]) for licence, names in titles.items()]
        self.use = ipywidgets.Dropdown(options=list(self.rows[0][1].uses), description="May I …")
        super().__init__([self.use])
        self.use.observe(self.update, "value")

    def render(self):
        use = self.use.value
        body, said = "", []
        for names, licence in self.rows:
            verdict = licence.uses[use]
            body += _row(names, licence, verdict)
            sections = "; ".join(clause.section for clause in verdict.clauses)
            said.append(f"{names} ({licence.short}): {verdict.answer}. {verdict.why} [{sections}]")
        question = f"May I {use}?"
        note = "One reading of the licences, to learn from. It is not legal advice."
        return Picture(card(body, question, note), "\n".join([question, *said]))

    def still(self):
        """Return all uses at once, a strip for each licence: without a kernel no use can be chosen."""
        uses = list(self.use.options)
        names = [licence.short for _, licence in self.rows]
        marks = [[licence.uses[use].answer for use in uses] for _, licence in self.rows]
        return scorecard(names, uses, marks, signs=ANSWERS, title="May I …? By licence")


def _row(names, licence, verdict):
    sign, tint = ANSWERS[verdict.answer]
    clauses = "".join(
        f'<div style="font-size:13px;color:{QUIET};margin-top:2px"><b>{escape(clause.section)}</b> '
        f"{escape(clause.summary)}</div>"
        for clause in verdict.clauses
    )
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:4px 14px;padding:8px 0;border-top:1px solid {LINE}">'
        f'<div style="flex:0 0 176px"><span style="background:{tint};border:1px solid {LINE};padding:0 5px;'
        f'font-size:16px">{sign}</span> <b>{escape(verdict.answer)}</b></div>'
        f'<div style="flex:1 1 260px;min-width:0;color:{INK}"><b>{escape(names)}</b> '
        f'<span style="color:{QUIET}">({escape(licence.title)})</span><br>{escape(verdict.why)}{clauses}'
        "</div></div>"
    )
