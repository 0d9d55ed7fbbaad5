"""Trains the course's tiny models, measures them and writes their model cards.

    trainer.train("tinyworld-llama")     does the same as `course train tinyworld-llama`
    recipes.RECIPES                      the settings of each model's training
    evaluation.validation(model, world)  returns the loss on each kind of text, and the lowest possible loss
    releases.make("kite", folder)        makes one of the invented releases that learners judge in lesson 16

`trainer` runs the steps of every training. `language_trainer`, `text_trainer` and `picture_trainer` define
the stages and compute the losses. docs/tinyworld.md and docs/pictureworld.md describe the trainings and their
results.
"""
