"""What the learner's answers meet: predictions, quizzes and checks. Nothing here knows about models.

`predict` and `reveal` hold a guess against a measurement, `quiz` asks a lesson's questions, `check` looks at
a function that the learner wrote, and `answers` keeps what was answered, on this computer only.
"""
