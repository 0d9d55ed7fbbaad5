"""Grading: `course grade` judges students' notebooks in a sandbox. See docs/grading.md."""

import sys

# With this library jsonschema, and so nbformat, checks addresses in other languages. No notebook has such an
# address, the library takes two seconds to import, and jsonschema does without it.
sys.modules.setdefault("rfc3987_syntax", None)
