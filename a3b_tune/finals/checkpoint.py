"""A trained model as one folder: its weights, what it needs to read a person's text, and how it
came about.

    model.safetensors  the weights
    config.json        what is to be built, with the hashes of what is beside it
    vocabulary.json    the words, wordpieces, characters or bytes that it reads
    tokenizer.json     of a model of wordpieces alone
    metrics.json       how good it is
    provenance.json    where it comes from

Facts are JSON and numbers follow: nothing in it runs. Knows no study, and not how models are
trained.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from a3b_tune import __version__
from a3b_tune.data.alphabet import Alphabet
from a3b_tune.data.reader import WORD_KINDS, Encoded, Reader, WordReader
from a3b_tune.data.vocabulary import Vocabulary
from a3b_tune.errors import InputError
from a3b_tune.finals.folder import put_folder
from a3b_tune.finals.weights import (
    UNREADABLE,
    check_whole_numbers,
    pack_weights,
    unpack_weights,
    with_weights,
)
from a3b_tune.models import build, reads_text
from a3b_tune.models.own import is_own
from a3b_tune.models.registry import model_class

if TYPE_CHECKING:
    from a3b_tune.study.scalars import Scalar

FORMAT = 1
WEIGHTS, CONFIG, VOCABULARY = "model.safetensors", "config.json", "vocabulary.json"
TOKENIZER, METRICS, PROVENANCE = "tokenizer.json", "metrics.json", "provenance.json"
FILES = (WEIGHTS, CONFIG, VOCABULARY, TOKENIZER, METRICS, PROVENANCE)
# Tokens that a model may read at once; more is no model but a trap for memory.
LONGEST = 2**16
# A whole number that may be a setting of any model, whatever its weights.
ANY = 1024
UNITS = {"character": "characters", "byte": "bytes"}


@dataclass(frozen=True)
class Trained:
    """A model and all that its answers need. `settings` are those of [model], with its name. One of
    `reader` (of rows) and `alphabet` (of text) is None, and a model of text has no class names.
    `longest` is the most tokens that it reads at once, `max_words` after how many words rows were
    cut before pairs were added. `data` and `data_hash` are of what it was searched on."""

    model: nn.Module
    settings: "Mapping[str, Scalar]"
    reader: Reader | None
    class_names: tuple[str, ...]
    alphabet: Alphabet | None
    longest: int
    max_words: int | None
    data: str
    data_hash: str

    def encode(self, text: str) -> Encoded:
        """A text as the model reads it, cut as the rows were that it was trained on.

        :raises ValueError: it is a model of text, which reads characters.
        """
        if self.reader is None:
            raise ValueError("a model of text has no words")
        return self.reader.encode(text, self.max_words).first(self.longest)


@dataclass(frozen=True)
class Checkpoint(Trained):
    """An opened folder: the model is on the CPU and ready to answer; `config` is config.json."""

    path: Path
    config: Mapping[str, Any]


def write_checkpoint(
    path: Path,
    trained: Trained,
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
    *,
    force: bool = False,
) -> None:
    """Writes a folder, whole or not at all.

    :param force: replace a checkpoint that is there.
    :raises InputError: it cannot be put there.
    """
    vocabulary, others = _vocabulary(trained)
    config = _config(trained, len(vocabulary["tokens"]))
    files = {VOCABULARY: _json(vocabulary), **others}
    files[WEIGHTS] = pack_weights(trained.model, {"format": str(FORMAT), "config": _digest(config)})
    config["files"] = {name: _sha256(content) for name, content in files.items()}
    files |= {CONFIG: _json(config), METRICS: _json(metrics), PROVENANCE: _json(provenance)}
    put_folder(path, files, FILES, force=force)


def open_checkpoint(path: Path, *, own_code: bool = False) -> Checkpoint:
    """The model of a folder.

    :param own_code: the model may be a person's own class, whose module is then imported: a folder
        from elsewhere, opened from within, would bring its own.
    :raises InputError: in one line: a file is missing, cut short or changed, the folder was written
        by another version, or the model cannot be built.
    """
    if not path.is_dir():
        raise InputError(f"{path}: {'is no folder' if path.exists() else 'no such folder'}")
    config = _read_config(path)
    contents = {name: _read(path, name) for name in config["files"]}
    for name, content in contents.items():
        if _sha256(content) != config["files"][name]:
            raise InputError(f"{path}: {_changed(name)}")
    try:
        if is_own(name := str(config["model"]["name"])) and not own_code:
            raise InputError(
                f"its model is a class of its own, {name!r:.80}; add --own-code to import that"
                " module, if you trust who wrote it"
            )
        return _opened(path, config, contents)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except UNREADABLE:
        raise InputError(f"{path}: {CONFIG} is damaged") from None


def _changed(name: str) -> str:
    if name == WEIGHTS:
        return f"{name} is cut short, or not what was written"
    return f"{name} is not the one the model was trained with"


def _opened(path: Path, config: dict[str, Any], contents: Mapping[str, bytes]) -> Checkpoint:
    metadata, weights = unpack_weights(contents[WEIGHTS])
    if metadata.get("config") != _digest(config):
        raise InputError(f"{CONFIG} is not what was written")
    settings, sizes = dict(config["model"]), dict(config["sizes"])
    max_words, names = config["max_words"], tuple(map(str, config["class_names"]))
    reader, alphabet, count = _reading(contents)
    longest, tokens = sizes["max_length"], sizes["vocabulary"]
    if not (type(longest) is int and 1 <= longest <= LONGEST and _outputs(names, alphabet) >= 1):
        raise InputError(f"{CONFIG} is damaged")
    if sizes["classes"] != _outputs(names, alphabet) or tokens != count:
        raise InputError(f"{CONFIG} and {VOCABULARY} do not belong together")
    name = str(settings["name"])
    if _reads_text(name) != (alphabet is not None):
        raise InputError(f"{CONFIG}: model {name!r:.80} does not read what {VOCABULARY} holds")
    own = {key: value for key, value in settings.items() if key != "name"}
    checked = config.get("configuration", own)
    check_whole_numbers(checked, weights, ANY)
    if "configuration" in config:
        kind: Any = model_class(name)
        model = with_weights(lambda: kind.from_configuration(checked, sizes["classes"]), weights)
    else:
        model = with_weights(lambda: build(name, **sizes, **own), weights)
    data, data_hash = str(config["data"]["name"]), str(config["data"]["hash"])
    return Checkpoint(
        model, settings, reader, names, alphabet, longest, max_words, data, data_hash, path, config
    )


def _config(trained: Trained, tokens: int) -> dict[str, Any]:
    classes = _outputs(trained.class_names, trained.alphabet)
    config: dict[str, Any] = {
        "format": FORMAT,
        "a3b-tune": __version__,
        "model": dict(trained.settings),
        "sizes": {"vocabulary": tokens, "classes": classes, "max_length": trained.longest},
        "max_words": trained.max_words,
        "class_names": list(trained.class_names),
        "data": {"name": trained.data, "hash": trained.data_hash},
    }
    model: Any = trained.model
    if hasattr(model, "configuration"):
        config["configuration"] = model.configuration()
    return config


def _reads_text(name: str) -> bool:
    """As `reads_text`; where the class is a person's own and not here, the error names it."""
    try:
        return reads_text(name)
    except InputError as error:
        raise InputError(f"model {name!r:.80}: {error}") from None


