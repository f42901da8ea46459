"""What the built-in model is made of.

weights, graph -> efficientnet, nanodet -> network -> detector -> recogniser -> head, classes -> tagger
"""
