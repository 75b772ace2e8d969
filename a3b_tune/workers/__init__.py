"""WHERE trials run: processes of this machine, or of a cluster. Knows no model and no tensor."""
