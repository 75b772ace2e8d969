import os
import subprocess
import sys

import torch

from a3b_tune import __version__
from a3b_tune.tuning import records


def test_this_process_is_alive_and_one_that_has_ended_is_not():
    me = records.this_worker()
    assert me.pid == os.getpid()
    assert not records.is_dead(me.to_json())
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json; from a3b_tune.tuning.records import this_worker;"
            "print(json.dumps(this_worker().to_json()))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    import json

    assert records.is_dead(json.loads(done.stdout))


def test_versions_are_those_installed():
    found = records.versions()
    assert found["a3b-tune"] == __version__
    assert torch.__version__.startswith(found["torch"].partition("+")[0])


def test_the_commit_is_that_of_the_source_or_none():
    commit = records.commit()
    assert commit is None or len(commit.rstrip("+")) == 12
