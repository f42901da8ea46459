"""How a model was asked before, so that answers which are kept count as answers to the same question.

Who updates tagroll has a library of answers, and no night to spare for asking again. A wording that has shipped is never edited.
"""

import json
from hashlib import blake2b
from typing import Literal

_TAGS_1 = """Look closely at this photo and give {number} with which its owner could find it again.

Rules:
- Only what can clearly be seen. Leave out whatever you are not sure of; better too few than wrong ones.
- The main subject first, then the other people, animals and things, then scene or kind of place, what is \
being done, season, weather, time of day and light, and striking colours.
- A keyword is one common noun, adjective or activity, or two or three words that belong together. Singular, \
no sentence, no number signs.
- No names of persons or towns, no dates and no feelings, unless they are written in the photo.
- Every keyword once; no two that say the same."""

_CLASSIFY_1 = """Look closely at this photo and describe it for a photo library.

- "title": three to eight words that tell this photo from similar ones.
- "description": one or two plain sentences about what can be seen.
- "keywords": {number}, the main subject first, then other people, animals and things, scene, activity, \
season, weather and light. One to three words each, singular, every keyword once.
- "filename": two to six lower-case words with hyphens between them, without an ending.

Only what can clearly be seen. No names of persons or towns, no dates, unless written in the photo."""
LEAST_1 = 3
"""Keywords that its schema asked for at least."""


def key_of(task: str, text: str, schema: object, max_tags: int) -> str:
    """Short hash of all that shapes an answer."""
    shape = json.dumps([task, text, schema, max_tags], sort_keys=True, ensure_ascii=False)
    return blake2b(shape.encode(), digest_size=8).hexdigest()


def first_wording(task: Literal["tags", "classify"], max_tags: int) -> str:
    """Our own words of the first version."""
    number = f"{max_tags // 2} to {max_tags} keywords" if max_tags > 1 else "one keyword"
    return (_TAGS_1 if task == "tags" else _CLASSIFY_1).format(number=number)
