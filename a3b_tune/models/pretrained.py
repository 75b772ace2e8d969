"""The files of a pre-trained model: in a folder, or by a name in the cache that huggingface_hub
keeps, which fetches them where they are not.

Reads `config.json` alone, and no weights. No pickle is ever read, and nothing that is fetched runs.
"""

import json
import os
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from a3b_tune.errors import InputError

KIND = "distilbert"
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
FILES = (CONFIG, TOKENIZER, WEIGHTS)
NEEDED = f"{CONFIG}, {WEIGHTS} and {TOKENIZER}"
PACKAGES = ("transformers", "tokenizers")
# What huggingface_hub takes for a name: one part, or an owner and one.
NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
UNREACHABLE = (ConnectionError, TimeoutError)
# Sizes that a configuration must tell.
SIZES = ("vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim", "hidden_dim")


def check_packages() -> None:
    """InputError in one line where the extra is not installed."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise InputError(
                f"model {KIND}: needs the pretrained extra: pip install 'a3b-tune[pretrained]'"
            )


def checkpoint_folder(checkpoint: str) -> Path:
    """Where the files of a pre-trained model lie, fetched first if it is a name that the cache does
    not have.

    :raises InputError: they cannot be had, or one is missing.
    """
    check_packages()
    folder = Path(checkpoint).expanduser()
    if folder.is_dir():
        return _whole(folder)
    if not NAME.fullmatch(checkpoint) or checkpoint.startswith("."):
        raise InputError(f"model.checkpoint: {checkpoint!r}: no such folder")
    return _cached(checkpoint) or _fetched(checkpoint)


def read_configuration(folder: Path) -> dict[str, Any]:
    """What `config.json` says. InputError: it is not that of a DistilBERT."""
    path = folder / CONFIG
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"model.checkpoint: {path}: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"model.checkpoint: {path}: is no JSON") from None
    kind = found.get("model_type") if isinstance(found, dict) else None
    if kind != KIND:
        raise InputError(f"model.checkpoint: {path}: model_type is {kind!r:.40}, not {KIND!r}")
    for name in SIZES:
        if type(found.get(name)) is not int or found[name] < 1:
            raise InputError(f"model.checkpoint: {path}: {name} is {found.get(name)!r:.40}")
    return dict(found)


def _whole(folder: Path) -> Path:
    """The folder, if it has all files."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not missing:
        return folder
    pickled = sorted(path.name for path in folder.glob("*.bin")) if WEIGHTS in missing else []
    hint = f"; {pickled[0]} is a pickle, which is not read" if pickled else ""
    raise InputError(f"model.checkpoint: {folder}: has no {missing[0]}{hint}")


def _cached(name: str) -> Path | None:
    """The folder in the cache, without a look at the network; None where a file is not there."""
    hub = _hub()
    try:
        found = [hub.try_to_load_from_cache(name, file) for file in FILES]
    except ValueError:
        return None
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(FILES) else None


def _fetched(name: str) -> Path:
    hub = _hub()
    errors, file, path = hub.errors, CONFIG, Path()
    try:
        # Asked for once: a download without network tries again for half a minute.
        hub.get_hf_file_metadata(hub.hf_hub_url(name, CONFIG))
        for file in FILES:
            path = Path(hub.hf_hub_download(name, file))
    except errors.RemoteEntryNotFoundError:
        told = f"has no {file} on the hub"
    except (errors.RepositoryNotFoundError, ValueError):
        told = "is neither a folder nor a public model on the hub"
    except errors.HfHubHTTPError as error:
        told = f"cannot be fetched: the hub answered {error.response.status_code}"
    except (*UNREACHABLE, errors.LocalEntryNotFoundError, errors.HTTPError):
        told = (
            f"is not in the cache and cannot be fetched (no network); name a folder with {NEEDED},"
            " or run this once where there is network"
        )
    except OSError as error:
        told = f"cannot be fetched: {str(error.strerror or type(error).__name__).lower()}"
    else:
        return path.parent
    raise InputError(f"model.checkpoint: {name!r} {told}")


def _hub() -> Any:  # noqa: ANN401
    """huggingface_hub, which is told before it starts that nobody wants to be counted."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    package: Any = import_module("huggingface_hub")
    # It loads its parts when they are first named, but not these.
    for part in ("errors", "utils"):
        import_module(f"huggingface_hub.{part}")
    package.utils.logging.set_verbosity_error()
    return package
