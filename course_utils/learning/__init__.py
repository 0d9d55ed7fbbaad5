"""Asks for the learner's answers and judges them: predictions, quizzes and checks. Nothing here uses a model.

`predict` asks for a guess and `reveal` compares it with a measurement, `quiz` asks a lesson's questions,
`check` tests a function that the learner wrote, and `answers` stores all answers, on this computer only.
"""
