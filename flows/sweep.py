"""`hlsflow sweep` from a bare checkout: Python finds the package beside the script, in the script's own folder."""

import sys

from hlsflow.__main__ import main

# The processes that carry the points import this file again.
if __name__ == "__main__":
    sys.exit(main(["sweep", *sys.argv[1:]]))
