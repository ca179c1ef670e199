"""TRT011: Python finds a file of the user's own where TensorRT's module is meant."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import Evidence, Fact, Finding, Note, Remedy, Severity, Yielded, check, facts


@check(id="TRT011", name="tensorrt-module-shadowed", severity=Severity.ERROR, since="0.1.0")
def tensorrt_module_shadowed(
    own: facts.OwnModules, installs: Fact[facts.Installs]
) -> Iterator[Yielded]:
    """Python finds another file or folder named tensorrt before TensorRT.

    ## What it checks
    Whether what the Python that is looked at finds for `tensorrt` and its relatives is a single file, or a
    folder that no distribution of TensorRT was installed to and that has no compiled module in it. It is
    told by files alone; a file of one's own is never imported.

    ## Why it matters
    `import tensorrt` then gives that file: `module 'tensorrt' has no attribute 'Logger'`, or it runs a
    program that was not meant to be imported.

    ## How to fix it
    Rename the file or folder, and remove what Python compiled of it, or take its folder off `PYTHONPATH`.

    ## References
    - Python documentation, "The Module Search Path":
      https://docs.python.org/3/tutorial/modules.html#the-module-search-path
    - https://github.com/ultralytics/ultralytics/issues/19648
    """
    hidden = [i for i in (installs.value.installs if installs.value else ()) if i.kind == "pip"]
    for module, path in own.shadows.items():
        product = module.removesuffix("_bindings").replace("_", "-")
        real = next((i for i in hidden if i.product == product), None)
        over = f" It hides {product} {real.version or ''} in {real.location}." if real else ""
        yield Finding(
            message=f"import {module} finds {path}, which is not TensorRT.{over}".replace(
                "  ", " "
            ),
            subject=module,
            evidence=(Evidence(source="importlib.util.find_spec", value=path),),
            remedy=Remedy(
                text="Rename it and remove what Python compiled of it, or take its folder off PYTHONPATH."
            ),
            references=("https://github.com/ultralytics/ultralytics/issues/19648",),
        )
    if not own.shadows:
        yield Note(text="on Python's path nothing else bears the name")
