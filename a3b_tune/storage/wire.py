"""What a proxy and its clients say to each other: JSON, and beside it bytes as they are.

Nothing that arrives is run: what is not understood is refused. Moments travel in UTC, because the
two ends may stand in different time zones. Knows neither the verbs nor how messages travel.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.storage.verbs import Beat, Change, Checkpoint, Points, Release

# Raised with every change of what is said: ends of different numbers do not talk.
PROTOCOL = 1
SERVICE = "a3b_tune.Storage"
VERBS = (
    *("ping", "create_whole_study", "create_within", "claim_waiting", "read", "get_trial"),
    *("write_all", "release", "beat", "beats", "save_checkpoints", "load_checkpoints"),
)
# Those whose question may be too large for one message.
IN_PIECES = ("save_checkpoints",)
# A message: how long its JSON is, the JSON, then the bytes that the JSON tells the lengths of.
LENGTH = struct.Struct(">I")

Plain = dict[str, Any]
Kind = TypeVar("Kind", Change, Release, Points, Beat)

# A study has a handful of ranges, told again for each of its trials. Nothing changes one.
_distribution = lru_cache(maxsize=4096)(json_to_distribution)


class Garbled(ValueError):
    """What arrived is none of what is said here."""


@contextmanager
def understood() -> Iterator[None]:
    """Around the reading of what arrived.

    :raises Garbled: for whatever went wrong.
    """
    try:
        yield
    except (
        ValueError, TypeError, KeyError, IndexError, AttributeError,
        OverflowError, RecursionError, struct.error,
    ) as error:  # fmt: skip
        raise Garbled(f"not understood: {type(error).__name__}") from error


def pack(said: Plain, blobs: Sequence[bytes] = ()) -> bytes:
    """One message."""
    head = json.dumps([said, [len(blob) for blob in blobs]]).encode("ascii")
    return b"".join([LENGTH.pack(len(head)), head, *blobs])


def unpack(message: bytes) -> tuple[Plain, list[bytes]]:
    """What `pack` was given.

    :raises Garbled: it is no such message, or not the whole of one.
    """
    with understood():
        (length,) = LENGTH.unpack_from(message)
        begin = LENGTH.size + length
        said, lengths = json.loads(message[LENGTH.size : begin])
        blobs = []
        for size in lengths:
            blobs.append(message[begin : begin + size])
            begin += size
        if not isinstance(said, dict) or begin != len(message) or min([0, *lengths]) < 0:
            raise Garbled("not one whole message")
        return said, blobs


def plain(item: Change | Release | Points | Beat) -> Plain:
    """One of the verbs' own things as JSON has it."""
    return {
        field.name: _WAYS.get(field.name, _AS_IT_IS)[0](getattr(item, field.name))
        for field in fields(item)
    }


def whole(kind: type[Kind], told: Plain) -> Kind:
    """What `plain` was given."""
    with understood():
        return kind(**{name: _WAYS.get(name, _AS_IT_IS)[1](value) for name, value in told.items()})


def plain_checkpoints(items: Sequence[Checkpoint]) -> tuple[list[Plain], list[bytes]]:
    """Checkpoints as JSON and, in the same order, their bytes."""
    told = [{"trial_id": c.trial_id, "claim": c.claim, "step": c.step} for c in items]
    return told, [bytes(c.data) for c in items]


def whole_checkpoints(told: Sequence[Plain], blobs: Sequence[bytes]) -> list[Checkpoint]:
    """What `plain_checkpoints` was given."""
    with understood():
        return [Checkpoint(**one, data=data) for one, data in zip(told, blobs, strict=True)]


def plain_trial(trial: FrozenTrial) -> Plain:
    """A trial as JSON has it."""
    return {
        "id": trial._trial_id,
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values,
        "began": _in_utc(trial.datetime_start),
        "ended": _in_utc(trial.datetime_complete),
        "params": trial.params,
        "distributions": _texts(trial.distributions),
        "user": trial.user_attrs,
        "system": trial.system_attrs,
        "reports": list(trial.intermediate_values.items()),
    }


def whole_trial(told: Plain) -> FrozenTrial:
    """What `plain_trial` was given."""
    with understood():
        return FrozenTrial(
            trial_id=told["id"],
            number=told["number"],
            state=TrialState[told["state"]],
            value=None,
            values=told["values"],
            datetime_start=_local(told["began"]),
            datetime_complete=_local(told["ended"]),
            params=told["params"],
            distributions=_ranges(told["distributions"]),
            user_attrs=told["user"],
            system_attrs=told["system"],
            intermediate_values=dict(told["reports"]),
        )


def _in_utc(moment: datetime | None) -> str | None:
    """Optuna's moments have no zone and are local."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _local(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told).astimezone().replace(tzinfo=None)


def _texts(ranges: Mapping[str, BaseDistribution]) -> dict[str, str]:
    return {name: distribution_to_json(found) for name, found in ranges.items()}


def _ranges(texts: Mapping[str, str]) -> dict[str, BaseDistribution]:
    return {name: _distribution(text) for name, text in texts.items()}


Way = tuple[Callable[[Any], Any], Callable[[Any], Any]]

_AS_IT_IS: Way = (lambda value: value, lambda value: value)
# The fields that JSON has no word for, by name: there and back.
_WAYS: dict[str, Way] = {
    "distributions": (_texts, _ranges),
    "values": (lambda values: list(values.items()), dict),
    "state": (
        lambda state: None if state is None else state.name,
        lambda name: None if name is None else TrialState[name],
    ),
    "among": (list, tuple),
}
