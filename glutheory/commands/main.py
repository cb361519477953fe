"""The command line, `glutheory COMMAND`; thin, everything is done elsewhere.

A user's mistake is one sentence on stderr and exit status 2; a refuted check is exit status 1; Ctrl-C is 130, quietly.
"""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, NoReturn

import click

from glutheory.errors import GlutheoryError, PrecisionError

_MISTAKE, _INTERRUPTED = 2, 130
#: Why printing fails: a full disk or quota, a file that may not grow, a device that is broken or gone.
_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENXIO)
_LONGEST = 600  #: characters of an error
#: In the order of the help page: the command's module and name there, and what it does.
_COMMANDS = {
    "derive": ("glutheory.derive", "derive", "Derive a network's kernels, verify and print them."),
    "evaluate": ("glutheory.commands.evaluate", "evaluate_command", "Evaluate S and T to any number of digits."),
    "list": ("glutheory.commands.list", "list_command", "List the activations and networks."),
    "kernel": ("glutheory.commands.kernel", "kernel_command", "Show S, T and the kernels over the correlation."),
    "spectrum": ("glutheory.commands.spectrum", "spectrum_command", "Show eigenvalues and condition numbers on data."),
    "dynamics": ("glutheory.commands.dynamics", "dynamics_command", "Compare how fast a pair of networks learns."),
    "phase": ("glutheory.commands.phase", "phase_command", "Map where gating helps the condition number."),
    "depth": ("glutheory.commands.depth", "depth_command", "Show what depth does to the condition number."),
    "audit": ("glutheory.commands.audit", "audit_command", "Report how well conditioned a model's FFNs are."),
    "report": ("glutheory.commands.report", "report_command", "Write the report on all claims as one HTML file."),
    "completion": (
        "glutheory.commands.completion",
        "completion_command",
        "Print the script for completion in a shell.",
    ),
}


def _complain(sentence: str) -> None:
    text = " ".join(sentence.split())
    if len(text) > _LONGEST:
        # a message that repeats what the user typed, all of it
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    encoding = getattr(sys.stderr, "encoding", None) or "ascii"
    click.echo(f"error: {text.encode(encoding, 'backslashreplace').decode(encoding)}", err=True)


def _reached(error: PrecisionError) -> str:
    """What a PrecisionError hands over, as a clause."""
    if not isinstance(error.reached, tuple) or len(error.reached) != 2:
        return ""
    S, T = (ball.str(12) for ball in error.reached)
    return f" Reached: S in {S}, T in {T}."


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Python looks for garbage every 700 new objects, which costs a tenth of a derivation; here every 10,000."""
    usual = gc.get_threshold()
    gc.set_threshold(10_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _guarded(run: Callable[..., Any], *args: Any, **extra: Any) -> NoReturn:
    """Run a click command's `main` and exit; never shows a traceback for a user's mistake."""
    extra["standalone_mode"] = False
    try:
        with _fewer_collections():
            status = run(*args, **extra)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        _complain(f"no command is given: try '{_path(error)} --help'.")
        status = _MISTAKE
    except click.UsageError as error:
        _complain(f"{error.format_message().rstrip('.')}; see '{_path(error)} --help'.")
        status = _MISTAKE
    except click.ClickException as error:
        _complain(error.format_message())
        status = _MISTAKE
    except PrecisionError as error:
        _complain(f"{error}{_reached(error)}")
        status = _MISTAKE
    except GlutheoryError as error:
        _complain(str(error))
        status = _MISTAKE
    except SystemError as error:
        # what flint's integrals make of Ctrl-C that comes while they call back
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        status = _INTERRUPTED
    except MemoryError:
        _complain("there is not enough memory for this: give fewer rows.")
        status = _MISTAKE
    except (click.Abort, KeyboardInterrupt):
        status = _INTERRUPTED
    except BrokenPipeError:
        # the reader (head, less) has gone: nothing is left to say
        _silence()
        status = _MISTAKE
    except OSError as error:
        # of a file it has the name
        if error.filename is not None or error.errno not in _UNWRITTEN:
            raise
        _silence()
        _complain(f"what is printed or kept cannot be written ({error.strerror}): make room, or let it go elsewhere.")
        status = _MISTAKE
    sys.exit(status if isinstance(status, int) else 0)


def _silence() -> None:
    """Nothing more is written to standard output, not even when the interpreter closes it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _path(error: click.UsageError) -> str:
    return "glutheory" if error.ctx is None else error.ctx.command_path


@contextmanager
def _parsing(ctx: click.Context) -> Iterator[None]:
    """Mistakes found by click's parser, which names no command in some of them, are told as this command's."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise


class Command(click.Command):
    """A command whose errors are one sentence each."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, which of an option that is given twice silently takes the last, but refuses that."""
        with _parsing(ctx):
            given = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option in given:
            single = isinstance(option, click.Option) and not (option.multiple or option.is_flag or option.count)
            if single and given.count(option) > 1 and not ctx.resilient_parsing:
                name, times = option.opts[0], given.count(option)
                raise click.UsageError(f"{name} is given {times} times and takes one value: give it once", ctx)
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command and exit."""
        _guarded(super().main, *args, **extra)


class Group(click.Group):
    """A group of such commands that imports each one only when it is run."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        with _parsing(ctx):
            return super().parse_args(ctx, args)

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run the command and exit."""
        _guarded(super().main, *args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's interface)
        """The names, in the order of the help page."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's interface)
        """The command of that name, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's interface)
        """The list on the help page, without importing what it lists."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but an unknown command is told the known ones."""
        unknown = bool(args) and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None
        if unknown and not ctx.resilient_parsing:  # which completion is
            from glutheory.activations import nearest

            known = tuple(self.list_commands(ctx))
            raise click.UsageError(f"unknown command {args[0][:40]!r}: {nearest(args[0][:40], known)}", ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from glutheory import __version__

        click.echo(f"glutheory {__version__}")
        ctx.exit()


@click.command(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def main() -> None:
    """Kernels (NNGP, NTK) of gated and non-gated networks: derived, evaluated, verified.

    \b
    Examples:
      glutheory derive swiglu
      glutheory derive geglu --format latex --out geglu.tex
      glutheory evaluate silu --a 2 --b 0.5 --c -0.3 --digits 60
      glutheory list
      glutheory kernel relu reglu --out kernel.svg
      glutheory spectrum relu reglu --n 1600 --d 40
      glutheory dynamics relu reglu
      glutheory phase reglu --out phase.png
      glutheory depth silu swiglu --layers 1:64
      glutheory audit llama --layers 0
      glutheory report --out report.html
    """  # noqa: D301 (click's mark for lines that stay as they are is the control character)
