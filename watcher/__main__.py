"""`python -m watcher`, and the command `invoice-watcher`: where errors become exit codes."""

from __future__ import annotations

import os
import sys

from watcher.cli.plain import Asked, as_asked
from watcher.cli.streams import NOT_WRITTEN, discard_output, make_usable
from watcher.errors import ConfigurationError, JournalRefused, PersonalError, Unavailable, UsageError
from watcher.garbage import look_no_more, look_seldom
from watcher.seclusion import seclude

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 78  # systemd's RestartPreventExitStatus
EXIT_INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT


def main() -> None:
    """Run the command line and exit with its status."""
    look_seldom()
    seclude()
    make_usable()
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # to look for any takes time, and they would see secrets
    try:
        _run()
    except ConfigurationError as error:
        _end(error, EXIT_CONFIGURATION)
    except UsageError as error:
        _end(error, EXIT_USAGE)
    except (PersonalError, Unavailable, JournalRefused) as error:
        _end(error, EXIT_FAILED)
    except KeyboardInterrupt:  # before the daemon listens for it
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # `… list | head`
        discard_output()
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.errno not in NOT_WRITTEN:
            raise
        discard_output()
        _end(OutputLost(f"what there is to say cannot be written: {error.strerror}"), EXIT_FAILED)


class OutputLost(PersonalError):
    """Standard output takes nothing more."""


def _run() -> None:
    """The command; what it said has left the program when this returns or raises."""
    try:
        if (asked := as_asked(sys.argv[1:])) is not None:
            sys.exit(_plainly(asked))
        from watcher.cli.app import app

        app(prog_name="invoice-watcher")
    finally:
        sys.stdout.flush()
        look_no_more()


def _plainly(asked: Asked) -> int:
    if asked.command == "ready":
        from watcher.cli.readiness import ready

        return ready(asked.path, asked.wait)
    from watcher.cli.running import run_daemon

    return run_daemon(asked.path)


def _end(error: Exception, status: int) -> None:
    print(f"invoice-watcher: {error}" if status != EXIT_CONFIGURATION else str(error), file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
