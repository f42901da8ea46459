"""Metadata packets, one module a kind: XMP, IPTC, EXIF and what stands in them."""
