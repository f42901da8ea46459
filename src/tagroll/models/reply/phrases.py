"""The words by which an answer gives itself away: sentences, refusals, placeholders."""
# ruff: noqa: RUF001 - full-width punctuation and words of many scripts are meant

import re

from tagroll.models.reply.late import late

VERBS = late(
    r"\b(?:is|are|was|were|isn't|aren't|has|have|shows?|depicts?|appears?|seems?|i'm|i've|i'll|it's|there's|"
    r"that's|here's|ist|sind|zeigt|zeigen|est|sont|montre|muestra|está|están|sono|mostra|é|são|toont|это|"
    r"показан[аоы]?|изображен[аоы]?)\b|\bi\b(?= [a-z])",
    re.IGNORECASE,
)
"""They make a sentence of three words or more."""

POINTING = late(r"\b(?:this|these|those|here|dieses?|cette|esta|questa|questo|deze|этот)\b", re.IGNORECASE)
"""They make a sentence of five words or more ("this way up" is none)."""

CJK = late(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

CJK_SENTENCE = late(
    r"[。！？].|.{8}[。！？]|这[张是幅]|這[張是幅]|"
    r"[图圖][片中像][中里裡展显顯]?[有展显顯是]|照片[中里裡展显顯]|[显顯展]示了|"
    r"です|ます|ました|ません|この(?:画像|写真)|습니다|입니다|이 (?:이미지|사진)"
)

_IMAGE = (
    r"(?:im[aá]ge[mn]?(?:es|ens|s)?|immagin[ei]|bild(?:er|es?|et)?|obraz\w*|zdjęci\w*|afbeelding\w*|foto\w*|изображени\w*|картинк\w*|"
    r"зображен\w*|görsel\w*|resim\w*|gambar|kép\w*|kuva\w*|εικόνα\w*|hình ảnh|이미지\w*|사진\w*|画像|写真|[图圖][片像]|照片|"
    r"صورة|تصویر\w*|תמונה|छवि|ภาพ)"
)
_NONE = (
    r"(?:nessun\w*|keine?\w*|nicht|aucune?|pas|ning[uú]n\w*|nenhum\w*|não|brak|żadn\w*|nie|ingen|inget|intet|ikke|inte|geen|niet|"
    r"нет|не|немає|yok|tidak|nincs|nem|ei|δεν|không|없\w*|않\w*|なし|ない|ません|未|[没沒]|[无無]|لا|نیست|אין|לא|नहीं|ไม่)"
)
REFUSAL = late(
    r"\b(?:sorry|apologi[sz]e|apologies|as an? (?:ai|language|text|artificial)|unable to|not able to|"
    r"can(?:no|['’]|\s?no)t (?:see|view|access|process|analy[sz]e|identify|help|assist|provide|describe|"
    r"generate|determine|fulfil|comply|do|tag|create|recogni[sz]e|be|answer|open|continue)|"
    r"no (?:image|picture|photo)\b(?: (?:was|is|has|provided|attached|found|available|given|to))?|"
    r"image (?:not|could not|cannot|was not|wasn't)|not (?:visible|provided|available|applicable)|"
    r"(?:don't|do not|didn't) (?:see|have|receive) (?:an|any|the|access)|"
    r"(?:please|could you|can you) (?:please )?(?:upload|provide|share|attach|send)|content policy|"
    r"against (?:my|the) (?:guidelines|policy|policies)|not comfortable|"
    r"tut mir leid|entschuldigung|ich kann|leider|désolée?|je ne peux|je suis incapable|lo siento|no puedo|"
    r"desculpe|não (?:posso|consigo)|sinto muito|mi dispiace|non (?:posso|riesco)|het spijt|ik kan|"
    r"kan (?:inte|ikke|niet)|kann (?:nicht|keine?)|nem látom|nelze|no se puede|non è possibile|não é possível|"
    r"tyvärr|beklager|undskyld|przepraszam|niestety|nie mogę|omlouvám|bohužel|valitettavasti|üzgünüm|maaf|"
    r"sajnálom|nem tudok|îmi pare rău|nu pot|je mi l[íi]to|nemohu|nemôžem|pahoittel\w*|en voi|žao mi je|ne mogu|"
    r"xin lỗi|извините|простите|не (?:могу|вижу|удалось|найден[оа]?|видно)|к сожалению|вибачте|"
    r"на жаль|не можу|съжалявам|λυπάμαι|συγγνώμη|δεν μπορώ)\b|"
    r"抱歉|对不起|對不起|无法|無法|看不[到见見]|[没沒未](?:有)?(?:看到|收到)|[请請](?:上[传傳]|重新|提供)|متأسف|نمی.?توان|ببخشید|"
    r"申し訳|すみません|できません|죄송|할 수 없|آسف|عذر|لا أستطيع|لا يمكن|"
    r"מצטער|क्षमा|माफ़|ขออภัย|ขอโทษ|[请請]稍|"
    # a picture that is not there, in whatever language
    rf"(?<!\w){_NONE}(?!\w)[^,;\n、，]{{0,30}}(?<!\w){_IMAGE}(?!\w)|(?<!\w){_IMAGE}(?!\w)[^,;\n、，]{{0,30}}(?<!\w){_NONE}(?!\w)|"
    r"(?:未|[没沒无無]).{0,6}(?:[图圖][片像]|照片)|(?:画像|写真)(?:なし|が?ありません)",
    re.IGNORECASE,
)

BLIND = late(
    r"\bi(?:['’]m| am)? (?:can(?:no|['’]|\s?no)t|unable to|not able to|don['’]t) "
    r"(?:(?:directly|actually|really) )*(?:see|view|access|open|process|display|analy[sz]e|interpret) "
    r"(?:(?:directly|actual|the|this|that|any|an|your|attached|uploaded|provided) )*"
    r"(?:images?|pictures?|photos?|photographs?|files?|attachments?)\b",
    re.IGNORECASE,
)
"""A model that says this sees no picture; tags that it gives all the same are made up."""

PLACEHOLDER = late(
    r"(?:(?:your|the|first|second|third|next|last|another|some|more|example|sample) )*"
    r"(?:tags?|keywords?|hashtags?|"
    r"(?:item|label|object|word|string|thing|example)(?=[ _-]*\d|[ _-][a-cnxyz]$))"
    r"(?: ?(?:one|two|three|four|five|here|list|etc|[a-cnxyz])|[ _-]*\d+)?|"
    r"string|str|(?:arrays?|lists?|sequence) of (?:strings?|str|texts?|words|keywords|tags)|insert .*|.* (?:goes )?here",
    re.IGNORECASE,
)

NOT_A_KEYWORD = frozenset(
    """none null nil nan n/a na unknown undefined unspecified true false yes no ok okay sure hello hi thanks
    etc more and or json yaml confidence score here the an it this that error nothing
    masterpiece unidentified unrecognized unreadable unclear undetermined latitude longitude lat lon lng""".split()  # noqa: SIM905 - a list of words reads best so
) | {"et cetera", "and more", "not sure", "no idea", "no tags", "no keywords", "thank you", "object object"}
"""Answers of a word or two that name nothing."""

BROKEN = late(
    r"(.)\1{3,}|(.{2,3}?)\2{3,}.{0,2}|(.{4,12}?)\3{3,}.{0,11}|(?:unused|pad|token|extra_id|reserved|special)_?\d+|c[xy]|[xy]_?(?:min|max|\d|center|cent(?:er|re))|"
    r"[-+]?\d{1,3}(?:\.\d+)?°(?:\d.*)?[nsewo]?|.*\d\.\d{4,}.*"
)
"""What a broken model, or one that points, says in the place of a word; small letters, without spaces."""

_PARTS = (
    r"(?:(?:api |access )?(?:key|token)|credentials|access|permission|authentication|login|session|account|user|payment|quota|"
    r"credits?|(?:(?:rate|quota|token|usage) )?limit|capacity|connections?|network|upstream|host|proxy|socket|client|"
    r"service|server|backend|engine|runner|worker|node|instance|container|gateway|queue|cache|disk|(?:gpu )?memory|vram|"
    r"model|endpoint|feature|operation|requests?|job|task|process|page|image|file|method|media type|content|response|prompt|"
    r"input|output|payload|data|json)"
)
_STATES = (
    r"(?:not (?:found|loaded|allowed|available|reachable|implemented|supported|ready|responding|configured)|denied|refused|"
    r"reset(?: by peer)?|exceeded|reached|exhausted|failed(?: to \w+)?|closed|lost|aborted|invalid|expired|required|missing|"
    r"(?:un|dis)(?:available|reachable|authori[sz]ed|supported|abled|connected)|busy|full|overloaded|loading|died|dead|down|"
    r"offline|paused|suspended|throttled|time(?:d |-| )?out|rejected|blocked|declined|cancel+ed|filtered|removed|flagged|"
    r"withheld|terminated|interrupted|crashed|stopped|killed|corrupt(?:ed)?|error)"
)
_FAULTS = (
    r"(?:bad|invalid|wrong|expired|missing|unknown|unsupported|unauthori[sz]ed|insufficient|not enough|"
    r"no(?: available| visible| recogni[sz]able| identifiable)?|"
    r"too many|too much|internal|unexpected)"
)
SERVER = late(
    r"(?:(?:http(?:/[\d.]+)? )?(?:error )?\d{3} )?(?:"
    rf"(?:the |your )?{_PARTS} (?:(?:is|was|are|has been|have been) )?(?:temporarily |currently )?{_STATES}|"
    r"(?:http(?:/[\d.]+)?|(?:error|status)(?: code)?):? ?\d{3}|"
    r"not (?:found|loaded|allowed|available|implemented|supported)|refused|denied|rejected|declined|exceeded|aborted|"
    r"failed|invalid|unauthori[sz]ed|unavailable|overloaded|filtered|blocked|timed? ?out|"
    rf"{_FAULTS} {_PARTS}|bad request|forbidden|maintenance(?: mode)?|"
    r"(?:internal )?(?:server )?error|bad gateway|payload too large|unprocessable (?:entity|content)|"
    r"loading(?: (?:the )?(?:model|weights|checkpoint|tensors|shards))?|(?:rate|quota|token|usage) limit|(?:cuda )?out of memory|"
    r"(?:the |this |an? )?(?:image|photo|picture|photograph)|processing|done|finished|success(?:ful(?:ly)?)?|completed?|"
    r"redacted|censored|moderated|please wait|(?:please )?try again(?: later)?|end of (?:text|output|response)"
    r")",
    re.IGNORECASE,
)
"""A server's own words (a part of it and its state), or words about the answer: as all that was said, they name nothing
in a picture."""

TROUBLE = late(
    r"\W{0,3}(?:(?:\w*error|\w*exception|fatal)\s*[\]:]|\[(?:error|info|warn(?:ing)?|debug|critical)|traceback \()",
    re.IGNORECASE,
)
"""What begins so reports an error."""

CODE = late(
    r"[{}<>\\\[\]]|://|\w=[\"']|\"\s*[:\[\]]|[A-Za-z0-9_]\(|base64|^image/|\.(?:jpe?g|png|webp|gif|heic|tiff?|bmp|json)$",
    re.IGNORECASE,
)

SOURCE = late(
    r"\A\s*(?:import|from) [\w.]+.*\n|^\s*(?:interface|class|struct|enum|def)\s+\w+\s*[{:(]|::=", re.MULTILINE
)
"""The form of an answer in a language for programs, or a program: an echo, or no answer at all."""

CLAUSE = late(
    r"(?:with|while|where|which|who|as|its|his|her|their|creating|featuring|showing|surrounded|including|but|so|"
    r"in the|on the|under|against|set|(?:standing|sitting|giving|making|adding)(?= )|i|you|we|let|okay|ok|well|sure|"
    r"first|next|hmm|wait|of course|certainly)\b",
    re.IGNORECASE,
)
"""What follows a comma in a sentence, but not in a list."""

RELATION = late(r"\b(?:with|including|featuring|containing|together)\b", re.IGNORECASE)
"""In a part of four words or more it makes the list a sentence: "a bathroom with a toilet, a sink"."""

INTERJECTION = late(
    r"\A\s*(?:sure|certainly|absolutely|of course|okay|ok|great|got it)(?: thing)?[!.,]\s+", re.IGNORECASE
)

CORRECTION = late(
    r"\b(?:final|corrected|correction|revised|updated|improved|refined|instead|wait|actually)\b",
    re.IGNORECASE,
)
"""Between two answers: the second takes the first back."""

FIXED_PAIRS = frozenset(
    (
        "black and white",
        "salt and pepper",
        "arts and crafts",
        "rock and roll",
        "fish and chips",
        "bed and breakfast",
        "food and drink",
        "bride and groom",
        "schwarz und weiß",
    )
)
"""At the end of a list they are one item, not two."""
