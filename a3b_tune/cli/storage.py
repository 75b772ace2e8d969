"""The commands `storage serve` and `storage ping`: a database that workers reach through a proxy.

Knows how a person starts and stops it; what it says and does is `storage/serving.py`'s.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import StorageOption, whole_number
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from a3b_tune.storage.serving import Proxy, Tls

# Seconds between two looks at whether to stop.
LOOK = 0.2
LAST_PORT = 65_535

app = typer.Typer(
    no_args_is_help=True,
    help="Let workers on other machines use a database without its driver and its password.",
)


@app.command()
def serve(
    storage: StorageOption = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; 0.0.0.0 is every address of this machine. What others reach "
            "needs a token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        str, typer.Option(metavar="N", help="Which port; 0 for any that is free.")
    ] = "13000",
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Holds the word that a worker must know. By default $A3B_TUNE_TOKEN, else the "
            "file named by $A3B_TUNE_TOKEN_FILE.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="This machine's certificate, in PEM; then grpcs://."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate's key, in PEM.")
    ] = None,
) -> None:
    """Serve a database to workers: they need this address and a token, no driver, no password.

    Ends with Ctrl-C; workers wait for it to come back.

    Examples:

    - `a3b-tune storage serve`
    - `a3b-tune storage serve --storage postgresql://me@db/s --host 0.0.0.0 --token-file token`
    - `a3b-tune storage serve --host 0.0.0.0 --token-file token --tls-cert c.pem --tls-key k.pem`
    """
    from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
    from a3b_tune.storage.addresses import token_from_environment, token_from_file

    number = whole_number("--port", port, 0)
    if number > LAST_PORT:
        raise InputError(f"--port {port}: must be at most {LAST_PORT}")
    token = token_from_file(token_file, "--token-file") if token_file else token_from_environment()
    tls = _tls(tls_cert, tls_key)
    with Interrupt(lambda reason: None) as stop:
        proxy = _start(storage, host, number, token, tls)
        while (reason := stop()) is None:
            time.sleep(LOOK)
        proxy.stop()
    raise typer.Exit(EXIT_CODES[reason])


@app.command()
def ping(storage: StorageOption = None) -> None:
    """Ask whether a storage can be used: exit code 0, or 1 and the reason.

    Examples:

    - `a3b-tune storage ping --storage grpc://127.0.0.1:13000`
    - `a3b-tune storage ping --storage postgresql://me@db/studies`
    """
    from a3b_tune.storage.opening import check_url, open_storage, shown_url

    check_url(storage)
    began = time.monotonic()
    try:
        opened = open_storage(storage)
    except InputError as error:
        typer.echo(f"a3b-tune: {error}", err=True)
        raise typer.Exit(1) from None
    spent = 1000.0 * (time.monotonic() - began)
    typer.echo(f"{shown_url(opened.url)} answered in {spent:.0f} ms")


def _tls(certificate: Path | None, key: Path | None) -> "Tls | None":
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "--tls-cert" if certificate is None else "--tls-key"
        raise InputError(f"{missing} is missing: a certificate and its key go together")
    from a3b_tune.storage.opening import with_grpc

    with with_grpc("--tls-cert"):
        from a3b_tune.storage.serving import Tls
    return Tls(certificate, key)


def _start(
    asked: str | None, host: str, port: int, token: str | None, tls: "Tls | None"
) -> "Proxy":
    """A proxy that serves, and the one line that says how to use it."""
    from a3b_tune.storage.addresses import PROXIES
    from a3b_tune.storage.opening import (
        check_url,
        nothing_half_made,
        open_storage,
        shown_url,
        with_grpc,
    )

    with with_grpc("a3b-tune storage serve"):
        from a3b_tune.storage.serving import Proxy, is_loopback

    if check_url(asked).get_backend_name() in PROXIES:
        raise InputError("--storage: a proxy stands before a database, not before another proxy")
    with nothing_half_made(asked):
        opened = open_storage(asked, create=True)
        proxy = Proxy(opened, host, port, token=token, tls=tls, tell=_tell)
    proxy.start()
    needed = "no token: all users of this machine may write"
    if token is not None:
        needed = "workers need the token, as $A3B_TUNE_TOKEN or in a file, as $A3B_TUNE_TOKEN_FILE"
    typer.echo(f"{proxy.address} serves {shown_url(opened.url)}; {needed}")
    if tls is None and not is_loopback(host):
        _tell("without --tls-cert the token travels in clear: only for a network that you trust")
    return proxy


def _tell(line: str) -> None:
    typer.echo(f"a3b-tune: {line}", err=True)
