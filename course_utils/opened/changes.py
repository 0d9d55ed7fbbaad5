"""Tells whether a model has changed, so that what it has computed can be kept until then."""


def state(model):
    """Return a value that differs after every change of a model's weights, or None if it can't tell.

    model : a model of transformers

    Noticed are weights that are replaced, moved or written in place, but not what is written in place through
    a weight's `data`, because torch does not count it. It can't tell if the model was loaded in torch's
    inference mode, or has hooks, other than those with which transformers itself reads hidden states.
    """
    for part in model.modules():
        for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values()):
            if not (getattr(hook, "__module__", None) or "").startswith("transformers."):
                return None
    if any(weight.is_inference() for weight in model.parameters()):
        return None
    return [(id(weight), weight.data_ptr(), weight._version) for weight in model.parameters()]
