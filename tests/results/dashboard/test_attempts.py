from hypothesis import given
from hypothesis import strategies as some

from a3b_tune.results.dashboard.attempts import IN_ALL, PER_ADDRESS, WINDOW, Attempts, network


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


STEPS = some.lists(
    some.tuples(some.floats(0.0, 20.0), some.sampled_from([f"192.0.2.{k}" for k in range(20)])),
    max_size=200,
)


@given(STEPS)
def test_in_no_minute_are_there_more_than_allowed(steps):
    clock = Clock()
    attempts = Attempts(clock)
    allowed: list[tuple[float, str]] = []
    for pause, address in steps:
        clock.now += pause
        wait = attempts.begin(address)
        if not wait:
            allowed.append((clock.now, address))
        recent = [who for moment, who in allowed if moment > clock.now - WINDOW]
        assert len(recent) <= IN_ALL
        assert recent.count(address) <= PER_ADDRESS
        assert 0.0 <= wait <= WINDOW


@given(STEPS)
def test_whoever_waits_as_long_as_told_may_try_again(steps):
    clock = Clock()
    attempts = Attempts(clock)
    for pause, address in steps:
        clock.now += pause
        wait = attempts.begin(address)
        if wait:
            clock.now += wait
            assert attempts.begin(address) == 0.0


def test_one_address_does_not_lock_out_another():
    attempts = Attempts(Clock())
    while not attempts.begin("192.0.2.1"):
        pass
    assert attempts.begin("192.0.2.2") == 0.0


def test_what_succeeded_does_not_count():
    attempts = Attempts(Clock())
    for _ in range(10 * IN_ALL):
        assert attempts.begin("192.0.2.1") == 0.0
        attempts.succeeded("192.0.2.1")


def test_half_an_ipv6_address_is_one_person():
    assert network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9%eth0")
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")
    assert network("") == ""
