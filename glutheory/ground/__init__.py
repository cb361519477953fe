"""What the roads share: exact numbers, balls, the reading of a definition, files and processes; no kernel is in it."""
