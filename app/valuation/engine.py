"""Which engine worked a value out: ours, and the libraries whose floats it rounds."""

import numpy as np
import scipy

from app.valuation import ENGINE

ENGINE_VERSION = f"{ENGINE} numpy {np.__version__} scipy {scipy.__version__}"
"""Another string may mean another fen: a stored result is checked by its own engine only."""
