"""Characters that are not seen, in texts that others wrote: they hide a name in another, or turn what stands behind them around.

No text turns anything but itself: a block does not, and every inline element is isolated (`unicode-bidi` in app.css, `<bdi>`).
What a message says goes through `visible` besides, so that it does not turn itself either.
"""

import re

# Soft hyphens, joiners, fillers, selectors, tags, marks of direction: they may stand in the middle of a name. It is what Unicode
# calls Default_Ignorable_Code_Point, with the anchors of annotations (DerivedCoreProperties.txt).
UNSEEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # they turn the direction of what stands beside them
INVISIBLE = re.compile(r"[\u061c\u200b\u200e\u200f\u2060\ufeff]")  # those of them that no script needs within a word
# What no ordinary text has: controls, and what overrides the direction of letters or opens a piece with another one.
ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: object) -> str:
    """A text with its odd characters spelled out, [U+202E], so that it reads in the order in which it was written."""
    return ODD.sub(lambda found: f"[U+{ord(found[0]):04X}]", text) if isinstance(text, str) else str(text)


def disguised(file_name: object) -> str:
    """The real ending of a file whose name has characters that hide it; "" for a name that has none."""
    if not isinstance(file_name, str) or not (ODD.search(file_name) or INVISIBLE.search(file_name)):
        return ""
    ending = UNSEEN.sub("", ODD.sub("", file_name)).rpartition(".")[2].strip()
    return ending[:20] or "?"
