"""What the services show, as facts that can be compared, whether read live or from files."""
