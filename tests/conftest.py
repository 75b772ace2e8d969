"""What every test shares: one thread, as a run has, and no storage or data of the person's own."""

import pytest
import torch


def pytest_configure() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """A test never reads or writes the studies and data of the person who runs it."""
    monkeypatch.delenv("A3B_TUNE_STORAGE", raising=False)
    monkeypatch.delenv("A3B_TUNE_DATA", raising=False)
