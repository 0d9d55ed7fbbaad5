"""Runs many notebooks quickly: for instructors who grade them and for the tests."""
