"""`python -m watcher`, and the command `invoice-watcher`: where errors become exit codes."""

from __future__ import annotations

import sys

from watcher.cli.readiness import as_asked, ready
from watcher.cli.streams import NOT_WRITTEN, discard_output, make_usable
from watcher.errors import ConfigurationError, PersonalError, Unavailable, UsageError
from watcher.seclusion import seclude

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 78  # systemd's RestartPreventExitStatus


def main() -> None:
    """Run the command line and exit with its status."""
    seclude()
    make_usable()
    try:
        _run()
    except ConfigurationError as error:
        _end(error, EXIT_CONFIGURATION)
    except UsageError as error:
        _end(error, EXIT_USAGE)
    except (PersonalError, Unavailable) as error:
        _end(error, EXIT_FAILED)
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
            sys.exit(ready(asked.path, asked.wait))
        from watcher.cli.app import app

        app(prog_name="invoice-watcher")
    finally:
        sys.stdout.flush()


def _end(error: Exception, status: int) -> None:
    print(f"invoice-watcher: {error}" if status != EXIT_CONFIGURATION else str(error), file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
