"""The everyday commands: click, thin; what they compute lives in `glutheory.studies` and `glutheory.report`."""
