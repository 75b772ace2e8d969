"""A model's tensors as the bytes of a safetensors file, and back into a model, without trust.

Nothing is allocated for a model before its shapes are known to be those of the file. Knows nothing
of vocabularies, data or where the bytes are kept.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save
from torch import Tensor, nn

from a3b_tune.errors import InputError

# What reading something that may be anything raises, where it was to be a description in JSON.
UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def pack_weights(model: nn.Module, metadata: Mapping[str, str]) -> bytes:
    """All that a model's `state_dict` holds, with a few words beside it."""
    own = {
        name: tensor.detach().cpu().clone().contiguous()
        for name, tensor in model.state_dict().items()
    }
    return save(own, dict(metadata))


def unpack_weights(data: bytes) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The words and the tensors, which are views of the bytes.

    :raises InputError: the bytes are no such file.
    """
    try:
        size = int.from_bytes(data[:8], "little")
        metadata = dict(json.loads(data[8 : 8 + size])["__metadata__"])
        found: dict[str, Any] = dict(deserialize(data))  # type: ignore[no-untyped-call]
        return metadata, {name: _tensor(entry) for name, entry in found.items()}
    except (SafetensorError, *UNREADABLE):
        raise InputError("damaged, or no model that was kept by a3b-tune") from None


def _tensor(entry: Mapping[str, Any]) -> Tensor:
    dtype, shape = TYPES[entry["dtype"]], entry["shape"]
    if 0 in shape:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(entry["data"], dtype=dtype).view(shape)


def check_whole_numbers(settings: object, weights: Mapping[str, Tensor], least: int) -> None:
    """Refuses a whole number larger than `least` and than any size in the file: one that would only
    make a constructor work without end.

    :raises InputError: there is one.
    """
    sizes = [least, len(weights), *(size for tensor in weights.values() for size in tensor.shape)]
    if _largest(settings) > max(sizes):
        raise InputError("its settings do not belong to its weights")


def _largest(settings: object) -> int:
    if isinstance(settings, int):
        return abs(settings)
    if isinstance(settings, Mapping):
        return max(map(_largest, settings.values()), default=0)
    if isinstance(settings, list):
        return max(map(_largest, settings), default=0)
    return 0


def with_weights(build: Callable[[], nn.Module], weights: Mapping[str, Tensor]) -> nn.Module:
    """The model that `build` makes, with these weights, ready to answer.

    :raises InputError: they are those of another model.
    """
    with torch.device("meta"):
        wanted = {name: list(tensor.shape) for name, tensor in build().state_dict().items()}
    for name in sorted(wanted.keys() | weights.keys()):
        own = list(weights[name].shape) if name in weights else "missing"
        if own != wanted.get(name, "missing"):
            raise InputError(f"{name!r:.80} is {own}, not {wanted.get(name, 'missing')}")
    floats = [tensor.dtype for tensor in weights.values() if tensor.is_floating_point()]
    model = build().to(floats[0] if floats else torch.float32)
    model.load_state_dict(dict(weights))
    return model.eval()