def _outputs(class_names: tuple[str, ...], alphabet: Alphabet | None) -> int:
    return len(class_names) if alphabet is None else len(alphabet)


def _vocabulary(trained: Trained) -> tuple[dict[str, Any], dict[str, bytes]]:
    """vocabulary.json, and what stands beside it."""
    if trained.alphabet is not None:
        kind, tokens = UNITS[trained.alphabet.unit], list(trained.alphabet.i2t)
        return {"kind": kind, "tokens": tokens}, {}
    reader: Any = trained.reader
    if isinstance(reader, WordReader):
        return {"kind": reader.kind, "tokens": reader.vocabulary.i2w}, {}
    told = {"kind": reader.kind, "tokens": list(reader.tokens)}
    return told, {TOKENIZER: reader.tokenizer_json.encode()}


def _reading(contents: Mapping[str, bytes]) -> tuple[Reader | None, Alphabet | None, int]:
    """What makes tokens of a text, of rows or of a text, and how many tokens there are."""
    found = json.loads(contents[VOCABULARY])
    kind, tokens = found["kind"], list(found["tokens"])
    if not set(map(type, tokens)) <= {str}:
        raise InputError(f"{VOCABULARY} is damaged")
    if kind in WORD_KINDS:
        return WordReader(kind, Vocabulary.of_index(tokens)), None, len(tokens)
    if kind == "wordpieces":
        from a3b_tune.data.wordpieces import Wordpieces

        return Wordpieces.from_json(contents[TOKENIZER].decode()), None, len(tokens)
    if kind == "bytes":
        return None, Alphabet.of_bytes(), len(tokens)
    if kind == "characters":
        return None, Alphabet(tuple(tokens)), len(tokens)
    raise InputError(f"{VOCABULARY}: tokens of kind {kind!r:.40} are not known to this version")


def _read(path: Path, name: str) -> bytes:
    try:
        return (path / name).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: {name} is missing") from None
    except OSError as error:
        raise InputError(f"{path}: {name}: {(error.strerror or str(error)).lower()}") from None


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = dict(json.loads(_read(path, CONFIG)))
        known = {WEIGHTS, VOCABULARY} <= set(config["files"]) <= set(FILES)
        version = config["format"]
    except UNREADABLE:
        raise InputError(f"{path}: {CONFIG} is cut short, or not a model's") from None
    if version != FORMAT:
        raise InputError(f"{path}: of format {version!r:.20}; this a3b-tune reads format {FORMAT}")
    if not known:
        raise InputError(f"{path}: {CONFIG} is damaged")
    return config


def _digest(config: Mapping[str, Any]) -> str:
    """Of what config.json says, the hashes of the files aside, one of which holds this one."""
    own = {key: value for key, value in config.items() if key != "files"}
    return _sha256(json.dumps(own, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
