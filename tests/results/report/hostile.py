"""Text as a study's name, a label or an error may be, which no page may take for its own."""

from hypothesis import strategies as st

MARKUP = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)> &amp; \"quoted\" 'too'",
    "{{ 7 * 7 }} {% raw %} #{x}",
    "# *bold* _it_ `code` ~~no~~ $x^2$ @ref <label> [a](javascript:b) ![c](d) | e",
    "1. one\n- two\n+ three\n> four\n===\n---\n\n    five\n```\nsix",
    '#eval("1") \\#x // comment /* and */ -- --- ... ~ \\u{41} #import sys: *',
    "https://example.org www.example.org a@example.org",
    "שלום \u202eעולם\u202c 🎉 你好 e\u0301 \u200d",
    "bell \x07 escape \x1b[31m nul \x00 half \ud800 \x85",
]
anything = st.one_of(
    st.sampled_from(MARKUP),
    st.text(max_size=60),
    st.text(alphabet="#*_`[]()<>{}|~$\\&@!+-=.:/\"' \n\t1a", max_size=40),
)
