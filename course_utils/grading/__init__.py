"""Grading: `course grade` judges students' notebooks in a sandbox. See docs/grading.md."""
