"""Shows which uses each licence allows. For lesson 01."""

from course_utils import licences as read
from course_utils import openness
from course_utils.widgets.live_view import LiveView

_OF_A_LICENCE = ("name", "short", "title", "author", "date", "url", "basis", "later")


def states(models=None, licences=None) -> dict:
    """Return whether each licence allows each use, and the clauses that decide, for `may_use.js`.

    models : {name: object with a `title` and a `licence`}; by default all models of the catalogue
    licences : {name: `Licence`}; by default all licences of the catalogue
    """
    models = openness.models() | openness.later() if models is None else models
    licences = read.all() | read.later() if licences is None else licences
    rows = []
    for licence in licences.values():
        verdicts = [
            verdict._asdict() | {"clauses": [vars(clause) for clause in verdict.clauses]}
            for verdict in licence.uses.values()
        ]
        rows.append(
            {
                **{key: getattr(licence, key) for key in _OF_A_LICENCE},
                "models": [model.title for model in models.values() if model.licence == licence.name],
                "verdicts": verdicts,
            }
        )
    return {"uses": list(read.USES), "answers": list(read.ANSWERS), "licences": rows}


class MayUse(LiveView):
    """Shows whether each licence allows each use, and the clauses that decide.

    models : dict from a name to an object with a `title` and a `licence`, such as `openness.models()`.
    licences : dict from a licence's name to a `Licence`, such as `licences.all()`; all licences have verdicts
        on the same uses.
    """

    view = "may_use"

    def __init__(self, models, licences):
        data = states(models, licences)
        lines = ["May I …? By licence"]
        for row in data["licences"]:
            answers = (
                f"{use}: {verdict['answer']}" + (f" ({verdict['word']})" if verdict["word"] else "")
                for use, verdict in zip(data["uses"], row["verdicts"], strict=True)
            )
            lines.append(f"{row['short']}. {'; '.join(answers)}")
        first = "llama-4-community" if "llama-4-community" in licences else next(iter(licences))
        last = len(data["uses"]) - 1
        chosen = {"licence": first, "use": last, "plans": [last], "asked": "", "guess": -1}
        super().__init__(data=data, alt="\n".join(lines), clause=-1, **chosen)
