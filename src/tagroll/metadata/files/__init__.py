"""Bytes on a disk, whatever they mean: the safe replacement of a file, and patches and hashes of it."""
