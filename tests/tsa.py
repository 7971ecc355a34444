"""A real time-stamping authority (RFC 3161): `openssl ts` behind a loopback HTTP server."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local import serving

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = unused
[stamping]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[tsa]
serial = serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """The authority's files, and what it does; `answer` takes the place of its own answer."""

    folder: Path
    url: str = ""
    status: int = 200
    answer: bytes | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Return the certificate to trust, as PEM."""
        return self.folder / "ca.pem"

    def stamp(self, query: bytes) -> bytes:
        """Return the answer to a query."""
        (self.folder / "query.tsq").write_bytes(query)
        self.run(
            "ts -reply -config tsa.cnf -section tsa -queryfile query.tsq -signer tsa.pem -inkey tsa.key -out x.tsr"
        )
        return (self.folder / "x.tsr").read_bytes()

    def run(self, words: str) -> None:
        """Run openssl in the authority's folder."""
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True)


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """Serve an authority with a key, a certificate and a root of its own."""
    made = Authority(folder)
    (folder / "tsa.cnf").write_text(CONFIG)
    (folder / "serial").write_text("01\n")
    for name in ("ca", "tsa"):
        made.run(f"ecparam -name prime256v1 -genkey -noout -out {name}.key")
        made.run(
            f"req -new -config tsa.cnf -key {name}.key -subj /CN=Test-{name.upper()}/O=Contoso -out {name}.csr"
        )
    sign = "x509 -req -days 30 -extfile tsa.cnf"
    made.run(f"{sign} -in ca.csr -signkey ca.key -extensions authority -out ca.pem")
    made.run(f"{sign} -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extensions stamping -out tsa.pem")

    async def reply(request: Request) -> Response:
        query = await request.body()
        made.asked.append(query)
        assert request.headers["content-type"] == "application/timestamp-query"
        answer = made.stamp(query) if made.answer is None else made.answer
        return Response(answer, made.status, media_type="application/timestamp-reply")

    with serving.serve(Starlette(routes=[Route("/", reply, methods=["POST"])])) as made.url:
        yield made
