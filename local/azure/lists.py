"""Lists as ARM gives them: views that hide, orders, pages and the link to the next page."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from urllib.parse import urlencode

from local.azure.answers import Answer, Refusal, not_found, not_imitated
from local.azure.documents import Document
from local.azure.estate import Estate
from local.azure.ids import Address
from local.azure.workspace_documents import MODEL, MODEL_VERSION, REGISTRY

VIEWS = ("ActiveOnly", "ArchivedOnly", "All")
NEWEST, OLDEST = "createdtime desc", "createdtime asc"
_PARAMETERS = {"api-version", "$skiptoken", "$top", "count", "$orderby", "listviewtype", "stage"}


def list_answer(
    estate: Estate, address: Address, query: Mapping[str, str], *, base_url: str, page_size: int, today: date
) -> Answer:
    """Return one page of the list at `address`, and the link to the next where there is one."""
    asked = {key.lower(): value for key, value in query.items()}
    _refuse_unknown(asked)
    items = [_shown(estate, each) for each in estate.listed(address, today)]
    items = _in_view(estate, address, asked, items)
    is_newest_first = _is_newest_first(asked)
    items.sort(key=lambda each: _place(each, asked), reverse=is_newest_first)
    if "$skiptoken" in asked:
        last = _read_skip_token(asked["$skiptoken"])
        items = [each for each in items if _is_after(_place(each, asked), last, is_newest_first)]
    size = _size(asked, page_size)
    body: Document = {"value": items[:size]}
    if len(items) > size:
        # Given even where `$top` was met: that is what the service does.
        token = _skip_token(_place(items[size - 1], asked))
        body["nextLink"] = _link(base_url + address.path, query, token)
    return Answer(200, body)


def item_answer(estate: Estate, address: Address) -> Answer:
    """Return one resource; refuse with 404 where it is not there."""
    document = estate.find(address.path)
    if document is None:
        raise not_found(address.path)
    return Answer(200, _shown(estate, document))


def is_active(version: Document) -> bool:
    """Whether the service's default view shows a version: neither archived nor registered without a name."""
    properties = version.get("properties") or {}
    return not properties.get("isArchived") and not properties.get("isAnonymous")


def _shown(estate: Estate, document: Document) -> Document:
    """Add to a model container what the service counts up from its versions, and write ids as a registry does."""
    id_ = document.get("id", "")
    if str(document.get("type")).startswith(f"{REGISTRY}/models"):
        document = document | {"id": _registry_uri(document["id"])}
    if document.get("type") not in (MODEL, f"{REGISTRY}/models"):
        return document
    versions = sorted(estate.below(id_, "versions"), key=_created)
    numbers = [int(each["name"]) for each in versions if each["name"].isdigit()]
    counted = {
        "latestVersion": versions[-1]["name"] if versions else None,
        "nextVersion": str(max(numbers, default=0) + 1),
    }
    return document | {"properties": document["properties"] | counted}


def _registry_uri(id_: str) -> str:
    """Return the id by which a registry names its own assets, whatever ARM calls them."""
    return f"azureml://registries/{id_.split('/registries/', 1)[1]}"


def _in_view(estate: Estate, address: Address, asked: Mapping[str, str], items: list[Document]) -> list[Document]:
    if address.type not in (MODEL.lower(), MODEL_VERSION.lower()):
        return items  # a registry ignores the view (azure-sdk-for-python#48675)
    # The default hides archived and anonymous versions (cloud-custodian#11067).
    view = asked.get("listviewtype", VIEWS[0])
    if view not in VIEWS:
        raise Refusal(400, "UserError", f"Expected listViewType to be one of {', '.join(VIEWS)}; got '{view}'.")
    if "stage" in asked:
        items = [each for each in items if each["properties"]["stage"] == asked["stage"]]
    if view == "ArchivedOnly":
        return [each for each in items if each["properties"]["isArchived"]]
    is_shown = is_active if address.type == MODEL_VERSION.lower() else _container_rule(estate)
    return [each for each in items if view == "All" or is_shown(each)]


def _container_rule(estate: Estate) -> Callable[[Document], bool]:
    def is_shown(container: Document) -> bool:
        versions = estate.below(container["id"], "versions")
        is_named = not versions or not all(each["properties"]["isAnonymous"] for each in versions)
        return is_named and not container["properties"]["isArchived"]

    return is_shown


def _place(document: Document, asked: Mapping[str, str]) -> list[str]:
    """Return where a document stands in the list's order; it outlives changes between two pages."""
    inner = document.get("model") or {}
    name = str(document.get("name") or f"{inner.get('name')}/{inner.get('version')}/{document.get('kind')}")
    version = str(document.get("version", ""))
    key = [str(document.get("id", "")).lower(), name.lower(), version]
    return [_created(document), *key] if "$orderby" in asked else key


def _created(document: Document) -> str:
    return str((document.get("systemData") or {}).get("createdAt", ""))


def _is_newest_first(asked: Mapping[str, str]) -> bool:
    order = asked.get("$orderby", OLDEST).lower()
    if order not in (NEWEST, OLDEST):
        raise not_imitated(f"the order '{order}'")
    return order == NEWEST


def _is_after(place: list[str], last: list[str], is_newest_first: bool) -> bool:
    return place < last if is_newest_first else place > last


def _size(asked: Mapping[str, str], page_size: int) -> int:
    wanted = asked.get("$top") or asked.get("count") or str(page_size)
    if not wanted.isdigit() or wanted == "0":
        raise Refusal(400, "InvalidQueryParameterValue", f"Expected a positive whole number; got '{wanted}'.")
    return int(wanted)


def _refuse_unknown(asked: Iterable[str]) -> None:
    # A filter that is silently not applied would be believed.
    for name in sorted(set(asked) - _PARAMETERS):
        raise not_imitated(f"the query parameter '{name}'")


def _skip_token(place: list[str]) -> str:
    return base64.b64encode(json.dumps(place).encode()).decode()


def _read_skip_token(token: str) -> list[str]:
    try:
        return [str(part) for part in json.loads(base64.b64decode(token, validate=True))]
    except ValueError as error:
        raise Refusal(400, "InvalidSkipToken", "The skip token is none that this service gave.") from error


def _link(url: str, query: Mapping[str, str], token: str) -> str:
    kept = {key: value for key, value in query.items() if key.lower() != "$skiptoken"}
    return f"{url}?{urlencode(kept | {'$skipToken': token}, safe='$')}"
