"""What the roads share: exact numbers, balls, the reading of a definition, files and processes; no kernel is in it.

`exact` and `balls` hold the numbers, `parser`, `normal_form`, `pieces` and `growth` read a function of z, `arguments`
checks what a user gives; `files` and `store` write whole files, `workers` runs processes. It exports nothing as a
whole: other rooms import from these modules.
"""
