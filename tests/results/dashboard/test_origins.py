import pytest

from a3b_tune.results.dashboard.origins import asked_host, is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
)
def test_names_of_this_machine_alone(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [*("", "0.0.0.0", "::", "192.168.0.1", "example.org", "127.0.0.1.example.org", "localhostx")],
)
def test_all_other_names_are_reached_by_others(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost:8080", "localhost"),
        ("[::1]:8080", "::1"),
        ("user@evil.example", "evil.example"),
        ("localhost@evil.example", "evil.example"),
        ("[bad", ""),
        ("", ""),
    ],
)
def test_the_name_that_was_asked_for(header, host):
    assert asked_host({"HTTP_HOST": header}) == host
