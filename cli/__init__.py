"""The command line: one module per command. It parses and reports; codec/, training/ and evaluation/ do the work.

Nothing here imports torch, numpy or Pillow at module level: `--help` and `info` have to start at once.
"""
