"""Converts models made for llama.cpp (GGUF) or CTranslate2, once, into files that transformers loads."""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from course_utils import files, seeds
from course_utils.loading import checksums, store


def once(model, weights) -> Path:
    """Return the folder `NAME/model` of the cache; the first time, convert the model's files into it.

    The folder appears whole or not at all. Its `ready.json` lists the hashes of the files that were
    converted, and the size and hash of each file that was made. If the catalogue now names other files, or if
    a made file has changed, the model is converted again.

    weights : path of the weights, in a folder with the model's other files; all these files must be sound
    """
    folder = store.converted_folder(model)
    with store.locked(model):
        if store.converted(model)[0] == "sound":  # another notebook had the lock, and converted the model
            return folder
        with files.replacing(folder, "model.building") as building:
            # If an earlier version of the course converted the model ("older"), keep the result for now: it
            # can still be loaded if this conversion fails. Remove any other result, to make room.
            if store.converted(model)[0] != "older":
                files.remove(folder)
            store.require_room(model.title, folder.parent, model.disk_bytes - model.files_bytes)
            building.mkdir()
            with seeds.unchanged():
                CONVERTERS[model.format](model, weights, building)
            marker = {
                "format": store.CONVERTED_FORMAT,
                "source_sha256": store.hashes(model),
                "made_with": {name: version(name) for name in ("torch", "transformers", "safetensors")},
                "files": [asdict(file) for file in checksums.record(building)],
            }
            (building / store.MARKER).write_text(json.dumps(marker, indent=2), encoding="utf-8")
            store.make_readable(building)
        store.converted(model)  # this call lists the large files in checked.json
    return folder


def _gguf(model, weights, target):
    """Convert a GGUF file into config, tokenizer and float32 safetensors, and write these to `target`.

    transformers reads the numbers of a GGUF file one by one, so this takes about 20 s. A model that was
    loaded from GGUF can't be saved. So its state dict is loaded into a new model of the same class, which can
    be saved and computes equal logits.
    """
    import torch
    import transformers

    print(f"Converting {model.title}: once, about half a minute.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    quantised = transformers.AutoModelForCausalLM.from_pretrained(
        weights.parent, gguf_file=weights.name, dtype=torch.float32
    )
    config = quantised.config
    config.__dict__.pop("quantization_config", None)
    config.name_or_path = model.hub_id
    plain = getattr(transformers, model.architecture)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _ctranslate2(model, weights, target):
    """Convert CTranslate2's files into config, processor and safetensors, and write these to `target`."""
    from course_utils.loading import whisper_weights

    print(f"Converting {model.title}: once, a few seconds.")
    whisper_weights.to_transformers(weights.parent, target, model.hub_id)


CONVERTERS = {"gguf": _gguf, "ctranslate2": _ctranslate2}
