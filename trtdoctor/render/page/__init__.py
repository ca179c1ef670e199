"""Web pages: one self-contained file each, without network, readable without script."""
