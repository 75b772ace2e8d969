import importlib.util

import pytest

from a3b_tune.errors import InputError
from a3b_tune.results.dashboard import rules
from a3b_tune.results.dashboard.rules import Asked, check
from tests.results.dashboard.visiting import token_files

OTHERS = ["0.0.0.0", "::", "", "192.168.0.1", "studies.example.org"]


@pytest.fixture
def token(tmp_path):
    return token_files(tmp_path)[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_no_login(host, token):
    assert check(Asked(host)) is None
    assert check(Asked(host, token_file=token)) is not None


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"insecure_http": True},
        {"read_only": True, "insecure_http": True},
        {"behind_proxy": True},
    ],
)
def test_others_need_a_token(host, how):
    with pytest.raises(
        InputError, match="make a token with `a3b-tune dashboard --make-token FILE`"
    ):
        check(Asked(host, **how))


def test_a_proxy_lets_others_in():
    with pytest.raises(InputError, match=r"^--behind-proxy: .*make a token"):
        check(Asked("127.0.0.1", behind_proxy=True))


@pytest.mark.parametrize("host", OTHERS)
def test_a_token_does_not_travel_in_clear_unasked(host, token):
    with pytest.raises(InputError, match="the token would travel in clear"):
        check(Asked(host, token_file=token))
    assert check(Asked(host, token_file=token, insecure_http=True))
    assert check(Asked(host, token_file=token, behind_proxy=True))
    assert check(Asked(host, token_file=token, tls_cert=token, tls_key=token))


def test_half_a_certificate_is_none(token):
    for half in ({"tls_cert": token}, {"tls_key": token}):
        with pytest.raises(InputError, match="give both, or neither"):
            check(Asked(token_file=token, **half))


def test_a_certificate_is_here_or_at_the_proxy(token):
    with pytest.raises(InputError, match="leave out --tls-cert"):
        check(Asked(token_file=token, tls_cert=token, tls_key=token, behind_proxy=True))


@pytest.mark.parametrize("name", rules.NEEDED)
def test_a_part_that_is_missing_is_named(monkeypatch, name):
    found = importlib.util.find_spec
    monkeypatch.setattr(rules, "find_spec", lambda one: None if one == name else found(one))
    with pytest.raises(InputError, match=r"pip install 'a3b-tune\[dashboard\]'$") as told:
        check(Asked())
    assert name.replace("_", "-") in str(told.value)
