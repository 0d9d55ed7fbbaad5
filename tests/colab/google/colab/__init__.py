"""Stands in for Colab's own package, with the parts that the course and its libraries import."""
