"""The one error that a person causes and a person can mend: one line on stderr, exit code 2.

Knows nothing of studies, data or the terminal; every room may raise it, the command line prints it.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(Exception):
    """A mistake in what was asked, or a fault of the world (disk full, no such file) that ends the
    command. Its text is one line: what, where, the bad value, the nearest right one."""


def unknown(what: str, value: object, known: Iterable[str]) -> str:
    """One clause for a name that is not known, with the nearest one that is.

    >>> unknown("model", "bseline", ["baseline", "transformer"])
    "unknown model 'bseline'; did you mean 'baseline'? (known: baseline, transformer)"
    """
    names = list(known)
    near = get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {str(value)!r}{hint} (known: {', '.join(names)})"
