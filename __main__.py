"""The program `dvcodec`, also as `python -m dvcodec`. Signals are handled before anything else is imported."""

import sys


def main() -> None:
    """Run the program with the arguments of the process, and exit."""
    try:
        from .processes.signals import end_cleanly

        end_cleanly()
        from .cli.app import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
