"""Walks a folder again and again, and tells each file that is new: what scanning costs at the least.

    python scandir_loop.py FOLDER SECONDS

It writes a line for each, and looks at names, sizes and times only.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator


def files(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from files(entry.path)
            else:
                status = entry.stat(follow_symlinks=False)
                yield entry.path, status.st_size, status.st_mtime_ns


def main() -> None:
    folder, pause = sys.argv[1], float(sys.argv[2])
    seen = set(files(folder))
    print("ready", flush=True)
    while True:
        for found in files(folder):
            if found not in seen:
                seen.add(found)
                sys.stdout.write(f"{found[0]}\n")
        sys.stdout.flush()
        time.sleep(pause)


if __name__ == "__main__":
    main()
