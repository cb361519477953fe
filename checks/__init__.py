"""The verification of claims, `python -m checks`: one file or folder a claim; here and in the tests the roads meet.

`catalog` lists the claims, `claims` holds each as one file or folder, `tools` what two of them use; `runner` runs them,
`table`, `explain` and `layout` show the outcome.
"""
