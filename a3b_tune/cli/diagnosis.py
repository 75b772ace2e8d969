"""What would go wrong on this machine: packages, cores, memory, GPUs, storage, disk, data, screen.

Each check looks and changes nothing. Knows how to ask the machine; how the answers are shown is not
decided here.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from a3b_tune.cli.diagnosis_packages import Check, packages
from a3b_tune.cli.figures import count, size
from a3b_tune.errors import InputError

MB, GB = 10**6, 10**9
# Below these, in bytes: a study cannot run; IMDb cannot be read (1.5 GB).
LEAST_MEMORY, IMDB_MEMORY = 500 * MB, 2 * GB
# A full disk ends a study; the file of IMDb and its cache take a third of a GB.
LEAST_DISK, GOOD_DISK = 100 * MB, GB
# On these, locks and shared memory between processes are not to be relied on.
NETWORK = ("nfs", "cifs", "smb", "afs", "9p", "lustre", "beegfs", "gpfs", "ceph", "fuse.sshfs")
CGROUP = Path("/sys/fs/cgroup")


def diagnose(storage: str | None, data_dir: Path | None) -> list[Check]:
    """All checks in the order in which they should be read. What cannot even be asked is itself a
    problem."""
    asked: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("packages", packages),
        ("cores", cores),
        ("compiler", compilers),
        ("memory", memory),
        ("GPU", gpus),
        ("storage", lambda: stored(storage)),
        ("disk", lambda: disk(storage, data_dir)),
        ("data", lambda: data(data_dir)),
        ("screen", screen),
    ]
    found = []
    for name, check in asked:
        try:
            found += list(check())
        except (ImportError, OSError) as error:
            text = f"{type(error).__name__}: {error}"
            found.append(
                Check(name, "problem", text, "install a3b-tune again in a new environment")
            )
    return found


def cores() -> Iterator[Check]:
    """Cores that this process may use, a container's quota, and how busy they are."""
    import torch

    from a3b_tune.starting import available_cores

    usable, there = available_cores(), os.cpu_count() or 1
    text = count(usable, "core")
    text += f" usable of {there}" if usable < there else ""
    text += f", {count(torch.get_num_threads(), 'thread')} of PyTorch"
    quota = _quota()
    if quota is not None and quota < usable:
        told = f"{text}, but this container may use only {quota:g} of them at a time"
        advice = f"set OMP_NUM_THREADS={max(1, int(quota))}"
        yield Check("cores", "warning", told, advice)
        return
    load = psutil.getloadavg()[0]
    if load > usable:
        told = f"{text}; busy: a load of {load:.1f} from other programs"
        yield Check("cores", "warning", told, "trials run slower; time limits are met earlier")
    else:
        yield Check("cores", "ok", f"{text}, load {load:.1f}")


def _quota() -> float | None:
    """How many cores' time a container gets, if it is limited."""
    limit = _limit("cpu.max")
    if limit is None or limit[0] == "max":
        return None
    return int(limit[0]) / int(limit[1])


def _limit(name: str) -> list[str] | None:
    try:
        return (CGROUP / name).read_text().split()
    except OSError:
        return None


def compilers() -> Iterator[Check]:
    """Whether the steps of long studies can be compiled."""
    from a3b_tune.models.native import compiler

    found = compiler()
    told = f"{found}: long studies are compiled" if found else "none: no study is compiled"
    yield Check("compiler", "ok", told)


def memory() -> Iterator[Check]:
    """Memory that is free, a container's limit counted."""
    machine = psutil.virtual_memory()
    total, free = machine.total, machine.available
    limit, used = _limit("memory.max"), _limit("memory.current")
    if limit and used and limit[0] != "max" and int(limit[0]) < total:
        total = int(limit[0])
        free = min(free, total - int(used[0]))
    text = f"{size(free)} free of {size(total)}"
    if free < LEAST_MEMORY:
        yield Check("memory", "problem", text, "close other programs: a study needs 500 MB")
    elif free < IMDB_MEMORY:
        yield Check("memory", "warning", text, "enough for xor and synth; IMDb takes up to 1.5 GB")
    else:
        yield Check("memory", "ok", text)


