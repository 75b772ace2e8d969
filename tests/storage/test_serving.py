import sqlite3
import threading
from pathlib import Path

import pytest
from optuna.study import StudyDirection

from a3b_tune.errors import InputError
from a3b_tune.storage.opening import open_storage
from a3b_tune.storage.verbs import Beat, Checkpoint, Storage
from tests.postgres import PASSWORD, stoppable_server
from tests.storage.proxy import TOKEN, certificate, serving, with_token

pytest.importorskip("a3b_tune.storage.transport", reason="gRPC is an extra")

from optuna.storages._grpc.auto_generated import api_pb2

from a3b_tune.storage import wire
from a3b_tune.storage.answers import ANSWERS
from a3b_tune.storage.serving import MOST, Proxy, Tls, is_loopback
from a3b_tune.storage.transport import Code, grpc

OPTUNAS = api_pb2.DESCRIPTOR.services_by_name["StorageService"]
METHODS = [
    *(f"/{OPTUNAS.full_name}/{method.name}" for method in OPTUNAS.methods),
    *(f"/{wire.SERVICE}/{verb}" for verb in wire.VERBS),
    *("/a3b_tune.Storage/nonesuch", "/grpc.health.v1.Health/Check", "/"),
]
# What a caller without the token may show instead.
STRANGERS = [
    (),
    (("authorization", ""),),
    (("authorization", "Bearer "),),
    (("authorization", TOKEN),),
    (("authorization", f"Bearer {TOKEN[:-1]}"),),
    (("authorization", f"Bearer {TOKEN}x"),),
    (("authorization", f"bearer {TOKEN}"),),
    (("authorization", "Bearer wrong"), ("authorization", f"Bearer {TOKEN}")),
    (("token", TOKEN),),
]
KNOWN = (("authorization", f"Bearer {TOKEN}"),)


def called(address, method, metadata, message=b""):
    """What a bare call is answered with: the code and the words of a failure, or OK."""
    with grpc.insecure_channel(address.rpartition("@")[2]) as channel:
        try:
            channel.unary_unary(method)(message, metadata=metadata, timeout=20.0)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return Code.OK, ""


@pytest.fixture
def address(url):
    with serving(url) as found:
        yield found


def test_no_method_answers_without_the_token(address):
    assert len(METHODS) == len(set(METHODS)) >= 30
    for metadata in STRANGERS:
        answers = {method: called(address, method, metadata) for method in METHODS}
        codes = {method: code for method, (code, _) in answers.items()}
        assert codes == dict.fromkeys(METHODS, Code.UNAUTHENTICATED), metadata
        assert TOKEN not in str(answers)


def test_every_method_lets_in_who_has_the_token(address):
    for method in METHODS:
        assert called(address, method, KNOWN)[0] != Code.UNAUTHENTICATED


def test_every_verb_of_a_storage_is_answered():
    verbs = Storage.__abstractmethods__ - Storage.__mro__[1].__abstractmethods__
    assert verbs - {"forget_connections"} <= set(ANSWERS)
    assert {*ANSWERS, "ping"} == set(wire.VERBS)


@pytest.mark.parametrize("message", [b"", b"x" * 99, wire.pack({}), wire.pack({"ids": 1}, [b""])])
def test_what_is_not_understood_is_refused_and_harms_nobody(address, message):
    for verb in wire.VERBS:
        code, words = called(address, f"/{wire.SERVICE}/{verb}", KNOWN, message)
        assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.INTERNAL), (verb, words)
        assert "\n" not in words
    assert open_storage(address).get_all_studies() == []


def test_a_message_too_large_is_refused(address):
    code, _ = called(address, f"/{wire.SERVICE}/read", KNOWN, b"x" * (MOST + 1))
    assert code == Code.RESOURCE_EXHAUSTED
    assert open_storage(address).get_all_studies() == []


def test_without_a_token_a_proxy_on_loopback_lets_everyone_in(url):
    with serving(url, token=None) as address:
        assert called(address, f"/{wire.SERVICE}/ping", (), wire.pack({}))[0] == Code.OK


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.0.2.7", False),
    ],
)
def test_what_others_reach_is_known(host, loopback):
    assert is_loopback(host) == loopback


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"host": "0.0.0.0"}, "--token-file"),
        ({"host": "0.0.0.0", "token": "x" * 15}, "has 15 characters; it needs 16"),
        ({"host": "no.such.host.invalid"}, "no such address"),
        ({"tls": Tls(Path("no.pem"), Path("no.key"))}, "--tls-cert no.pem: no such file"),
        ({"tls": Tls(Path(__file__), Path(__file__))}, "no certificate and its key"),
    ],
)
def test_a_proxy_that_could_not_serve_well_does_not_start(url, options, told):
    storage = open_storage(url, create=True)
    with pytest.raises(InputError) as error:
        Proxy(storage, **options)
    assert told in str(error.value)
    assert "xxx" not in str(error.value)


