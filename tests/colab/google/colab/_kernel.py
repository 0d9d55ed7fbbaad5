"""A kernel that is to be taken for Colab's."""

import matplotlib  # noqa: F401  imported before the first cell runs, as there: pip must not exchange them now
import numpy  # noqa: F401
from google.colab._shell import Shell
from ipykernel import ipkernel


class Kernel(ipkernel.IPythonKernel):
    shell_class = Shell
