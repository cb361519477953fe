"""Every proof run once, and the pages rendered from it."""

from functools import cache

from derivations import catalog
from derivations.tools import render
from derivations.tools.proof import run as run_proof

NAMES = catalog.names()


@cache
def ran(name):
    return run_proof(catalog.load(name))


@cache
def texts():
    return render.pages({name: ran(name) for name in NAMES})
