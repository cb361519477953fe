"""The verification of claims, `python -m checks`: one file or folder a claim; here and in the tests the roads meet.

`claims` holds them, `tools` what two of them use; `runner` runs them, `table`, `explain` and `layout` show the outcome.
"""
