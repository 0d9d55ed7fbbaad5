"""A stand-in for Colab's own package: what the course and the libraries that it uses look for in there."""
