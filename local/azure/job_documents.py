"""Training jobs as Azure Machine Learning answers them."""

from local.azure.documents import Document
from local.azure.ids import guid, name_of
from local.azure.workspace_documents import WORKSPACE

JOB = f"{WORKSPACE}/jobs"

# Where the SDK notes the git folder that a job was submitted from, by the words of a fleet file: Azure ML and
# MLflow each have their own names (learn.microsoft.com, "Git integration for Azure Machine Learning").
GIT = {
    "repository": ("azureml.git.repository_uri", "mlflow.source.git.repoURL"),
    "branch": ("azureml.git.branch", "mlflow.source.git.branch"),
    "commit": ("azureml.git.commit", "mlflow.source.git.commit"),
    "dirty": ("azureml.git.dirty",),
}
_DATA = "uri_folder"
_DEFAULTS: Document = {
    "description": None,
    "displayName": None,
    "computeId": None,
    "componentId": None,
    "experimentName": "Default",
    "identity": None,
    "isArchived": False,
    "notificationSetting": None,
    "outputs": {},
    "status": "Completed",
}
_COMMAND: Document = {
    "command": "python train.py",
    "codeId": None,
    "distribution": None,
    "environmentVariables": {},
    "limits": None,
    "parameters": {},
    "queueSettings": None,
    "resources": {"instanceCount": 1, "instanceType": None, "shmSize": "2g", "properties": {}},
}
_PIPELINE: Document = {"jobs": {}, "settings": {}, "sourceJobId": None}


def complete_job(id_: str, location: str, properties: Document) -> Document:
    """Return a job with everything the service fills in."""
    name = name_of(id_)
    own = _PIPELINE if properties.get("jobType") == "Pipeline" else _COMMAND
    studio = f"https://ml.azure.com/runs/{name}?wsid={id_.split('/jobs/', 1)[0]}"
    services = {
        "Tracking": {
            "jobServiceType": "Tracking",
            "port": None,
            "endpoint": f"azureml://{location}.api.azureml.ms/",
        },
        "Studio": {"jobServiceType": "Studio", "port": None, "endpoint": studio},
    }
    filled = {**_DEFAULTS, **own, "services": services, **properties}
    filled["displayName"] = filled["displayName"] or f"calm_river_{guid(id_)[:8]}"
    return {"id": id_, "name": name, "type": JOB, "properties": filled}


def git_properties(said: dict[str, str | None]) -> dict[str, str]:
    """Return what a job notes of its git folder, under both names of each thing."""
    return {name: value for word, value in said.items() if value is not None for name in GIT[word]}


def data_input(uri: str) -> Document:
    """Return an input that is data."""
    return {"description": None, "jobInputType": _DATA, "mode": "ReadOnlyMount", "uri": uri}


def literal_input(value: str) -> Document:
    """Return an input that is a value."""
    return {"description": None, "jobInputType": "literal", "value": value}
