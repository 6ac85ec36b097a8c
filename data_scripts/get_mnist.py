"""Download MNIST: four files, 11.6 MB; interrupted downloads are continued.

    python data_scripts/get_mnist.py [--dir DIR]

The same as `nsnn data get mnist`.
"""

import sys

from nsnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "get", "mnist", *sys.argv[1:]]))
