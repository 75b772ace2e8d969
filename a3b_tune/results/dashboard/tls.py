"""TLS in front of a server that knows none: what it decrypts it hands on over loopback.

Only the standard library's own TLS is used. Who connected is remembered by the port of the
connection that is handed on, so that the server can tell people apart. Knows no HTTP.
"""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

from a3b_tune.errors import InputError

HANDSHAKE_SECONDS = 10.0
PIECE = 2**16


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS by a certificate and its key.

    :raises InputError: a file is not there, is no certificate or key, or they do not belong
        together.
    """
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise InputError(f"{option} {path}: {error.strerror}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # With a word for it, since the key would else be asked for on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        why = "are not a pair" if "MISMATCH" in str(error) else "are no certificate and open key"
        raise InputError(f"--tls-cert {certificate}, --tls-key {key}: {why} in PEM") from None
    return context


class TlsFront:
    """Listens on a socket and hands on to a server's address."""

    def __init__(
        self, listening: socket.socket, context: ssl.SSLContext, server: tuple[str, int]
    ) -> None:
        self._listening = listening
        self._context = context
        self._server = server
        self._peers: dict[int, str] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, told: None)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def peer(self, port: int) -> str | None:
        """Whose connection it is that reached the server from this port; None where it did not
        come from here."""
        return self._peers.get(port)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(
            asyncio.start_server(
                self._connected,
                sock=self._listening,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        )
        self._loop.run_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = None
        try:
            inner, outer = await asyncio.open_connection(*self._server)
            port = outer.get_extra_info("sockname")[1]
            self._peers[port] = writer.get_extra_info("peername")[0]
            await asyncio.gather(_hand_on(reader, outer), _hand_on(inner, writer))
        except OSError:
            writer.close()
        finally:
            if port is not None:
                del self._peers[port]


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has ended; then the other is ended too."""
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
