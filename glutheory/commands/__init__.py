"""The everyday commands: click, thin; what they compute lives in `glutheory.studies` and `glutheory.report`.

One module a command, with `main` their group; what several share is in `options`, `names`, `data`, `output` and
`progress`, which `glutheory.derive` uses as well. No other room imports from here.
"""
