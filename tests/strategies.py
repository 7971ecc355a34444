"""Hostile values for property tests: what JSON can hold, and what somebody may write into a name or a tag."""

from hypothesis import strategies as st

# Lone surrogates too: JSON writes them as escapes, and `json.loads` lets them through.
any_text = st.text(st.characters(), max_size=40)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats()
    | any_text
)

json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>",
    "<!-- ",
    "{{ 7 * 7 }}{% raw %}",
    "' or PartitionKey ne '",
    "%27%2F..%2F",
    "../../etc/passwd",
    "a/b\\c#d?e",
    "\x00\x1b[31m\r\n\x7f\x85",
    "\u202egnp.exe",
    "$(reboot) `reboot` ; reboot",
    "\ud800",
    "=HYPERLINK(1)",
    "<!channel> @here",
    "x" * 5000,
)
