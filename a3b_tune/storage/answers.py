"""How a proxy answers each verb: what was asked, the storage's own verb, what is answered.

Knows neither who asks nor how messages travel.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from a3b_tune import __version__
from a3b_tune.storage import wire
from a3b_tune.storage.verbs import Beat, Change, Checkpoint, Points, Release, Storage
from a3b_tune.storage.wire import Plain

Blobs = Sequence[bytes]
Asked = Callable[[Plain, Blobs], Plain]
"""From what was said to the arguments of the storage's verb."""
Told = Callable[[Any], tuple[Plain, Blobs]]
"""From what the verb returned to what is said."""


def answer(storage: Storage, verb: str, message: bytes) -> bytes:
    """The answer to one message.

    :raises Garbled: the message is not one that asks this.
    """
    said, blobs = wire.unpack(message)
    if verb == "ping":
        with suppress(KeyError):
            # A proxy whose database is gone is of no use.
            storage.get_study_id_from_name("")
        return wire.pack({"protocol": wire.PROTOCOL, "version": __version__})
    asked, told = ANSWERS[verb]
    with wire.understood():
        arguments = asked(said, blobs)
    return wire.pack(*told(getattr(storage, verb)(**arguments)))


def _same(said: Plain, _blobs: Blobs) -> Plain:
    return said


def _study(said: Plain, _blobs: Blobs) -> Plain:
    return {**said, "direction": StudyDirection[said["direction"]]}


def _points(said: Plain, _blobs: Blobs) -> Plain:
    points = said["points"]
    return {**said, "points": None if points is None else wire.whole(Points, points)}


def _changes(said: Plain, _blobs: Blobs) -> Plain:
    return {"changes": [wire.whole(Change, one) for one in said["changes"]]}


def _releases(said: Plain, _blobs: Blobs) -> Plain:
    return {"releases": [wire.whole(Release, one) for one in said["releases"]]}


def _claims(said: Plain, _blobs: Blobs) -> Plain:
    return {"claims": dict(said["claims"])}


def _saved(said: Plain, blobs: Blobs) -> Plain:
    return {"saved": wire.whole_checkpoints(said["saved"], blobs)}


def _nothing(_found: None) -> tuple[Plain, Blobs]:
    return {}, ()


def _trial(found: FrozenTrial) -> tuple[Plain, Blobs]:
    return wire.plain_trial(found), ()


def _trials(found: Iterable[FrozenTrial]) -> tuple[Plain, Blobs]:
    return {"trials": [wire.plain_trial(trial) for trial in found]}, ()


def _ids(found: Sequence[int]) -> tuple[Plain, Blobs]:
    return {"ids": list(found)}, ()


def _beats(found: Iterable[Beat]) -> tuple[Plain, Blobs]:
    return {"beats": [wire.plain(beat) for beat in found]}, ()


def _checkpoints(found: Mapping[int, Checkpoint]) -> tuple[Plain, Blobs]:
    told, blobs = wire.plain_checkpoints(list(found.values()))
    return {"saved": told}, blobs


ANSWERS: Mapping[str, tuple[Asked, Told]] = {
    "create_whole_study": (_study, _nothing),
    "create_within": (_points, _trials),
    "claim_waiting": (_same, _trials),
    "read": (_same, _trials),
    "get_trial": (_same, _trial),
    "write_all": (_changes, _ids),
    "release": (_releases, _ids),
    "beat": (_claims, _ids),
    "beats": (_same, _beats),
    "save_checkpoints": (_saved, _nothing),
    "load_checkpoints": (_same, _checkpoints),
}
