"""The command line: `bearwatch --help`. Commands load on demand, so that `classify` does not import Faust."""

import errno
import importlib
import io
import logging
import os
import sys
import warnings

import click

from bearwatch import __version__
from bearwatch.core.errors import BearwatchError
from bearwatch.core.logs import prepare
from bearwatch.core.stop_signals import INTERRUPTED, exit_on_interrupt
from bearwatch.options import check_texts
from bearwatch.settings_sources import check_environment, from_file
from bearwatch.standard_streams import discard_output, open_closed, write_error

COMMANDS = {
    "up": "everything on one machine: Kafka, a worker, a feed and a live view",
    "stack": "the same with Prometheus, Alertmanager, webhook receiver and evidence pages",
    "worker": "one production worker; start more to scale",
    "topics": "create the Kafka topics, or show how existing ones differ",
    "rules": "write the Prometheus rule files that belong to a policy",
    "feed": "send the sample feed, or a file that may grow, until stopped",
    "ingest": "send documents from JSON lines to Kafka",
    "alerts": "list, show, acknowledge and snooze alerts; serve pages about them",
    "webhook": "receive Alertmanager's notifications and write them to a file",
    "classify": "classify texts, given as arguments or as lines on standard input",
    "entities": "check a list of watched companies, and what it finds in texts",
    "data": "report on training data: sizes, classes, conflicts, leaks into evaluation sets",
    "train": "fine-tune a model from a TOML configuration",
    "evaluate": "measure a model on labelled data",
    "export": "write a trained model as a checked ONNX artifact",
    "compare": "traditional classifiers against BERT: quality by number of labels, cost, noise",
}


class LazyGroup(click.Group):
    """Imports `bearwatch.commands.NAME` when NAME is called or asked for its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        with exit_on_interrupt():
            command = importlib.import_module(f"bearwatch.commands.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101
        check_texts(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bearwatch")
@click.option("-v", "--verbose", is_flag=True, help="Log more (to standard error).")
@click.pass_context
def bearwatch(ctx: click.Context, verbose: bool) -> None:
    """Watch news and comments for surges of bad news, per topic and per stream.

    Settings come from bearwatch.toml in the current folder, then from BEARWATCH_* variables, then from flags.
    """
    check_environment(os.environ)
    shared = from_file()
    ctx.default_map = dict.fromkeys(COMMANDS, shared)
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        handlers=[prepare(logging.StreamHandler(sys.stderr))],
    )
    logging.raiseExceptions = False  # where the log's disk is full no traceback is written to the terminal
    # With -v they log each request, a login's password too.
    for name in ("aiokafka.conn", "kafka.net.connection"):
        logging.getLogger(name).setLevel(logging.WARNING)


def main() -> None:
    """Entry point: exit code 0 done, 2 wrong use or wrong settings, 1 anything else, 130 after Ctrl-C."""
    open_closed()
    # Those of libraries: PYTHONWARNINGS=error would end a command.
    warnings.simplefilter("ignore", DeprecationWarning)
    code = _run()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        discard_output()
        code = code or 1
    sys.exit(code)


def _run() -> int:
    try:
        return bearwatch.main(standalone_mode=False) or 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        write_error(shown.getvalue().rstrip("\n"))
        return error.exit_code
    except BearwatchError as error:
        write_error(f"bearwatch: error: {error}")
        return error.exit_code
    except MemoryError:
        write_error("bearwatch: error: there is not enough memory")
        return 1
    except BrokenPipeError:  # as in `bearwatch classify | head`
        discard_output()
        return 0
    except OSError as error:
        discard_output()
        where = "standard input or output" if error.filename is None else error.filename
        what = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        write_error(f"bearwatch: error: {where}: {what}")
        return 1
