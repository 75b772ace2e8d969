from a3b_tune.results.dashboard.sessions import HOUR, IDLE, LONGEST, MOST, Sessions
from a3b_tune.results.dashboard.tokens import Role


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_login_is_known_by_its_name_until_it_ends():
    sessions = Sessions()
    name = sessions.begin(Role.VIEWER)
    assert sessions.role(name) is Role.VIEWER
    assert sessions.role("") is None
    assert sessions.role(name[:-1]) is None
    sessions.end(name)
    assert sessions.role(name) is None
    sessions.end(name)


def test_names_are_not_kept():
    sessions = Sessions()
    name = sessions.begin(Role.EDITOR)
    assert name not in repr(vars(sessions))


def test_a_login_that_is_used_goes_on_but_not_for_ever():
    clock = Clock()
    sessions = Sessions(clock)
    name = sessions.begin(Role.EDITOR)
    began = clock.now
    while sessions.role(name) is not None:
        clock.now += HOUR
        assert clock.now < began + LONGEST + 2 * HOUR
    assert clock.now > began + LONGEST


def test_a_login_that_is_not_used_ends():
    clock = Clock()
    sessions = Sessions(clock)
    name = sessions.begin(Role.EDITOR)
    clock.now += IDLE + 1.0
    assert sessions.role(name) is None


def test_there_are_only_so_many_and_those_in_use_stay():
    clock = Clock()
    sessions = Sessions(clock)
    first, second = sessions.begin(Role.EDITOR), sessions.begin(Role.EDITOR)
    for _ in range(MOST):
        clock.now += 1.0
        assert sessions.role(first) is not None
        sessions.begin(Role.VIEWER)
    assert sessions.role(first) is Role.EDITOR
    assert sessions.role(second) is None
    assert len(sessions._open) <= MOST
