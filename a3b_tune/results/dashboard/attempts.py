"""How often a token may be tried: a few times a minute from one address, a few times more in all.

Knows neither tokens nor requests.
"""

import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW = 60.0
PER_ADDRESS = 5
IN_ALL = 60


class Attempts:
    """Counts the tries that failed. May be used by many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: deque[tuple[float, str]] = deque()

    def begin(self, address: str) -> float:
        """Counts a try before it is looked at, so that many at once are not more than allowed.

        :returns: 0, or the seconds to wait: then the try is neither counted nor allowed.
        """
        who, now = network(address), self._clock()
        with self._lock:
            while self._made and self._made[0][0] <= now - WINDOW:
                self._made.popleft()
            mine = [moment for moment, other in self._made if other == who]
            if len(mine) >= PER_ADDRESS:
                return mine[-PER_ADDRESS] + WINDOW - now
            if len(self._made) >= IN_ALL:
                return self._made[-IN_ALL][0] + WINDOW - now
            self._made.append((now, who))
            return 0.0

    def succeeded(self, address: str) -> None:
        """The last try from there was right: it does not count."""
        who = network(address)
        with self._lock:
            for index in range(len(self._made) - 1, -1, -1):
                if self._made[index][1] == who:
                    del self._made[index]
                    return


def network(address: str) -> str:
    """Who is behind an address: of IPv6 its first half, since one person has all of the other."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address)
