"""References that a user is shown are addresses where a public page exists, and whole ones."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from trtdoctor.checking.discover import Catalogue, discover
from trtdoctor.knowledge import Knowledge

CAUSES = {doc.cause.value: doc.references for doc in Knowledge.load().causes()}


def of_checks(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """The entries of each check's section of references, each as one line."""
    return {
        check.id: tuple(
            " ".join(entry.split()) for entry in check.documentation["References"][2:].split("\n- ")
        )
        for check in catalogue.checks
        if "References" in check.documentation and check.info.plugin is None
    }


SHOWN = CAUSES | of_checks(discover())


@pytest.mark.parametrize("name", SHOWN)
def test_every_address_is_one(name: str) -> None:
    assert SHOWN[name]
    for reference in SHOWN[name]:
        for word in reference.split():
            if "://" not in word and not word.startswith("www."):
                continue
            # Last in the line, so that a terminal does not take a comma for part of it.
            assert reference.endswith(word), reference
            address = urlsplit(word)
            assert address.scheme == "https", reference
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", address.netloc), reference
            assert address.path.startswith("/"), reference


@pytest.mark.parametrize("name", SHOWN)
def test_an_issue_is_told_by_its_address(name: str) -> None:
    assert not [r for r in SHOWN[name] if re.search(r"(?<!/)\b[\w-]+/[\w.-]+#\d", r)]
