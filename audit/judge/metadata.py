"""MA5xx: what must be written on a model or a deployment, and what must not change afterwards."""

from collections.abc import Iterator, Mapping, Set

from audit.judge.given import NOTHING, Case
from audit.judge.names import rule_of, rule_of_word, split, word
from audit.model import Finding, Kind, Release

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
    for part in _holders(case):
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


def _holders(case: Case) -> list[str]:
    """Return the parts that bear metadata: each approved version of a model, else the target itself."""
    if not _is_model(case):
        return [""]
    present = case.shape.versions & case.approved.versions
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


def reproducible(release: Release, case: Case) -> Iterator[Finding]:  # noqa: ARG001 - asked like all rules
    """MA509, MA510: what it takes to make and to feed the model again is demanded, and recorded nowhere."""
    unmet = {gate for gate, _ in case.unmet} & {*_LINEAGE, "feature_retrieval_spec"}
    if not unmet:
        return
    parts = _holders(case) if _is_model(case) else _parts_of(case)
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
    """MA511: what the release leaves open was changed on an approved part since the approval."""
    then, live = case.history.at_approval, case.live
    if not then:
        return
    parts = {split(name)[0] for name in then} & {split(name)[0] for name in live}
    for name in {*then, *live} - release.facts.keys():
        before, now = then.get(name, NOTHING), live.get(name, NOTHING)
        if (
            before != now
            and rule_of(name).startswith("MA5")
            and split(name)[0] in parts & _approved(release, case)
        ):
            yield case.finding("MA511", name, str(before), str(now))


def _approved(release: Release, case: Case) -> set[str]:
    parts = {split(name)[0] for name in release.facts}
    return parts if _is_model(case) else parts | {""}
