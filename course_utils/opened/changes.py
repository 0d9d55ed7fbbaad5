"""Tells whether a model has changed, so that its earlier results can be used again if it has not."""


def state(model):
    """Return a value that differs after every change of a model's weights, or None if changes can't be seen.

    model : a model of transformers

    The value differs if weights are replaced, moved or written in place, but not if a weight is written
    through its `data`, because torch does not count that as a change. Changes can't be seen if the model was
    loaded in torch's inference mode, or if it has hooks other than those of transformers itself.
    """
    for part in model.modules():
        for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values()):
            if not (getattr(hook, "__module__", None) or "").startswith("transformers."):
                return None
    if any(weight.is_inference() for weight in model.parameters()):
        return None
    return [(id(weight), weight.data_ptr(), weight._version) for weight in model.parameters()]
