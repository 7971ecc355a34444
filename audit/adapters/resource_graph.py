"""Azure Resource Graph, by plain REST: an index over subscriptions that is quick, and that may be late or wrong.

It says where to look, and that something changed. What it does not show may be there all the same, so nothing is
concluded from its silence: not even that a subscription is empty (see `Found.covered`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.credentials import TokenCredential

from audit.adapters.cloud import Cloud
from audit.adapters.pace import Pace
from audit.adapters.reader import Reader
from audit.adapters.recorder import Refused
from audit.model import Document, Outcome, Target
from audit.record import keys
from audit.targets import find_target

# 15 queries in 5 seconds for each principal (learn.microsoft.com, "Guidance for throttled requests"). With these
# two no five seconds ever see more, and a query that waits its turn costs less than one that is refused.
QUERIES_A_SECOND = 2.0
BURST = 5

MOST_ROWS = 1000  # of a page, by the service's own limit
MOST_PAGES = 200  # whoever has more than 200,000 of these is better listed one by one

_PATH = "/providers/Microsoft.ResourceGraph/resources"
_VERSION = {"api-version": "2022-10-01"}
_ML = "microsoft.machinelearningservices"
_SUBSCRIPTION = "microsoft.resources/subscriptions"

# The subscriptions stand in the answer themselves: one that may not be read is left out without a word, and the
# answer is a good one (200) all the same. The order is what makes pages follow each other without gaps.
_PARENTS = f"""resourcecontainers
| where type == '{_SUBSCRIPTION}'
| project id, type, kind
| union (resources
  | where type in~ ('{_ML}/workspaces', '{_ML}/registries', 'microsoft.cognitiveservices/accounts')
  | project id, type, kind)
| order by id asc"""
_DEPLOYMENTS = """resources
| where type in~ ('{ml}/workspaces/onlineendpoints/deployments', '{ml}/workspaces/batchendpoints/deployments')
| where id startswith '{workspace}/'
| project id, kind, tags, sku, identity, properties
| order by id asc"""


@dataclass(frozen=True, slots=True)
class Found:
    """What the index holds of subscriptions, and which of them it `covered`; of the others it says nothing."""

    documents: Sequence[Document]
    covered: frozenset[str]


NOTHING_FOUND = Found((), frozenset())


@dataclass(frozen=True, slots=True)
class Rows:
    """The deployments of a workspace as the index has them, by the endpoint that they belong to."""

    by_target: Mapping[Target, Sequence[Document]]

    def mark(self, target: Target, endpoint: Document) -> str:
        """Return what is equal as long as neither the endpoint as it was read nor its rows change.

        It is empty where the index has no row to go by.
        """
        rows = self.by_target.get(target)
        return keys.digest(json.dumps([endpoint, rows], sort_keys=True)) if rows else ""

    def are_of(self, target: Target, deployments: Iterable[Any]) -> bool:
        """Say whether the index has a row for each of these deployments, and for no other."""
        read = {_id_of(each) for each in deployments}
        return {_id_of(row) for row in self.by_target.get(target, ())} == read


NO_ROWS = Rows({})


class ResourceGraph:
    """Asks the index. Raises `Refused`, `Throttled` or `Unavailable` as `audit.adapters.reader` says."""

    def __init__(self, credential: TokenCredential, cloud: Cloud, pace: Pace | None = None):
        self._reader = Reader(credential, cloud, pace or Pace(QUERIES_A_SECOND, BURST))

    def parents(self, subscriptions: Sequence[str]) -> Found:
        """Return the workspaces, registries and accounts of these subscriptions, as far as it covers them."""
        rows = list(self._rows("look for what is in the watched subscriptions", subscriptions, _PARENTS))
        seen = {_id_of(row) for row in rows if str(row.get("type")).lower() == _SUBSCRIPTION}
        covered = frozenset(each for each in subscriptions if f"/subscriptions/{each}".lower() in seen)
        return Found([row for row in rows if _id_of(row) not in seen], covered)

    def deployments(self, workspace: str, subscription: str) -> Rows:
        """Return the deployments behind the endpoints of a workspace."""
        if "'" in workspace:
            raise Refused(Outcome.UNREADABLE, "a workspace whose name cannot stand in a query")
        by_target: dict[Target, list[Document]] = {}
        query = _DEPLOYMENTS.format(ml=_ML, workspace=workspace)
        for row in self._rows(f"look up the deployments of {workspace}", [subscription], query):
            if target := find_target(str(row.get("id"))):
                by_target.setdefault(target, []).append(row)
        return Rows(by_target)

    def _rows(self, what: str, subscriptions: Sequence[str], query: str) -> Iterator[Document]:
        options: dict[str, Any] = {"resultFormat": "objectArray", "$top": MOST_ROWS}
        for _ in range(MOST_PAGES):
            question = {"subscriptions": list(subscriptions), "query": query, "options": options}
            answer = self._reader.ask(what, _PATH, _VERSION, question)
            rows, token = answer.get("data"), answer.get("$skipToken")
            if not isinstance(rows, list):
                raise Refused(Outcome.UNREADABLE, "expected rows, got an answer without any")
            yield from (row for row in rows if isinstance(row, dict))
            if not token:
                return
            options = {**options, "$skipToken": token}
        raise Refused(Outcome.UNREADABLE, f"expected at most {MOST_PAGES} pages of rows, got more")


def _id_of(document: Any) -> str:
    return str(document.get("id")).lower() if isinstance(document, dict) else ""
