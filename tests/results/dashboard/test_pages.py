import base64
import hashlib
import re

from a3b_tune.results.dashboard.pages import corner, login_page, once_more

HOSTILE = "/dashboard\"'><script>alert(1)</script>"


def test_what_is_shown_is_text_and_no_markup():
    for answer in (login_page(HOSTILE, wrong=HOSTILE), once_more(HOSTILE)):
        assert b"<script" not in answer.body
        assert answer.body.count(b"&lt;script") == 2


def test_the_policy_allows_its_own_style_and_nothing_else():
    answer = login_page("/dashboard")
    style = re.search(rb"<style>(.*)</style>", answer.body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    policy = answer.header("Content-Security-Policy")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert b"style=" not in answer.body


def test_a_page_says_what_its_reader_may_do():
    html = b"<html><body><div></div></body></html>"
    assert corner(html, read_only=False, logged_in=False) == html
    both = corner(html, read_only=True, logged_in=True)
    assert b"read-only" in both
    assert b'action="/logout"' in both
    assert both.endswith(b"</body></html>")
    assert b"Log out" not in corner(html, read_only=True, logged_in=False)
    assert b"read-only" not in corner(html, read_only=False, logged_in=True)
