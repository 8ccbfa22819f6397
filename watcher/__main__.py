"""`python -m watcher`, and the command `invoice-watcher`: where errors become exit codes."""

from __future__ import annotations

import sys

from watcher.errors import ConfigurationError, PersonalError, Unavailable, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 78  # systemd's RestartPreventExitStatus


def main() -> None:
    """Run the command line and exit with its status."""
    from watcher.cli.app import app

    try:
        app(prog_name="invoice-watcher")
    except ConfigurationError as error:
        _end(error, EXIT_CONFIGURATION)
    except UsageError as error:
        _end(error, EXIT_USAGE)
    except (PersonalError, Unavailable) as error:
        _end(error, EXIT_FAILED)
    except BrokenPipeError:  # `… list | head`
        sys.stderr.close()
        sys.exit(EXIT_FAILED)


def _end(error: Exception, status: int) -> None:
    print(f"invoice-watcher: {error}" if status != EXIT_CONFIGURATION else str(error), file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
