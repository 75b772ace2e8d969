"""A real browser, driven through a pipe: what a page becomes once its scripts have run.

Speaks Chromium's DevTools protocol; needs no package. Knows no page.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import pytest

# Seconds after which a test gives up.
PATIENCE = 120.0
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--ignore-certificate-errors", "--remote-debugging-pipe"),
)

# It reads from handle 3 and writes to handle 4.
START = """
import fcntl, os, sys
handles = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1].split(",")]
for number, handle in enumerate(handles, 3):
    os.dup2(handle, number)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Browser:
    """One page of a fresh browser. Skips the test where there is none."""

    def __init__(self, width: int = 1400, height: int = 1400) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            pytest.skip("no browser: chromium is not installed")
        self._folder = Path(tempfile.mkdtemp(prefix="browser"))
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={self._folder}", f"--window-size={width},{height}"]
        self._process = subprocess.Popen(
            [*(sys.executable, "-c", START), f"{theirs_in},{theirs_out}", program, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        self.patience = PATIENCE
        self._attach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._folder, ignore_errors=True)

    def go(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """What a piece of JavaScript comes to, in the page."""
        found = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Waits until a piece of JavaScript is true."""
        deadline = time.monotonic() + self.patience
        while not self.run(condition):
            assert time.monotonic() < deadline, f"never: {condition}; {self.complaints()}"
            time.sleep(0.05)

    def resize(self, width: int, height: int) -> None:
        """A screen as a phone has."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def picture(self, file: Path) -> None:
        found = self._call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[str]:
        """What the browser did not like: scripts that failed, rules that were broken, requests that
        were refused."""
        told = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                told.append(str(params["exceptionDetails"])[:500])
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
                told.append(f"{params['entry']['text']} ({params['entry'].get('url')})")
        return told

    def _attach(self) -> None:
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        found = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._in], [], [], self.patience)
            assert ready, "the browser does not answer"
            piece = os.read(self._in, 2**20)
            assert piece, "the browser has ended"
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))
