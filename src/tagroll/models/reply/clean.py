"""An answer without what is not the answer: thoughts, chat template debris, fences, the prompt."""
# ruff: noqa: RUF001 - one model's tokens have full-width bars

import json
import re
from dataclasses import dataclass

from tagroll.models.reply.late import late

# What thoughts are called: whole names, and stems that no name of a part of an answer has.
_THOUGHTS = (
    r"(?:internal|plan(?:ning)?|cot|draft|observations?|brainstorm(?:ing)?|critique|"
    r"[\w:-]{0,20}?(?:analy[sz]|think|thought|reason(?!ab)|reflect|deliberat|monologue|inner_?voice|scratch_?pad|rationale|"
    r"gedank|denk|pensamiento|pens[ée]e|raisonnement|ragionament|рассужд|размышл|思考|推理)[\w:-]{0,20})"
)
_THINKING = late(
    rf"(?P<open><{_THOUGHTS}(?:\s[^<>]{{0,80}})?>|<\|(?!end|\w+_end\|){_THOUGHTS}\|>|"
    rf"\[{_THOUGHTS}\]|\{{{_THOUGHTS}\}}|◁think▷|<\|channel>thought|"
    r"<unused94>thought|<\|channel\|>\s*(?:analysis|commentary)[^<]{0,80}<\|message\|>|"
    r"^\s*Here are my reasoning steps:)|"
    rf"(?P<close></{_THOUGHTS}>|<\|/?{_THOUGHTS}\|>|\[/{_THOUGHTS}\]|\{{/{_THOUGHTS}\}}|◁/think▷|"
    r"<channel\|>|<unused95>|<(?:conclusion|final_answer)>|"
    r"\[BEGIN FINAL RESPONSE\]|<\|channel\|>\s*final[^<]{0,80}<\|message\|>)|(?P<end><\|end\|>)",
    re.IGNORECASE,
)
_TITLED = r"think(?:ing)?|thoughts?(?: process)?|reasoning|analysis|reflection"
_ANSWERED = r"(?:(?:my|the) )?(?:final )?(?:answer|response|output|result|keywords|tags)"
# Thoughts under a heading or a label, known as such by the heading or label of the answer that follows.
_TITLED_THOUGHTS = late(
    rf"^[ \t]*#{{1,6}}[ \t]*(?:{_TITLED})\b[^\n]*\n.*?(?=^[ \t]*#{{1,6}}[ \t]*{_ANSWERED}\b)|"
    rf"^[ \t*]*(?:{_TITLED})[ *]*:.*?(?=^[ \t*]*{_ANSWERED}[ *]*:)|"
    r"^[ \t]*thinking ?\.{3}.*?^[ \t]*\.{3} ?done thinking\b\.?|"
    rf"^[ \t]*```[ \t]*(?:{_TITLED})\b.*?^[ \t]*```|"
    rf"^[ \t]*\((?:{_TITLED})\b:?[^()]*\)[ \t]*$|"
    rf"<details(?:\s[^<>]{{0,80}}\b{_THOUGHTS}[^<>]{{0,80}}>|[^<>]{{0,80}}>\s{{0,9}}<summary>[^<]{{0,40}}\b{_THOUGHTS})"
    r"(?:(?!<details).)*?</details>|"
    r"\Aanalysis(?=[A-Z\s]).*?assistant\s*final",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_TURN = late(
    r"(?P<user><\|im_start\|>\s*user|<start_of_turn>\s*user|<\|turn>\s*user|<\|user\|>|"
    r"<\|start_header_id\|>user<\|end_header_id\|>|\[INST\]|"
    r"^[ \t]*+(?:###[ \t]*(?:Instruction|Human|User)\b:?|(?:USER|User|Human)[ \t]*:|user[ \t]*$))|"
    r"(?P<model><\|im_start\|>\s*assistant|<start_of_turn>\s*model|<\|turn>\s*model|<\|assistant\|>|"
    r"<\|start_header_id\|>assistant<\|end_header_id\|>|<\|start\|>assistant|\[/INST\]|"
    r"^[ \t]*+(?:###[ \t]*(?:Response|Answer|Assistant)\b:?|(?:ASSISTANT|Assistant|GPT)[ \t]*:|"
    r"(?:assistant|model)[ \t]*$))|"
    r"(?P<end>(?<=[\]}])assistant[ \t]*$|"
    r"<\|(?:im_end|end|eot_id|eot|endoftext|end_of_text|return|eom_id|end_of_turn|END_RESPONSE|call|"
    r"END_OF_TURN_TOKEN)\|>|</s>|<end_of_turn>|<eos>|<turn\|>|<end_of_utterance>|<｜end▁of▁sentence｜>|"
    r"\[END FINAL RESPONSE\])",
    re.MULTILINE,
)
_TOKEN = late(
    r"<\|?[\w▁ -]{1,40}\|>|<\|[\w▁ -]{1,40}>|<｜[\w▁ -]{1,40}｜>|"
    r"<(?:s|bos|pad|unk|unused\d*|image|seg\d*|loc_?\d+|OD|patch_index_\d+|img|br ?/?|0x[0-9A-Fa-f]{2})>|"
    r"\[/?(?:INST|TOOL_CALLS|OUT|SYS|IMG|CLS|SEP|[BE]O[ST]|END|(?:unused|PAD|MASK|UNK|extra_id_?|control_?)\d*)\]|"
    r"<!\[CDATA\[|\]\]>|<!--.{0,2000}?-->|<[?!](?!php)[A-Za-z][^<>]{0,300}>|"
    r"\bto=(?:self|user)\b",
    re.DOTALL,
)
_FENCE = late(
    r"```[ \t]*(?:(?:json[5c]?|ya?ml|python|py|te?xt|plain(?:text)?|markdown|md|csv|html|xml|javascript|js|"
    r"bash|toml|output|list|tool_code)\b|[\w+-]*(?=\r?\n))?|~~~\w*(?=\r?\n|\Z)",
    re.IGNORECASE,
)
# An element that names a part of the answer becomes a line with that label.
_ELEMENT = late(r"<(/?)(?:\w{1,20}:)?([A-Za-z][\w-]{0,30})(?:[\s=][^<>]{0,200})?/?>")
_HALF_ELEMENT = late(r"<(\w[\w:-]{0,30})(?:>[^<>]*)?\Z")
_FOLDED = late(r"<details[^<>]{0,80}>\s*<summary>([^<]{0,80})</summary>", re.IGNORECASE)
_EXPLAINED = late(r"<dd\b[^<>]{0,80}>.*?(?:</dd>|(?=<dt)|\Z)", re.IGNORECASE | re.DOTALL)
_BB_ELEMENT = late(r"\[(/?)([A-Za-z]{1,12})\]")
_NEIGHBOURS = late(r"(</(span|a|code|mark|b|strong|em)>)\s*(?=<\2\b)")
_INLINE = frozenset(("b", "i", "em", "strong", "u", "span", "code", "mark", "a", "ref", "font", "small"))
# What is said of a place in the picture, and the place; an element that holds a keyword as an attribute.
_GROUNDED = late(
    r"<(?:ref|phrase|object_ref)>([^<\n]{1,100})</(?:ref|phrase|object_ref)>|"
    r"<(box|object(?=>\s*[<\[(\d])|quad|point|det)>[^\n]{0,400}?</\2>(?P<next>\s*(?=<(?:ref|phrase|object_ref)>))?",
    re.IGNORECASE,
)
_PLACED = late(r"(?<=[^\s,;])[ ]?(?:\[\[[\d.,;\s]+\]\]|[(\[]\d[\d.]*(?:[,;\s]+\d[\d.]*){3}[)\]])")
_ORDINAL = late(r"(?:[\u2460-\u2473\u2776-\u277f]|\d\ufe0f?\u20e3)\s*")
# The same as tokens: <|ref|>..<|/ref|>, <|box_start|>..<|box_end|>.
_MARK = late(r"<\|(/?)(ref|det|box|quad|point|object_ref)(?:_(?:start|(end)))?\|>")
_STRUCK = late(r"~~[^~\n]{1,100}~~")
_LINK = late(r"!?\[([^\[\]\n]{1,100})\]\((?:\w+:|[#/.])[^()\s]{0,300}\)")
_MARKDOWN_ESCAPE = late(r"(?<!\\)\\([\[\]_*#~-])")
_CALL = late(r"\s*[\w.]+\(\s*([\"'])([^\"'\n]+)\1\s*\)\s*;?\s*")
_SLANTED_NOTE = late(r"[*_]{1,2}(\([^()\n]*\))[*_]{1,2}")
_WORDS = late(r"(?:\bqw\s?|[%~]w|(?<=[A-Za-z]=)(?=\())[(\[{<]([^()\[\]{}<>\"',]*)[)\]}>]")
"""Lists of words without quotes, in Perl, Ruby and shells."""
_NEXT_ROW = late(r"(?<=['\"])\s*\)\s*,\s*\(\s*(?=['\"\d])")
"""Between the rows of a table in SQL."""
_BOXED = late(r"\\boxed\{((?:[^{}\\]|\\\w+\{[^{}]*\})*)\}")
_LATEX = late(r"\$*\\(?:text\w{0,6}|mathrm|mathbf)\{([^{}]*)\}\$*")
_LATEX_LIST = late(r"\\(?:begin|end)\{\w{1,20}\}|\\item\b")
_ATTRIBUTE = late(
    r"<(?:tag|keyword|label|item|object)\s[^<>]{0,80}?\b(?:name|value|label|text)=[\"']([^\"'<>]{1,100})[\"'][^<>]{0,200}?>"
    r"(?:\s*</(?:tag|keyword|label|item|object)>)?",
    re.IGNORECASE,
)
_INVISIBLE = late(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufeff\u200b\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


_MAX_CHARS = 100_000
"""What is read of an answer: some 25,000 tokens, far beyond any list of keywords. A longer one ran wild."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An answer taken apart.

    Attributes:
        answer: What the model says to us.
        thoughts: What it said to itself.
        echoed: Lines of the prompt were in it.
    """

    answer: str
    thoughts: str
    echoed: bool


def clean(text: str, prompt_text: str = "") -> Cleaned:
    """Take everything off an answer that is not the answer. Time is linear in the text."""
    # a tokenizer's own signs for a blank and a line's end, where it forgot to turn them back
    text = text.replace("Ġ", " ").replace("Ċ", "\n") if "Ġ" in text else text
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n"))
    answer, thoughts = _without_thoughts(text)
    answer = _one_turn(answer).strip()
    if len(answer) > _MAX_CHARS:
        answer = answer[:_MAX_CHARS].rsplit(maxsplit=1)[0]  # no half word at the end
    answer = _without_dialects(answer)
    answer = _FENCE.sub("\n", _TOKEN.sub("\n", answer))
    answer, echoed = _without_prompt(answer, prompt_text)
    return Cleaned(answer.strip(), _one_turn(thoughts).strip()[-_MAX_CHARS:], echoed)


def _without_dialects(text: str) -> str:
    """The words out of places in the picture, attributes, LaTeX, escapes of Markdown."""
    if "<|" in text:
        text = _MARK.sub(lambda mark: f"<{'/' if mark[1] or mark[3] else ''}{mark[2]}>", text)
    if call := _CALL.fullmatch(text):
        text = call[2]
    text = _WORDS.sub(
        lambda words: json.dumps(words[1].split(), ensure_ascii=False), _NEXT_ROW.sub(", ", text)
    )
    if boxed := _BOXED.findall(text):
        text = boxed[-1]
    if "\\" in text:
        text = _MARKDOWN_ESCAPE.sub("\\1", _LATEX_LIST.sub("\n", _LATEX.sub("\\1", text)))
    text = _LINK.sub("\\1", _STRUCK.sub("", _SLANTED_NOTE.sub("\\1", text)))
    text = _ORDINAL.sub("\n- ", _PLACED.sub("", text))
    text = _GROUNDED.sub(lambda found: (found[1] or "") + (", " if found["next"] is not None else ""), text)
    return _ATTRIBUTE.sub("\n\\1\n", text)


def without_markup(text: str) -> str:
    """HTML and XML as plain lines: "<tags><tag>beach</tag></tags>" is "tags:", "tag:", "beach"."""
    text = _FOLDED.sub("\n\\1:\n", _NEIGHBOURS.sub("\\1, ", _EXPLAINED.sub("\n", text)))
    if "[/" in text:
        text = _BB_ELEMENT.sub("<\\1\\2>", text.replace("[*]", "\n- "))
    half = _HALF_ELEMENT.search(text)
    if half and f"</{half[1]}" in text:  # it broke off
        text = text[: half.start()]
    return re.sub(r"\n\s*\n", "\n", _ELEMENT.sub(_line, text)) if "</" in text or "<li>" in text else text


def _line(match: re.Match[str]) -> str:
    if match[2].casefold() in _INLINE:
        return ""
    return "\n" if match[1] or len(match[2]) < 3 else f"\n{match[2]}: "


def _without_thoughts(text: str) -> tuple[str, str]:
    """Answer and thoughts. A closing mark alone means that the opening one was part of the prompt."""
    thought: list[str] = [match[0] for match in _TITLED_THOUGHTS.finditer(text)]
    text = _TITLED_THOUGHTS.sub("\n", text) if thought else text
    said: list[str] = []
    thinking, start = False, 0
    for match in _THINKING.finditer(text):
        if match["end"] and not thinking:
            continue
        (thought if thinking else said).append(text[start : match.start()])
        if match["close"] and not thinking:
            thought.extend(said)
            said.clear()
        thinking, start = match["open"] is not None, match.end()
    (thought if thinking else said).append(text[start:])
    return "\n".join(said), "\n".join(thought)


def _one_turn(text: str) -> str:
    """The model's first turn: not the prompt before it, not the turns that it made up after it."""
    role, start = "", 0
    for match in _TURN.finditer(text):
        said = text[start : match.start()]
        if match[0].strip() == "model" and role != "user" and said.strip():
            continue  # a keyword on a line of its own
        # What runs straight into "assistant:" was the prompt.
        if role != "user" and match["model"] is None and _says_something(said):
            return said
        role, start = "" if match["end"] else match.lastgroup or "", match.end()
    return "" if role == "user" else text[start:]


def _says_something(text: str) -> bool:
    return any(c.isalnum() for c in _TOKEN.sub("", text))


def _without_prompt(text: str, prompt_text: str) -> tuple[str, bool]:
    """The text without the prompt, or without whole lines of it (three words or more)."""
    if not prompt_text:
        return text, False
    if prompt_text.strip() in text:
        return text.replace(prompt_text.strip(), "\n"), True
    asked = {words for line in prompt_text.splitlines() if len(words := tuple(line.casefold().split())) > 2}
    lines = text.splitlines()
    kept = [line for line in lines if tuple(line.casefold().split()) not in asked]
    if len(kept) < len(lines) and kept and prompt_text.find("\n" + kept[-1].strip()) >= 0:
        kept.pop()  # repeated up to where the answer was cut off
    return "\n".join(kept), len(kept) < len(lines)
