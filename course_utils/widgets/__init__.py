"""Controls in a notebook: what every explorer has in common, and one script that makes them accessible."""
