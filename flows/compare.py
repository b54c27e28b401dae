"""`hlsflow compare` from a bare checkout: Python puts this folder on sys.path and finds the package beside the script."""

import sys

from hlsflow.__main__ import main

sys.exit(main(["compare", *sys.argv[1:]]))
