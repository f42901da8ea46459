"""File formats that hold metadata: where their packets and their picture data lie, one module a container."""
