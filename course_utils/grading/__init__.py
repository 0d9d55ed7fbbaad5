"""What an instructor and the tests run: many notebooks, quickly."""
