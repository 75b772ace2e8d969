"""How the dashboard may be served: off this machine only with a login that nobody overhears.

Starts nothing.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard.origins import is_loopback
from a3b_tune.results.dashboard.tokens import Tokens, read_tokens

NEEDED = ("optuna_dashboard", "waitress", "matplotlib")


@dataclass(frozen=True)
class Asked:
    """How the dashboard is to be served."""

    host: str = "127.0.0.1"
    port: int = 8080
    token_file: Path | None = None
    viewer_token_file: Path | None = None
    read_only: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    insecure_http: bool = False


def check(asked: Asked) -> Tokens | None:
    """Refuses what would let in somebody who should not be.

    :returns: the tokens that open it; None where only this machine reaches it.
    :raises InputError: for that, and for files that cannot be used.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            what = name.replace("_", "-")
            raise InputError(f"the dashboard needs {what}: pip install 'a3b-tune[dashboard]'")
    if (asked.tls_cert is None) != (asked.tls_key is None):
        raise InputError("--tls-cert and --tls-key: give both, or neither")
    if asked.tls_cert and asked.behind_proxy:
        raise InputError("--behind-proxy: the proxy has the certificate; leave out --tls-cert")
    tokens = read_tokens(asked.token_file, asked.viewer_token_file)
    others = not is_loopback(asked.host)
    if tokens is None and (others or asked.behind_proxy):
        what = f"--host {asked.host}" if others else "--behind-proxy"
        raise InputError(
            f"{what}: whoever reaches it could change and delete studies; make a token with "
            "`a3b-tune dashboard --make-token FILE` and add --token-file FILE"
        )
    if others and not (asked.tls_cert or asked.behind_proxy or asked.insecure_http):
        raise InputError(
            f"--host {asked.host}: the token would travel in clear; add --tls-cert and --tls-key, "
            "--behind-proxy, or --insecure-http in a network that you trust"
        )
    return tokens
