# nbgrader's settings for this repository: solutions/ is its source, exercises/ what it releases to students.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "open-the-box"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# Right and wrong answers stay with the solutions.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".pytest_cache", "answers.toml"]
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
