"""The learner's secrets, of which there are none: huggingface_hub asks for HF_TOKEN."""

from google.colab.errors import Error


class SecretNotFoundError(Error):
    pass


class NotebookAccessError(Error):
    pass


class TimeoutException(Error):  # noqa: N818  Colab's own name
    pass


def get(key):
    raise SecretNotFoundError(f"Secret {key} does not exist.")
