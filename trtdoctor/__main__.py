"""``trtdoctor`` and ``python -m trtdoctor``."""

# Modules that Python itself has imported by now, and no other: until the working directory is off
# the path, what lies there would be imported in their place.
import _signal  # type: ignore[import-not-found]  # built in, so it is no file of anybody
import os
import site
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # Not so where it is ignored, as in the background.
    interrupts = callable(_signal.getsignal(_signal.SIGINT))
    if interrupts:
        # Until everything is imported there is nothing to tidy up, and nowhere to catch it all.
        _signal.signal(_signal.SIGINT, _end_at_once)
    _leave_working_directory()
    import signal  # not above, where the working directory may come first

    sys.unraisablehook = _signal_again
    from trtdoctor.cli.app import run

    try:
        if interrupts:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    finally:
        # All is written; Python's own end has no place where a signal's exception could be caught.
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):
                signal.signal(number, _end_at_once)
    # Under -m, Python dies of SIGINT at its end if an interrupt ever left an exec() of text, though
    # it was caught since; making a dataclass is such an exec(). Another one makes it forget.
    exec("")
    sys.exit(code)


def _end_at_once(number: int, frame: object) -> None:
    os._exit(128 + number)


def _signal_again(lost: "sys.UnraisableHookArgs") -> None:
    """Send a signal anew whose exception was raised where Python ignores it, as in a finaliser."""
    import signal  # not above, where the working directory may come first

    # The command line's own exception for SIGTERM and SIGHUP tells the number.
    fallback = signal.SIGINT if isinstance(lost.exc_value, KeyboardInterrupt) else None
    number = getattr(lost.exc_value, "number", fallback)
    if isinstance(lost.exc_value, Exception) or number is None:
        sys.__unraisablehook__(lost)
        return
    # Not at once, for that would still be in the same place.
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, 0.02)


def _leave_working_directory() -> None:
    """Import nothing from the working directory, though ``-m`` and PYTHONPATH put it first."""
    try:
        here = os.getcwd()  # noqa: PTH109  pathlib would be imported from where it must not
    except OSError:
        return
    given = os.environ.get("PYTHONPATH")
    first = 1 + (len(given.split(os.pathsep)) if given else 0)
    sys.path[:first] = [
        entry
        for number, entry in enumerate(sys.path[:first])
        # An interpreter's own packages may lie where somebody stands.
        if os.path.realpath(entry) != here or (number and entry in site.getsitepackages())
    ]


if __name__ == "__main__":
    main()
