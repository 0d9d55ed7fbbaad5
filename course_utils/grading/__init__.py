"""Grading: `course grade` judges students' notebooks in a sandbox. See docs/grading.md."""

import sys

# nbformat uses jsonschema, which imports rfc3987_syntax to check international web addresses. No notebook has
# such an address, and the import takes two seconds. jsonschema also works without rfc3987_syntax.
sys.modules.setdefault("rfc3987_syntax", None)
