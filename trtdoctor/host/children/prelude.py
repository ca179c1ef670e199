# Put before every script that runs in a child: standard library only, and so plain that any Python
# which is handed to --python by mistake gets far enough to say its version.
import json
import os
import sys


def _answer(work):
    descriptor = int(sys.argv[1])
    payload = json.loads(sys.argv[2])
    sys.argv[1:] = []
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        here = ""
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) != here]
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except Exception:
        pass
    try:
        answer = {"ending": "returned", "value": work(payload)}
    except Exception as error:
        answer = {"ending": "raised", "detail": "%s: %s" % (type(error).__name__, error)}
    data = (json.dumps(answer) + "\n").encode("utf-8")
    while data:
        data = data[os.write(descriptor, data) :]
    # Libraries that crash while the interpreter shuts down would hide an answer already given.
    os._exit(0)
