import pickle
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.study import StudyDirection
from optuna.trial import TrialState

from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.patience import Patience, passes
from a3b_tune.storage.verbs import CALLS, Change, Checkpoint
from tests.storage.proxy import TOKEN, serving, with_token

pytest.importorskip("a3b_tune.storage.transport", reason="gRPC is an extra")

from a3b_tune.storage import remote, wire
from a3b_tune.storage.serving import Proxy
from a3b_tune.storage.transport import grpc

ME = "me:1"


@pytest.fixture
def address(url):
    with serving(url) as found:
        yield found


@pytest.fixture
def storage(address):
    return open_storage(address)


@pytest.fixture
def study(storage):
    storage.create_whole_study("s", StudyDirection.MAXIMIZE, {"n": [1, None]})
    return storage.get_study_id_from_name("s")


def test_what_the_proxys_storage_raises_keeps_its_meaning(storage, study):
    unknown = [
        lambda: storage.get_study_id_from_name("no such"),
        lambda: storage.get_study_user_attrs(99),
        lambda: storage.get_trial(99),
        lambda: storage.get_all_trials(99),
        lambda: storage.read(99, []),
        lambda: storage.create_within(99, 5, ME, {}),
        lambda: storage.claim_waiting(99, ME, {}),
    ]
    for call in unknown:
        with pytest.raises(KeyError):
            call()
    with pytest.raises(DuplicatedStudyError):
        storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    (trial,) = storage.create_within(study, 1, ME, {})
    storage.write_all([Change(trial._trial_id, ME, state=TrialState.FAIL)])
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_user_attr(trial._trial_id, "a", 1)


def test_a_clear_error_of_the_proxys_storage_is_one_here(url, monkeypatch):
    with serving(url) as address:
        storage = open_storage(address)
        database = open_storage(url)

        def refused(*_arguments, **_named):
            raise InputError(f"{url} is not what it was")

        monkeypatch.setattr(type(database), "beats", refused)
        with pytest.raises(InputError, match=r"^the proxy's database is not what it was$"):
            storage.beats(1)


def test_optunas_own_study_reads_and_writes_through_it(storage, study):
    found = optuna.load_study(study_name="s", storage=storage)
    assert found.direction == StudyDirection.MAXIMIZE
    assert found.user_attrs == {"n": [1, None]}
    found.set_user_attr("more", {"x": 0.5})
    made = storage.create_within(study, 3, ME, {"a": 1}, 3)
    storage.write_all([Change(made[1]._trial_id, ME, state=TrialState.COMPLETE, value=0.5)])
    assert found.user_attrs["more"] == {"x": 0.5}
    assert [trial.state.name for trial in found.trials] == ["RUNNING", "COMPLETE", "RUNNING"]
    assert found.best_trial.number == 1
    assert [t.number for t in found.get_trials(states=[TrialState.RUNNING])] == [0, 2]
    assert storage.get_n_trials(study) == 3


def test_what_is_read_through_the_proxy_is_what_the_database_says(storage, study, url):
    made = storage.create_within(study, 9, ME, {"a": 1}, 3)
    values = {1: 0.25, 2: float("inf")}
    storage.write_all([Change(made[0]._trial_id, ME, values=values, notes={"n": [1]})])
    direct = open_storage(url).get_all_trials(study)
    assert storage.get_all_trials(study) == direct
    assert storage.read(study, [made[1]._trial_id], made[1]._trial_id) == direct[1:]
    assert [storage.get_trial(trial._trial_id) for trial in made] == direct


def test_many_threads_use_one_at_once(storage, study):
    def worker(name):
        made = []
        while found := storage.create_within(study, 40, f"{name}:{len(made)}", {}, 3):
            made += [trial.number for trial in found]
            storage.beat({trial._trial_id: f"{name}:{len(made) - len(found)}" for trial in found})
        return made

    with ThreadPoolExecutor(8) as pool:
        made = [number for numbers in pool.map(worker, range(8)) for number in numbers]
    assert sorted(made) == list(range(40))


def test_it_may_be_sent_to_another_process(storage, study):
    again = pickle.loads(pickle.dumps(storage))
    assert again.get_study_id_from_name("s") == study


def test_a_checkpoint_larger_than_a_message_is_kept(storage, study):
    made = storage.create_within(study, 2, ME, {}, 2)
    saved = [Checkpoint(t._trial_id, ME, 1, bytes([t.number]) * (2**26 + 1)) for t in made]
    storage.save_checkpoints(saved)
    assert list(storage.load_checkpoints([t._trial_id for t in made]).values()) == saved


@given(st.lists(st.integers(0, 9)))
def test_checkpoints_are_brought_together_without_losing_one(sizes):
    saved = [Checkpoint(n, ME, n, b"x" * size) for n, size in enumerate(sizes)]
    most, remote.TOGETHER = remote.TOGETHER, 10
    try:
        groups = list(remote._together(saved))
    finally:
        remote.TOGETHER = most
    assert [one for group in groups for one in group] == saved
    assert all(len(g) == 1 or sum(len(one.data) for one in g) <= 10 for g in groups)


def test_a_proxy_that_is_gone_is_an_error_to_try_again_after_and_it_may_come_back(url):
    database = open_storage(url, create=True)
    database.create_whole_study("s", StudyDirection.MAXIMIZE, {})
    first = Proxy(database, token=TOKEN)
    first.start()
    storage = open_storage(with_token(first.address))
    assert storage.get_study_id_from_name("s") == 1
    first.stop(grace=0.0)
    calls = [
        lambda: storage.get_study_id_from_name("s"),
        lambda: storage.read(1, []),
        lambda: storage.save_checkpoints([Checkpoint(1, ME, 1, b"x")]),
    ]
    for call in calls:
        with pytest.raises(grpc.RpcError) as gone:
            call()
        assert passes(gone.value)
        assert TOKEN not in "".join(traceback.format_exception(gone.value))
    second = Proxy(database, port=int(first.address.rpartition(":")[2]), token=TOKEN)
    storage.patience = Patience(60.0, gone=lambda _cause: second.start())
    assert storage.get_study_id_from_name("s") == 1
    second.stop(grace=0.0)


@pytest.fixture
def stranger():
    """A gRPC server that is not ours: what it answers to a greeting, and where it is."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")

    def start(**answers):
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(lambda _m, _c, answer=answer: answer)
            for name, answer in answers.items()
        }
        kind = grpc.method_handlers_generic_handler(wire.SERVICE, handlers)
        server.add_generic_rpc_handlers((kind,))
        server.start()
        return f"grpc://127.0.0.1:{port}"

    yield start
    server.stop(None)


def refused(url):
    with pytest.raises(InputError) as error:
        open_storage(url)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_proxy_of_another_version_is_told(stranger):
    ping = wire.pack({"protocol": wire.PROTOCOL + 1, "version": "9.9"})
    assert "a3b-tune 9.9, which speaks another protocol" in refused(stranger(ping=ping))


@pytest.mark.parametrize("answers", [{}, {"ping": b"hello"}])
def test_a_server_of_something_else_is_told(stranger, answers):
    assert "was not started by `a3b-tune storage serve`" in refused(stranger(**answers))


def test_who_takes_a_call_and_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(remote, "GREETING_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "no answer" in refused(f"grpc://127.0.0.1:{mute.getsockname()[1]}")


def test_every_call_that_may_be_repeated_is_one_that_waits():
    for name in CALLS:
        assert hasattr(getattr(remote.RemoteStorage, name), "__wrapped__"), name
