"""Executable checks of every claim: `python -m checks`. One module per claim; the roads meet here and in the tests."""
