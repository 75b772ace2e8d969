"""What docker/ says is true: of the image, of the services, of the secrets. No engine is needed; a
Compose plugin, where there is one, has the last word on the file."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from a3b_tune.cli.app import run
from a3b_tune.storage.addresses import parse, token_from_file

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
README = (DOCKER / "README.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("a3b-tune:")]
LINES = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
# Words of `docker compose` after which services are named, with the options that take a value.
ABOUT_SERVICES = ("build", "up", "run", "logs", "stop", "exec")
WITH_VALUE = ("--scale", "--profile")


def told(*keyword: str) -> list[list[str]]:
    """The words of all lines of the Dockerfile that begin so."""
    found = re.findall(rf"^(?:{'|'.join(keyword)}) (.+)$", DOCKERFILE, re.MULTILINE)
    return [shlex.split(words, posix=False) for words in found]


def copied() -> set[str]:
    """What the Dockerfile takes from the project."""
    return {name for words in told("COPY") if "--from=" not in words[0] for name in words[:-1]}


def accepts(capsys, *command: str) -> None:
    """The command is there, and so are its options."""
    names = [word for word in command if not word.startswith("-")]
    depth = 2 if names[0] in ("storage", "data", "study") else 1
    assert run([*names[:depth], "--help"]) == 0, command
    helped = capsys.readouterr().out
    for option in (word.partition("=")[0] for word in command if word.startswith("--")):
        assert re.search(rf"{option}\b", helped), (option, command)


def filled(word: str) -> str:
    """A word of the compose file with its defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word)


# The image


def test_both_targets_are_there_and_the_small_one_is_the_default():
    stages = [words[-1] for words in told("FROM")]
    assert {"cpu", "cuda"} < set(stages)
    assert stages[-1] == "cpu"


def test_the_image_is_not_root_and_says_whether_it_is_well():
    (user,) = told("USER")
    uid, gid = user[0].split(":")
    assert int(uid) > 1000
    assert int(gid) > 1000
    assert f"--uid {uid} --gid {gid}" in DOCKERFILE
    assert told("HEALTHCHECK")
    assert told("ENTRYPOINT") == [['["a3b-tune"]']]


def test_what_the_image_stands_on_is_pinned():
    images = {words[0] for words in told("FROM")}
    assert images - {words[-1] for words in told("FROM")} == {"${PYTHON_IMAGE}"}
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    for line in re.findall(r"pip [^&|]*install [^&]*", DOCKERFILE):
        assert "-c constraints.txt" in line or "--no-deps" in line, line


def test_only_what_is_copied_goes_to_the_builder():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied()
    assert [name for name in copied() if not (ROOT / name).exists()] == []


def test_the_packages_that_are_installed_are_those_of_the_project():
    """The Dockerfile's own few lines of Python, on the project's file."""
    (program,) = re.findall(r'python -c "(import os, tomllib.*?)" > requirements', DOCKERFILE)
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for name in extras.split(","):
        wanted += project["optional-dependencies"][name]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "EXTRAS": extras},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == wanted, done.stderr


def test_no_secret_is_a_build_argument():
    for words in told("ARG", "ENV"):
        assert not re.search(r"token|password|secret|key", " ".join(words), re.IGNORECASE)


# The services


