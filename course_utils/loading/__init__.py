"""From a model's name to its weights: plan what fits, fetch the files, open them with the library."""
