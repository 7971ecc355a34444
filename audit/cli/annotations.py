"""How pipelines want to be told: annotations for GitHub Actions, JUnit for everything else."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree as Xml


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a pipeline shows: a short title and the words below it."""

    level: str
    title: str
    words: str


def github(notes: Iterable[Note]) -> str:
    """Return workflow commands, escaped as GitHub's runner reads them (actions/toolkit, `command.ts`)."""
    return "\n".join(f"::{note.level} title={_property(note.title)}::{_text(note.words)}" for note in notes)


def junit(suite: str, cases: Iterable[tuple[str, Iterable[Note]]]) -> str:
    """Return a JUnit report: one test case a name, failed where there are notes."""
    root = Xml.Element("testsuites")
    listed = [(name, list(notes)) for name, notes in cases]
    failed = sum(bool(notes) for _, notes in listed)
    tests = Xml.SubElement(root, "testsuite", name=_legal(suite), tests=str(len(listed)), failures=str(failed))
    for name, notes in listed:
        case = Xml.SubElement(tests, "testcase", classname=_legal(suite), name=_legal(name))
        for note in notes:
            failure = Xml.SubElement(case, "failure", message=_legal(note.title), type=note.level)
            failure.text = _legal(note.words)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")


def _legal(text: str) -> str:
    """Return the text without what XML 1.0 has no way to write."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text)
