"""What the roads share: exact numbers, balls, the reading of a definition, files and processes; no kernel is in it.

`exact` and `balls` hold the numbers, `parser`, `normal_form`, `pieces` and `growth` read a function of z, `arguments`
checks what a user gives; `files` and `store` write whole files, `workers` runs processes. It exports nothing as a
whole: other rooms import from these modules.

A mistake in these modules would be one of all roads, and they would agree on it: `tests/third_reader.py` reads
definitions in another way and holds the roads against that.
"""
