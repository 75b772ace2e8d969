import pytest

from a3b_tune.errors import InputError
from a3b_tune.storage.addresses import (
    parse,
    proxy_address,
    shown_url,
    storage_url,
    token_from_environment,
    token_from_file,
)

SECRET = "s3cret-of-mine"


def refused(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    return str(error.value)


def address(url):
    return proxy_address(parse(url))


def test_the_url_comes_from_the_option_then_the_environment_then_a_file_then_this_folder(
    tmp_path, monkeypatch
):
    assert storage_url(None) == "sqlite:///a3b-tune.db"
    (tmp_path / "url").write_text(f"postgresql://me:{SECRET}@db/s\n")
    monkeypatch.setenv("A3B_TUNE_STORAGE_FILE", str(tmp_path / "url"))
    assert storage_url(None) == f"postgresql://me:{SECRET}@db/s"
    monkeypatch.setenv("A3B_TUNE_STORAGE", "sqlite:///mine.db")
    assert storage_url(None) == "sqlite:///mine.db"
    assert storage_url("sqlite:///asked.db") == "sqlite:///asked.db"
    assert "--storage is empty" in refused(storage_url, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"", "holds 0"), (b"s3cret-of-mine b", "holds 2"), (b"\xff", "text")],
)
def test_a_file_that_holds_no_url_and_no_token_is_not_shown(tmp_path, monkeypatch, content, told):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("A3B_TUNE_STORAGE_FILE", str(path))
    monkeypatch.setenv("A3B_TUNE_TOKEN_FILE", str(path))
    for call in (lambda: storage_url(None), token_from_environment):
        assert told in refused(call)
    assert "--token-file" in refused(token_from_file, path, "--token-file")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("grpc://node1:13000", "node1", 13000, False),
        ("grpc://:s3cret-of-mine@127.0.0.1:1", "127.0.0.1", 1, False),
        ("grpcs://[::1]:65535", "::1", 65535, True),
    ],
)
def test_a_proxys_url_says_where_it_is(url, host, port, tls):
    found = address(url)
    assert (found.host, found.port, found.tls, found.url) == (host, port, tls, url)
    assert SECRET not in f"{found} {found!r}"


def test_the_token_comes_from_the_url_then_the_environment_then_a_file(tmp_path, monkeypatch):
    assert address("grpc://h:1").token is None
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("A3B_TUNE_TOKEN_FILE", str(tmp_path / "token"))
    assert address("grpc://h:1").token == "from-file"
    monkeypatch.setenv("A3B_TUNE_TOKEN", "from-environment")
    assert address("grpc://h:1").token == "from-environment"
    assert address("grpc://:of%40url@h:1").token == "of@url"
    monkeypatch.setenv("A3B_TUNE_TOKEN", "two words")
    assert "$A3B_TUNE_TOKEN" in refused(address, "grpc://h:1")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("grpc://h", "a host and a port"),
        ("grpc://:1", "a host and a port"),
        ("grpc://h:0", "a host and a port"),
        ("grpc://h:70000", "a host and a port"),
        ("grpc://h:port", "not a storage URL"),
        (f"grpc://:{SECRET}", "not a storage URL"),
        (f"grpc://{SECRET}@h:1", "behind a colon"),
        ("grpc://h:1/studies", "behind the port"),
        (f"grpc://h:1?token={SECRET}", "unknown option 'token'"),
        ("grpc://h:1?ca=/no/such", "for grpcs://"),
        ("grpcs://h:1?ca=/no/such", "no such file: /no/such"),
        (f"grpc://:{SECRET}@x@h:1", "write %40 for @"),
        (f"grcp://:{SECRET}@h:1", "did you mean 'grpc'"),
        (f"grpc://:{SECRET}%20x@h:1", "a token is one word"),
    ],
)
def test_what_a_proxys_url_should_not_say_is_told_without_its_token(url, told):
    assert told in refused(address, url)


AFTER = ["@h:1", "@h", "@@", "@[::1]:2?ca=x", "@h/db?sslmode=require", "@h:x"]


@pytest.mark.parametrize("scheme", ["postgresql", "sqlite", "mysql", "grcp", "grpc", "grpcs"])
@pytest.mark.parametrize("before", ["://:", "://me:"])
@pytest.mark.parametrize("after", AFTER)
def test_what_stands_where_a_password_does_is_never_shown(scheme, before, after):
    assert SECRET not in shown_url(f"{scheme}{before}{SECRET}{after}")


@pytest.mark.parametrize("scheme", ["grpc", "grpcs"])
@pytest.mark.parametrize("before", ["://", "://:", ":"])
@pytest.mark.parametrize("after", [*AFTER, ":1@h"])
def test_what_may_be_a_token_is_never_shown(scheme, before, after):
    assert SECRET not in shown_url(f"{scheme}{before}{SECRET}{after}")


def test_where_a_proxy_is_can_be_shown():
    assert shown_url(f"grpc://:{SECRET}@node1:13000") == "grpc://node1:13000"
    assert (
        shown_url(f"grpcs://:{SECRET}@[::1]:1?ca=/etc/ca.pem") == "grpcs://[::1]:1?ca=/etc/ca.pem"
    )
