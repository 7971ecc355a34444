"""How fast Model Audit is, as ratios against a peer or a limit that ran in the same minute on the same machine."""
