"""From the catalogue to the library's own model: `load("llama")`."""

import os

from course_utils import catalog, sources


def prepare():
    """One thread, one seed, no progress bars from inside the libraries: the same outputs on every machine.

    COURSE_THREADS asks for more threads; on a shared machine two are slower than one.
    """
    import torch
    from transformers import set_seed
    from transformers.utils import logging

    torch.set_num_threads(int(os.environ.get("COURSE_THREADS", "1")))
    set_seed(0)
    logging.disable_progress_bar()


def folder(name, size=None):
    """The folder that `from_pretrained` takes: fetched, verified and, for a GGUF file, converted once.

    name : a family ("llama") or a model of the catalogue ("smollm2-135m-instruct")
    size : "tiny", "small" or "full"; by default COURSE_SIZE, else the smallest that there is

    Raises CourseError with one sentence when the files can't be had.
    """
    model = catalog.find(name, size)
    if model.format == "gguf":
        return sources.convert_once(model, lambda target: _gguf_to_safetensors(model, target))
    return sources.fetch(model)


def load(name, size=None):
    """The library's own objects: `(model, tokenizer)`, the model ready to run.

    The same as `AutoModelForCausalLM.from_pretrained(folder(name))`, with the dtype that fits the machine:
    float32 on a CPU, the published one with `device_map="auto"` on a GPU. Attention is "eager", so that
    `output_attentions=True` gives the weights (the default, sdpa, returns none).

    name, size : as in `folder`
    """
    prepare()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = folder(name, size)
    where = {"dtype": "auto", "device_map": "auto"} if torch.cuda.is_available() else {"dtype": torch.float32}
    model = AutoModelForCausalLM.from_pretrained(
        place, attn_implementation="eager", trust_remote_code=False, local_files_only=True, **where
    )
    return model.eval(), AutoTokenizer.from_pretrained(place, trust_remote_code=False, local_files_only=True)


def _gguf_to_safetensors(model, target):
    """Write `model`'s GGUF file to the folder `target` as config, tokenizer and float32 safetensors.

    transformers reads GGUF scalar by scalar, so this takes about 20 s. A model that was loaded from GGUF
    refuses to be saved; its state dict, loaded into a fresh model of the same class, does not, and the logits
    are equal.
    """
    import torch
    import transformers

    file = sources.fetch(model)
    print(f"Converting {model.title}: once, about half a minute.")
    prepare()
    tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    quantised = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32
    )
    config = quantised.config
    del config.quantization_config
    config.name_or_path = model.hub_id
    plain = getattr(transformers, model.architecture)(config)
    plain.load_state_dict(quantised.state_dict())
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
