"""The local stack, tested against itself and against Azure's own clients."""
