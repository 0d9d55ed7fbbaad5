"""The page around an output."""

from google.colab.errors import Error


class MessageError(Error):
    pass


def eval_js(script, ignore_result=False, timeout_sec=None):
    """There is no page, so no microphone; that is what the recorder's script would say."""
    raise MessageError("NotFoundError: Requested device not found")


def enable_custom_widget_manager():
    pass
