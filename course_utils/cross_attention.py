"""Records which tokens of a prompt each position of a picture attends to, while a pipeline runs."""

from course_utils.errors import CourseError


class CrossAttention:
    """Records the cross-attention of every call of a UNet while the `with` block runs.

    The output of the UNet does not change: diffusers' layers don't keep their weights, so a hook before each
    cross-attention layer computes the same weights from the same inputs.

    Example
    -------
    >>> with course.CrossAttention(pipeline.unet) as seen:
    ...     picture = pipeline("bear on a blue background").images[0]
    >>> seen.maps()[:, -1].mean(0)  # (tokens, height, width): the mean over all calls

    Parameters
    ----------
    unet: a UNet2DConditionModel of diffusers.

    Raises
    ------
    CourseError: if it has no cross-attention.
    """

    def __init__(self, unet):
        self.unet = unet
        self._layers = [each for each in unet.modules() if getattr(each, "is_cross_attention", False)]
        if not self._layers:
            raise CourseError("This UNet has no cross-attention: take one that reads a prompt.")
        self._calls = []  # for each call of the UNet, a list with the weights of each layer

    def __enter__(self):
        self._hooks = [self.unet.register_forward_pre_hook(self._begin, with_kwargs=True)]
        self._hooks += [
            each.register_forward_pre_hook(self._record, with_kwargs=True) for each in self._layers
        ]
        return self

    def __exit__(self, *error):
        for hook in self._hooks:
            hook.remove()

    def _begin(self, unet, arguments, keywords):
        sample = keywords["sample"] if "sample" in keywords else arguments[0]
        self._size = sample.shape[-2:]  # (height, width) of the latents
        self._calls.append([])

    def _record(self, layer, arguments, keywords):
        import torch

        with torch.no_grad():
            query = layer.head_to_batch_dim(layer.to_q(arguments[0]))
            key = layer.head_to_batch_dim(layer.to_k(keywords["encoder_hidden_states"]))
            weights = layer.get_attention_scores(query, key)  # (pictures x heads, places, tokens)
        weights = weights.float().cpu().unflatten(0, (-1, layer.heads)).mean(1)
        self._calls[-1].append(self._sized(weights.transpose(1, 2)))

    def _sized(self, weights):
        """Resizes (pictures, tokens, positions) to (pictures, tokens, height, width) of the latents."""
        import torch

        height, width = self._size
        times = round((height * width / weights.shape[2]) ** 0.5)  # how much coarser this layer works
        maps = weights.unflatten(2, (-(-height // times), -(-width // times)))
        return torch.nn.functional.interpolate(maps, (height, width), mode="bilinear")

    def maps(self, layer=None):
        """The recorded weights, averaged over heads and layers, at the size of the latents.

        Parameters
        ----------
        layer: int, one cross-attention layer alone, counted from 0 in the order in which they work.

        Returns
        -------
        tensor (calls, pictures, tokens, height, width). At each position the tokens' weights add up to 1.
        With guidance, the first half of `pictures` is the run without the prompt.

        Raises
        ------
        CourseError: if the UNet was not called in the block, or with batches of different sizes, or has no
            such layer.
        """
        import torch

        if not self._calls:
            raise CourseError("Nothing was recorded: call the pipeline inside the `with` block.")
        if len({layers[0].shape for layers in self._calls}) > 1:
            raise CourseError("The batches had different sizes: record each in a `with` block of its own.")
        if layer is not None and layer not in range(len(self._layers)):
            raise CourseError(
                f"There is no layer {layer}: take one from 0 to {len(self._layers) - 1}, or leave it out."
            )
        chosen = slice(None) if layer is None else slice(layer, layer + 1)
        return torch.stack([torch.stack(layers[chosen]).mean(0) for layers in self._calls])
