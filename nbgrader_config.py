# nbgrader's settings for this repository: from solutions/ it makes exercises/, which students get.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "open-the-box"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# Students don't get answers.toml, which has right and wrong answers.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".pytest_cache", "answers.toml"]
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
# nbgrader stops a cell after 30 seconds. Some of ours train or ask a model for longer on a slow machine.
c.ExecutePreprocessor.timeout = 600
