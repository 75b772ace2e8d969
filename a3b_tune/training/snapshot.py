"""Named tensors and a few facts as bytes that are read without trust: safetensors, in which facts
and shapes are JSON, numbers follow, and nothing runs.

What cannot be read is refused in one line. Knows neither models nor optimizers, and not where the
bytes are kept.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save
from torch import Tensor

VERSION = "1"
TYPES = {torch.float32: "F32", torch.float64: "F64", torch.uint8: "U8"}


# Characters of a fact.
LONGEST = 20
# What looking for them raises in a header that may be anything.
UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip


class BadSnapshot(ValueError):
    """Bytes from which a member cannot go on; the text says in one line why not."""


@dataclass(frozen=True)
class Facts:
    """What the header says of a member: epochs done, steps taken, the seed of its noise, and the
    name of its optimizer."""

    epochs: int
    step: int
    seed: int
    optimizer: str

    def texts(self) -> dict[str, str]:
        """As they stand in the header."""
        return {key: str(value) for key, value in asdict(self).items()}


def pack(facts: Facts, tensors: Mapping[str, Tensor]) -> bytes:
    """Facts and tensors, on any device, as bytes."""
    own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = _checksum(facts, (own[name].numpy() for name in sorted(own)))
    return save(own, {"snapshot": VERSION, **facts.texts(), "crc32": checksum})


def epochs_done(saved: bytes) -> int:
    """How many epochs a snapshot's member had done, as its header says.

    :raises BadSnapshot: the bytes are cut, or no snapshot that this version reads.
    """
    return read_facts(saved).epochs


def read_facts(saved: bytes) -> Facts:
    """What the header says; of what follows only the length is looked at.

    :raises BadSnapshot: the bytes are cut, or no snapshot that this version reads.
    """
    return _header(saved)[0]


def unpack(saved: bytes, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a snapshot, on the CPU.

    :param like: tensors of the names, types and shapes that are wanted.
    :raises BadSnapshot: it is damaged, or its tensors are others.
    """
    facts, checksum = _header(saved)
    try:
        found: dict[str, dict[str, Any]] = dict(deserialize(saved))  # type: ignore[no-untyped-call]
    except SafetensorError:
        raise BadSnapshot("snapshot: its header does not fit what follows") from None
    for name in sorted(found.keys() | like.keys()):
        own, wanted = _stored(found.get(name)), _wanted(like.get(name))
        if own != wanted:
            raise BadSnapshot(
                f"snapshot: of another shape, {name!r:.80} is {own:.80}, not {wanted}"
            )
    data = {name: found[name]["data"] for name in sorted(found)}
    if _checksum(facts, data.values()) != checksum:
        raise BadSnapshot("snapshot: damaged, its checksum is another")
    return {
        name: torch.frombuffer(data[name], dtype=tensor.dtype).view(tensor.shape)
        for name, tensor in like.items()
    }


def _header(saved: bytes) -> tuple[Facts, object]:
    """The facts, and the checksum of all."""
    try:
        size = int.from_bytes(saved[:8], "little")
        header = json.loads(saved[8 : 8 + size])
        own = header.pop("__metadata__")
        version = str(own.pop("snapshot"))
        checksum = own.pop("crc32")
        facts = Facts(int(own["epochs"]), int(own["step"]), int(own["seed"]), own["optimizer"])
        plain = facts.texts() == own and max(map(len, own.values())) <= LONGEST
        whole = len(saved) == 8 + size + max(entry["data_offsets"][1] for entry in header.values())
    except UNREADABLE:
        raise BadSnapshot("snapshot: cut short, or no snapshot at all") from None
    if version != VERSION:
        raise BadSnapshot(f"snapshot: of format {version!r:.20}, not {VERSION!r}")
    if not plain or min(facts.epochs, facts.step) < 0:
        raise BadSnapshot("snapshot: its header is damaged")
    if not whole:
        raise BadSnapshot("snapshot: cut short, or longer than its header says")
    return facts, checksum


def _stored(entry: Mapping[str, Any] | None) -> str:
    return "missing" if entry is None else f"{entry['dtype']} {entry['shape']}"


def _wanted(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"{TYPES[tensor.dtype]} {list(tensor.shape)}"


def _checksum(facts: Facts, contents: Iterable[Any]) -> str:
    """Of the facts and of the contents of all tensors in the order of their names."""
    found = crc32(json.dumps(facts.texts()).encode())
    for content in contents:
        found = crc32(content, found)
    return f"{found:08x}"
