"""Finds pairs of answers that look alike, with copydetect, so that a person can compare them.

copydetect replaces each name and each string with one letter, and leaves out comments and spaces. Then it
compares runs of the remaining characters (winnowing, as in MOSS). Runs that are in the assignment's own code,
in the instructor's answers, or in many students' answers are no sign of copying, so this module ignores them.
"""

import io
import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from course_utils import units
from course_utils.errors import CourseError
from course_utils.grading import pages
from course_utils.grading.graded import Graded
from course_utils.grading.output import write_csv, write_text

# copydetect compares runs, which are pieces of RUN characters: of any WINDOW neighbouring runs at least one.
RUN, WINDOW = 20, 5
COMMON = 0.1  # a run is left out if more than 3 students, and more than this share of the class, have it
LEAST = 40  # the fewest characters that a pair must share, as `Pair.shared` counts them
RARE = 2  # the least `Pair.rare` that a pair must have, such as two runs that no third student has
SHOWN = 25  # the most pairs that the page shows
LONGEST = 100_000  # the most characters of a student's code; to compare this many takes seconds


@dataclass(frozen=True)
class Pair:
    """Two students whose answers look alike.

    students : the ids of both
    shared : how many characters both answers share; a name counts as one character, and spaces don't count
    shares : for each student, what percentage of the student's own code is shared
    rare : how rare the shared runs of RUN characters are; a run that n students have adds 1 / (n - 1)
    marked : each student's code as HTML with the shared parts marked; "" if the pair is not on the page
    """

    students: tuple[str, str]
    shared: int
    shares: tuple[float, float]
    rare: float
    marked: tuple[str, str]


def pairs(graded: Graded) -> list[Pair]:
    """Return all pairs of students whose code shares rare runs of characters, the rarest first.

    Students with more than LONGEST characters of code are left out.
    Raises CourseError if copydetect is not installed.
    """
    try:
        from copydetect.detector import CodeFingerprint, compare_files
        from copydetect.utils import highlight_overlap
    except ImportError:
        raise CourseError('This needs copydetect: pip install -e ".[similarity]"') from None

    def read(source):
        return CodeFingerprint("answers.py", RUN, WINDOW, fp=io.StringIO(source))

    found = {
        result.student: read(code) for result in graded.usable if 0 < len(code := _code(result)) <= LONGEST
    }
    assignment = graded.assignment
    given = read("\n".join([*assignment.answers.values(), *assignment.solutions.values()])).hashes
    owners = Counter(mark for print_ in found.values() for mark in print_.hashes)
    most = max(3, math.floor(COMMON * len(found)))
    common = given | {mark for mark, count in owners.items() if count > most}
    for print_ in found.values():
        print_.hashes = print_.hashes - common
        print_.hash_idx = {mark: at for mark, at in print_.hash_idx.items() if mark not in common}
        own = {
            place for at in print_.hash_idx.values() for start in at for place in range(start, start + RUN)
        }
        print_.token_coverage = len(own)
    by_mark: dict[int, list[str]] = {}
    for student, print_ in found.items():
        for mark in print_.hashes:
            by_mark.setdefault(mark, []).append(student)
    candidates = {pair for students in by_mark.values() for pair in combinations(sorted(students), 2)}
    alike, overlaps = [], {}
    for pair in candidates:
        first, second = (found[student] for student in pair)
        rare = sum(1 / (owners[mark] - 1) for mark in first.hashes & second.hashes)
        shared, shares, slices = compare_files(first, second) if rare >= RARE else (0, (), ())
        if shared >= LEAST:
            shares = tuple(100 * float(min(share, 1)) for share in shares)
            alike.append(Pair(pair, int(shared), shares, rare, ("", "")))
            overlaps[pair] = slices
    alike.sort(key=lambda pair: (-pair.rare, pair.students))
    for place, pair in enumerate(alike[:SHOWN]):
        marked = tuple(
            highlight_overlap(found[student].raw_code, each, "<mark>", "</mark>", escape_html=True)[0]
            for student, each in zip(pair.students, overlaps[pair.students], strict=True)
        )
        alike[place] = replace(pair, marked=marked)
    return alike


def too_long(graded: Graded) -> list[str]:
    """Return the ids of the students whom `pairs` leaves out because their code is longer than LONGEST."""
    return [result.student for result in graded.usable if len(_code(result)) > LONGEST]


def _code(result):
    """Return all code that a student wrote for the tasks that are graded without a person."""
    return "\n\n".join(task.source for task in result.tasks if task.written and not task.manual)


def write(graded: Graded) -> tuple[Path, Path, list[Pair]]:
    """Write the pairs as a page and as CSV into `similarity/`. Return both paths and the pairs.

    Raises CourseError if copydetect is not installed.
    """
    alike, name = pairs(graded), graded.assignment.name
    page, table = (graded.folder / "similarity" / f"{name}.{kind}" for kind in ("html", "csv"))
    text = pages.render(
        "similarity",
        name=name,
        pairs=alike[:SHOWN],
        count=units.counted(len(alike), "pair"),
        students=len(graded.usable),
        too_long=too_long(graded),
        longest=LONGEST,
    )
    write_text(page, text)
    rows = [
        [*pair.students, f"{pair.rare:.1f}", pair.shared, *(f"{share:.0f}" for share in pair.shares)]
        for pair in alike
    ]
    write_csv(
        table,
        [["first", "second", "rarity", "shared characters", "% of the first", "% of the second"], *rows],
    )
    return page, table, alike
