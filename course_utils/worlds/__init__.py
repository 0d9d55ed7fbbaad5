"""The worlds from which our own models learn: data whose every word, pixel and probability is known."""
