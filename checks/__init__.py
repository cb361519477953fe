"""Executable checks of every claim: `python -m checks`. One file or folder per claim; the roads meet here and in the tests.

`claims` holds them, `tools` what two of them use; `runner` runs them, `table`, `explain` and `layout` show the outcome.
"""
