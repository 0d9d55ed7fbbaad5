"""Ways in which the files of a converted model can be damaged on a learner's machine."""

import json
import os
import shutil

from course_utils.loading import store


def _change(path, change):
    """Calls `change` with a file's bytes, a bytearray to alter in place, and writes them into the file.

    The file keeps its modification time. It keeps its size if `change` does not alter the number of bytes.
    """
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    content = bytearray(path.read_bytes())
    change(content)
    path.unlink()  # so that a new file is made: the old one may link to an intact file
    path.write_bytes(content)
    os.utime(path, ns=times)


def _in_file(name, change):
    return lambda folder: _change(folder / "model" / name, change)


def _in_published(change, converted=False):
    """Returns a function that changes the largest published file of a model.

    converted : False to remove the converted files first, as if the model was not converted yet
    """

    def bring(folder):
        if not converted:
            shutil.rmtree(folder / "model")
        weights = max(
            (path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_size
        )
        _change(weights, change)

    return bring


def _bit(content):
    content[len(content) // 2 | 3] ^= 0x40  # this flips a bit of the exponent of a little-endian float32


def _zeros(content):
    middle = len(content) // 2
    content[middle : middle + 16_384] = bytes(len(content[middle : middle + 16_384]))


def _header(content):
    content[3] ^= 0xFF  # this changes a byte of the number that gives the header's length


def _four(content):
    middle = len(content) // 2
    content[middle : middle + 4] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4])


def _magic(content):
    content[:4] = b"GONE"


def _half(content):
    del content[len(content) // 2 :]


def _hidden_size(content):
    content[:] = content.replace(b'"hidden_size": 576', b'"hidden_size": 577')


def _older(folder):
    """Writes a record as the course's first version did: with the size of the weights and without hashes."""
    path = folder / "model" / store.MARKER
    marker = json.loads(path.read_text(encoding="utf-8"))
    del marker["files"]
    marker["weights_bytes"] = (folder / "model" / "model.safetensors").stat().st_size
    path.unlink()
    path.write_text(json.dumps(marker), encoding="utf-8")


# (what is damaged, function that does this damage to a model's folder in the cache)
DAMAGES = [
    ("one bit of one weight, size and time unchanged", _in_file("model.safetensors", _bit)),
    ("16 KB of zeros in the middle of the weights", _in_file("model.safetensors", _zeros)),
    ("a byte of the weights' header", _in_file("model.safetensors", _header)),
    ("the weights are cut", _in_file("model.safetensors", _half)),
    ("config.json is cut", _in_file("config.json", _half)),
    ("config.json has another hidden_size", _in_file("config.json", _hidden_size)),
    ("tokenizer.json is cut", _in_file("tokenizer.json", _half)),
    ("tokenizer.json is deleted", lambda folder: (folder / "model" / "tokenizer.json").unlink()),
    ("the chat template is empty", _in_file("chat_template.jinja", bytearray.clear)),
    ("the chat template is deleted", lambda folder: (folder / "model" / "chat_template.jinja").unlink()),
    ("the record of the hashes is cut", _in_file(store.MARKER, _half)),
    ("the converted files are those of an older version, without hashes", _older),
    ("4 bytes of the GGUF file, before it is converted", _in_published(_four)),
    ("the first bytes of the GGUF file, before it is converted", _in_published(_magic)),
    ("the GGUF file is cut, before it is converted", _in_published(_half)),
]
# Code that reads the published file notices this damage, and so does `course fetch`. `load` does not, because
# it reads only the converted files.
PUBLISHED = ("4 bytes of the GGUF file, after it was converted", _in_published(_four, converted=True))
