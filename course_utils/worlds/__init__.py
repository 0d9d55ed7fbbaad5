"""Generates the data from which our own models learn. Every word, pixel and probability in it is known."""
