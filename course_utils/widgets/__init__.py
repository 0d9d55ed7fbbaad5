"""Controls in a notebook: the base classes of all explorers, and a script that makes controls accessible."""
