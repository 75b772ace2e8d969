"""A budget of device time is of all workers together."""

import pytest

from a3b_tune.tuning import records
from a3b_tune.tuning.account import Account
from a3b_tune.tuning.spending import Spending
from tests.tuning.conftest import begin


def worked(stored, name, **account):
    """Another worker's account."""
    stored.study.set_user_attr(f"{records.WORK_PREFIX}{name}", account)


@pytest.mark.parametrize(
    ("budget", "over"),
    [("1cpu-h", False), ("89cpu-m", True), ("2gpu-h", True), ("2.1gpu-h", False), (None, False)],
)
def test_what_others_have_spent_counts(url, file, xor, budget, over):
    changes = [] if budget is None else [f"study.budget={budget}"]
    stored = begin(url, file, xor, *changes)
    worked(stored, "a", wall=1_600.0, device="cpu", devices=1)
    worked(stored, "b", wall=1_000.0, device="cpu", devices=4 if over else 1)
    worked(stored, "c", wall=3_700.0, device="gpu", devices=2)
    worked(stored, "from before there were budgets", wall=1e9)
    assert Spending(stored, Account()).over() == over


def test_ones_own_time_counts_by_its_own_clock(url, file, xor):
    stored = begin(url, file, xor, "study.budget=1cpu-s")
    account = Account("cpu", 1)
    assert not Spending(stored, account).over()
    account._opened_at -= 2.0
    assert Spending(stored, account).over()
