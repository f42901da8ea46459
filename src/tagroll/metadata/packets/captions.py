"""Whether a text in a field for captions was said by a person, or by the camera or program that made the file."""

import re

_BOILERPLATE = re.compile(
    r"""
    [\W_]* | \d{1,3} | 0\d+                                             # blanks, signs, counters
    | ([A-Z()-]+\s+){0,3}DIGITAL\sCAMERA | KODAK\sDigital\sStill\sCamera
    | SAMSUNG(\sCAMERA\sPICTURES)? | \w+\sDSC | [Dd]efault | DEFAULT | (?i:exif[\s_]jpeg([\s_]picture)?|jpeg|ascii?)
    | (?i:dsc[fn_]?|img_?|image|p|mvc|pict|imag|screenshot)[\s_-]?[\d_-]+([.](?i:jpe?g|heic|png|dng|tiff?))?
    | ([A-Za-z]:|DCIM)?[\\/]\S*[.](?i:jpe?g|heic|png|dng|tiff?)         # the file's own path, as drones write it
    | (oznor|ozedf|cof|hdr|rhdr|mde|fbt|sdr|dav|nfv|fjk|btf|bty|ptr|edf|rbt|wmeta|binary)\w{0,2}  # scenes, by Huawei
    | (?i:created|edited|made|processed|generated|written|optimi[sz]ed|compressed)\s(?i:with|by|using)\s+(?i:the\s)?
      (?i:accusoft|gimp|ijg|imagemagick|jpegmini|openjpeg|photoshop|picasa|snapseed|vignette|vsco).*
    | (?i:file\swritten\s(by|with)|creator:|lead\stechnologies|lavc[\d.]|cmp[\d.]+lq|intel\(r\)\sjpeg|hisilicon).*
    | (?i:applemark|screenshot|untitled|charset=\w*) | \{.*\} | <\?xml.* | ImageJ=.*    # data of programs
    """,
    re.DOTALL | re.VERBOSE,
)
"""What these fields hold in 1,300 files of cameras and programs without anybody having said it."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")
_LONGEST = 2000
"""A longer one is looked at no further."""


def is_said(text: str) -> bool:
    """Whether this is the caption of a person: it has words, and is not what devices and programs put there."""
    text = text[:_LONGEST].strip("\0 \t\r\n")
    return not _CONTROL.search(text) and not _BOILERPLATE.fullmatch(text)
