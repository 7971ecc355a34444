"""How much of what comes from outside is stored and told."""

MAX_TEXT = 500  # characters: enough to read, and few enough that a commit of many findings fits into its rows
TOO_DEEP = "(nested too deep)"  # stands for what lies deeper than Azure's documents do, and than Python follows


def cut(text: str, most: int = MAX_TEXT) -> str:
    """Return the text, or its beginning where it is longer than anybody would read."""
    return text if len(text) <= most else text[: most - 1] + "…"
