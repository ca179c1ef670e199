"""SYS003: little space where builds and caches are written."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import Evidence, Finding, Remedy, Severity, Yielded, check, facts, to_run

_LOW_BYTES = 1 << 30


@check(id="SYS003", name="disk-space-low", severity=Severity.WARNING, since="0.1.0")
def disk_space_low(disk: facts.Disk) -> Iterator[Yielded]:
    """Little disk space is free where builds and caches are written.

    ## What it checks
    Less than 1 GiB free below the temporary folder or the home folder.

    ## Why it matters
    Engines, timing caches and the CUDA kernel cache are written there. A build that runs out of
    space loses its result after all the work, and a file cut short does not load.

    ## How to fix it
    Free space, or point `TMPDIR` and `CUDA_CACHE_PATH` to another volume.

    ## Known limits
    Quotas are not seen, nor the folder that an engine will be written to.

    ## References
    - CUDA Programming Guide, CUDA Environment Variables:
      https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
    """
    seen: set[tuple[int, int]] = set()
    for volume in disk.volumes:
        same = (volume.total_bytes, volume.free_bytes)
        if volume.free_bytes >= _LOW_BYTES or same in seen:
            continue
        # Two folders on one file system are one problem.
        seen.add(same)
        mib = volume.free_bytes >> 20
        yield Finding(
            message=f"Only {mib} MiB are free below {volume.path} ({volume.purpose}).",
            subject=volume.path,
            evidence=(
                Evidence(
                    source=f"statvfs {volume.path}",
                    value=f"free {volume.free_bytes} of {volume.total_bytes} bytes",
                ),
            ),
            remedy=Remedy(text="Free space there.", commands=to_run(f"df -h {volume.path}")),
        )
