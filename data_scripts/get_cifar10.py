"""Download and unpack CIFAR-10: one archive, about 170 MB; what was interrupted is continued.

    python data_scripts/get_cifar10.py [--dir DIR]

The same as `nsnn data get cifar10`.
"""

import sys

from nsnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "get", "cifar10", *sys.argv[1:]]))
