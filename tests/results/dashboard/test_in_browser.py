"""What a person sees: the pages in a real browser, under the rules that they are sent with."""

import pytest

from a3b_tune.results.dashboard import bands
from tests.results.dashboard.browser import Browser
from tests.results.dashboard.visiting import TOKEN, VIEWER, served, token_files
from tests.storage.proxy import certificate

PLOTTED = "document.querySelectorAll('.main-svg').length > 3"
TYPE = "document.querySelector('#token').value = '{}'; document.querySelector('button').click()"


@pytest.fixture
def browser():
    with Browser() as found:
        yield found


def test_a_person_logs_in_and_looks_and_leaves(browser, mixed_url, tmp_path):
    cert, key = certificate(tmp_path, "localhost")
    editor, viewer = token_files(tmp_path)
    files = {"token_file": editor, "viewer_token_file": viewer, "tls_cert": cert, "tls_key": key}
    with served(mixed_url, host="localhost", **files) as dashboard:
        browser.go(f"{dashboard.url}/dashboard/studies/1")
        browser.until("location.pathname === '/login' && !!document.querySelector('#token')")
        browser.resize(390, 780)
        assert browser.run("document.documentElement.scrollWidth") == 390, "it fits on a phone"
        browser.resize(1400, 1400)
        browser.run(TYPE.format(TOKEN))
        browser.until(f"location.pathname === '/dashboard/studies/1' && {PLOTTED}")
        assert browser.run("document.cookie") == "", "scripts do not see it"
        assert browser.complaints() == []
        browser.run("document.querySelector('.a3b-corner button').click()")
        browser.until("location.pathname === '/login'")
        browser.go(f"{dashboard.url}/dashboard")
        browser.until("location.pathname === '/login' && !!document.querySelector('#token')")
        browser.run(TYPE.format(VIEWER))
        browser.until("document.body.innerText.includes('read-only')")


def test_a_trial_shows_its_note_and_curves(browser, mixed_url):
    with served(mixed_url) as dashboard:
        browser.go(f"{dashboard.url}/dashboard/studies/1/trials?numbers=0")
        browser.until("document.body.innerText.includes('a3b-tune show small --trial 0')")
        curves = "document.querySelector('img[alt=\"curves of trial 0\"]')"
        browser.until(f"!!{curves} && {curves}.complete")
        assert browser.run(f"{curves}.naturalWidth") > 500
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), (
            "nothing sticks out"
        )
        browser.go(f"{dashboard.url}/dashboard/studies/1/note")
        browser.until("document.body.innerText.includes('Which pool does the baseline need?')")
        assert browser.complaints() == []


def test_very_many_trials_are_drawn(browser, mixed_url, monkeypatch):
    monkeypatch.setattr(bands, "MANY", 3)
    with served(mixed_url) as dashboard:
        browser.go(f"{dashboard.url}/dashboard/studies/1")
        told = "document.body.textContent.replace(/\\s/g, ' ')"
        browser.until(f"{told}.includes('the best 2 of 5, and all')")
        assert browser.complaints() == []


def test_no_page_breaks_a_rule(browser, mixed_url):
    pages = ["", *(f"/studies/1{one}" for one in ("", "/analytics", "/trials", "/smartSelection"))]
    with served(mixed_url) as dashboard:
        for page in pages:
            browser.go(f"{dashboard.url}/dashboard{page}")
            browser.until(f"location.pathname === '/dashboard{page}'")
            browser.until("document.body.innerText.includes('small')")
            browser.until("document.readyState === 'complete'")
        assert browser.complaints() == []