def test_a_port_that_is_taken_is_told(url):
    storage = open_storage(url, create=True)
    first = Proxy(storage)
    with pytest.raises(InputError, match="choose another --port"):
        Proxy(storage, port=int(first.address.rpartition(":")[2]))
    first.stop(grace=0.0)


def test_a_fault_is_told_here_and_not_there(url, tmp_path):
    told = []
    with serving(url, tell=told.append) as address:
        storage = open_storage(address)
        storage.create_whole_study("s", StudyDirection.MAXIMIZE, {})
        with sqlite3.connect(tmp_path / "studies.db") as connection:
            connection.execute("DROP TABLE trial_heartbeats")
        with pytest.raises(grpc.RpcError) as fault:
            storage.beats(1)
    assert fault.value.code() == Code.INTERNAL
    assert "trial_heartbeats" not in str(fault.value)
    assert "no such table: trial_heartbeats" in told[0]


def test_a_database_that_goes_is_named_to_nobody_and_may_come_back(capfd):
    pytest.importorskip("psycopg", reason="the driver of Postgres is an extra")
    told, words = [], []
    with stoppable_server() as database, serving(database.url, tell=told.append) as address:
        client = open_storage(address)
        client.create_whole_study("s", StudyDirection.MAXIMIZE, {})
        database.stop()
        for call in (
            lambda: client.read(1, []),
            lambda: client.get_all_studies(),
            lambda: client.save_checkpoints([Checkpoint(1, "me", 1, b"x")]),
        ):
            with pytest.raises(grpc.RpcError) as gone:
                call()
            assert gone.value.code() == Code.UNAVAILABLE
            assert gone.value.details() == "the database behind the proxy does not answer"
            words.append(str(gone.value))
        with pytest.raises(InputError, match="the database behind the proxy does not answer"):
            open_storage(address)
        database.start()
        assert client.read(1, []) == []
    assert [line.partition(":")[0] for line in told] == [
        "the database does not answer",
        "the database answers again",
    ]
    seen = "".join([*words, *told, *capfd.readouterr()])
    assert PASSWORD not in seen
    assert TOKEN not in seen
    assert database.url.rpartition(":")[2].partition("/")[0] not in "".join(words)


def test_calls_that_are_being_answered_end_before_the_proxy_does(url, monkeypatch):
    storage = open_storage(url, create=True)
    asked, may_answer = threading.Event(), threading.Event()

    def beats(_storage, study_id):
        asked.set()
        assert may_answer.wait(20.0)
        return [Beat(1, "me", "now", 0.5)]

    monkeypatch.setattr(type(storage), "beats", beats)
    proxy = Proxy(storage, token=TOKEN)
    proxy.start()
    client = open_storage(with_token(proxy.address))
    found = []
    caller = threading.Thread(target=lambda: found.extend(client.beats(1)))
    caller.start()
    assert asked.wait(20.0)
    stopping = threading.Thread(target=proxy.stop)
    stopping.start()
    may_answer.set()
    stopping.join(20.0)
    caller.join(20.0)
    assert found == [Beat(1, "me", "now", 0.5)]
    with pytest.raises(grpc.RpcError):
        client.beats(1)


def test_with_a_certificate_nothing_travels_in_clear(url, tmp_path):
    tls = Tls(*certificate(tmp_path, "localhost"))
    other = certificate(tmp_path, "other.example")[0]
    with serving(url, tls=tls, host="localhost") as address:
        assert address.startswith("grpcs://")
        storage = open_storage(f"{address}?ca={tls.certificate}")
        storage.create_whole_study("s", StudyDirection.MAXIMIZE, {})
        assert storage.get_study_id_from_name("s") == 1
        refused = {
            address: "is not trusted; name its authority by ?ca=FILE",
            f"{address}?ca={other}": "is not trusted",
            f"{address}?ca={__file__}": "no certificate",
            address.replace("grpcs", "grpc"): "write grpcs:// instead of grpc://",
            f"{address}?ca={tls.certificate}".replace("localhost", "127.0.0.1", 1): "host name",
        }
        for wrong, told in refused.items():
            with pytest.raises(InputError) as error:
                open_storage(wrong)
            assert told in str(error.value)
            assert TOKEN not in str(error.value)


def test_a_proxy_without_a_certificate_is_told(address, tmp_path):
    ca = certificate(tmp_path, "localhost")[0]
    with pytest.raises(InputError, match="write grpc:// instead of grpcs://"):
        open_storage(f"{address}?ca={ca}".replace("grpc:", "grpcs:"))
