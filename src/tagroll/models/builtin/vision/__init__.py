"""What the built-in model is made of.

weights -> graph -> network -> recogniser -> head, words -> tagger
"""
