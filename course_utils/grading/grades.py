"""Writes the tables of grades: grades.csv, and for each learning platform a table that it imports.

Some answers get their points from a person. An answer that still waits for its points does not count as 0.
Its cell in grades.csv is empty, and so is the cell of the student's grade. The grade is also empty if the
notebook could not be graded.
"""

from collections import Counter
from datetime import datetime
from pathlib import Path

from course_utils import units
from course_utils.grading.output import write_csv
from course_utils.grading.platforms import PLATFORMS
from course_utils.grading.register import FACTS, Register
from course_utils.grading.result import Result


def counts(result: Result, late_days: int | None, policy: float) -> float | None:
    """Return the points after the deduction for late days.

    Returns None if the notebook could not be graded, or if an answer still waits for its points.

    policy : percent of the points that each late day costs
    """
    if result.problem or result.waiting:
        return None
    return round(result.score * max(0.0, 1 - policy / 100 * (late_days or 0)), 2)


def late_sentence(result: Result, late_days: int | None, policy: float) -> str:
    """Return a sentence for the student on what being late costs, or ""."""
    if not late_days or not policy or result.problem:
        return ""
    percent = min(100.0, policy * late_days)
    sentence = f"It came {units.counted(late_days, 'day')} late, which costs {percent:g}% of the points"
    grade = counts(result, late_days, policy)
    return f"{sentence}." if grade is None else f"{sentence}: {grade:g} of {result.points:g} count."


def write(
    folder: Path, assignment: str, results: list[Result], tasks: list[str], register: Register
) -> list[str]:
    """Write the tables. Return sentences on the students who could not be entered into a platform's table.

    tasks : the names of the tasks, in order
    """
    settings = register.assignments.get(assignment, {})
    policy = settings.get("late policy", 0)
    numbers = Counter(
        (each["platform"], each["number"]) for each in register.students.values() if each["number"]
    )
    grades = [["student", "name", "score", "max", "percent", *tasks, "by hand", "late days", "counts"]]
    grades[0] += ["handed in", "problem"]
    rows = {platform: [] for platform in PLATFORMS}
    left_out = {platform: [] for platform in PLATFORMS}
    for result in results:
        known = register.students.get(result.student) or _unregistered(result)
        handed_in = known["handed in"].get(assignment, {})
        late_days = handed_in.get("late days")
        grade = counts(result, late_days, policy)
        scores = ["" if task.waits else f"{task.score:g}" for task in result.tasks]
        shown_late = late_days if late_days is not None else "?" if handed_in.get("late") else ""
        percent = "" if grade is None else f"{100 * grade / max(result.points, 1e-9):.1f}"
        name = known.get("listed") or known["name"]
        row = [result.student, name, f"{result.score:g}", f"{result.points:g}", percent, *scores]
        row += [result.waiting, shown_late, _number(grade), "now" if result.now else "earlier"]
        grades.append([*row, result.problem])
        if platform := known["platform"]:
            facts = _facts(known, numbers[platform, known["number"]] <= 1)
            facts |= {"grade": _number(grade), "max": f"{result.points:g}"}
            facts["comment"] = result.problem or late_sentence(result, late_days, policy)
            enough = any(facts[need] for need in PLATFORMS[platform].needs)
            (rows if enough else left_out)[platform].append(facts)
    graded = {result.student for result in results}
    for student, known in sorted(register.students.items()):
        if student not in graded and known["key"]:
            blank = [""] * (len(tasks) + 6)
            grades.append([student, known["listed"] or known["name"], *blank, "", "Nothing was handed in."])
    write_csv(folder / "grades.csv", grades)
    heading, sentences = settings.get("heading") or assignment, []
    for platform in PLATFORMS:
        if rows[platform]:
            write_csv(folder / f"{platform}.csv", _table(platform, rows[platform], heading))
        if left_out[platform]:
            needs = " or ".join(PLATFORMS[platform].needs)
            sentences.append(
                f"{platform}.csv lacks {len(left_out[platform])} students, because their {needs} is not "
                "known, or not for certain: a class list may have it (--roster)."
            )
    return sentences


def _unregistered(result):
    """Return what the result says about a student who is not in students.json."""
    platform, number = result.lms
    return {"name": result.student, "platform": platform, "number": number, "handed in": {}, "key": ""}


def _facts(known, certain):
    """Return a student's facts for a platform's table.

    certain : False if more than one name has the student's number on the platform. The number is then left
        out
    """
    facts = {fact: known.get(fact, "") for fact in FACTS}
    facts["name"] = facts["listed"] or known["name"]
    facts["number"] = known["number"] if certain else ""
    if known["platform"] == "blackboard":  # on Blackboard, a student's number is the user name
        facts["username"] = facts["number"]
    if known["platform"] == "gradescope":  # on Gradescope, the number is an id or email address
        fact = "email" if "@" in known["number"] else "id"
        facts[fact] = facts[fact] or facts["number"]
    if not facts["first"] and not facts["last"]:
        last, comma, first = facts["name"].partition(", ")
        facts |= {"first": first, "last": last} if comma else {"first": facts["name"]}
    facts["hash_id"] = f"#{facts['id']}" if facts["id"] else ""
    facts["now"] = datetime.now().astimezone().isoformat(timespec="seconds")
    return facts


def _table(platform, rows, column):
    """Return the rows of a platform's table.

    column : the heading of the grades' column, or the assignment's name, from which the heading is made
    """
    columns = PLATFORMS[platform].columns
    if not any(facts["comment"] for facts in rows):  # in Moodle, an empty comment would replace an older one
        columns = [column for column in columns if column[1] != "{comment}"]
    whole = any(char in column for char in "(<[")  # a heading that a platform wrote has a bracket
    headings = [
        column if whole and "{column}" in heading else heading.format(column=column, max=rows[0]["max"])
        for heading, _ in columns
    ]
    return [headings, *([content.format(**facts) for _, content in columns] for facts in rows)]


def _number(value):
    return "" if value is None else f"{value:g}"
