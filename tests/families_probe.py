"""Decodes a family's file in the environment it is started in and tells what it saw. Run by test_family_exact.py.

python families_probe.py WEIGHTS FILE
"""

import sys
from pathlib import Path

import recorder

from dvcodec import models


def main() -> None:
    """Decode and print the hash of symbols and priors."""
    weights, file = sys.argv[1:]
    print(recorder.decoded(Path(file).read_bytes(), models.load(Path(weights)), priors=True)[0])


if __name__ == "__main__":
    main()
