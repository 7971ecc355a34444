"""MA5xx: what must be written on a model or a deployment, and what must not change afterwards."""

from collections.abc import Iterator, Mapping, Set

from audit.judge.given import NOTHING, Case
from audit.judge.names import FILES, aliased, rule_of, rule_of_word, split, unseen, versions_of, word
from audit.model import Facts, Finding, Kind, Release, Scalar
from audit.record import evidence

MAX_KEPT = 300  # characters of a value that is remembered; tags hold 256 (ARM's limit), descriptions far more
OF_MODELS = frozenset({"model.name", "model.version", "model.registry"})

# Gates of evidence that may also stand on the model itself: MLflow and Azure ML write some by themselves.
_LINEAGE: Mapping[str, Set[str]] = {
    "git_commit": {"git_commit", "commit", "azureml_git_commit", "mlflow_source_git_commit"},
    "data_version": {"data", "data_version", "dataset", "dataset_version", "training_data_version"},
}
_ALL = ("tags", "properties", "own")
_FEATURE_SPEC = frozenset({"feature_retrieval_spec", "feature_retrieval_spec_yaml"})


def required(release: Release, case: Case) -> Iterator[Finding]:
    """MA502, MA504 to MA508: tags and properties that the policy demands are missing."""
    policy = case.policy
    if not policy.required_tags and not policy.required_properties:
        return
    for part in _holders(release, case):
        held = _words(case, part)
        for name in policy.required_tags:
            yield from _missing(release, case, "MA502", part, f"tags.{name}", is_there=word(name) in held["tags"])
        for name in policy.required_properties:
            rule, is_there = rule_of_word(name) or "MA504", any(word(name) in words for words in held.values())
            yield from _missing(release, case, rule, part, f"properties.{name}", is_there=is_there)


def _missing(
    release: Release, case: Case, rule: str, part: str, name: str, *, is_there: bool
) -> Iterator[Finding]:
    subject = f"{part}.{name}" if part else name
    if not is_there and subject not in release.facts:  # what the release names is compared
        yield case.finding(rule, subject, "a value", NOTHING)


def _holders(release: Release, case: Case) -> list[str]:
    """Return the parts that bear metadata: each approved version of a model, else the target itself."""
    if not _is_model(case):
        return [""]
    present = case.shape.versions & versions_of(release.facts)
    return [f"versions.{name}" for name in sorted(present)]


def _is_model(case: Case) -> bool:
    return case.observation.target.kind is Kind.MODEL


def _words(case: Case, part: str) -> dict[str, set[str]]:
    """Return the names of what is written on a part, by family; an empty value is none."""
    held: dict[str, set[str]] = {name: set() for name in _ALL}
    for name, value in case.live.items():
        at, rest = split(name)
        family, _, below = rest.partition(".")
        if at == part and value not in ("", False):
            held[family if below and family in held else "own"].add(word(below or family))
    return held


def reproducible(release: Release, case: Case) -> Iterator[Finding]:
    """MA509, MA510: what it takes to make and to feed the model again is demanded, and recorded nowhere."""
    unmet = case.unmet and {gate for gate, _ in case.unmet} & {*_LINEAGE, "feature_retrieval_spec"}
    if not unmet:
        return
    parts = _holders(release, case) if _is_model(case) else _parts_of(case)
    known = set().union(*(_words(case, part)[name] for part in parts for name in _ALL))
    missing = [gate for gate, words in _LINEAGE.items() if gate in unmet and not words & known]
    if "git_commit" in unmet and any(_is_dirty(case, part) for part in parts):
        missing.append("changes that were never committed")
    if missing:
        yield case.finding(
            "MA509", "lineage", "recorded: " + ", ".join(_LINEAGE), "missing: " + ", ".join(missing)
        )
    if "feature_retrieval_spec" in unmet and not _FEATURE_SPEC & known:
        yield case.finding("MA510", "feature_retrieval_spec", "a feature retrieval spec", NOTHING)


def _is_dirty(case: Case, part: str) -> bool:
    """Say whether the job behind a version ran code that its commit does not hold."""
    return str(case.live.get(f"{part}.job.git_dirty", "")).lower() == "true"


def _parts_of(case: Case) -> list[str]:
    return sorted({split(name)[0] for name in case.live} | {""})


def changed(release: Release, case: Case) -> Iterator[Finding]:
    """MA511, or MA106 for files: what the release leaves open is not as it was at the approval."""
    if not case.history.at_approval:
        return
    written = written_on_parts(case.live, release)
    for part in case.history.at_approval.keys() & written.keys():
        then, now = case.history.at_approval[part], written[part]
        if all(now.get(name) == then.get(name) for name in OF_MODELS):  # else MA102 and MA105 tell
            for name in (then.keys() | now.keys()) - OF_MODELS:
                subject = f"{part}.{name}" if part else name
                is_seen = not (unseen(name, then) or unseen(name, now))
                if is_seen and _is_open(subject, release):
                    yield from _changed(subject, then.get(name), now.get(name), case)


def _changed(subject: str, before: Scalar | None, now: Scalar | None, case: Case) -> Iterator[Finding]:
    if before == now:
        return
    if rule_of(subject) != FILES:
        yield case.finding("MA511", subject, _shown(before), _shown(now))
    elif before is not None and now is not None:  # of files only a change is news: they become known in time
        yield case.finding(FILES, subject, _shown(before), _shown(now), "The files were others at the approval.")


def _shown(value: Scalar | None) -> str:
    return NOTHING if value is None else str(value)


def written_on_parts(facts: Facts, release: Release) -> dict[str, dict[str, Scalar]]:
    """Return what stands on each approved part that is there beside what the release names, by part and name.

    That is metadata and places of files, and the model that it is about. A long text is told by its digest.
    """
    approved, found = approved_parts(release), dict[str, dict[str, Scalar]]()
    for name, value in facts.items():
        part, rest = split(name)
        if part in approved:
            written = found.setdefault(part, {})
            if rest in OF_MODELS or _is_open(name, release):
                written[rest] = brief(value)
    harmless: dict[str, dict[str, Scalar]] = evidence.harmless(found)  # as a row will give it back
    return harmless


def _is_open(name: str, release: Release) -> bool:
    """Say whether a fact is metadata or a place of files, and the release leaves it open."""
    return name not in release.facts and (rule_of(name) == FILES or rule_of(name).startswith("MA5"))


def brief(value: Scalar) -> Scalar:
    """Return a value, or for a long text what stands for it."""
    if not isinstance(value, str) or len(value) <= MAX_KEPT:
        return value
    return f"{value[:40]}... ({len(value)} characters, sha256 {evidence.sha256(value.encode('utf-8', 'replace'))})"


def approved_parts(release: Release) -> set[str]:
    """Return the parts that a release approves; of anything but a model the target itself is one of them."""
    parts = {split(name)[0] for name in release.facts}
    if release.target.kind is not Kind.MODEL:
        return parts | {""}
    return parts | {f"versions.{version}" for version in aliased(release.facts)}
