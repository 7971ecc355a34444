"""A host for the function app: Microsoft's worker library, and an imitation of the .NET host around it."""
