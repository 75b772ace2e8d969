"""Who may call a proxy, and what a call that failed is answered with.

Lets in who has the token; nobody learns from an answer where the database is or what it said. Knows
no method: it stands before all of them.
"""

import hmac
import threading
from collections.abc import Callable
from typing import Any

from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError

from a3b_tune.errors import InputError
from a3b_tune.storage.addresses import shown_url
from a3b_tune.storage.patience import cause, passes
from a3b_tune.storage.transport import Code, grpc

MEANT: dict[type[Exception], grpc.StatusCode] = {
    KeyError: Code.NOT_FOUND,
    UpdateFinishedTrialError: Code.FAILED_PRECONDITION,
    DuplicatedStudyError: Code.ALREADY_EXISTS,
    ValueError: Code.INVALID_ARGUMENT,
    InputError: Code.ABORTED,
}
Call = Callable[[Any, grpc.ServicerContext], Any]


class Outcome:
    """What a failed call is answered with: what it means, and nothing of this side's secrets."""

    def __init__(self, url: str, tell: Callable[[str], None]) -> None:
        self._url = url
        self._tell = tell
        self._lock = threading.Lock()
        self._gone = False

    def of(self, error: Exception) -> tuple[grpc.StatusCode, str]:
        """A failure's code and words."""
        if passes(error):
            self._now(gone=True, line=f"the database does not answer: {cause(error)}")
            full = "full" in cause(error) or "No space" in cause(error)
            what = "has no room on its disk" if full else "does not answer"
            return Code.UNAVAILABLE, f"the database behind the proxy {what}"
        for kind, code in MEANT.items():
            if isinstance(error, kind):
                return code, self._without_url(str(error.args[0]) if error.args else "")
        self._tell(f"a call failed: {type(error).__name__}: {cause(error)}")
        return Code.INTERNAL, f"the proxy's storage failed ({type(error).__name__})"

    def well(self) -> None:
        """A call was answered."""
        if self._gone:
            self._now(gone=False, line="the database answers again")

    def _now(self, gone: bool, line: str) -> None:
        with self._lock:
            changed, self._gone = self._gone != gone, gone
        if changed:
            self._tell(line)

    def _without_url(self, text: str) -> str:
        for url in (self._url, shown_url(self._url)):
            text = text.replace(url, "the proxy's database")
        return text


class Guard(grpc.ServerInterceptor):  # type: ignore[misc]
    """Stands before every method of every service, known or not."""

    def __init__(self, token: str | None, outcome: Outcome) -> None:
        self._wanted = None if token is None else f"Bearer {token}".encode()
        self._outcome = outcome

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        if not self._lets_in(details):
            # As a stream, whose messages are not even received.
            return grpc.stream_stream_rpc_method_handler(_refuse)
        handler = continuation(details)
        return None if handler is None else self._watched(handler)

    def _lets_in(self, details: grpc.HandlerCallDetails) -> bool:
        if self._wanted is None:
            return True
        shown = [value for key, value in details.invocation_metadata if key == "authorization"]
        return len(shown) == 1 and hmac.compare_digest(str(shown[0]).encode(), self._wanted)

    def _watched(self, handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
        ways = handler.request_deserializer, handler.response_serializer
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(self._answered(handler.stream_unary), *ways)
        return grpc.unary_unary_rpc_method_handler(self._answered(handler.unary_unary), *ways)

    def _answered(self, call: Call) -> Call:
        def answered(message: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
            try:
                found = call(message, context)
            except Exception as error:
                # Optuna's own service has said already what it means.
                if context.code() is not None:
                    raise
                if not context.is_active():
                    context.abort(Code.CANCELLED, "the caller has gone")
                context.abort(*self._outcome.of(error))
            self._outcome.well()
            return found

        return answered


def _refuse(_messages: object, context: grpc.ServicerContext) -> None:
    context.abort(Code.UNAUTHENTICATED, "no token, or not the right one")
