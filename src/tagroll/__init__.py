"""tagroll looks at photos with a local AI model and writes what it sees into their metadata, safely."""

import os

__version__ = "0.1.0"

# onnxruntime reads it when it is imported: without it, it would note this machine and tell Microsoft
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
