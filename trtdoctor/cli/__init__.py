"""The command line: one module a command. Only this package and the renderers make output."""
