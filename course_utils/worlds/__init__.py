"""The data that is known to the last word, pixel and probability: the worlds that our own models learn."""
