"""Download Fashion-MNIST: four files, 30.9 MB; interrupted downloads are continued.

    python data_scripts/get_fashion_mnist.py [--dir DIR]

The same as `nsnn data get fashion-mnist`.
"""

import sys

from nsnn.data.download import script

if __name__ == "__main__":
    sys.exit(script("fashion-mnist", __doc__))
