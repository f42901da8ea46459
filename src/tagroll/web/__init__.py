"""The library in a browser: a face beside the command line."""
