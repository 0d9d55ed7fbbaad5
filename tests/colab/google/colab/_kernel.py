"""A kernel that the course and its libraries mistake for Colab's kernel."""

import matplotlib  # noqa: F401  imported before the first cell, as in Colab, so pip must not replace them
import numpy  # noqa: F401
from google.colab._shell import Shell
from ipykernel import ipkernel


class Kernel(ipkernel.IPythonKernel):
    shell_class = Shell
