"""Tells whether this code runs in IPython, and shows a picture in a notebook or in a terminal."""

import sys


def shell():
    """Return the shell of IPython that runs this code, in a notebook or a terminal, or None."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def show(picture):
    """Show a `Picture` in a notebook, or print its text in a terminal."""
    if shell():
        from IPython.display import display

        display(picture)
    else:
        print(picture)
