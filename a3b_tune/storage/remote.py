"""A storage behind a proxy: Optuna's calls and the verbs of this package, over one gRPC channel.

Needs neither a database's driver nor its password. Knows no table, and does not wait for a proxy
that is gone: it says so.
"""

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import GrpcStorageProxy
from optuna.storages._grpc.client import GrpcClientCache
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from a3b_tune.errors import InputError
from a3b_tune.storage import wire
from a3b_tune.storage.addresses import ProxyAddress
from a3b_tune.storage.patience import Patience, patient
from a3b_tune.storage.transport import (
    STRANGER,
    Carrying,
    Code,
    StorageServiceStub,
    grpc,
    open_channel,
    refusal,
)
from a3b_tune.storage.verbs import (
    CALLS,
    NO_MORE,
    Beat,
    Change,
    Checkpoint,
    Points,
    Release,
    Storage,
)

# Seconds for the first word.
GREETING_TIMEOUT = 5.0
# Checkpoints are sent in pieces: bytes of a piece, and how many are brought together before.
PIECE, TOGETHER = 2**20, 2**24
MEANT: dict[grpc.StatusCode, type[Exception]] = {
    Code.NOT_FOUND: KeyError,
    Code.FAILED_PRECONDITION: UpdateFinishedTrialError,
    Code.ALREADY_EXISTS: DuplicatedStudyError,
    Code.INVALID_ARGUMENT: ValueError,
    Code.ABORTED: InputError,
}


@patient(*CALLS)
class RemoteStorage(GrpcStorageProxy, Storage):
    """The database of a proxy; may be used by several threads at once."""

    def __init__(self, address: ProxyAddress) -> None:
        # Not Optuna's own, which warns that it is new.
        self.url = address.url
        self.patience = Patience()
        self._address = address
        self._setup()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[ProxyAddress]]:
        return RemoteStorage, (self._address,)

    def _setup(self) -> None:
        self._channel = open_channel(self._address)
        carried = Carrying(self._channel, self._address.token)
        self._stub = StorageServiceStub(carried)  # type: ignore[no-untyped-call]
        self._cache = GrpcClientCache(self._stub)
        self._verbs = {
            name: carried.verb(f"/{wire.SERVICE}/{name}", name in wire.IN_PIECES)
            for name in wire.VERBS
        }

    def forget_connections(self) -> None:
        """A channel connects again by itself, and other threads may be using it."""

    def greet(self) -> None:
        """Asks the proxy who it is.

        :raises InputError: it is not there, not a proxy of this version, or it does not let us in.
        """
        try:
            said, _ = wire.unpack(self._verbs["ping"](wire.pack({}), timeout=GREETING_TIMEOUT))
        except grpc.RpcError as error:
            raise InputError(f"{self._address}: {refusal(error, self._address.token)}") from None
        except wire.Garbled:
            raise InputError(f"{self._address}: {STRANGER}") from None
        if said.get("protocol") != wire.PROTOCOL:
            raise InputError(
                f"{self._address}: served by a3b-tune {said.get('version')}, which speaks another "
                "protocol; install the same version on both sides"
            )

    def _ask(self, verb: str, said: wire.Plain) -> tuple[wire.Plain, list[bytes]]:
        with _meaning():
            return wire.unpack(self._verbs[verb](wire.pack(said)))

    def create_whole_study(
        self, name: str, direction: StudyDirection, attrs: Mapping[str, Any]
    ) -> None:
        said = {"name": name, "direction": direction.name, "attrs": dict(attrs)}
        self._ask("create_whole_study", said)

    def create_within(
        self,
        study_id: int,
        budget: int,
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        points: Points | None = None,
    ) -> list[FrozenTrial]:
        said = {"study_id": study_id, "budget": budget, "claim": claim, "count": count}
        said |= {"attrs": dict(attrs), "points": None if points is None else wire.plain(points)}
        return _trials(self._ask("create_within", said))

    def claim_waiting(
        self,
        study_id: int,
        claim: str,
        attrs: Mapping[str, Any],
        count: int = 1,
        among: Collection[int] | None = None,
    ) -> list[FrozenTrial]:
        said = {"study_id": study_id, "claim": claim, "attrs": dict(attrs), "count": count}
        said |= {"among": None if among is None else list(among)}
        return _trials(self._ask("claim_waiting", said))

    def read(
        self, study_id: int, ids: Collection[int], newer_than: int = NO_MORE
    ) -> list[FrozenTrial]:
        said = {"study_id": study_id, "ids": list(ids), "newer_than": newer_than}
        return _trials(self._ask("read", said))

    def get_trial(self, trial_id: int) -> FrozenTrial:
        said, _ = self._ask("get_trial", {"trial_id": trial_id})
        return wire.whole_trial(said)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        found = self.read(study_id, (), -1)
        return [trial for trial in found if states is None or trial.state in states]

    def write_all(self, changes: Sequence[Change]) -> list[int]:
        return _ids(self._ask("write_all", {"changes": [wire.plain(one) for one in changes]}))

    def release(self, releases: Sequence[Release]) -> list[int]:
        return _ids(self._ask("release", {"releases": [wire.plain(one) for one in releases]}))

    def beat(self, claims: Mapping[int, str]) -> list[int]:
        return _ids(self._ask("beat", {"claims": list(claims.items())}))

    def beats(self, study_id: int) -> list[Beat]:
        said, _ = self._ask("beats", {"study_id": study_id})
        return [wire.whole(Beat, one) for one in said["beats"]]

    def save_checkpoints(self, saved: Sequence[Checkpoint]) -> None:
        for some in _together(saved):
            told, blobs = wire.plain_checkpoints(some)
            message = wire.pack({"saved": told}, blobs)
            pieces = (message[at : at + PIECE] for at in range(0, len(message), PIECE))
            with _meaning():
                self._verbs["save_checkpoints"](pieces)

    def load_checkpoints(self, ids: Collection[int]) -> dict[int, Checkpoint]:
        said, blobs = self._ask("load_checkpoints", {"ids": list(ids)})
        return {found.trial_id: found for found in wire.whole_checkpoints(said["saved"], blobs)}


@contextmanager
def _meaning() -> Iterator[None]:
    """Around a call: raises what the proxy's storage raised, where that means something."""
    try:
        yield
    except grpc.RpcError as error:
        if kind := MEANT.get(error.code()):
            raise kind(error.details()) from error
        raise


def _trials(answer: tuple[wire.Plain, list[bytes]]) -> list[FrozenTrial]:
    return [wire.whole_trial(one) for one in answer[0]["trials"]]


def _ids(answer: tuple[wire.Plain, list[bytes]]) -> list[int]:
    return [int(one) for one in answer[0]["ids"]]


def _together(saved: Sequence[Checkpoint]) -> Iterator[list[Checkpoint]]:
    """As many at once as are not too large; at least one."""
    some: list[Checkpoint] = []
    for one in saved:
        if some and sum(len(c.data) for c in some) + len(one.data) > TOGETHER:
            yield some
            some = []
        some.append(one)
    if some:
        yield some
