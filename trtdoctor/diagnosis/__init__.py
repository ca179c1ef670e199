"""From facts to findings: collect, judge, and put the report together."""
