"""What Event Grid and its like tell: messages, where they point, and who acted."""
