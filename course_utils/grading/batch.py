"""Grades all submissions of an assignment, for the command `course grade`."""

import importlib.util
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from course_utils import terminal
from course_utils.errors import CourseError
from course_utils.grading import assignment as assignments
from course_utils.grading import intake
from course_utils.grading import roster as rosters
from course_utils.grading.judge import Judge, key_of
from course_utils.grading.output import locked
from course_utils.grading.record import Records
from course_utils.grading.register import Register
from course_utils.grading.result import Result, TaskResult
from course_utils.grading.sandbox import Sandbox
from course_utils.learning import drawn

PAUSE = 5  # after this many seconds without a result, ask again how many submissions may be in progress
_KILLS = "Every worker of the cluster that graded this notebook was killed: tell your instructor."


def grade(
    name: str,
    submissions: str | Path,
    out: str | Path,
    workers: int | None = None,
    seconds: float | None = None,
    isolated: bool = True,
    cold: bool = False,
    memory: int = 4 * 2**30,
    dask: str | None = None,
    seed: int | None = None,
    only: Iterable[str] = (),
    roster: str | Path | None = None,
    due: datetime | None = None,
    late_policy: float | None = None,
    confirm: Callable[[intake.Plan], bool] = lambda plan: True,
    say: Callable[[str], None] = lambda sentence: None,
) -> list[Result]:
    """Grade the submissions of an assignment that are new, or that have changed since they were graded.

    name : a lesson, such as "09", or the instructor's notebook with its solutions
    submissions : a folder, a zip file of an LMS, or a course folder of nbgrader
    out : the folder for the results, which is created if it does not exist
    workers : how many submissions are graded at the same time; by default as many as there are cores
    seconds : the time limit for one task; by default ten times the time of the instructor's notebook, and at
        least 10 seconds
    isolated : False grades without a sandbox; use this only for code that you trust
    cold : True imports the libraries again for each run, instead of forking a process that has imported them;
        this is much slower
    memory : bytes of memory for each process of a submission, and for all its processes together
    dask : the address of a Dask scheduler, whose workers then grade in place of this machine
    seed : the seed with which the hidden inputs are drawn; by default a new one for each call. Each result
        stores its seed, so that the grading can be repeated
    only : ids of students and grade ids of tasks, which are graded even if nothing has changed. If no student
        is among them, all students are graded; if no task is among them, all tasks
    roster : a CSV file with the class list; the tables then also have a row for each student who handed in
        nothing
    due : the due date, in local time; by default as in the last run
    late_policy : percent of the points that each late day costs; by default as in the last run, or 0
    confirm : a function that takes the plan of who handed in what, and returns whether to grade it
    say : a function that is called with each sentence for the instructor. These sentences say how many
        students are missing from the table of grades for a learning platform
    Returns all results, including those of earlier runs, sorted by student. The results do not contain the
        students' answers and their output.
    Raises CourseError if nothing can be graded, or if `confirm` returns False. In both cases no result
        has changed.
    """
    if not importlib.util.find_spec("nbgrader"):
        raise CourseError("Grading needs nbgrader: pip install nbgrader")
    assignment = assignments.Assignment(assignments.find(name))
    folder = Path(out)
    register, planned, headings = _plan(assignment, submissions, folder, roster, due)
    if not confirm(planned):
        raise CourseError("Nothing was graded.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CourseError(f"{folder} can't be made: {error.strerror}.") from None
    with locked(folder):
        if Register(folder).students != register.students:
            raise CourseError(f"{folder} has changed since the plan was made: run the same command again.")
        sandbox = {"isolated": isolated, "cold": cold, "memory": memory}
        draws = drawn.new_seed() if seed is None else seed
        if dask is not None:
            from course_utils.grading.cluster import on_cluster

            starter = on_cluster(dask, assignment, sandbox, seconds, draws)
        else:
            starter = _on_this_machine(workers, assignment, sandbox, seconds, draws)
        register.enter(planned, due, late_policy, headings)
        records = Records(folder, assignment, register)
        keys = {entry.student: key_of(assignment, entry.load(), seconds) for entry in planned.entries}
        results = _grade_changed(planned.entries, keys, records, starter, seed, set(only))
        for sentence in records.notes:
            say(sentence)
        return results


def plan(
    name: str,
    submissions: str | Path,
    out: str | Path,
    roster: str | Path | None = None,
    due: datetime | None = None,
) -> intake.Plan:
    """Return who handed in what, and change nothing. The parameters are those of `grade`."""
    return _plan(assignments.Assignment(assignments.find(name)), submissions, Path(out), roster, due)[1]


def _plan(assignment, submissions, folder, roster, due):
    """Return the folder's register, the plan, and the headings of the class list."""
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file: give a folder for --out.")
    register = Register(folder)
    listed = rosters.read(Path(roster)) if roster else None
    due = due or register.due(assignment.name)
    planned = intake.plan(Path(submissions), assignment.name, folder, register.students, listed, due)
    return register, planned, listed.headings if listed else []


def _grade_changed(entries, keys, records, starter, seed, only):
    tasks = only & records.assignment.tasks.keys()
    if unknown := only - tasks - keys.keys():
        raise CourseError(
            f"--only: no student and no task is called {', '.join(sorted(unknown))}. The tasks are "
            f"{', '.join(records.assignment.tasks)}."
        )
    graded = keys.keys() - (only - tasks or keys.keys())
    for student, key in keys.items():
        result = records.read(student)
        if result and result.key == key and seed in (None, result.seed) and not only:
            graded.add(student)
    changed = [entry for entry in entries if entry.student not in graded]
    if changed:
        with (
            starter as (start, most, killed),
            records.making_gradebook(),
            terminal.bars()(total=len(keys), initial=len(graded), unit="submissions") as bar,
        ):
            records.register.save()
            suspects: list[intake.Entry] = []
            results = _results(changed, start, most, killed, suspects)
            results = itertools.chain(results, _alone(suspects, start, most, killed, records.assignment))
            for result in results:
                records.keep(_with_old_tasks(result, records.read(result.student), tasks))
                bar.update()
    return records.finish(keys)


def _with_old_tasks(result, old, tasks):
    """Return the new result with the old results of all tasks that are not in `tasks`.

    All tasks are new if `tasks` is empty, if there is no old result, or if either result has a problem.
    """
    if not tasks or not old or old.problem or result.problem:
        return result
    kept = {task.task: task for task in old.tasks if task.task not in tasks}
    mixed = tuple(kept.get(task.task, task) for task in result.tasks)
    # The result keeps the key of the old result. If the assignment has changed since then, this key differs
    # from the current key, and the next run grades all tasks.
    return replace(result, tasks=mixed, key=old.key)


def _results(entries, start, most, killed, suspects):
    """Yield each result as soon as it arrives. `start`, `most` and `killed` are as in `cluster.on_cluster`.

    A notebook is read just before its grading starts, so that only the notebooks in progress are in memory.
    The entries of notebooks whose workers were killed are added to the list `suspects`.
    """
    left, started = entries[::-1], {}
    while left or started:
        room = max(1, most())
        while left and len(started) < room:
            entry = left.pop()
            started[start(entry.load())] = entry
        for future in wait(started, timeout=PAUSE, return_when=FIRST_COMPLETED).done:
            entry = started.pop(future)
            try:
                yield future.result()
            except killed:
                suspects.append(entry)


def _alone(suspects, start, most, killed, assignment):
    """Grade each suspect while nothing else is graded, and yield the results.

    All submissions that a killed worker had are suspects, although only a submission that the worker was
    grading can be the reason. If a suspect's workers are killed again, its result says so. Such a result has
    no key, so the next run grades the submission again.
    """
    for entry in suspects:
        again: list[intake.Entry] = []
        yield from _results([entry], start, most, killed, again)
        if again:
            tasks = tuple(map(TaskResult.ungraded, assignment.tasks.values()))
            yield Result(entry.student, (entry.owner.platform, entry.owner.number), _KILLS, (), tasks, 0.0)


@contextmanager
def _on_this_machine(workers, assignment, sandbox, seconds, seed):
    """Yield `start`, `most` and `killed`, as `cluster.on_cluster` does.

    `killed` is (), which matches no exception, because this machine has no workers that could be killed.
    """
    workers = workers or os.cpu_count() or 1
    with Sandbox(assignment.prelude, **sandbox) as opened, ThreadPoolExecutor(workers) as pool:
        judge = Judge(assignment, opened, seconds, seed)
        judge.prepare()
        try:
            yield lambda submission: pool.submit(judge.grade, submission), lambda: 2 * workers, ()
        finally:
            pool.shutdown(cancel_futures=True)


def summary(results: list[Result], out: str | Path) -> str:
    """Return a summary in a few lines.

    The lines contain the numbers of submissions, the mean, the share of the points that students got in each
    task, and the students with a problem.
    """
    graded = [result for result in results if not result.problem]
    lines = [f"{len(results)} submissions, {len(graded)} graded."]
    earlier = sum(not result.now for result in results)
    if earlier:
        lines[0] += f" {earlier} of them are from earlier runs only."
    if graded:
        read = [result for result in graded if not result.waiting]
        if read:
            mean = sum(result.score for result in read) / len(read)
            lines[0] += f" Mean {mean:.1f} of {graded[0].points:g} points."
        if len(read) < len(graded):
            lines.append(
                f"{len(graded) - len(read)} have answers that nobody has read yet: the mean leaves them out."
            )
        for tasks in zip(*(result.tasks for result in graded), strict=True):
            if waiting := sum(task.waits for task in tasks):
                lines.append(f"  {tasks[0].task}: {waiting} answers to be read in formgrader")
            else:
                share = sum(task.score for task in tasks) / max(1e-9, sum(task.points for task in tasks))
                lines.append(f"  {tasks[0].task}: {share:.0%} of {tasks[0].points:g} points")
    problems = Counter(result.problem for result in results if result.problem)
    for problem, count in problems.most_common():
        students = [result.student for result in results if result.problem == problem]
        lines.append(f"{', '.join(students[:5])}{' …' if count > 5 else ''}: {problem}")
    lines.append(f"grades.csv, feedback/ and gradebook.db are in {out}.")
    return "\n".join(lines)
