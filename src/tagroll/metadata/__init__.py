"""Reading and changing what photos say about themselves."""
