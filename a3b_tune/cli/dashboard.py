"""The command `dashboard`: pages to watch studies on, behind a lock.

Knows how a person starts and stops it; what it serves is `results/dashboard`'s.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from a3b_tune.cli.options import StorageOption, whole_number
from a3b_tune.errors import InputError

if TYPE_CHECKING:
    from a3b_tune.results.dashboard.rules import Asked
    from a3b_tune.results.dashboard.serving import Dashboard

LAST_PORT = 2**16 - 1


def dashboard(
    storage: StorageOption = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; 0.0.0.0 is every address of this machine. What others reach "
            "needs a token, and TLS.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        str, typer.Option(metavar="N", help="Which port; 0 for any that is free.")
    ] = "8080",
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Holds the word that people log in with."),
    ] = None,
    viewer_token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Holds another one, for those who may only look."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Nobody can change anything.")
    ] = False,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="This machine's certificate, in PEM; then https."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate's key, in PEM.")
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A reverse proxy has the certificate: its X-Forwarded-For, -Proto and -Host are "
            "believed. Nobody else may reach the port.",
        ),
    ] = False,
    insecure_http: Annotated[
        bool,
        typer.Option(
            "--insecure-http", help="Serve others without TLS: who listens in sees the token."
        ),
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser on it.")] = False,
    make_token: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a new token into a new file, and serve nothing."),
    ] = None,
) -> None:
    """Watch studies in a browser: history, parameters, curves and notes of every trial.

    Ends with Ctrl-C. On this machine nobody logs in; others need the token.

    Examples:

    - `a3b-tune dashboard`
    - `a3b-tune dashboard --make-token token`
    - `a3b-tune dashboard --host 0.0.0.0 --token-file token --tls-cert c.pem --tls-key k.pem`
    """
    if make_token is not None:
        _make(make_token)
        return
    from a3b_tune.results.dashboard.rules import Asked

    number = whole_number("--port", port, 0)
    if number > LAST_PORT:
        raise InputError(f"--port {port}: must be at most {LAST_PORT}")
    asked = Asked(
        host=host,
        port=number,
        token_file=token_file,
        viewer_token_file=viewer_token_file,
        read_only=read_only,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        insecure_http=insecure_http,
    )
    _serve(asked, storage, open_browser)


def _make(path: Path) -> None:
    from a3b_tune.results.dashboard.tokens import make_token

    make_token(path)
    typer.echo(f"{path} holds a new token; serve with --token-file {path}")


def _serve(asked: "Asked", storage: str | None, open_browser: bool) -> None:
    from a3b_tune.cli.interrupt import EXIT_CODES, Interrupt
    from a3b_tune.results.dashboard.rules import check

    check(asked)
    with Interrupt(lambda reason: None) as stop:
        from a3b_tune.results.dashboard.serving import Dashboard

        served = Dashboard(asked, storage, _told)
        _say(asked, served)
        if open_browser:
            typer.launch(served.url)
        served.run(stop)
    raise typer.Exit(EXIT_CODES[stop() or "Ctrl-C"])


def _say(asked: "Asked", served: "Dashboard") -> None:
    from a3b_tune.storage.opening import shown_url

    locked = asked.token_file or asked.viewer_token_file
    who = "behind a login" if locked else "open to everybody on this machine"
    how = ", read-only" if asked.read_only else ""
    typer.echo(f"{served.url}  ({who}{how}; Ctrl-C ends it)")
    typer.echo(f"studies of {shown_url(served.storage.url)}")
    if asked.insecure_http and not (asked.tls_cert or asked.behind_proxy):
        _told("without TLS: who listens in sees the token and all studies")


def _told(line: str) -> None:
    from a3b_tune.cli.printing import visible

    typer.echo(f"a3b-tune: {visible(line)}", err=True)
