"""``trtdoctor mcp``: a server for programs that speak the Model Context Protocol, over stdin and stdout."""

from __future__ import annotations

import click

from trtdoctor.model.errors import UsageError


@click.command("mcp")
@click.option(
    "--share/--no-share",
    default=True,
    show_default=True,
    help="Replace private data by pseudonyms: what is answered mostly goes to a language model "
    "elsewhere.",
)
def command(share: bool) -> int:
    """Answer a coding assistant or another program that speaks the Model Context Protocol.

    That program starts it: name it there as the command `trtdoctor mcp`. Its tools are check, inspect,
    explain, audit, decode and why. They read files and look at this machine; they write and build
    nothing, load no engine and run nothing on the GPU. It needs the extra: pip install
    'trtdoctor[mcp]'.
    """
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError as error:
        raise UsageError(
            f"trtdoctor mcp needs the SDK of the Model Context Protocol, 2.0 or newer ({error}); "
            "run: pip install 'trtdoctor[mcp]'"
        ) from None
    from trtdoctor.version import __version__

    from .mcp_tools import INSTRUCTIONS, add_tools

    server = MCPServer(
        "trtdoctor", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    add_tools(server, share=share)
    server.run("stdio")
    return 0
