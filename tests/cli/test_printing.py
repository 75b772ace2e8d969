import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from a3b_tune.cli.printing import print_trim, print_whole, visible


def console(**options) -> Console:
    return Console(file=io.StringIO(), width=40, **options)


def test_lines_have_no_blanks_at_their_end():
    table = Table(box=None)
    table.add_column("a")
    table.add_column("b")
    table.add_row("long cell", "x")
    table.add_row("", "")
    table.add_row("y", "")
    screen = console()
    print_trim(screen, table)
    lines = screen.file.getvalue().split("\n")
    assert len(lines) == 5
    assert all(line == line.rstrip() for line in lines)
    assert "long cell" in lines[1]


def test_a_style_survives_and_nothing_is_taken_for_markup():
    screen = console(force_terminal=True, color_system="standard")
    print_trim(screen, Text("[red]name[/red]", style="bold"))
    assert screen.file.getvalue() == "\x1b[1m[red]name[/red]\x1b[0m\n"


def test_a_line_is_never_broken():
    screen = console()
    print_whole(screen, Text("a3b-tune show " + "x" * 100))
    assert screen.file.getvalue() == "a3b-tune show " + "x" * 100 + "\n"


def test_what_a_terminal_would_obey_is_not_printed():
    assert visible("a\x1b[31mb\u202ec") == "a?[31mb?c"
    screen = console()
    print_trim(screen, Text("a\x1b[31mb"))
    print_whole(screen, Text("c\x07d"))
    assert "\x1b" not in screen.file.getvalue()
    assert "\x07" not in screen.file.getvalue()
