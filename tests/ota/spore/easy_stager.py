"""A real stager process whose trust is easily earned."""

import sys

from ota.spore.stager import main
from tests.ota.spore.desk import EasyTrust

if __name__ == "__main__":
    sys.exit(main(EasyTrust))
