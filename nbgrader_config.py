# nbgrader's settings for this repository. From solutions/, nbgrader makes exercises/ for the students.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "open-the-box"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# Students don't get answers.toml, which has right and wrong answers.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".pytest_cache", "answers.toml"]
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
# By default, nbgrader stops a cell after 30 seconds. On a slow machine, some cells of the course take longer.
c.ExecutePreprocessor.timeout = 600
