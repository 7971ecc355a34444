"""What is stored, as pure values: rows and their keys, chains and checkpoints, and what these vouch for."""
