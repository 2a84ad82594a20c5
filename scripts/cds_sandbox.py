"""Call the running service with healthchain's SandboxClient, a CDS Hooks client written by others.

    python3.11 -m venv /elsewhere && /elsewhere/bin/pip install healthchain==0.16.1
    corrin serve &
    /elsewhere/bin/python scripts/cds_sandbox.py http://127.0.0.1:8765 PREFETCH.json PATIENT-ID

It has a virtual environment of its own: it asks for an older httpx and FastAPI than this project and brings some 100 MB. The prefetch file
holds what the discovery asks for, by key. Its answers are checked by healthchain's own model of a CDS Hooks response.
"""

from __future__ import annotations

import sys


def main(base: str, prefetch: str, patient: str) -> int:
    """Send one `patient-view` with the client's own made-up patient id, and one with the right one; print the cards."""
    from healthchain.models import CDSResponse  # type: ignore[import-not-found]
    from healthchain.sandbox import SandboxClient  # type: ignore[import-not-found]

    client = SandboxClient(url=f"{base}/cds-services/corrin-b12-patient-view", workflow="patient-view")
    client.load_from_path(prefetch)
    for own in (True, False):
        for request in client.requests:
            request.context.patientId = request.context.patientId if own else patient
        for answer in client.send_requests():
            for link in (link for card in answer["cards"] for link in card.get("links", [])):
                link.setdefault("autoLaunchable", False)  # asked for by the client's model, of a version after 2.0
            cards = CDSResponse.model_validate(answer).cards
            print("another patient:" if own else "this patient:", *(f"\n  {card.indicator}: {card.summary}" for card in cards))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
