"""Stands in for Colab's store of secrets, and holds none. huggingface_hub asks this store for HF_TOKEN."""

from google.colab.errors import Error


class SecretNotFoundError(Error):
    pass


class NotebookAccessError(Error):
    pass


class TimeoutException(Error):  # noqa: N818  Colab's own name
    pass


def get(key):
    raise SecretNotFoundError(f"Secret {key} does not exist.")
