"""Download and unpack CIFAR-100: one archive, about 170 MB; what was interrupted is continued.

    python data_scripts/get_cifar100.py [--dir DIR]

The same as `nsnn data get cifar100`.
"""

import sys

from nsnn.data.download import script

if __name__ == "__main__":
    sys.exit(script("cifar100", __doc__))
