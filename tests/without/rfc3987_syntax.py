"""Hides a library with which jsonschema, and so nbformat, checks international web addresses.

No notebook has such an address, and the library takes two seconds to import, in each of many processes.
jsonschema works without this library.
"""

raise ImportError(__doc__)
