"""Download and unpack Tiny-ImageNet: one archive, about 250 MB; what was interrupted is continued.

    python data_scripts/get_tiny_imagenet.py [--dir DIR]

The same as `nsnn data get tiny-imagenet`.
"""

import sys

from nsnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "get", "tiny-imagenet", *sys.argv[1:]]))
