"""Print the JSON Schema of release files: `python -m audit.approvals.schema > docs/release.schema.json`."""

import json
import sys

from audit.approvals.release_files import schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