def gpus() -> Iterator[Check]:
    """The GPUs that PyTorch sees, or why it sees none."""
    import torch

    driver = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(index)
            yield Check("GPU", "ok", f"cuda:{index} {about.name}, {size(about.total_memory)}")
    elif torch.version.cuda is None and driver:
        text = "there is one, but this PyTorch was built for the CPU alone"
        yield Check("GPU", "warning", text, "see pytorch.org for the build with CUDA")
    elif torch.version.cuda is None:
        yield Check("GPU", "ok", "none: this PyTorch was built for the CPU; studies run on it")
    elif driver:
        text = f"PyTorch (CUDA {torch.version.cuda}) cannot use the one that is there"
        yield Check("GPU", "warning", text, "run nvidia-smi; the driver may be too old")
    else:
        yield Check("GPU", "ok", "none in this machine; studies run on the CPU")


def stored(asked: str | None) -> Iterator[Check]:
    """Whether studies can be kept where they would be, and how much room is there."""
    from a3b_tune.storage.opening import check_url, shown_url, storage_url

    shown = shown_url(storage_url(asked))
    try:
        url = check_url(asked)
        text = _studies(asked, url.database if url.get_backend_name() == "sqlite" else None)
    except InputError as error:
        yield Check("storage", "problem", str(error), "give another --storage, or mend this one")
        return
    system = _file_system(Path(url.database)) if url.database else ""
    if url.get_backend_name() == "sqlite" and system.startswith(NETWORK):
        advice = "several workers at once need a local disk, or Postgres"
        yield Check("storage", "warning", f"{shown}: {text}, on a network disk ({system})", advice)
    else:
        yield Check("storage", "ok", f"{shown}: {text}")


def _studies(asked: str | None, file: str | None) -> str:
    """How many studies there are. Raises InputError where the storage cannot be opened."""
    from a3b_tune.results.listing import study_names
    from a3b_tune.storage.opening import open_storage

    if file is not None and not Path(file).exists():
        return "not there yet, the first study makes it"
    return count(len(study_names(open_storage(asked))), "study", "studies")


def _file_system(path: Path) -> str:
    """The kind of file system that a path lies on."""
    parts = psutil.disk_partitions(all=True)
    mounts = [part for part in parts if path.resolve().is_relative_to(part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""


def disk(storage: str | None, data_dir: Path | None) -> Iterator[Check]:
    """Free space on each disk that a study writes to."""
    disks: dict[int, tuple[int, list[str]]] = {}
    for what, folder in _written(storage, data_dir):
        # The folder may be made later: what counts is the nearest one above that exists.
        there = next(path for path in (folder, *folder.parents) if path.exists())
        _, uses = disks.setdefault(there.stat().st_dev, (shutil.disk_usage(there).free, []))
        uses.append(f"{what} in {folder}")
    for free, uses in disks.values():
        text = f"{size(free)} free for {', '.join(uses)}"
        if free < LEAST_DISK:
            yield Check("disk", "problem", text, "make room: a full disk ends a study")
        elif free < GOOD_DISK:
            yield Check("disk", "warning", text, "make room soon")
        else:
            yield Check("disk", "ok", text)


def _written(storage: str | None, asked: Path | None) -> Iterator[tuple[str, Path]]:
    """What is written, and to which folder."""
    from a3b_tune.data.places import cache_dir, data_dir
    from a3b_tune.storage.opening import check_url

    # A storage that cannot be used has been told of by its own check.
    with suppress(InputError):
        url = check_url(storage)
        if url.get_backend_name() == "sqlite" and url.database:
            yield "studies", Path(url.database).resolve().parent
    folder = data_dir(asked).absolute()
    yield "data", folder
    cache = cache_dir(folder).absolute()
    if not cache.is_relative_to(folder):
        yield "its cache", cache


def data(asked: Path | None) -> Iterator[Check]:
    """Whether IMDb's file is there."""
    from a3b_tune.data import imdb
    from a3b_tune.data.places import data_dir

    folder = data_dir(asked).absolute()
    file = folder / imdb.FILE
    if file.is_file():
        yield Check("data", "ok", f"imdb: {file}, {size(file.stat().st_size)}")
    else:
        yield Check("data", "ok", f"imdb: not in {folder}; its first study fetches it")


def screen() -> Iterator[Check]:
    """Whether the live display fits."""
    columns, rows = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "ascii"
    if not sys.stdout.isatty():
        yield Check("screen", "ok", "not a terminal: a study prints plain lines")
    elif not encoding.lower().startswith("utf"):
        text = f"{columns} x {rows}, {encoding}: curves are drawn with plain characters"
        yield Check("screen", "warning", text, "set LANG to a UTF-8 locale, as C.UTF-8")
    elif columns < 80:
        yield Check("screen", "warning", f"{columns} x {rows}", "80 columns show more")
    else:
        yield Check("screen", "ok", f"{columns} x {rows}, {encoding}")
