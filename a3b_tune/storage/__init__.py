"""WHERE studies are kept: a database, or a proxy in front of one. Knows no study file, no model."""
