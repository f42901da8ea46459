"""What models call the parts of an answer, in the languages they answer in."""

import re
from enum import Enum
from functools import lru_cache

from tagroll.models.reply.late import late


class Part(Enum):
    """A part of an answer, as the name of a JSON key or the label of a line tells it."""

    KEYWORDS = "keywords"
    THINGS = "things"
    """Names that often hold keywords ("objects"), but not where the answer has keywords by name."""
    TITLE = "title"
    DESCRIPTION = "description"
    FILENAME = "filename"
    ERROR = "error"
    SPEECH = "speech"
    """Names of what the model says as a whole ("answer"): the keywords may be in there, as text."""
    ASIDE = "aside"
    """Names of what is about the answer or the model, not about the picture."""


def _pattern(spaced: str, unspaced: str = "") -> re.Pattern[str]:
    """Names as whole words; in scripts without spaces between words, anywhere."""
    words = "|".join(spaced.split("|"))
    return late(rf"(?<!\w)(?:{words})(?!\w)" + (f"|{unspaced}" if unspaced else ""))


# The first that matches wins: "keyword description" is about keywords, "file title" about the file.
_NAMES = {
    Part.KEYWORDS: _pattern(
        r"key ?words?|key ?phrases?|tags?|hash ?tags?|"
        r"schlagw[oö]rter|schlagworte?|stichw[oö]rter|stichworte?|schlüsselw[oö]rter|"
        r"mots? cl[ée]s?|étiquettes?|palabras? clave|etiquetas?|palavras? chave|parol[ae] chiave|"
        r"etichett[ae]|trefwoord(?:en)?|sleutelwoorden|nyckelord|nøkkelord|nøgleord|emneord|avainsanat?|tunnisteet|"
        r"słowa kluczowe|tagi|klíčová slova|štítky|kľúčové slová|kulcsszavak|címkék|cuvinte cheie|etichete|"
        r"ключевые слова|те[гґ]и|тэги|метки|ключові слова|мітки|ключови думи|λέξεις κλειδιά|ετικέτες|"
        r"anahtar kelimeler|etiketler|kata kunci|từ khóa|"
        r"الكلمات المفتاحية|كلمات مفتاحية|الوسوم|وسوم|العلامات|علامات|מילות מפתח|תגיות|कीवर्ड|टैग",
        "关键[词字]|關鍵[詞字]|标签|標籤|キーワード|タグ|키워드|태그|แท็ก|คำสำคัญ",
    ),
    Part.ERROR: _pattern("errors?|error message|refusal|failure|fehler|erreur"),
    Part.FILENAME: _pattern(
        r"file ?names?|dateiname|nom de fichier|nombre de archivo|nome (?:do )?(?:arquivo|file)|bestandsnaam|"
        r"имя файла",
        "文件名|檔名|ファイル名|파일 ?이름|파일명",
    ),
    Part.TITLE: _pattern(
        r"titles?|headline|caption|titel|titre|t[ií]tulo|titolo|tytuł|название|заголовок|العنوان|عنوان",
        "标题|標題|タイトル|제목",
    ),
    Part.DESCRIPTION: _pattern(
        r"descriptions?|summary|alt ?text|beschreibung|descripción|descripcion|descrição|descrizione|"
        r"beschrijving|opis|описание|опис|الوصف|وصف|résumé|zusammenfassung|resumen|resumo",
        "描述|説明|설명",
    ),
    Part.ASIDE: _pattern(
        r"confidences?|scores?|probability|certainty|accuracy|type|format|language|version|status|success|"
        r"model|count|total|number|ids?|index|bbox(?: 2d)?|box(?:es)?|coordinates?|width|height|"
        r"reason(?:ing|s)?|rationale|explanations?|thoughts?|thinking|analysis|notes?|comments?|disclaimer|"
        r"queue position|relevance|topicality|importance|salience|rank|msg|loc|mid|"
        r"estimated (?:wait|time)|eta|usage|progress|elapsed|latitude|longitude|"
        r"messages?|instructions?|prompt|required|schema|url|path|timestamp|role|user|assistant|system"
    ),
    Part.THINGS: _pattern(
        r"labels?|subjects?|objects?|items?|elements?|concepts?|entit(?:y|ies)|topics?|terms?|themes?|"
        r"categor(?:y|ies)|class(?:es)?|descriptors?|detections?|predictions?|words|objekte|objets|objetos|"
        r"oggetti|объекты",
        "物体|对象|主题",
    ),
    Part.SPEECH: _pattern("answer|response|reply|output|completion|result|results|data|text|contents?|final"),
}

_DENIED = _pattern("excluded?|negatives?|not|avoid(?:ed)?|absent|missing|rejected|omitted|irrelevant")
"""They begin the name of what is not in the picture."""

_CATEGORY = _pattern(
    r"subjects?|settings?|scene|scenery|mood|atmosphere|ambiance|lighting|light|colou?rs?|palette|composition|"
    r"style|weather|season|time|day|location|place|environment|background|foreground|objects?|people|persons?|"
    r"animals?|nature|activit(?:y|ies)|actions?|themes?|concepts?|emotions?|feelings?|clothing|attire|"
    r"architecture|buildings?|structures?|vehicles?|food|materials?|textures?|genre|photography|type|"
    r"categor(?:y|ies)|other|misc(?:ellaneous)?|overall|impressions?|details?|elements?|features?|landscape|"
    r"events?|perspective|focus|camera|quality|context|content|text|main|primary|secondary|general|specific",
    "主[题题題体體]|场景|場[景所]|颜色|氛围|背景|人物|物体|时间|天[气気]|风格|地点|情绪|光[线線]|动作|季[节節]|[环環]境|雰囲気|色彩",
)


_GAP = late(r"[\W_]+|(?<=[a-z])(?=[A-Z\d])")


def words_of(name: str) -> str:
    """A key or label as plain words: "imageTags", "image_tags" and "Image-Tags" are "image tags"."""
    return " ".join(_GAP.sub(" ", name).casefold().split())


@lru_cache(maxsize=512)
def part_named(name: str) -> Part | None:
    """The part of an answer that a key or label names, or None."""
    words = words_of(name)
    if _DENIED.match(words):
        return Part.ASIDE
    return next((part for part, names in _NAMES.items() if names.search(words)), None)


def is_name(text: str) -> bool:
    """Whether a text is the name of a part of an answer, and nothing more."""
    words = words_of(text)
    return words.count(" ") < 3 and any(names.fullmatch(words) for names in _NAMES.values())


def is_category(name: str) -> bool:
    """Whether a label says what kind of thing follows ("Mood", "Main subject"), not the thing."""
    return bool(_CATEGORY.search(words_of(name)))
