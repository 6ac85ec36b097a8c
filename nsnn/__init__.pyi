# The public names of `nsnn`, which Python imports at first use, for editors and type checkers.

from nsnn.csr import CSRMatrix as CSRMatrix
from nsnn.errors import RunError as RunError
from nsnn.errors import UserError as UserError
from nsnn.gradcheck import check_network as check_network
from nsnn.layers.lif import simulate as simulate
from nsnn.network import Network as Network
from nsnn.neuron import Neuron as Neuron
from nsnn.neuron import from_preset as from_preset
from nsnn.training.run_folder import load as load
from nsnn.training.session import train as train

__version__: str
