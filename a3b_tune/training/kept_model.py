"""A trained model of a text as bytes, for whoever wants to write with it later: its weights, its
settings and its alphabet, as safetensors: facts are JSON, numbers follow, and nothing runs.

What cannot be read is refused in one line. Knows no trial and not where the bytes are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save
from torch import Tensor, nn

from a3b_tune import __version__
from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.text import Text
from a3b_tune.errors import InputError
from a3b_tune.models import build, reads_text
from a3b_tune.study import Scalar
from a3b_tune.training.snapshot import UNREADABLE

FORMAT = "1"
TYPES = {"F32": torch.float32, "F64": torch.float64}
# Tokens that a model may read at once; more is no model but a trap for memory.
LONGEST = 2**16


@dataclass(frozen=True)
class KeptModel:
    """A model that reads up to `longest` tokens of `alphabet`. `data` is the name of the text it
    was trained on and `data_hash` its hash, `version` that of the program."""

    model: nn.Module
    alphabet: Alphabet
    longest: int
    settings: Mapping[str, Any]
    data: str
    data_hash: str
    version: str


def pack_model(
    weights: Mapping[str, Tensor], settings: Mapping[str, Scalar], longest: int, text: Text
) -> bytes:
    """A model as bytes: `weights` by name, `settings` with its name, as a recipe has them."""
    return pack(weights, settings, longest, text.alphabet, text.name, text.data_hash)


def pack(
    weights: Mapping[str, Tensor],
    settings: Mapping[str, Scalar],
    longest: int,
    alphabet: Alphabet,
    data: str,
    data_hash: str,
) -> bytes:
    """As `pack_model`, of a text that is not at hand."""
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    about = {
        "settings": dict(settings),
        "longest": longest,
        "alphabet": {"unit": alphabet.unit, "tokens": alphabet.i2t},
        "data": data,
        "data_hash": data_hash,
        "version": __version__,
    }
    told = json.dumps(about)
    checksum = _checksum(told, {name: tensor.numpy() for name, tensor in own.items()})
    return save(own, {"model": FORMAT, "about": told, "crc32": checksum})


def open_model(source: bytes | Path, what: str = "model") -> KeptModel:
    """The model in some bytes or a file, on the CPU.

    :param what: what an error calls it; a file is called by its path.
    :raises InputError: it cannot be read, is damaged, or is no model of a text.
    """
    if isinstance(source, Path):
        what = str(source)
        try:
            source = source.read_bytes()
        except OSError as error:
            raise InputError(f"{what}: {(error.strerror or str(error)).lower()}") from None
    try:
        return _opened(source)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


def _opened(data: bytes) -> KeptModel:
    about, tensors = _read(data)
    try:
        settings, longest = dict(about["settings"]), about["longest"]
        alphabet = _alphabet(about["alphabet"])
        texts = [str(about[key]) for key in ("data", "data_hash", "version")]
        name = str(settings.pop("name"))
        sizes = [len(tensors), *(size for tensor in tensors.values() for size in tensor.shape)]
        whole = [value for value in settings.values() if isinstance(value, int)]
        sound = (
            type(longest) is int and 1 <= longest <= LONGEST and max(whole, default=0) <= max(sizes)
        )
    except UNREADABLE:
        sound = False
    if not sound:
        raise InputError("its description is damaged")
    if not reads_text(name):
        raise InputError(f"{name!r:.40} is no model of this version that reads text")
    model = _built(name, settings, len(alphabet), longest, tensors)
    return KeptModel(model, alphabet, longest, about["settings"], *texts)


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and the weights, whole."""
    try:
        size = int.from_bytes(data[:8], "little")
        own = json.loads(data[8 : 8 + size])["__metadata__"]
        version, told, checksum = str(own["model"]), str(own["about"]), own["crc32"]
    except UNREADABLE:
        raise InputError("cut short, or no model that was kept by a3b-tune") from None
    if version != FORMAT:
        raise InputError(f"a model of format {version!r:.20}, not {FORMAT!r}")
    try:
        found: dict[str, Any] = dict(deserialize(data))  # type: ignore[no-untyped-call]
        contents = {name: entry["data"] for name, entry in found.items()}
        if _checksum(told, contents) != checksum:
            raise InputError("damaged, its checksum is another")
        tensors = {
            name: torch.frombuffer(entry["data"], dtype=TYPES[entry["dtype"]]).view(entry["shape"])
            for name, entry in found.items()
        }
        about = dict(json.loads(told))
    except (SafetensorError, *UNREADABLE):
        raise InputError("damaged, or cut short") from None
    return about, tensors


def _alphabet(plain: Mapping[str, Any]) -> Alphabet:
    if plain["unit"] == "byte":
        return Alphabet.of_bytes()
    tokens = tuple(plain["tokens"])
    if plain["unit"] != "character" or not all(isinstance(token, str) for token in tokens):
        raise ValueError("no alphabet")
    return Alphabet(tokens)


def _built(
    name: str, settings: Mapping[str, Any], tokens: int, longest: int, weights: Mapping[str, Tensor]
) -> nn.Module:
    sizes = {"vocabulary": tokens, "classes": tokens, "max_length": longest}
    with torch.device("meta"):
        empty = build(name, **sizes, **settings)
    wanted = {key: list(value.shape) for key, value in empty.named_parameters()}
    for key in sorted(wanted.keys() | weights.keys()):
        own = list(weights[key].shape) if key in weights else "missing"
        if own != wanted.get(key, "missing"):
            raise InputError(f"{key!r:.80} is {own}, not {wanted.get(key, 'missing')}")
    model = build(name, **sizes, **settings).to(next(iter(weights.values())).dtype)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(weights[key])
    return model.eval()


def _checksum(told: str, contents: Mapping[str, Any]) -> str:
    """Of the description, and of all contents in the order of their names."""
    found = crc32(told.encode())
    for name in sorted(contents):
        found = crc32(contents[name], crc32(name.encode(), found))
    return f"{found:08x}"
