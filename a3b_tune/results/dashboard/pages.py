"""The pages that are made here: the login, and what is added to optuna-dashboard's own page.

No script is in them and nothing is loaded from elsewhere. Knows no token and no session.
"""

import base64
import hashlib
from html import escape

from a3b_tune.results.dashboard.answers import Answer, page

STYLE = """
:root { color-scheme: light dark; --back: #eef3f8; --card: #fff; --text: #1b2733; --dim: #5b6b7b;
  --line: #c3ced9; --blue: #1976d2; --red: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --back: #10161d; --card: #1a232d; --text: #e6edf3;
  --dim: #9aa8b6; --line: #3a4754; --blue: #4a9eea; --red: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; background: var(--card); border-radius: 12px;
  padding: 2rem 1.75rem; box-shadow: 0 8px 30px rgb(0 0 0 / .12); }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.01em; }
p { margin: .25rem 0 0; color: var(--dim); }
form { margin-top: 1.5rem; }
label { display: block; font-size: .875rem; font-weight: 600; margin-bottom: .35rem; }
input { width: 100%; padding: .7rem .8rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 8px; }
button { width: 100%; margin-top: 1rem; padding: .75rem; font: inherit; font-weight: 600;
  color: #fff; background: #1769bb; border: 0; border-radius: 8px; cursor: pointer; }
button:hover { background: #125699; }
input:focus-visible, button:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.wrong { margin-top: 1rem; color: var(--red); font-weight: 600; }
.help { margin-top: 1.5rem; font-size: .8125rem; }
code { font-size: .9em; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>a3b-tune: log in</title>
{head}<style>{style}</style>
</head>
<body>
<main>
<h1>a3b-tune</h1>
{body}
</main>
</body>
</html>
"""
FORM = """<p>Studies, trials and their curves</p>
{wrong}<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
<input name="username" value="a3b-tune" autocomplete="username" hidden>
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
<p class="help">Whoever started this dashboard has the token: it is what the file of
<code>--token-file</code> holds.</p>"""

CORNER = """
<style>
.a3b-corner { position: fixed; top: 0; right: 1rem; height: 64px; z-index: 1250; margin: 0;
  display: flex; align-items: center; gap: .75rem; font: 500 14px/1 system-ui, sans-serif;
  color: #fff; }
.a3b-corner span { padding: .4rem .6rem; border: 1px solid rgb(255 255 255 / .6);
  border-radius: 999px; }
.a3b-corner button { font: inherit; color: inherit; background: rgb(0 0 0 / .2); border: 0;
  border-radius: 6px; padding: .6rem .8rem; cursor: pointer; }
.a3b-corner button:hover { background: rgb(0 0 0 / .35); }
</style>
"""


def login_page(place: str, status: str = "200 OK", wrong: str = "") -> Answer:
    """The form that asks for the token.

    :param place: where to go on after it.
    :param wrong: why the last try failed.
    """
    told = f'<p class="wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    return _own(status, "", FORM.format(wrong=told, next=escape(place)))


def once_more(place: str) -> Answer:
    """Loads a page again at once, this time from here: a browser that comes from a link of another
    site holds its cookie back."""
    head = f'<meta http-equiv="refresh" content="0; url={escape(place)}">\n'
    return _own("200 OK", head, f'<p><a href="{escape(place)}">Go on</a></p>')


def corner(html: bytes, *, read_only: bool, logged_in: bool) -> bytes:
    """optuna-dashboard's page with what it has no place for: that nothing can be changed, and the
    way out."""
    parts = ["<span>read-only</span>"] if read_only else []
    parts += ["<button>Log out</button>"] if logged_in else []
    if not parts:
        return html
    added = (
        f'{CORNER}<form class="a3b-corner" method="post" action="/logout">{"".join(parts)}</form>'
    )
    return html.replace(b"</body>", added.encode() + b"\n</body>")


def _own(status: str, head: str, body: str) -> Answer:
    html = PAGE.format(head=head, style=STYLE, body=body)
    return page(status, html, ("Content-Security-Policy", POLICY))
