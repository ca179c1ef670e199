"""What private data look like: names, homes, secrets, addresses and GPUs, as expressions and words.

Every expression takes time linear in the length of a text, whatever stands in it.
"""

from __future__ import annotations

import re

from trtdoctor.model.report import Confidence, FactStatus, Severity, Status, Verdict
from trtdoctor.model.typing import Typing

# Names that thousands of machines share tell nobody anything; replacing them would garble texts.
_SHARED_NAMES = """
    root user admin ubuntu debian nvidia jetson tegra-ubuntu orin app docker runner
    localhost cuda tensorrt home default
"""
# Folders, programs and words of the facts: as a name they would turn facts into nonsense.
_WORDS_OF_FACTS = """
    bin data dev etc lib lib64 lib32 media mnt opt proc run sbin share srv src sys tmp usr
    var local include users pip conda python python3 venv linux podman kubernetes gpu nvml
    x86_64 aarch64 driver system container toolkit library trtexec file folder missing empty
    other returned raised exception exit signal deadline enabled disabled open proprietary
    check test guest work worker workspace build builder model models engine engines jovyan
    triton triton-server vscode jenkins gitlab-runner ec2-user azureuser public onnx layer
    layers input output weights project projects service shared nonexistent www grace hopper
    ampere turing volta pascal thor
"""
COMMON = frozenset((*_SHARED_NAMES.split(), *_WORDS_OF_FACTS.split())) | {
    item.value
    for kind in (Status, Severity, Confidence, Verdict, FactStatus, Typing)
    for item in kind
}

PSEUDONYM = re.compile(r"<(?:[a-z]+-\d+|secret)>")
HOME = re.compile(r"[/\\]{1,2}(?:home|Users|users)[/\\]{1,2}([^/\\\s:;,'\"]+)")
HOME_FOLDERS = ("/home/", "/Users/", "/users/", "\\Users\\", "\\users\\")
GPU = re.compile(
    r"\b(?:GPU|MIG)-[0-9a-f]{4,8}(?:-[0-9a-f]{1,12}){0,4}(?![\w-])|"
    r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])",
    re.IGNORECASE,
)
# What stands between a scheme and a path; which part of it is secret, _credentials says.
AUTHORITY = re.compile(r"(?<=://)[^/\s]+")
# A value said to be secret by the name before it; the colon alone is common in messages. The name
# is looked through once and then taken whole: none of its shorter forms can be what is meant.
ASSIGNED = re.compile(
    r"""((?<!\w)(?=\w*?(?:TOKEN(?!IZ)|SECRET|PASSWO?R?D|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY))"""
    r"""(?=(\w+))\2(?:=|['"]\s*[:=]\s*)['"]?|\bBearer\s+)([^\s'",;&]{6,})""",
    re.IGNORECASE,
)
OPTION_HINTS = ("token", "secret", "passw", "credential", "key")
ASSIGNED_HINTS = ("token", "secret", "passw", "credential", "api", "access_key", "private_key")
# A password said in prose, which is told from the other words that stand there.
PASSWORD = re.compile(
    r"""(?<![A-Za-z/])(pass(?:words?|wd|phrase|code)['"]?(?:\s{1,4}(?:is|was))?"""
    r"""(?:\s{0,4}[:=]\s{0,4}|\s{1,4})['"]?)([^\s'",;&]+)""",
    re.IGNORECASE,
)
_ABOUT = """
    a about all allowed an and any are as at auth authentication be before by can cannot
    changed could database did does entry error expired failed field file for from given has
    have hash if in incorrect input invalid is it length login manager may mismatch missing
    must needed no not of on or policy prompt protected protection provided refused rejected
    required reset set should store stored that the to too try using via was were when will
    with without wrong
"""
ABOUT_PASSWORDS = frozenset(_ABOUT.split())
# Keys said in prose are told from words by their length and their digits.
SAID_KEY = re.compile(
    r"""(?<![A-Za-z])((?:api|access|secret|private|auth|account)[ _-]?(?:key|token)"""
    r"""(?:\s{1,4}(?:is|was))?(?:\s{0,4}:\s{0,4}|\s{1,4})['"]?)"""
    r"""((?=[A-Za-z_.~+-]*\d)(?=[\d_.~+-]*[A-Za-z])[\w.~+-]{12,})""",
    re.IGNORECASE,
)
OPTION = re.compile(
    r"""(?<!\S)(--(?=[\w-]*?(?:TOKEN(?!S|IZ)|SECRET|PASSW|CREDENTIAL|API-?KEY|ACCESS-?KEY|PRIVATE-?KEY))"""
    r"""[\w-]+[ \t]{1,4}['"]?)([^\s'"-][^\s'"]*)""",
    re.IGNORECASE,
)
# What stands behind the at sign of a versioned symbol is a library, and every repository has a "git".
EMAIL = re.compile(
    r"(?<![\w.+%-])(?!git@)[\w.+%-]+@(?!lib[\w-]*\.so\b)(?:[\w-]+\.)+[A-Za-z]{2,}(?![\w-])"
)
FILE = re.compile(
    r"""(?<![^\s/\\:;,'"=()\[\]<>])([^\s/\\:;,'"=()\[\]<>]+)"""
    r"""(\.(?:engine|plan|trt|onnx|log|txt|jsonl?|gz|zip|tar|pth?|ckpt|bin|cache|data|md|html|csv|npz?"""
    r"""|ya?ml|toml|py|sh|ipynb|cfg|ini|xml|safetensors|h5|pb|tflite|uff|prototxt))(?!\w)"""
)
# Keys whose issuers gave them a form of their own.
_ISSUED = (
    r"hf_\w{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|nvapi-[\w-]{20,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}"
)
KEYS = re.compile(rf"\b(?:{_ISSUED})")
# What begins as a JSON web token is taken whole, whether or not its other two parts follow: tried
# again from each place within, a long one would be read as often as it has places to begin.
KEYS_OR_JWT = re.compile(rf"\b(?:{_ISSUED}|(?P<jwt>eyJ[\w-]{{10,}})(?P<rest>\.[\w-]+\.[\w-]+)?)")
KEY_HINTS = (
    *("hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "nvapi-"),
    *("sk-", "xox", "AKIA", "eyJ"),
)
# Four dotted numbers are a version of TensorRT unless a scheme, an at sign or a port says otherwise.
ADDRESS = re.compile(
    r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?:(?::[0-9a-f]{2}){2}|(?::[0-9a-f]{2}){14})?(?![\w:])"
    r"|(?:(?<=://)|(?<=@))\d+(?:\.\d+){3}(?![\w.])|(?<![\w.])\d+(?:\.\d+){3}(?=:\d{2,5}\b)",
    re.IGNORECASE,
)
SYSTEM_FOLDERS = re.compile(r"/?[^/]*|/(?:usr|var|opt|etc|run|tmp|lib\w*|proc|sys|dev)(?:/.*)?")
SECRET_NAME = re.compile(
    r"TOKEN(?!IZ)|SECRET|PASSW|PASSPHRASE|PASSCODE|CREDENTIAL|API[_-]?KEY|PRIVATE|ACCESS[_-]?KEY|BEARER"
    r"|AUTH(?!OR|_SOCK)|COOKIE|SESSION[_-]?(?:ID|KEY)|(?:^|[_-])(?:KEY|PASS|PWD|DSN)$",
    re.IGNORECASE,
)
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
