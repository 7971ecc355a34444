"""What the settings say of an MLflow server; apart from what asks it, because taking an event in asks nobody."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from audit.adapters.cloud import Cloud

PAGE = 1000  # the most that MLflow gives of registered models at once


@dataclass(frozen=True, slots=True)
class MlflowServer:
    """A registry as the settings name it: where it answers, and how we sign in; `login` is `user:password`."""

    name: str
    place: Cloud
    token: str = field(default="", repr=False)
    login: str = field(default="", repr=False)
    page_size: int = PAGE

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers that sign in."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if self.login:
            return {"Authorization": f"Basic {base64.b64encode(self.login.encode()).decode()}"}
        return {}
