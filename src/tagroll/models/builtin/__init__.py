"""The models that tagroll brings along: one that looks at photos, one that embeds tags."""
