import importlib.metadata
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from a3b_tune.cli import diagnosis
from a3b_tune.cli.diagnosis import Check, diagnose
from a3b_tune.models import native
from tests.results import building

Usage = namedtuple("Usage", "total used free")
STORAGE = "sqlite:///studies.db"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("A3B_TUNE_STORAGE", raising=False)
    monkeypatch.delenv("A3B_TUNE_DATA", raising=False)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.5, 0.5, 0.5))


def found(name, storage=STORAGE, data_dir=None) -> list[Check]:
    return [check for check in diagnose(storage, data_dir) if check.name == name]


def statuses(name, **options) -> list[str]:
    return [check.status for check in found(name, **options)]


def test_every_question_has_an_answer_and_every_fault_an_advice(tmp_path):
    checks = diagnose(STORAGE, tmp_path)
    names = {check.name for check in checks}
    assert names == {
        "packages", "extras", "cores", "compiler", "memory", "GPU", "storage", "disk", "data",
        "screen",
    }  # fmt: skip
    assert all(check.advice for check in checks if check.status != "ok")
    assert list(tmp_path.iterdir()) == []


def test_packages_tell_the_versions_that_are_installed():
    (check,) = found("packages")
    assert check.status == "ok"
    for name in ("optuna", "torch", "sqlalchemy"):
        assert f"{name} {importlib.metadata.version(name)}" in check.text


def test_a_package_outside_its_range_is_a_problem_with_the_command(monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "4.1.0" if name == "optuna" else real(name)
    )
    problem = found("packages")[0]
    assert problem.status == "problem"
    assert "optuna 4.1.0 is not" in problem.text
    assert problem.advice.startswith("pip install 'optuna")


def test_a_missing_package_is_a_problem_and_a_missing_extra_is_not(monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name in ("wget", "pyarrow"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    missing = found("packages")[0]
    assert (missing.status, missing.text) == ("problem", "wget is missing")
    (extras,) = found("extras")
    assert extras.status == "ok"
    assert "parquet: no (pip install 'a3b-tune[parquet]')" in extras.text


@pytest.mark.parametrize("found", ["/usr/bin/g++", None])
def test_a_compiler_is_named_and_none_is_no_fault(monkeypatch, found):
    monkeypatch.setattr(native, "compiler", lambda: found)
    (check,) = diagnosis.compilers()
    assert check.status == "ok"
    assert (found or "none") in check.text


def test_a_package_that_does_not_load_is_a_problem_and_the_rest_is_still_asked(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    checks = {check.name: check.status for check in diagnose(STORAGE, None)}
    assert checks["GPU"] == checks["cores"] == "problem"
    assert checks["memory"] == checks["screen"] == "ok"


def test_busy_cores_are_a_warning(monkeypatch):
    monkeypatch.setattr(psutil, "getloadavg", lambda: (9_999.0, 0.0, 0.0))
    assert statuses("cores") == ["warning"]


@pytest.mark.parametrize(
    ("quota", "status"), [("50000 100000", "warning"), ("max 100000", "ok"), (None, "ok")]
)
def test_a_container_that_gets_less_than_its_cores_is_a_warning(
    monkeypatch, tmp_path_factory, quota, status
):
    group = tmp_path_factory.mktemp("cgroup")
    if quota:
        (group / "cpu.max").write_text(quota + "\n")
    monkeypatch.setattr(diagnosis, "CGROUP", group)
    (check,) = found("cores")
    assert check.status == status
    assert ("only 0.5 of them" in check.text) == (status == "warning")


@pytest.mark.parametrize(("free", "status"), [(100e6, "problem"), (1.5e9, "warning"), (16e9, "ok")])
def test_memory_is_judged_by_what_is_free(monkeypatch, free, status):
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(total=int(32e9), available=int(free))
    )
    monkeypatch.setattr(diagnosis, "CGROUP", Path("/nowhere"))
    assert statuses("memory") == [status]


def test_a_containers_memory_limit_counts(monkeypatch, tmp_path_factory):
    group = tmp_path_factory.mktemp("cgroup")
    (group / "memory.max").write_text("1000000000")
    (group / "memory.current").write_text("900000000")
    monkeypatch.setattr(diagnosis, "CGROUP", group)
    (check,) = found("memory")
    assert (check.status, check.text) == ("problem", "100 MB free of 1 GB")


def test_gpus_are_named_with_their_memory(monkeypatch):
    about = SimpleNamespace(name="A100", total_memory=80 * 10**9)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: about)
    assert [check.text for check in found("GPU")] == ["cuda:0 A100, 80 GB", "cuda:1 A100, 80 GB"]


@pytest.mark.parametrize(
    ("built", "driver", "status", "text"),
    [
        (None, None, "ok", "built for the CPU"),
        (None, "/usr/bin/nvidia-smi", "warning", "built for the CPU alone"),
        ("12.4", None, "ok", "none in this machine"),
        ("12.4", "/usr/bin/nvidia-smi", "warning", "cannot use"),
    ],
)
def test_without_a_gpu_it_says_why(monkeypatch, built, driver, status, text):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(diagnosis.shutil, "which", lambda name: driver)
    (check,) = found("GPU")
    assert check.status == status
    assert text in check.text


def test_a_storage_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path):
    (check,) = found("storage")
    assert check.status == "ok"
    assert "not there yet" in check.text
    assert not (tmp_path / "studies.db").exists()


