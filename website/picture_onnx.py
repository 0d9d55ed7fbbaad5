"""Makes the files that the page with PictureWorld's Stable Diffusion loads: ONNX networks, and their runtime.

The weights are stored at 16 bits, as in the repository. The networks convert them to 32 bits first, so the
results differ from torch's results by at most 1e-4. An export takes half a minute. The exported files are
kept in build/, in a folder named after the hash of the weights and of this file. The runtime is fetched from
npm once, and kept in build/, too.
"""

import hashlib
import io
import logging
import tarfile
import warnings
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "picture_onnx"
WEIGHTS = ROOT / "course_utils" / "training" / "weights" / "pictureworld-stable-diffusion"
PARTS = {"text_encoder": "model", "unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
NETWORKS = ("text_encoder.onnx", "unet.onnx", "vae_decoder.onnx")
SETTINGS = (WEIGHTS / "scheduler" / "scheduler_config.json", WEIGHTS / "tokenizer" / "tokenizer.json")
RUNTIME = "https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-1.30.0.tgz"
RUNTIME_SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def files():
    """Return the paths of all files that the page loads. Missing files are exported, or fetched from npm.

    Raises OSError if npm can't be reached, and ValueError if the runtime has another SHA-256 than expected.
    """
    networks, runtime = BUILD / _hash(), BUILD / RUNTIME_SHA256[:16]
    if not all((networks / name).exists() for name in NETWORKS):
        networks.mkdir(parents=True, exist_ok=True)
        _export(networks)
    if not all((runtime / name).exists() for name in RUNTIME_FILES):
        runtime.mkdir(parents=True, exist_ok=True)
        _fetch(runtime)
    return [
        *SETTINGS,
        *(networks / name for name in NETWORKS),
        *(runtime / name for name in RUNTIME_FILES),
        ROOT / "website" / "onnxruntime-web.LICENSE",
    ]


def _hash():
    weights = [WEIGHTS / part / f"{file}.safetensors" for part, file in PARTS.items()]
    content = b"".join(file.read_bytes() for file in (*weights, Path(__file__)))
    return hashlib.sha256(content).hexdigest()[:16]


def _fetch(folder):
    import requests

    answer = requests.get(RUNTIME, timeout=60)
    answer.raise_for_status()
    if hashlib.sha256(answer.content).hexdigest() != RUNTIME_SHA256:
        raise ValueError(f"{RUNTIME} is not the file that was pinned: its SHA-256 differs.")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as package:
        for name in RUNTIME_FILES:
            (folder / name).write_bytes(package.extractfile(f"package/dist/{name}").read())


def _export(folder):
    import torch

    import course_utils as course

    # torch.onnx warns that torchvision is not installed, but torchvision is not needed here.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    pipeline = course.load("stable-diffusion", "tiny")
    ids = torch.zeros(2, pipeline.text_encoder.config.max_position_embeddings, dtype=torch.int32)
    latents, time = torch.zeros(1, 4, 16, 16), torch.zeros(1)
    networks = _networks(pipeline)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = networks["text_encoder"](ids)
        for name, inputs, outputs in (
            ("text_encoder", {"ids": ids}, ["text"]),
            ("unet", {"latents": latents, "time": time, "text": text}, ["predictions", "maps"]),
            ("vae_decoder", {"latents": latents}, ["picture"]),
        ):
            program = torch.onnx.export(
                networks[name],
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=outputs,
                dynamo=True,
                verbose=False,
            )
            (folder / f"{name}.onnx").write_bytes(_small(program.model_proto))


def _networks(pipeline):
    """Return the three networks, each with the inputs and outputs that the page needs."""
    from torch.nn import Module

    class TextEncoder(Module):
        def __init__(self):
            super().__init__()
            self.encoder = pipeline.text_encoder

        def forward(self, ids):
            return self.encoder(ids).last_hidden_state

    class UNet(Module):
        """Returns two predictions, without and with prompt, and each position's attention to each token."""

        def __init__(self):
            super().__init__()
            self.unet, self.seen = pipeline.unet, _Seen()
            for layer in self.unet.modules():
                if getattr(layer, "is_cross_attention", False):
                    layer.processor = self.seen

        def forward(self, latents, time, text):
            import torch

            self.seen.maps = []
            predictions = self.unet(latents.expand(2, -1, -1, -1), time, text).sample
            maps = torch.stack(self.seen.maps)[:, 1].mean(0)
            self.seen.maps = []
            return predictions, maps

    class Decoder(Module):
        def __init__(self):
            super().__init__()
            self.vae = pipeline.vae

        def forward(self, latents):
            picture = self.vae.decode(latents / self.vae.config.scaling_factor).sample
            return (picture / 2 + 0.5).clamp(0, 1)

    return {"text_encoder": TextEncoder().eval(), "unet": UNet().eval(), "vae_decoder": Decoder().eval()}


class _Seen:
    """Computes cross-attention as diffusers does, and stores maps in the form of `CrossAttention.maps`."""

    def __call__(self, layer, hidden, encoder_hidden_states, attention_mask=None, **rest):
        import torch
        from torch.nn.functional import interpolate

        query, key, value = (
            layer.head_to_batch_dim(each)
            for each in (
                layer.to_q(hidden),
                layer.to_k(encoder_hidden_states),
                layer.to_v(encoder_hidden_states),
            )
        )
        weights = layer.get_attention_scores(query, key)  # (pictures x heads, positions, tokens)
        maps = weights.unflatten(0, (-1, layer.heads)).mean(1).transpose(1, 2)
        side = round(maps.shape[2] ** 0.5)
        self.maps.append(interpolate(maps.unflatten(2, (side, side)), (16, 16), mode="bilinear"))
        return layer.to_out[0](layer.batch_to_head_dim(torch.bmm(weights, value)))


def _small(model):
    """Return an ONNX model as bytes, without metadata. Weights that fit exactly into 16 bits have 16 bits."""
    import numpy
    from onnx import helper, numpy_helper

    graph, casts = model.graph, []
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
        numbers = numpy_helper.to_array(tensor)
        if numbers.dtype != numpy.float32 or numbers.size < 64:
            continue
        with numpy.errstate(over="ignore"):
            half = numbers.astype(numpy.float16)
        if (half.astype(numpy.float32) == numbers).all():
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=1))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return model.SerializeToString()
