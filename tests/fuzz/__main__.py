"""Look for bytes that break a promise: `make fuzz ARGS="headers --seconds 300"`.

What is found is written into the folder that is given by `--found`, and told with its traceback. Without
a target each of them is looked at in turn. Further arguments are folders of files to start from, too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", help="headers, answers, mails or unpacker")
    parser.add_argument("corpora", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--found", type=Path, default=Path())
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        _fuzz(arguments.target, arguments.seconds, arguments.found, arguments.corpora)
    names = [arguments.target] if arguments.target else ["headers", "answers", "mails", "unpacker"]
    statuses = [_apart(name, arguments) for name in names]  # a fuzzer ends its process
    return max(statuses)


def _apart(name: str, arguments: argparse.Namespace) -> int:
    options = ["--seconds", str(arguments.seconds), "--found", str(arguments.found), "--here"]
    command = [sys.executable, "-m", "tests.fuzz", name, *map(str, arguments.corpora), *options]
    return subprocess.run(command, check=False).returncode


def _fuzz(name: str, seconds: int, found: Path, corpora: list[Path]) -> None:
    import atheris

    with atheris.instrument_imports(include=["watcher", "email", "zipfile"]):
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.seeds import seeds

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / f"{number:03}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", f"-artifact_prefix={found}/"]
        atheris.Setup([sys.argv[0], *options, folder, *map(str, corpora)], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
