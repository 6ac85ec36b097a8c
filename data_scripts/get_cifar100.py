"""Download and unpack CIFAR-100: one archive, about 170 MB; what was interrupted is continued.

    python data_scripts/get_cifar100.py [--dir DIR]

The same as `nsnn data get cifar100`.
"""

import sys

from nsnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "get", "cifar100", *sys.argv[1:]]))
