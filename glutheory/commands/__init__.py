"""The everyday commands: click, thin; what they compute lives in `glutheory.studies` and `glutheory.report`.

One module a command, with `main` their group (`derive` is `glutheory.derive`, one layer up); what several share is in
`options`, `names`, `data`, `data_files`, `output` and `progress`. Only `derive`, `__main__` and the checks, which have
a command line of their own, import from here.
"""
