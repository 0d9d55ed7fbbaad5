"""The errors that Colab's functions raise."""


class Error(Exception):
    pass
