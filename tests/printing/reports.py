"""Reports of networks, each made once, and terminals without colour."""

from functools import cache

from glutheory.activations import Activation
from glutheory.activations.parser import parse_expression
from glutheory.networks import Network, network, network_names
from glutheory.printing.contents import Report, report
from glutheory.terminal import Terminal

WIDE = Terminal(100, True, False)
OWN = ("z*erf(z)", "max(0,z)+z*Phi(z)", "max(0,z)**3", "exp(z)+erf(z)", "sin(2*z)+z", "z*exp(-z**2/2)")


def own(text: str) -> Network:
    return Network(text, (Activation(text, parse_expression(text)),))


@cache
def found(name: str) -> Report:
    return report(network(name) if name in network_names() else own(name), digits=8)
