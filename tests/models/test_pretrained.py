"""Where the files of a pre-trained model are found, and every way in which they are not."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from a3b_tune.errors import InputError
from a3b_tune.models.pretrained import (
    FILES,
    check_packages,
    checkpoint_folder,
    read_configuration,
)

CONFIG = {
    "model_type": "distilbert", "vocab_size": 9, "max_position_embeddings": 8, "n_layers": 1,
    "n_heads": 1, "dim": 4, "hidden_dim": 4,
}  # fmt: skip
CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def network(tmp_path, monkeypatch):
    """An empty cache and no network; what is called with an address makes that the hub's."""
    if not all(map(find_spec, ("huggingface_hub", "transformers", "tokenizers"))):
        pytest.skip("the extra `pretrained` is not installed")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "harnesses.json"))

    def at(address: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    at(CLOSED)
    return at


@pytest.fixture
def folder(tmp_path):
    """A folder that has the three files."""
    made = tmp_path / "tiny"
    made.mkdir()
    for name in FILES:
        (made / name).write_text(json.dumps(CONFIG))
    return made


@contextmanager
def hub(folder: Path, answer: int = 200) -> Iterator[tuple[str, list[str]]]:
    """A hub on the loopback that has one model, "tiny": its address, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(f"{self.command} {self.path}")
            owner, _, name = self.path.rpartition("/")
            path = folder / name
            if answer != 200 or owner != "/tiny/resolve/main" or not path.is_file():
                self.send_response(answer if answer != 200 else 404)
                if answer == 200:
                    code = "EntryNotFound" if owner == "/tiny/resolve/main" else "RepoNotFound"
                    self.send_header("X-Error-Code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("ETag", f'"{name}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_GET = do_HEAD  # noqa: N815

        def log_message(self, *_about: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(checkpoint: str | Path) -> str:
    with pytest.raises(InputError) as error:
        checkpoint_folder(str(checkpoint))
    told = str(error.value)
    assert told.startswith("model.checkpoint: ")
    assert "\n" not in told
    return told.removeprefix("model.checkpoint: ")


def test_a_folder_is_taken_as_it_is(network, folder):
    assert checkpoint_folder(str(folder)) == folder
    assert read_configuration(folder) == CONFIG


def test_a_name_is_fetched_once_and_then_found_without_network(network, folder):
    with hub(folder) as (address, asked):
        network(address)
        found = checkpoint_folder("tiny")
        assert {path.name for path in found.iterdir()} == set(FILES)
        assert {line for line in asked if line.startswith("GET /tiny")} == {
            f"GET /tiny/resolve/main/{name}" for name in FILES
        }
    network(CLOSED)
    assert checkpoint_folder("tiny") == found
    assert read_configuration(found) == CONFIG


def test_a_name_without_network_is_one_line(network):
    assert refusal("distilbert-base-uncased") == (
        "'distilbert-base-uncased' is not in the cache and cannot be fetched (no network); name a"
        " folder with config.json, model.safetensors and tokenizer.json, or run this once where"
        " there is network"
    )


def test_in_a_process_that_has_loaded_nothing_yet_it_is_the_same(tmp_path, network):
    code = "from a3b_tune.models.pretrained import checkpoint_folder; checkpoint_folder('tiny')"
    asked = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": CLOSED}
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True)
    assert "InputError: model.checkpoint: 'tiny' is not in the cache" in done.stderr


def test_what_the_hub_does_not_have_is_one_line(network, folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with hub(folder) as (address, _):
        network(address)
        assert refusal("tiny") == "'tiny' has no model.safetensors on the hub"
        assert refusal("tniy") == "'tniy' is neither a folder nor a public model on the hub"
    with hub(folder, 503) as (address, _):
        network(address)
        assert refusal("tiny") == "'tiny' cannot be fetched: the hub answered 503"


@pytest.mark.parametrize("name", ["./tiny", "/no/where", "a/b/c", "tiny model", ""])
def test_what_is_no_name_is_a_folder_that_is_not_there(network, name, tmp_path, monkeypatch):
    if name:
        assert refusal(name) == f"{name!r}: no such folder"
    else:
        monkeypatch.chdir(tmp_path)
        assert refusal(name).endswith("has no config.json")


def test_a_file_that_is_missing_is_named_and_a_pickle_is_not_read(network, folder):
    (folder / "tokenizer.json").unlink()
    assert refusal(folder) == f"{folder}: has no tokenizer.json"
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    told = f"{folder}: has no model.safetensors; pytorch_model.bin is a pickle, which is not read"
    assert refusal(folder) == told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "is no JSON"),
        ("[]", "model_type is None, not 'distilbert'"),
        (json.dumps(CONFIG | {"model_type": "bert"}), "model_type is 'bert', not 'distilbert'"),
        (json.dumps(CONFIG | {"dim": "4"}), "dim is '4'"),
        (json.dumps(CONFIG | {"n_layers": 0}), "n_layers is 0"),
    ],
)
def test_a_configuration_of_another_kind_is_one_line(folder, text, line):
    (folder / "config.json").write_text(text)
    with pytest.raises(InputError) as error:
        read_configuration(folder)
    assert str(error.value) == f"model.checkpoint: {folder / 'config.json'}: {line}"


@pytest.mark.parametrize("package", ["transformers", "tokenizers"])
def test_without_the_extra_it_is_one_line(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as error:
        check_packages()
    assert str(error.value) == (
        "model distilbert: needs the pretrained extra: pip install 'a3b-tune[pretrained]'"
    )
