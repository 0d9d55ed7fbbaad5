"""A kernel that the course and its libraries mistake for Colab's kernel."""

# Colab, too, imports these two packages before the first cell, so pip must not replace them.
import matplotlib  # noqa: F401
import numpy  # noqa: F401
from google.colab._shell import Shell
from ipykernel import ipkernel


class Kernel(ipkernel.IPythonKernel):
    shell_class = Shell
