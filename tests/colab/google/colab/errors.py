"""What Colab's functions raise."""


class Error(Exception):
    pass
