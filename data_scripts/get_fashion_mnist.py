"""Download Fashion-MNIST: four files, 30.9 MB; interrupted downloads are continued.

    python data_scripts/get_fashion_mnist.py [--dir DIR]

The same as `nsnn data get fashion-mnist`.
"""

import sys

from nsnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "get", "fashion-mnist", *sys.argv[1:]]))