def test_a_compose_plugin_finds_nothing_wrong():
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("no Compose plugin: `docker compose version` fails")
    for env in ([], ["--env-file", str(DOCKER / ".env.example")]):
        done = subprocess.run(
            ["docker", "compose", *env, "--profile", "*", "config", "-q"],
            cwd=DOCKER,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_can_do_more_than_it_must(name):
    service = SERVICES[name]
    assert int(service["user"].split(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_grace_period"] == "60s"
    assert not service.keys() & {"privileged", "network_mode", "pid", "ipc", "hostname"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_or_built_here(name):
    service = SERVICES[name]
    if name not in OURS:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+-[a-z]+", service["image"])
        return
    assert service["pull_policy"] == "never"
    target = service["image"].partition(":")[2]
    builders = [s for s in SERVICES.values() if s["image"] == service["image"] and "build" in s]
    assert [s["build"]["target"] for s in builders] == [target]


def test_only_the_proxy_reaches_the_database_and_only_this_machine_the_dashboard():
    there = {name for name, service in SERVICES.items() if "database" in service["networks"]}
    assert there == {"postgres", "proxy"}
    assert COMPOSE["networks"]["database"] == {"internal": True}
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(ports) == ["dashboard"]
    assert all(port.startswith("127.0.0.1:") for port in ports["dashboard"])


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_by_file_alone(name):
    service = SERVICES[name]
    mounted = {f"/run/secrets/{secret}" for secret in service["secrets"]}
    environment = service.get("environment", {})
    for key, value in environment.items():
        if re.search("TOKEN|PASSWORD|SECRET", key):
            assert key.endswith("_FILE")
        assert "@" not in value
    words = [*map(str, environment.values()), *service.get("command", [])]
    used = {path for word in words for path in re.findall(r"/run/secrets/\w+", word)}
    assert used == mounted


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_runs_is_there(name, capsys):
    service = SERVICES[name]
    if command := [filled(word) for word in service.get("command", [])]:
        accepts(capsys, *command)
    test = service.get("healthcheck", {}).get("test", ["CMD"])[1:]
    if test[:1] == ["a3b-tune"]:
        accepts(capsys, *test[1:])


def test_the_image_asks_for_its_health_in_a_way_that_is_there(capsys):
    (words,) = re.findall(r"^HEALTHCHECK .*CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    program, *command = re.findall(r'"([^"]+)"', words)
    assert program == "a3b-tune"
    accepts(capsys, *command)


def test_everything_that_can_be_set_is_in_the_example():
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    example = (DOCKER / ".env.example").read_text(encoding="utf-8")
    assert dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE)) == defaults


# The secrets


@pytest.fixture
def made(tmp_path):
    """A copy of the folder with secrets made in it."""
    shutil.copy(DOCKER / "secrets.sh", tmp_path)
    subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=True, capture_output=True)
    return tmp_path / "secrets"


def test_secrets_are_those_of_the_services_and_all_different(made):
    named = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert {path.name for path in made.iterdir()} == named
    words = [token_from_file(path, "test") for path in made.iterdir()]
    assert len(set(words)) == len(named)
    assert min(map(len, words)) >= 32


def test_the_url_is_that_of_the_service(made):
    url = parse((made / "database_url.txt").read_text())
    about = SERVICES["postgres"]["environment"]
    assert (url.username, url.database) == (about["POSTGRES_USER"], about["POSTGRES_DB"])
    assert url.password == (made / "database_password.txt").read_text()
    assert url.host == "postgres"


def test_only_their_folder_is_closed(made):
    """A container's user must be able to read what is mounted, nobody else what is here."""
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o644}


def test_secrets_are_never_made_anew(made):
    before = {path: path.read_bytes() for path in made.iterdir()}
    again = subprocess.run(["sh", str(made.parent / "secrets.sh")], capture_output=True, text=True)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in made.iterdir()} == before
    assert [path.name for path in made.parent.iterdir() if path != made] == ["secrets.sh"]


def test_git_does_not_see_them():
    if not (ROOT / ".git").exists():
        pytest.skip("without git there is nothing to ignore")
    for name in ("docker/secrets/proxy_token.txt", "docker/.env"):
        subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=True)


# README.md


def test_the_readme_names_services_that_are_there(capsys):
    asked = [words[words.index("compose") + 1 :] for words in LINES if "compose" in words]
    assert len(asked) >= 15
    for words in asked:
        words = _without_values(words)
        if words[0] not in ABOUT_SERVICES:
            assert words[0] == "down"
            continue
        named = [word for word in words[1:] if not word.startswith("-")]
        one = words[0] in ("run", "exec")
        assert set(named[:1] if one else named) <= SERVICES.keys(), words
        if words[0] == "run":
            accepts(capsys, *words[words.index("search") + 1 :])


def _without_values(words: list[str]) -> list[str]:
    kept: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        if before in WITH_VALUE or word == "--profile":
            continue
        if word in ("<", ">"):
            break
        kept.append(word)
    return kept


def test_the_readme_knows_every_service_and_every_build_argument():
    for name in SERVICES:
        assert f"| `{name}` |" in README
    arguments = [words[0].partition("=") for words in told("ARG")]
    assert len(arguments) == 4
    for name, _, value in arguments:
        assert f"| `{name}` |" in README
        assert value.strip('"') in README
