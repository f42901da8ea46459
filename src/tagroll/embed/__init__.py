"""Texts as vectors: by a server, or on this machine; and which vectors are close."""
