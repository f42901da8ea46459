"""The metadata packets that tagroll edits, cut out of whatever container carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Packets:
    """The packets of one file as raw bytes; None means the file has no such packet.

    `jpeg`, `png` and `webp` each have `read_packets(source)` and `replace_packets(data, new)`. A packet that
    equals the one in the file is left there byte for byte; None removes it.

    Attributes:
        xmp: The (main) XMP packet, as it stands in the file, padding and `<?xpacket?>` wrapper included.
        iptc: The IPTC-IIM datasets (Photoshop resource 0x0404); the digest 0x0425 is kept in step.
        exif: The TIFF block, without the "Exif" header of JPEG.
        extended_xmp: The extended XMP of a JPEG (XMP specification part 3, 1.1.3.1), checked and put
            together. It can be read, not edited: `replace_packets` ignores this field and refuses to change
            the XMP of a file that has one.
        others: Further XMP packets that some programs see and some do not: twins, and those under odd headers.
            They are read with the main one, and never edited: a file that has them gets a sidecar.
        digest: MD5 that the file tells of IPTC as it was when XMP was brought in step with it (Photoshop resource
            0x0425), if any. Not part of equality: it follows from the IPTC that is written.
        texts: Captions that stand outside of all packets (JPEG comment, PNG text), by exiftool's names. Read, never
            edited; not part of equality.
        size: Width and height of the picture as it is stored; (0, 0): not told. Not part of equality, likewise.
        signed: Whether a C2PA manifest vouches for the file's bytes; any change makes it invalid, so such a
            file gets a sidecar. Not part of equality: it says something about the file, not the packets.
        damaged: Why IPTC or EXIF that is there could not be taken out, or "". Not part of equality, likewise.
    """

    xmp: bytes | None = field(default=None, repr=False)
    iptc: bytes | None = field(default=None, repr=False)
    exif: bytes | None = field(default=None, repr=False)
    extended_xmp: bytes | None = field(default=None, repr=False)
    others: tuple[bytes, ...] = field(default=(), repr=False)
    digest: bytes | None = field(default=None, compare=False, repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    size: tuple[int, int] = field(default=(0, 0), compare=False)
    signed: bool = field(default=False, compare=False)
    damaged: str = field(default="", compare=False)
