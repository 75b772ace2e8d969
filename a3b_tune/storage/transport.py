"""gRPC as a proxy's client uses it: which way, how patiently, and what its errors mean.

Knows no method and no storage.
"""

import os
import re
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Read once, when gRPC is loaded: it would print what the errors tell. So it is loaded here alone,
# with what of Optuna loads it.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from optuna.storages._grpc.auto_generated.api_pb2_grpc import (
    StorageServiceStub,
    add_StorageServiceServicer_to_server,
)
from optuna.storages._grpc.servicer import OptunaStorageProxyService

from a3b_tune.errors import InputError
from a3b_tune.storage.addresses import ProxyAddress

__all__ = [
    "STRANGER",
    "Carrying",
    "Code",
    "OptunaStorageProxyService",
    "StorageServiceStub",
    "add_StorageServiceServicer_to_server",
    "grpc",
    "open_channel",
    "refusal",
]

# Seconds after which a call is given up: longer than SQLite waits for another writer.
CALL_TIMEOUT = 120.0
CHANNEL = (
    # Straight there, as a database's driver goes: what the environment says is for the web.
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
    # A proxy that is back is found within two seconds, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # One that has vanished without a word is found out within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
)
Code = grpc.StatusCode
STRANGER = "what listens there was not started by `a3b-tune storage serve`"
# What gRPC says where no connection came about, and what it means here.
CAUSES = (
    ("Connection refused", "nothing listens there; start it with `a3b-tune storage serve`"),
    ("WRONG_VERSION_NUMBER", "it speaks no TLS; write grpc:// instead of grpcs://"),
    ("Socket closed", "it hung up; if it speaks TLS, write grpcs:// instead of grpc://"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted; name its authority by ?ca=FILE"),
    ("Hostname Verification", "its certificate is for another host name"),
    ("Failed parsing HTTP/2", STRANGER),
    ("SETTINGS frame", STRANGER),
    ("errors resolving", "no such host"),
)


def open_channel(address: ProxyAddress) -> grpc.Channel:
    """Connects with the first call, and again whenever the connection is lost.

    :raises InputError: the file that should hold a certificate holds none.
    """
    host = f"[{address.host}]" if ":" in address.host else address.host
    target = f"{host}:{address.port}"
    if not address.tls:
        return grpc.insecure_channel(target, options=CHANNEL)
    known = None if address.ca is None else _certificates(address.ca)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(known), options=CHANNEL)


def _certificates(path: Path) -> bytes:
    try:
        found = path.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found.decode())
    except (OSError, ValueError) as error:
        # What is wrong with a certificate is an OSError, too, whose words are of no use.
        text = "no certificate" if isinstance(error, ssl.SSLError | ValueError) else error.strerror
        raise InputError(f"--storage …?ca={path}: {text}") from None
    return found


class Carrying:
    """A channel each of whose calls carries the token and ends at last."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        self._channel = channel
        metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._options: dict[str, Any] = {"metadata": metadata, "timeout": CALL_TIMEOUT}

    def unary_unary(self, *arguments: Any, **named: Any) -> Callable[..., Any]:  # noqa: ANN401
        return partial(self._channel.unary_unary(*arguments, **named), **self._options)

    def verb(self, path: str, in_pieces: bool) -> Callable[..., Any]:
        """The call of a method whose messages are bytes."""
        kind = self._channel.stream_unary if in_pieces else self._channel.unary_unary
        return partial(kind(path), **self._options)


def refusal(error: grpc.RpcError, token: str | None = "") -> str:
    """Why a proxy could not be used, and what to do about it."""
    code, details = error.code(), (error.details() or "").strip().partition("\n")[0]
    if code == Code.UNAUTHENTICATED and token is None:
        return (
            "needs a token; give it by $A3B_TUNE_TOKEN, or in a file named by $A3B_TUNE_TOKEN_FILE"
        )
    if code == Code.UNAUTHENTICATED:
        return "the token is not the one of the proxy"
    if code == Code.UNIMPLEMENTED:
        return STRANGER
    if code == Code.DEADLINE_EXCEEDED:
        return "no answer in time"
    if code == Code.UNAVAILABLE:
        return next((told for word, told in CAUSES if word in details), _innermost(details))
    return f"{code.name}: {details}"


def _innermost(details: str) -> str:
    """What gRPC says at the end of a chain of errors."""
    return re.sub(r"^.*last error: \w+: (ipv[46]:\S+: )?", "", details)
