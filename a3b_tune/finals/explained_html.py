"""Answers with their reasons as one HTML page that needs nothing else: no script, no request.

All that comes from a text or a checkpoint is escaped. Knows no model.
"""

from html import escape

from a3b_tune.finals.answers import Answer
from a3b_tune.finals.explaining import CAUTION, Word, meaning, words_of
from a3b_tune.models.explaining import Kind

# Blue speaks for an answer and orange against it: told apart by who does not see red and green.
STYLE = """
:root { color-scheme: light dark; --text: #1a1d21; --dim: #667; --back: #f6f7f9; --card: #fff;
  --line: #dde0e6; --for: 37 99 235; --against: 217 119 6; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --dim: #99a; --back: #14161a;
  --card: #1d2026; --line: #343943; --for: 59 110 220; --against: 180 95 10; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: var(--text); background: var(--back);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; } .dim { color: var(--dim); font-size: .875rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  margin: 1rem 0; padding: 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: .75rem; font-size: .875rem; }
td { padding: .1rem .5rem .1rem 0; overflow-wrap: anywhere; }
td.chance { width: 4rem; font-variant-numeric: tabular-nums; }
td.bar { width: 50%; padding-right: 0; }
.fill { height: .7rem; min-width: 1px; border-radius: .2rem; background: rgb(var(--for) / .75); }
.words { line-height: 2.1; overflow-wrap: anywhere; }
.words span, .key { padding: .15rem .25rem; border-radius: .25rem; }
.for { background: rgb(var(--for) / var(--a)); }
.against { background: rgb(var(--against) / var(--a)); }
.pair { border: 1px solid var(--text); font-size: .875rem; }
.key { color: var(--text); }
"""
LEGENDS: dict[Kind, str] = {
    "attention": '<p class="dim"><span class="key for" style="--a:.7">more</span> attention of'
    f" the last layer, averaged over its heads. Caution: {CAUTION}.</p>\n",
    "contribution": '<p class="dim"><span class="key for" style="--a:.7">for</span> and'
    ' <span class="key against" style="--a:.7">against</span> the answer, the more colour the more.'
    " A frame holds a pair of neighbouring words.</p>\n",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


END = "</body>\n</html>\n"


def begin(title: str, kind: Kind) -> str:
    """The page up to its first answer."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{LEGENDS[kind]}"
    )


def article(answer: Answer) -> str:
    """One answer on the page."""
    chances = "".join(
        f'<tr><td>{escape(name)}</td><td class="chance">{chance:.3f}</td>'
        f'<td class="bar"><div class="fill" style="width:{100 * chance:.1f}%"></div></td></tr>'
        for name, chance in sorted(answer.probabilities.items(), key=lambda entry: -entry[1])
    )
    words = " ".join(_word(own) for own in words_of(answer)) or '<i class="dim">no words</i>'
    return (
        f"<article>\n<h2>{escape(answer.name)}</h2>\n<table>{chances}</table>\n"
        f'<p class="words">{words}</p>\n{_notes(answer)}</article>\n'
    )


def _word(own: Word) -> str:
    side = "against" if own.strength < 0 else "for"
    shown = f"<s>{escape(own.word)}</s>" if own.unknown else escape(own.word)
    pair = " pair" if own.pair else ""
    return (
        f'<span class="{side}{pair}" style="--a:{0.8 * abs(own.strength):.2f}"'
        f' title="{own.weight:+.4f}">{shown}</span>'
    )


def _notes(answer: Answer) -> str:
    told = [meaning(answer.name, answer.why)] if answer.why is not None else []
    if answer.unknown_words:
        told.append(f"{len(answer.unknown_words)} of {answer.read} words unknown, struck out")
    if answer.left_out:
        told.append(f"only the first {answer.read} words were read, {answer.left_out} were not")
    return "".join(f'<p class="dim">{escape(note)}</p>\n' for note in told)
