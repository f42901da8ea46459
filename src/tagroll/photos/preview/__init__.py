"""Photo files -> previews: small upright JPEGs, decoded in worker processes of their own."""
