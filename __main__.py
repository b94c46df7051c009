"""`python -m dvcodec` is the same program as `dvcodec`."""

from .cli.app import main

main()
