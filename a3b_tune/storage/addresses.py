"""Storage URLs: where they come from, how they are shown, and what one says of a proxy.

A URL may hold a password or a token: only `shown_url` makes a text for a person of it. Opens
nothing and asks no server.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from a3b_tune.errors import InputError, unknown

DEFAULT_URL = "sqlite:///a3b-tune.db"
PROXIES = ("grpc", "grpcs")
SCHEMES = ("sqlite", "postgresql", *PROXIES)
DRIVERS = {"postgresql": "postgresql+psycopg"}
# What a token may hold: it travels in a header.
TOKEN = re.compile(r"[\x21-\x7e]+")
# A file with more is none of a URL or a token.
LONGEST = 4096


@dataclass(frozen=True)
class ProxyAddress:
    """A proxy, and what a client must have to be let in."""

    host: str
    port: int
    tls: bool
    url: str = field(repr=False)
    token: str | None = field(repr=False)
    ca: Path | None = None

    def __str__(self) -> str:
        return shown_url(self.url)


def storage_url(asked: str | None) -> str:
    """The URL that was asked for, else `$A3B_TUNE_STORAGE`, else what stands in the file named by
    `$A3B_TUNE_STORAGE_FILE`, else one file in this folder."""
    if asked == "":
        raise InputError("--storage is empty; leave it out for the default, or name a storage URL")
    return asked or _secret("A3B_TUNE_STORAGE") or DEFAULT_URL


def token_from_environment() -> str | None:
    """What `$A3B_TUNE_TOKEN` says, else the file named by `$A3B_TUNE_TOKEN_FILE`."""
    found = _secret("A3B_TUNE_TOKEN")
    return None if found is None else checked_token(found, "$A3B_TUNE_TOKEN")


def token_from_file(path: Path, option: str) -> str:
    """The token that is all a file holds.

    :raises InputError: there is no such file, or no token in it.
    """
    return checked_token(_only_line(path, option), f"{option} {path}")


def checked_token(token: str, where: str) -> str:
    """The token, if it can be one; it is not told what it is."""
    if not TOKEN.fullmatch(token):
        raise InputError(f"{where}: a token is one word of letters, digits and signs")
    return token


def _secret(name: str) -> str | None:
    """A variable of the environment, else what the file holds that `NAME_FILE` names."""
    if found := os.environ.get(name):
        return found
    path = os.environ.get(f"{name}_FILE")
    return _only_line(Path(path), f"${name}_FILE") if path else None


def _only_line(path: Path, where: str) -> str:
    """What is never shown: the file may be another one than was meant."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST).decode()
    except OSError as error:
        raise InputError(f"{where} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{where} {path}: not text") from None
    lines = text.split()
    if len(lines) != 1:
        raise InputError(f"{where} {path}: must hold one word, it holds {len(lines)}")
    return lines[0]


def shown_url(url: str) -> str:
    """The URL with its password hidden; of what is no URL, neither what stands before an @ nor
    what stands behind a ?."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or host_holds_password(parsed):
        _, at, rest = url.partition("?")[0].rpartition("@")
        if not at and rest.startswith(PROXIES):
            # Without its host, a token stands where the port is.
            return f"{rest.partition(':')[0]}://…"
        return f"…@{rest}" if at else rest
    if parsed.get_backend_name() in PROXIES:
        return _shown_proxy(parsed)
    secret = [key for key in parsed.query if "password" in key.lower()]
    return parsed.difference_update_query(secret).render_as_string(hide_password=True)


def _shown_proxy(url: URL) -> str:
    """All that is not secret: who forgets the colon before a token has it where a name is."""
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
    port = f":{url.port}" if url.port else ""
    path = f"/{url.database}" if url.database else ""
    ca = f"?ca={url.query['ca']}" if "ca" in url.query else ""
    return f"{url.drivername}://{host}{port}{path}{ca}"


def host_holds_password(url: URL) -> bool:
    """An @ that was not written %40 ends the password too early: its rest is read as a host."""
    return "@" in (url.host or "")


def parse(url: str) -> URL:
    """A storage URL taken apart, with the driver that is used for it.

    :raises InputError: it is none, or of a kind that is not known.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise InputError(
            f"--storage {shown_url(url)}: not a storage URL; write sqlite:///FILE.db, "
            "postgresql://USER@HOST/DATABASE or grpc://HOST:PORT"
        ) from None
    if backend not in SCHEMES:
        raise InputError(f"--storage: {unknown('storage scheme', backend, SCHEMES)}")
    if host_holds_password(parsed):
        raise InputError(f"--storage {shown_url(url)}: in a name or a password write %40 for @")
    return parsed.set(drivername=DRIVERS.get(backend, backend))


def proxy_address(parsed: URL) -> ProxyAddress:
    """What a `grpc` or `grpcs` URL says.

    :raises InputError: it says too little or too much, or its token or certificate is not there.
    """
    url = parsed.render_as_string(hide_password=False)
    where = f"--storage {shown_url(url)}"
    if not parsed.host or not parsed.port or parsed.port >= 2**16:
        raise InputError(f"{where}: name a host and a port, as in grpc://127.0.0.1:13000")
    if parsed.username:
        raise InputError(f"{where}: write a token behind a colon, as in grpc://:TOKEN@HOST:PORT")
    if parsed.database:
        raise InputError(f"{where}: nothing may stand behind the port")
    tls = parsed.get_backend_name() == "grpcs"
    return ProxyAddress(
        host=parsed.host,
        port=parsed.port,
        tls=tls,
        url=url,
        token=_token(parsed, where),
        ca=_ca(parsed, tls, where),
    )


def _token(parsed: URL, where: str) -> str | None:
    if parsed.password:
        return checked_token(str(parsed.password), where)
    return token_from_environment()


def _ca(parsed: URL, tls: bool, where: str) -> Path | None:
    for key in parsed.query:
        if key != "ca":
            raise InputError(f"{where}: {unknown('option', key, ['ca'])}")
    if "ca" not in parsed.query:
        return None
    if not tls:
        raise InputError(f"{where}: a certificate is for grpcs://, not for grpc://")
    found = parsed.query["ca"]
    path = Path(found if isinstance(found, str) else found[-1])
    if not path.is_file():
        raise InputError(f"{where}: no such file: {path}")
    return path
