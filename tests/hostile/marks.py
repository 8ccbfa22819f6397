"""What hostile texts are made of, and what must therefore be found nowhere as it came."""

from __future__ import annotations

ESCAPED = "hostile-escaped"  # in the name of every file that is to be written where none belongs
FORGED_LINE = "2026-01-01T00:00:00.000+00:00 CRITICAL All invoices were booked. [forged=yes]"
TERMINAL = "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;https://evil.example\x1b\\link\x9b31m\x08\x7f"
BIDI = "invoice\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe\N{LEFT-TO-RIGHT ISOLATE}\N{ARABIC LETTER MARK}\N{RIGHT-TO-LEFT MARK}"
INVISIBLE = "in\N{ZERO WIDTH SPACE}vo\N{ZERO WIDTH JOINER}ice\ufeff\N{HANGUL FILLER}\N{SOFT HYPHEN}\U000e0041\u2800"
HTML = "<script>alert(1)</script><img src=x onerror=alert(1)></td></table><a href=javascript:alert(1)>x</a>\"'>&amp;"
