"""Private data become pseudonyms wherever they stand; relations and meaning survive."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.engine import EngineReport, Layer
from trtdoctor.model.report import FactRecord, FactStatus, Problem, Snapshot
from trtdoctor.model.typing import Typing
from trtdoctor.reporting.redact import Redactor
from trtdoctor.testing import snapshot_of

UUID = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"


def facts(**changes: object) -> Snapshot:
    os = {
        "system": "Linux",
        "kernel": "6.1 built by alice@buildbox",
        "machine": "x86_64",
        "host": "gpu-box-17.corp.example",
        "user": "alice",
        "home": "/home/alice",
    }
    return snapshot_of(
        {
            "system.os": {**os, **changes},
            "nvidia.gpus": {
                "devices": [{"index": 0, "name": "NVIDIA H100", "uuid": UUID, "serial": "165022"}]
            },
            "system.environment": {
                "variables": {
                    "CUDA_VISIBLE_DEVICES": UUID[:12],
                    "LD_LIBRARY_PATH": "/home/alice/lib:/home/bob/lib:/usr/local/nvidia/lib",
                    "MY_API_KEY": "hunter2hunter2",
                },
                "asked": [],
            },
            "python.target": {
                "status": "failed",
                "reason": "https://al:pw@index gpu-box-17 165022",
            },
        }
    )


def everything(snapshot: Snapshot) -> str:
    return msgspec.json.encode(snapshot).decode()


def test_nothing_private_is_left() -> None:
    text = everything(Redactor(facts()).snapshot(facts()))
    for secret in (
        "alice",
        "bob",
        "gpu-box",
        "corp.example",
        UUID[:12],
        "165022",
        "hunter2",
        "al:pw",
    ):
        assert secret not in text


def test_relations_survive() -> None:
    shared = Redactor(facts()).snapshot(facts())
    gpu = shared.facts["nvidia.gpus"].value["devices"][0]
    variables = shared.facts["system.environment"].value["variables"]
    assert variables["CUDA_VISIBLE_DEVICES"] == gpu["uuid"] == "<uuid-1>"
    assert variables["LD_LIBRARY_PATH"].endswith(":/usr/local/nvidia/lib")
    first, second, _ = variables["LD_LIBRARY_PATH"].split(":")
    assert first == "/home/<user-1>/lib"
    assert second == "/home/<user-2>/lib"
    assert "built by <user-1>@buildbox" in shared.facts["system.os"].value["kernel"]


def test_it_says_that_and_how_often() -> None:
    shared = Redactor(facts()).snapshot(facts())
    assert shared.redaction.applied
    assert shared.redaction.count >= 10


def test_the_same_machine_gives_the_same_pseudonyms() -> None:
    assert everything(Redactor(facts()).snapshot(facts())) == everything(
        Redactor(facts()).snapshot(facts())
    )


def test_a_common_name_is_replaced_in_its_field_alone() -> None:
    given = facts(host="nvidia", user="root", home="/root")
    shared = Redactor(given).snapshot(given)
    assert shared.facts["system.os"].value["host"] == "<host-1>"
    assert shared.facts["nvidia.gpus"].value["devices"][0]["name"] == "NVIDIA H100"
    assert "nvidia.gpus" in shared.facts
    assert "/usr/local/nvidia/lib" in everything(shared)


def test_the_original_is_untouched() -> None:
    given = facts()
    before = everything(given)
    Redactor(given).snapshot(given)
    assert everything(given) == before


def test_other_parts_of_a_report_are_redacted_too() -> None:
    problem = Problem(where="plugin", message="File /home/alice/x.py on gpu-box-17")
    assert Redactor(facts()).document(problem).message == "File /home/<user-1>/x.py on <host-2>"


def told(text: str, **changes: object) -> str:
    given = facts(**changes)
    return Redactor(given).text(text)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        (UUID.upper(), "<uuid-1>"),
        (UUID[4:], "<uuid-1>"),
        (f"MIG-{UUID}/1/0", "MIG-<uuid-1>/1/0"),
        ("a GPU-accelerated and GPU-based MIG-backed thing", None),
        ("alice_env, alice-env, x.alice and alice@x", "<user-1>_env, <user-1>-env, x.<user-1> and"),
        ("malice and alices", None),
        ("HF_TOKEN=hf_secretsecret x", "HF_TOKEN=<secret> x"),
        ("{'api_key': 'hunter2hunter2'}", "{'api_key': '<secret>'}"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer <secret>"),
        ("key nvapi-abcdefghijklmnopqrstuvwx", "key <secret>"),
        ("https://glpatabcdefghijklmnop@index/x", "https://<secret>@index/x"),
        ("https://al:p@ss@index/x", "https://<secret>@index/x"),
        ("unexpected token: something, tokenizer=FastTokenizer, max_tokens=4096", None),
        ("link aa:bb:cc:dd:ee:0f down", "link <address-1> down"),
        ("http://10.1.2.3:80/x on 10.1.2.4:8000", "http://<address-1>:80/x on <address-2>:8000"),
        ("TensorRT 10.16.1.11 on 00000000:01:00.0 at 12:30:45", None),
    ],
)
def test_private_values_in_messages(text: str, shared: str | None) -> None:
    assert told(text).startswith(text if shared is None else shared)


@pytest.mark.parametrize(
    ("home", "text", "shared"),
    [
        (
            "/data/people/alice",
            "/data/people/bob/x /home/carol/y",
            "/data/people/<user-2>/x /home/",
        ),
        ("/home/CORP/alice", "/home/CORP/bob/x", "/home/CORP/<user-2>/x"),
        ("/srv/u/al", "/srv/u/al/x", "/srv/u/<user-"),
        ("/home/alice smith", "/home/alice smith/x", "/home/<user-2>/x"),
        ("/opt/alice", "/opt/tensorrt/x /opt/alice", "/opt/tensorrt/x /opt/<user-1>"),
        ("/var/lib/alice", "/var/lib/dpkg/status", "/var/lib/dpkg/status"),
        ("/home/a.*b(", "/home/a.*b(/x", "/home/<user-2>/x"),
    ],
)
def test_homes_wherever_they_lie(home: str, text: str, shared: str) -> None:
    assert told(text, home=home).startswith(shared), told(text, home=home)


@pytest.mark.parametrize(
    "name", ["dev", "lib", "pip", "failed", "passed", "python3", "opt", "info"]
)
def test_a_name_that_is_a_word_of_the_facts_garbles_nothing(name: str) -> None:
    given = facts(user=name, home=f"/home/{name}", host=name)
    text = "/dev/nvidia0 /usr/lib/x /opt/y python3 pip failed passed info"
    assert Redactor(given).text(text) == text
    assert Redactor(given).snapshot(given).facts["system.os"].value["user"].startswith("<user-")


def test_bytes_that_are_no_text_are_redacted_too() -> None:
    given = facts(user="al\udcffx", home="/home/al\udcffx")
    shared = Redactor(given).snapshot(given)
    assert shared.facts["system.os"].value["user"].startswith("<user-")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["variables", "devices", "uuid", "user"]), inner)
        ),
    ),
    st.sampled_from(["system.os", "system.environment", "nvidia.gpus", "acme.thing"]),
)
def test_facts_of_any_shape_are_redacted(value: object, name: str) -> None:
    odd = Snapshot(taken="", facts={name: FactRecord(status=FactStatus.OK, value=value)})
    assert set(Redactor(odd).snapshot(odd).facts) == {name}


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("https://al:pw@host", "https://<secret>@host"),
        ("https://al:p@w@host", "https://<secret>@host"),
        ("https://al@b:c", "https://al@b:c"),
        ("https://:pw@host", "https://:pw@host"),
        ("https://abcdefghijklmnop@host", "https://<secret>@host"),
        ("https://abcdefghijklmno@host", "https://abcdefghijklmno@host"),
        ("https://abcdefghijklmnop@a:b@c", "https://<secret>@c"),
        ("eyJabcdefghijk.eyJzdWIi.c2ln", "<secret>"),
        ("eyJabcdefghijk.eyJzdWIi", "eyJabcdefghijk.eyJzdWIi"),
        ("eyJabcdefghijk-hf_abcdefghijklmnopqrstu", "eyJabcdefghijk-<secret>"),
        ("\u017fECRET=hunter2", "\u017fECRET=<secret>"),
    ],
)
def test_what_is_secret_in_an_address_a_token_and_a_name(text: str, shared: str) -> None:
    assert told(text) == shared


def test_a_text_is_counted_as_often_as_it_is_told() -> None:
    redactor = Redactor(facts())
    for text in ("by alice", "by nobody", "by alice"):
        redactor.text(text)
    assert redactor.count == 2


def test_a_word_that_this_version_does_not_know_is_redacted_too() -> None:
    engine = EngineReport(
        path="/home/alice/m.plan", typing=Typing("of alice"), layers=(Layer(name="conv"),)
    )
    shared = Redactor(facts()).document(engine)
    assert (shared.path, str(shared.typing)) == ("/home/<user-1>/m.plan", "of <user-1>")
    assert shared.layers is engine.layers


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize(
    "piece",
    [
        *("a", "/", ":", "@", "=", "1", "-", " ", "f", "é", "/home/", "/home/x", "TOKEN"),
        *("TOKEN'    ", "eyJ-", "eyJabcdefghijk.", "://:", ":@", "1.", "GPU-aaaa-", "Bearer "),
        *(
            "'=",
            "alice",
            "a@",
            "@a.",
            "a.a",
            "a.onnx",
            "password ",
            "passwd:",
            "--token ",
            "--api-key",
        ),
        *("api key ", "access_token 1a", "\\Users\\", "A1"),
    ],
)
@pytest.mark.parametrize("before", ["", "x://", "'API_KEY' = "])
def test_a_hostile_text_costs_no_more_than_its_length(piece: str, before: str) -> None:
    Redactor(facts()).text(before + piece * (1_000_000 // len(piece)))


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("form", ["x://10.{0}.{1}.1 ", "/home/u{0}x{1} ", "GPU-{0:04x}{1:04x} "])
def test_many_private_values_cost_no_more_than_their_length(form: str) -> None:
    text = "".join(form.format(n // 200, n % 200) for n in range(40_000))
    assert Redactor(facts()).text(text) != text


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("write to a.b+c@mail.example.org.", "write to <email-1>."),
        ("git@github.com, memcpy@libc.so.6, name@1.2.3, x@GLIBC_2.14", None),
        ("password hunter2", "password <secret>"),
        ("the password is 'x1': no", "the password is '<secret>': no"),
        ("DB_PASSWD=abc", "DB_PASSWD=<secret>"),
        ("password required; wrong password for it; /etc/passwd: Permission denied", None),
        ("run --api-key abc --tokens 4096 --token=abcdefg", "run --api-key <secret> --tokens 4096"),
        ("invalid API key: 4f3a9b0c1d2e3f", "invalid API key: <secret>"),
        ("unexpected token /model/layers.0/Add_output_0 and access key", None),
        ("C:\\Users\\carol\\m.onnx", "C:\\Users\\<user-3>\\m.onnx"),
        ("GPU-BOX-17.CORP.EXAMPLE", "<host-1>"),
        ("/t/alice2.engine v2-AliceModel.onnx", "/t/<user-1>2.engine v2-<user-1>Model.onnx"),
        ("/model/malice/Alices.onnx /alice2/conv", None),
    ],
)
def test_private_values_as_people_write_them(text: str, shared: str | None) -> None:
    assert told(text).startswith(text if shared is None else shared)


def test_what_a_dictionary_calls_secret_is_replaced_whatever_it_is() -> None:
    value = {
        "wandb_api_key": "k3y",
        "auth": {"pin": 1234, "on": True},
        "author": "x",
        "tokenizer": "bpe",
    }
    given = Snapshot(
        taken="", facts={"acme.thing": FactRecord(status=FactStatus.OK, value=[value, "k3y"])}
    )
    (shared, said) = Redactor(given).snapshot(given).facts["acme.thing"].value
    assert shared == {
        "wandb_api_key": "<secret-1>",
        "auth": {"pin": "<secret-2>", "on": True},
        "author": "x",
        "tokenizer": "bpe",
    }
    # Too short to be told from a word.
    assert said == "k3y"


def test_a_secret_is_replaced_wherever_else_it_stands() -> None:
    secret = "long-and-random-123"
    given = snapshot_of(
        {
            "system.environment": {"variables": {"MY_SECRET": secret}, "asked": []},
            "python.target": {
                "status": "failed",
                "reason": f"refused {secret}, {secret}x, v4r1able",
            },
        }
    )
    shared = Redactor(given, {"DB_PASSWORD": "v4r1able", "SSH_AUTH_SOCK": "/tmp/1"}).snapshot(given)
    assert shared.facts["python.target"].reason == f"refused <secret-1>, {secret}x, <secret-2>"


def test_redacting_twice_changes_nothing() -> None:
    once = Redactor(facts()).snapshot(facts())
    again = Redactor(once).snapshot(once)
    assert again.facts == once.facts and again.redaction.count == 0


def test_names_that_are_not_known_are_not_claimed_to_be_replaced() -> None:
    given = Snapshot(taken="", facts={})
    assert not Redactor(given).snapshot(given).redaction.applied
    unknown = facts(host=None)
    assert not Redactor(unknown).snapshot(unknown).redaction.applied
