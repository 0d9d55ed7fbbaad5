"""A stand-in for Colab's shell: huggingface_hub recognizes Colab by this module and class name."""

from ipykernel import zmqshell


class Shell(zmqshell.ZMQInteractiveShell):
    pass
