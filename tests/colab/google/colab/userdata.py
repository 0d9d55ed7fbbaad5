"""Stands in for Colab's store of secrets, without any. huggingface_hub asks it for HF_TOKEN."""

from google.colab.errors import Error


class SecretNotFoundError(Error):
    pass


class NotebookAccessError(Error):
    pass


class TimeoutException(Error):  # noqa: N818  Colab's own name
    pass


def get(key):
    raise SecretNotFoundError(f"Secret {key} does not exist.")
