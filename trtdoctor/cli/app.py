"""The program: finds the command, and turns every way a run can end into its exit code."""

from __future__ import annotations

import importlib
import signal
import sys
import tempfile
import traceback
from types import FrameType

import click

from trtdoctor.model.errors import TrtdoctorError
from trtdoctor.version import __version__

from .streams import complain, discard_output, output_was_lost, prepare
from .words import Group, sentence

# Each command's module is imported when it is called; --help needs only these lines.
_COMMANDS = {
    "check": "Look at this machine: will TensorRT work, is FP16 fast, what must change first?",
    "inspect": "What is in engine files: identity, layers, precisions; no TensorRT or GPU needed.",
    "explain": "Why is a layer not FP16, what does it cost, and what to change?",
    "audit": "What of an ONNX model will be FP16, what breaks there, and what is refused?",
    "plan": "Which nodes of an ONNX model stay in FP32, measured; writes the converted model.",
    "build": "Build an engine from a model, with everything recorded that explaining it needs.",
    "compare": "Is one engine worth it in place of another: precision, time, outputs?",
    "decode": "What does an error text or code mean, who says it, and what is the next step?",
    "list": "List the checks, causes, facts and knowledge tables.",
    "why": "Explain a check, a cause or an error: what it is, why it matters, how to fix it.",
    "mcp": "Answer programs that speak the Model Context Protocol, such as coding assistants.",
    "report": "Show, compare or judge anew saved reports; put those of a fleet beside each other.",
}
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class _Terminated(BaseException):
    """SIGTERM or SIGHUP arrived: end as on Ctrl-C, leaving no child and no half file."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"trtdoctor.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 nothing found, 1 problems found, 2 wrong usage or unreadable input, "
    "3 inconclusive.",
)
@click.version_option(__version__, prog_name="trtdoctor", message="%(prog)s %(version)s")
def program() -> None:
    """Diagnostics for NVIDIA TensorRT, on this machine or from what was saved on another.

    For Linux on x86-64 and aarch64, also in WSL. Windows itself is not supported yet.
    """


def run(arguments: list[str]) -> int:
    """Run one command; returns the exit code and never raises."""
    prepare()
    if sys.platform == "win32":
        complain(
            "trtdoctor: Windows is not supported yet; what follows may be wrong. Run it in WSL or on Linux."
        )
    for number in _SIGNALS:
        # What nohup set to be ignored stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)
    try:
        code = program.main(args=arguments, prog_name="trtdoctor", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "trtdoctor"
        return _say(f"{where}: {sentence(error)} (see {where} --help)")
    except click.ClickException as error:
        return _say(f"trtdoctor: {error.format_message()}")
    except TrtdoctorError as error:
        return _say(f"trtdoctor: {error}")
    except (KeyboardInterrupt, click.Abort):
        _say("trtdoctor: interrupted")
        return 128 + signal.SIGINT
    except _Terminated as end:
        return 128 + end.number
    except BrokenPipeError:
        # The reader went away and has seen what it wanted.
        discard_output()
        return 0
    except OSError as error:
        if not output_was_lost(error):
            return _bug(error)
        discard_output()
        return _say(f"trtdoctor: cannot write the output ({error.strerror})")
    except Exception as error:  # noqa: BLE001  the last resort: a bug of ours, told as one
        return _bug(error)
    finally:
        _tidy()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated(number)


def _say(text: str) -> int:
    complain(_named(text))
    return 2


def _named(text: str) -> str:
    """A text that calls standard input by its name, and not by that of the file which holds it."""
    given = sys.modules.get("trtdoctor.cli.given")
    return text if given is None else str(given.named(text))


def _tidy() -> None:
    given = sys.modules.get("trtdoctor.cli.given")
    if given is not None:
        given.tidy()


def _bug(error: Exception) -> int:
    return _say(
        f"trtdoctor: a bug in trtdoctor: {type(error).__name__}: {error}; {_keep_traceback()}"
    )


def _keep_traceback() -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="trtdoctor-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as stream:
            stream.write(f"trtdoctor {__version__}, Python {sys.version}\n{traceback.format_exc()}")
        return f"please report it with {stream.name}"
    except OSError:
        traceback.print_exc()
        return "please report it with the lines above"
