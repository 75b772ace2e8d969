"""A proxy in front of a database: Optuna's own calls and the verbs of this package by gRPC.

Lets in who has the token; nobody learns from its answers where the database is or what it said.
Knows neither studies nor the terminal.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from a3b_tune.errors import InputError
from a3b_tune.storage import wire
from a3b_tune.storage.answers import answer
from a3b_tune.storage.guard import Guard, Outcome
from a3b_tune.storage.transport import (
    OptunaStorageProxyService,
    add_StorageServiceServicer_to_server,
    grpc,
)
from a3b_tune.storage.verbs import Storage

# Calls that are answered at the same time.
THREADS = 32
# Bytes of one message; checkpoints come in pieces, and all pieces of one call may have so many.
MOST, MOST_IN_PIECES = 2**26, 2**30
# Characters of a token that cannot be guessed.
LEAST_TOKEN = 16
# Seconds that calls have to end in when the proxy stops.
GRACE = 5.0
SERVER = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MOST),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


@dataclass(frozen=True)
class Tls:
    """A server's certificate and its key, in PEM files."""

    certificate: Path
    key: Path


class Proxy:
    """A server in front of a storage; serves from `start` to `stop`."""

    def __init__(
        self,
        storage: Storage,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str | None = None,
        tls: Tls | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """
        :param port: 0 for any that is free.
        :param tell: is told, in one line, what happens to the database.
        :raises InputError: this address cannot be listened on, or not like this.
        """
        check_exposure(host, token)
        guard = Guard(token, Outcome(storage.url, tell))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="proxy")
        self._server = grpc.server(self._pool, interceptors=(guard,), options=SERVER)
        add_StorageServiceServicer_to_server(  # type: ignore[no-untyped-call]
            OptunaStorageProxyService(storage), self._server
        )
        self._server.add_generic_rpc_handlers((_verbs(storage),))
        self._port = self._listen(host, port, tls)
        shown = socket.gethostname() if host in ("", "0.0.0.0", "::") else host
        self.address = f"grpc{'s' if tls else ''}://{_in_url(shown)}:{self._port}"

    def _listen(self, host: str, port: int, tls: Tls | None) -> int:
        where = f"{_in_url(host)}:{port}"
        try:
            if tls is None:
                return int(self._server.add_insecure_port(where))
            return int(self._server.add_secure_port(where, _credentials(tls)))
        except RuntimeError:
            raise InputError(
                f"cannot listen on {where}: another program does, or it is no address of this "
                "machine; choose another --port or --host"
            ) from None

    def start(self) -> None:
        self._server.start()

    def stop(self, grace: float = GRACE) -> None:
        """Takes no more calls and waits for those that are being answered."""
        self._server.stop(grace).wait()
        self._pool.shutdown(wait=False)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there.

    :raises InputError: it is no address.
    """
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)} if host else {"0.0.0.0"}
    except (OSError, UnicodeError):
        raise InputError(f"--host {host}: no such address") from None
    return all(ipaddress.ip_address(str(one).partition("%")[0]).is_loopback for one in found)


def check_exposure(host: str, token: str | None) -> None:
    """
    :raises InputError: others reach it, and it has no token that keeps them out.
    """
    if is_loopback(host):
        return
    if token is None:
        raise InputError(
            f"--host {host}: others reach this address, so it needs a token; put a long random "
            "word into a file and name it with --token-file"
        )
    if len(token) < LEAST_TOKEN:
        raise InputError(
            f"--host {host}: others reach this address, and the token has {len(token)} characters; "
            f"it needs {LEAST_TOKEN}"
        )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    for option, path in (("--tls-cert", tls.certificate), ("--tls-key", tls.key)):
        if not path.is_file():
            raise InputError(f"{option} {path}: no such file")
    try:
        # gRPC would say of a wrong file no more than that it cannot listen. Without the empty
        # password, a person would be asked for that of a locked key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, "")
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
    except OSError as error:
        told = "no certificate and its key, in PEM" if isinstance(error, ssl.SSLError) else error
        raise InputError(f"--tls-cert {tls.certificate} --tls-key {tls.key}: {told}") from None
    return grpc.ssl_server_credentials([pair])


def _verbs(storage: Storage) -> grpc.GenericRpcHandler:
    def one(verb: str) -> grpc.RpcMethodHandler:
        if verb in wire.IN_PIECES:
            return grpc.stream_unary_rpc_method_handler(
                lambda pieces, _context: answer(storage, verb, _joined(pieces))
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda message, _context: answer(storage, verb, message)
        )

    handlers = {verb: one(verb) for verb in wire.VERBS}
    return grpc.method_handlers_generic_handler(wire.SERVICE, handlers)


def _joined(pieces: Iterator[bytes]) -> bytes:
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_IN_PIECES:
            raise wire.Garbled(f"more than {MOST_IN_PIECES} bytes")
        found.append(piece)
    return b"".join(found)
