"""MA7xx: who made the last change, and when; a release that was approved afterwards has seen it."""

from collections.abc import Iterator

from audit.events.actors import describe
from audit.judge.given import Case
from audit.model import Actor, ActorKind, Finding, Release

# Names that `audit.events.actors.TOOLS` gives to what people click in.
PORTALS = frozenset({"the Azure portal", "the Foundry portal", "Azure ML studio", "Azure OpenAI Studio"})


def change(release: Release, case: Case) -> Iterator[Finding]:
    """MA701, or MA702 where it was done by hand; MA703 as well, where nobody was at work."""
    written = case.history.written
    if written is None or written.at <= release.approved_at or written.actor.kind is ActorKind.PLATFORM:
        return
    got = f"{describe(written.actor)} at {written.at:%Y-%m-%d %H:%M} UTC"
    if not _may(written.actor, release, case):
        if written.actor.kind is ActorKind.PERSON and written.actor.tool in PORTALS:
            yield case.finding("MA702", "change", "a change by a pipeline", got)
        elif release.deployers or case.policy.pipelines:
            yield case.finding("MA701", "change", "an identity that may deploy this", got)
    hours = case.policy.working_hours
    if hours is not None and not hours.covers(written.at):
        yield case.finding(
            "MA703", "time", f"{' '.join(hours.days)} {hours.start:%H:%M} to {hours.end:%H:%M}", got
        )


def _may(actor: Actor, release: Release, case: Case) -> bool:
    """Say whether the release names the actor; where it names nobody, whether it is a pipeline of the policy."""
    allowed = {each.casefold() for each in release.deployers or case.policy.pipelines}
    is_pipeline = actor.kind is ActorKind.PIPELINE and not release.deployers
    return is_pipeline or bool(({actor.id.casefold(), actor.name.casefold()} - {""}) & allowed)
