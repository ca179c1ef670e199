"""Renderers: pure functions from a report to a document. They see nothing but the report."""
