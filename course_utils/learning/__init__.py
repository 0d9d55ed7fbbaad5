"""Asks learners questions, stores their answers and shows their progress. Nothing here uses a model.

`predictions`, `quizzes`, `before_after` and `verdicts` ask questions. `question` makes fields for answers.
`checks` tests a function that the learner wrote. `answers` stores all answers, on this computer only.
`class_gain` adds up the results of a class in the course's test. `own_copy` makes the learner's own copy of
the notebooks.
"""
