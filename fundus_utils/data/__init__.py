"""Everything that reads data: named data sets, and pictures of any format.

sets (what there is) -> loading (one sample at a time) -> pictures (files as arrays); `downloads`
fetches the public sets and is imported by its own name, as only it needs the network.
"""

from .loading import FundusSet, load_set
from .pictures import read_mask, read_photograph
from .sets import SOURCES

__all__ = ["SOURCES", "FundusSet", "load_set", "read_mask", "read_photograph"]
