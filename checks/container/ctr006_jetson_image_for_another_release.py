"""CTR006: on a Jetson, a container image made for another Jetson Linux than the host's."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
    versions,
)

# The first Jetson Linux whose containers are those of servers, with no libraries of the host in them.
_SERVER_LIKE = 38


@check(id="CTR006", name="jetson-image-for-another-release", severity=Severity.ERROR, since="0.1.0")
def jetson_image_for_another_release(
    container: facts.Container,
    jetson: facts.Jetson,
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """On a Jetson, the container's image is made for another release of Jetson Linux than the host's.

    ## What it checks
    The TensorRT in the image against the TensorRTs of the JetPacks that are made of the host's major
    release of Jetson Linux, which `/etc/nv_tegra_release` names; and which other JetPack has it.

    ## Why it matters
    Up to Jetson Linux 36 the runtime mounts the host's driver, DLA and multimedia libraries into the
    container. An image of another major release brings a CUDA and a TensorRT that were built against other
    ones: imports end in undefined symbols, or CUDA refuses the driver.

    ## How to fix it
    Use the image whose tag names the host's release, such as `r35.2.1`, or install the JetPack that the
    image is made for on the host.

    ## Known limits
    A TensorRT that no JetPack in the table has tells nothing. From Jetson Linux 38 on images are those of
    servers and need not match.

    ## References
    - https://github.com/dusty-nv/jetson-containers/issues/472
    - NVIDIA Container Runtime on Jetson:
      https://docs.nvidia.com/jetson/archives/r36.4/DeveloperGuide/index.html
    """
    host = versions.numbers(jetson.l4t)
    if jetson.l4t is None or host is None:
        raise NotApplicable(
            "the host's Jetson Linux is not known, or its file is not in the container"
        )
    if installs.unseen:
        yield Unknown(reason=f"could not look for the image's TensorRT: {installs.reason}")
        return
    ours = [i for i in (installs.value.installs if installs.value else ()) if _of_the_image(i)]
    if not ours:
        raise NotApplicable("no TensorRT of a JetPack is in the image")
    image = ours[0]
    having = [row for row in kb.jetpacks() if versions.agree(row.tensorrt, image.version)]
    majors = {_major(row.l4t) for row in having}
    if not majors or host[0] in majors:
        what = f"is of Jetson Linux {host[0]}" if majors else "is of no JetPack that is known"
        yield Note(text=f"TensorRT {image.version} {what}")
        return
    if min(host[0], *majors) >= _SERVER_LIKE:
        yield Note(text=f"images for Jetson Linux {_SERVER_LIKE} and newer need not match")
        return
    made_for = having[-1]
    works = imports.value is not None and imports.value.working("tensorrt") is not None
    tag = f"r{jetson.l4t}"
    yield Finding(
        message=f"This image is made for Jetson Linux {_major(made_for.l4t)} (TensorRT {image.version}, as "
        f"JetPack {made_for.jetpack} has it), and the host runs Jetson Linux {jetson.l4t}.",
        subject=f"TensorRT {image.version}",
        confidence=Confidence.LIKELY if works else Confidence.CERTAIN,
        evidence=(
            Evidence(source="/etc/nv_tegra_release, of the host", value=jetson.l4t),
            Evidence(source=f"TensorRT in {image.location}", value=str(image.version)),
            Evidence(source="container", value="; ".join(container.evidence)),
        ),
        remedy=Remedy(
            text=f"Use the image with the tag of this host, {tag}, or one built on it; or install "
            f"JetPack {made_for.jetpack} on the host.",
            commands=to_run(f"docker run --rm --runtime nvidia IMAGE:{tag}"),
        ),
        references=tuple(dict.fromkeys(row.source for row in having)),
    )


def _of_the_image(install: facts.Install) -> bool:
    """Whether it is a TensorRT of Debian packages, as JetPack's is."""
    return install.product == "tensorrt" and install.kind == "library" and bool(install.version)


def _major(l4t: str) -> int:
    return (versions.numbers(l4t) or (0,))[0]
