"""Asks for the learner's answers, stores them and shows progress. Nothing here uses a model.

`predictions`, `quizzes`, `before_after` and `verdicts` ask questions. `question` makes fields for answers.
`checks` tests a function that the learner wrote. `answers` stores all answers, on this computer only.
`class_gain` adds up a class's results in the test. `own_copy` makes the learner's copy of the notebooks.
"""
