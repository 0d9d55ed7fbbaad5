"""Generates the data from which our own models learn, in which every word, pixel and probability is known."""
