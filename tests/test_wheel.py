"""What `pip install .` installs: the package with its study files, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_every_study_file_travels(names):
    studies = {path.name for path in (ROOT / "studies").glob("*.toml")}
    assert {Path(name).name for name in names if name.startswith("a3b_tune/studies/")} == studies
    assert len(studies) >= 12


def test_every_module_travels_and_no_test_does(names):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "a3b_tune").rglob("*.py")}
    assert modules <= set(names)
    assert "a3b_tune/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert [top for top in tops if not top.startswith("a3b_tune")] == []
