"""`hlsflow build` from a bare checkout: Python finds the package beside the script, in the script's own folder."""

import sys

from hlsflow.__main__ import main

sys.exit(main(["build", *sys.argv[1:]]))
