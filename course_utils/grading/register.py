"""Reads and writes a grading folder's students.json, with each student's id, name and dates of handing in.

A student keeps the same id in every later run of `course grade`, and for every assignment. Two students never
have the same id, even if they have the same name. What a class list or a platform says about a student is
stored for the tables that later runs write.
"""

import hashlib
import hmac
import json
import secrets
from datetime import datetime
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading.intake import Plan
from course_utils.grading.output import write_text
from course_utils.grading.roster import key

# Facts from a class list; `listed` is the student's name on that list.
FACTS = ("listed", "first", "last", "username", "email", "id")


class Register:
    """The students of a grading folder, and the due date and late policy of each assignment.

    students : {id: {"name", "platform", "number", "key", FACTS…, "handed in": {assignment: {"file", "date",
        "late", "late days"}}}}
    assignments : {assignment: {"due", "late policy", "heading"}}, with the values that were given last
    secret : the folder's secret, from which `pseudonym` makes ids
    """

    def __init__(self, folder: Path):
        """Read students.json, if it exists. Raises CourseError if the file is damaged."""
        self.path = folder / "students.json"
        self.students, self.assignments, self.secret = {}, {}, secrets.token_hex(16)
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.students, self.assignments = dict(stored["students"]), dict(stored["assignments"])
            self.secret = str(stored.get("secret", self.secret))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError):
            raise CourseError(
                f"{self.path} is damaged: bring back a copy, or delete it to begin anew."
            ) from None

    def due(self, assignment: str) -> datetime | None:
        """Return the due date of an assignment, in local time, or None if there is none."""
        text = self.assignments.get(assignment, {}).get("due")
        return datetime.fromisoformat(text) if text else None

    def late_policy(self, assignment: str) -> float:
        """Return how many percent of the points each late day costs."""
        return self.assignments.get(assignment, {}).get("late policy", 0)

    def _handed_in(self, student, assignment):
        return self.students.get(student, {}).get("handed in", {}).get(assignment, {})

    def date(self, student: str, assignment: str) -> datetime | None:
        """Return when a student handed in an assignment, in local time, or None if that is not known."""
        text = self._handed_in(student, assignment).get("date")
        return datetime.fromisoformat(text) if text else None

    def late_days(self, student: str, assignment: str) -> int | None:
        """Return how many days late a student handed in an assignment, or None if that is not known."""
        return self._handed_in(student, assignment).get("late days")

    def pseudonym(self, student: str, task: str) -> str:
        """Return an id for a student's answer, which does not show who the student is.

        Nobody can compute the id without the secret in students.json.
        """
        return hmac.new(self.secret.encode(), f"{task} {student}".encode(), hashlib.sha256).hexdigest()[:10]

    def enter(self, plan: Plan, due: datetime | None, late_policy: float | None, headings: list[str]):
        """Add a plan's students, and the settings of its assignment. `save` then writes students.json.

        due : the due date, in local time, or None if it stays as it was
        late_policy : percent of the points that each late day costs, or None if it stays as it was
        headings : the headings of the class list. If a heading begins with the assignment's name, it becomes
            the heading of the grades' column
        """
        now = self.assignments.setdefault(plan.assignment, {"due": None, "late policy": 0, "heading": ""})
        now["due"] = due.isoformat(" ") if due else now["due"]
        now["late policy"] = now["late policy"] if late_policy is None else late_policy
        same = (each for each in headings if each.lower().startswith(plan.assignment.lower()))
        now["heading"] = next(same, now["heading"])
        for student, facts in plan.missing.items():
            self._know(student, facts)
        for entry in plan.entries:
            owner = entry.owner
            known = self._know(entry.student, entry.on_roster)
            known |= {"name": owner.name, "platform": owner.platform, "number": owner.number}
            known["handed in"][plan.assignment] = {
                "file": entry.file.path if entry.file else "",
                "date": entry.date.isoformat(" ", "seconds") if entry.date else None,
                "late": entry.late,
                "late days": entry.late_days,
            }

    def save(self):
        """Write students.json, whole or not at all."""
        stored = {"students": self.students, "assignments": self.assignments, "secret": self.secret}
        write_text(self.path, json.dumps(stored, indent=1, sort_keys=True))

    def _know(self, student, facts):
        if student not in self.students:
            name = facts.get("name") or facts.get("username") or facts.get("email") or student
            self.students[student] = {"name": name, "platform": "", "number": "", "key": "", "handed in": {}}
            self.students[student] |= dict.fromkeys(FACTS, "")
        if facts:
            facts = {**facts, "listed": facts["name"], "key": key(facts)}
            self.students[student] |= {fact: facts[fact] for fact in (*FACTS, "key")}
        return self.students[student]
