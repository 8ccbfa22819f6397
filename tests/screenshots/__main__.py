"""Makes the pictures of one part of the docs, by the module of its name beside this one."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

HERE = Path(__file__).parent
IMAGES = HERE.parents[1] / "docs" / "images"


def main() -> None:
    parts = sorted(path.stem for path in HERE.glob("[!_]*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("part", choices=parts)
    parser.add_argument("--into", type=Path, help="a folder; default: the docs' own")
    wanted = parser.parse_args()
    folder = wanted.into or IMAGES / wanted.part
    folder.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"tests.screenshots.{wanted.part}").take(folder)


if __name__ == "__main__":
    main()