def test_a_storage_tells_how_many_studies_it_holds(tmp_path):
    building.begun(building.url_in(tmp_path))
    (check,) = found("storage", storage=building.url_in(tmp_path))
    assert (check.status, check.text) == ("ok", f"{building.url_in(tmp_path)}: 1 study")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:////nowhere/x.db", "the folder /nowhere does not exist"),
        ("mysql://me:secret@db/x", "unknown storage scheme"),
        ("sqlite:///text.db", "not a SQLite database"),
        ("postgresql://me:secret@127.0.0.1:1/x", "127.0.0.1"),
    ],
)
def test_a_storage_that_cannot_be_used_is_a_problem(tmp_path, url, text):
    (tmp_path / "text.db").write_text("no database" * 100)
    (check,) = found("storage", storage=url)
    assert check.status == "problem"
    assert text in check.text
    assert "secret" not in check.text


@pytest.mark.parametrize(
    ("system", "status"), [("nfs4", "warning"), ("fuse.sshfs", "warning"), ("ext4", "ok")]
)
def test_sqlite_on_a_network_disk_is_a_warning(monkeypatch, tmp_path, system, status):
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(tmp_path), fstype=system),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: mounts)
    assert statuses("storage") == [status]


@pytest.mark.parametrize(("free", "status"), [(50e6, "problem"), (500e6, "warning"), (5e9, "ok")])
def test_free_space_is_asked_of_each_disk_once(monkeypatch, tmp_path, free, status):
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda path: Usage(10**12, 0, int(free)))
    (check,) = found("disk", data_dir=tmp_path / "not" / "yet")
    assert check.status == status
    assert f"studies in {tmp_path}" in check.text
    assert f"data in {tmp_path / 'not' / 'yet'}" in check.text


def test_imdb_is_there_with_its_size_or_not(tmp_path):
    assert "imdb: not in" in found("data", data_dir=tmp_path)[0].text
    (tmp_path / "imdb.word.pkl.gz").write_bytes(b"x" * 1500)
    (check,) = found("data", data_dir=tmp_path)
    assert check.text == f"imdb: {tmp_path / 'imdb.word.pkl.gz'}, 1.5 kB"


@pytest.mark.parametrize(
    ("tty", "encoding", "columns", "status"),
    [
        (False, "utf-8", 80, "ok"),
        (True, "utf-8", 80, "ok"),
        (True, "utf-8", 60, "warning"),
        (True, "ascii", 80, "warning"),
    ],
)
def test_a_screen_that_is_too_narrow_or_plain_is_a_warning(
    monkeypatch, tty, encoding, columns, status
):
    screen = SimpleNamespace(isatty=lambda: tty, encoding=encoding)
    monkeypatch.setattr(diagnosis.sys, "stdout", screen)
    monkeypatch.setattr(diagnosis.shutil, "get_terminal_size", lambda: (columns, 24))
    assert [check.status for check in diagnosis.screen()] == [status]
