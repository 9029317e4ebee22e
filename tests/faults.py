# SPDX-License-Identifier: MIT
"""Faults that are planted in a source file, for model/planted.py and chains/planted.py: a test that cannot find them proves nothing."""
import re


def planted(text, old, new):
    """The text with the fault. Spaces and line ends between the words of `old` may differ."""
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    changed, n = re.subn(pattern, lambda _: new, text)
    return changed if n == 1 else None
