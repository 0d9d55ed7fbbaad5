"""Generates the texts and pictures on which the course's tiny models are trained.

Everything about this data is known: what is in it, and with which probability.
"""
