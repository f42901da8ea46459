"""tagroll looks at photos with a local AI model and writes what it sees into their metadata, safely."""

__version__ = "0.1.0"
