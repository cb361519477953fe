"""The verification of claims: `catalog` lists them, `runner` runs them, `claims` holds one each, `tools` what they share."""

`claims` holds them, `tools` what two of them use; `runner` runs them, `table`, `explain` and `layout` show the outcome.
"""
