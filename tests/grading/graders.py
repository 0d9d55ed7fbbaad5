"""Grades notebooks in a separate process, which may belong to another user.

    python tests/grading/graders.py

reads lines of JSON: first the instructor's notebook, then requests, each with "notebooks" (dictionaries),
"seconds" and "memory". The notebooks of one request are graded at the same time. The reply has, for each
notebook, the score, the problem, the notes, and whether the result has a key. (A result has no key if the
grader failed.) For each task, the reply has what stopped the task, what it printed and what each check says.
"""

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import plain_user


class Grader:
    """Starts the process that grades. Use it in a `with` block.

    assignment : the instructor's notebook as JSON
    plain : True to start the process as a user without rights, if this user is root
    """

    def __init__(self, assignment, plain):
        words = [sys.executable, __file__]
        self.assignment, self.words = assignment, plain_user.command(words) if plain else words

    def __enter__(self):
        self.process = subprocess.Popen(
            self.words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain_user.environment(),
        )
        self._send(self.assignment)
        return self

    def _send(self, data):
        self.process.stdin.write(json.dumps(data) + "\n")
        self.process.stdin.flush()

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def grade(self, *notebooks, seconds=60, memory=2**30):
        """Grade the notebooks at the same time. Return a list with a dict, the result, for each notebook."""
        self._send({"notebooks": notebooks, "seconds": seconds, "memory": memory})
        return json.loads(self.process.stdout.readline())


def main():
    from course_utils.grading import student_process
    from course_utils.grading.assignment import Assignment
    from course_utils.grading.intake import Submission
    from course_utils.grading.judge import Judge
    from course_utils.grading.sandbox import Sandbox

    student_process.IMPORTS = ("torch",)  # so that sandboxes start sooner: see conftest.py
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.ipynb")
        path.write_text(sys.stdin.readline())
        assignment = Assignment(path)
    with Sandbox(assignment.prelude) as sandbox, ThreadPoolExecutor(16) as pool:
        for line in sys.stdin:
            request = json.loads(line)
            sandbox.memory = request["memory"]
            judge = Judge(assignment, sandbox, request["seconds"])
            judge.prepare()
            books = [
                Submission(f"s{number}", data=json.dumps(book).encode())
                for number, book in enumerate(request["notebooks"])
            ]
            print(json.dumps([_told(result) for result in pool.map(judge.grade, books)]), flush=True)


def _told(result):
    tasks = [
        {"stopped": task.stopped, "text": task.text, "says": [check.says for check in task.checks]}
        for task in result.tasks
    ]
    told = {"score": result.score, "problem": result.problem, "notes": list(result.notes)}
    return told | {"key": bool(result.key), "tasks": tasks}


if __name__ == "__main__":
    main()
