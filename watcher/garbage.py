"""When this process looks for garbage in cycles, of which loading makes hardly any.

A whole look goes through all that was loaded, which is more than a hundred thousand things: while they are loaded, and
at the end of the process, such looks were a third of what a short command took.
"""

from __future__ import annotations

import gc

_USUAL = gc.get_threshold()
_MORE_THAN_IS_LOADED = 200_000  # what is made meanwhile and not freed, until garbage is looked for all the same


def look_seldom() -> None:
    """While much is loaded, and in a command that ends soon."""
    gc.set_threshold(_MORE_THAN_IS_LOADED, *_USUAL[1:])


def look_at_what_is_new() -> None:
    """As usual from now on, but never at what is there by now. Once a process: garbage in that would stay, too."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def look_no_more() -> None:
    """The process ends, and all goes with it."""
    gc.freeze()
