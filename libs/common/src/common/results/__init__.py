"""Parts of the larger results, one module an action; the contracts in `common.actions` use them.

A result is made of the envelope's types, which live beside the contracts, and a contract needs its
result: importing the contracts first makes either package importable on its own.
"""

import common.actions  # noqa: F401
