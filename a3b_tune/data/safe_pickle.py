"""Reads a gzipped pickle from the network as plain data: lists, dicts, tuples, strings, whole
numbers. Nothing in it can run, and what it can claim of the memory is bounded.

Does not know what the data should look like: `reviews` checks that. Two guards stand one behind the
other. A scan of the opcodes refuses all but the few that plain data needs before anything is built:
no class, no call, no set, no memo slot far away (five bytes of that make CPython's unpickler fill
34 GB). Then an unpickler that finds no class reads it.
"""

import gzip
import io
import pickle
import re
import zlib
from typing import NoReturn

UNPACKED_LIMIT = 48 * 2**20  # bytes; the IMDb words take 30 MB
TUPLE_LIMIT = 16  # the file is one; CPython crashes on the hash of very many, one in the other
OBJECT_LIMIT = 1_000_000  # lists, dicts, tuples, texts; the IMDb words take 150 000

# Whole numbers, reads of the memo, and the ends of lists and dicts; possessive, as ten million
# opcodes would otherwise each leave a place to come back to.
_RUN = re.compile(rb"(?:K.|M..|J....|h.|j....|[\x94aesu(]|q.)++", re.DOTALL)
_TUPLES = b")t\x85\x86\x87"
_CONTAINERS = b"]}" + _TUPLES
_SKIP = {ord("\x80"): 2, ord("\x95"): 9}  # protocol, frame: opcode and argument, bytes
_TEXT = {ord("X"): 4, ord("\x8c"): 1}  # bytes of the length that comes before the text


class BadFileError(Exception):
    """The bytes are not what they should be; the text says in a clause what is wrong."""


def read(packed: bytes, limit: int = UNPACKED_LIMIT) -> object:
    """The one object in the gzipped pickle `packed`, unpacked at most `limit` bytes.

    Raises BadFileError for anything else: not gzip, cut short, too large, no pickle, a class in it.
    """
    plain = _scan(_unpack(packed, limit))
    try:
        return _NoClass(io.BytesIO(_in_one_frame(plain))).load()
    except Exception as error:  # a broken pickle may raise nearly anything
        raise BadFileError(f"a broken pickle ({_name(error)})") from error


class _NoClass(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise BadFileError(f"a pickle that carries a class ({module}.{name})")

    def persistent_load(self, pid: object) -> NoReturn:
        raise BadFileError("a pickle that refers to something outside itself")


def _unpack(packed: bytes, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            raw = file.read(limit + 1)
    except EOFError as error:
        raise BadFileError("cut short") from error
    except (OSError, zlib.error) as error:
        raise BadFileError(f"not gzip, or damaged ({error})") from error
    if len(raw) > limit:
        raise BadFileError(f"more than {limit:,} bytes when unpacked")
    return raw


def _scan(raw: bytes) -> bytes:
    """The opcodes without their frames; refuses every one that plain data does not need."""
    at, objects, tuples, end = 0, 0, 0, len(raw)
    pieces, begin = [], 0
    while at < end:
        if objects > OBJECT_LIMIT or tuples > TUPLE_LIMIT:
            raise BadFileError("a pickle of far more lists, tuples and texts than it can need")
        code = raw[at]
        if run := _RUN.match(raw, at):
            at = run.end()
        elif code in _CONTAINERS:
            objects += 1
            tuples += code in _TUPLES
            at += 1
        elif code in _TEXT:
            objects += 1
            start = at + 1 + _TEXT[code]
            at = start + int.from_bytes(raw[at + 1 : start], "little")
        elif code == ord("r"):
            if int.from_bytes(raw[at + 1 : at + 5], "little") > objects:
                raise BadFileError("a pickle that asks for more memory than it can need")
            at += 5
        elif code in _SKIP:
            pieces.append(raw[begin:at])
            begin = at = at + _SKIP[code]
        elif code == ord("."):
            return b"".join([*pieces, raw[begin : at + 1]])
        else:
            raise BadFileError(f"a pickle with more than plain data in it ({_opcode(code)})")
    raise BadFileError("a pickle without an end")


def _in_one_frame(plain: bytes) -> bytes:
    """A frame that ends inside an opcode makes CPython's unpickler drop bytes and read other
    opcodes than the scan saw; one frame around all of them leaves no such place, and is fast."""
    return b"\x80\x04\x95" + len(plain).to_bytes(8, "little") + plain


def _opcode(code: int) -> str:
    """`GLOBAL` rather than 99, where there is such a name."""
    names = (name for name, value in vars(pickle).items() if value == bytes([code]))
    return next((name for name in names if name.isupper()), f"byte {code}")


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
