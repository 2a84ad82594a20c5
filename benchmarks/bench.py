"""All benchmarks: libRoadRunner beside corrin (`against_roadrunner.py`), what the engine costs (`costs.py`), what a user waits for
(`forecast.py`, with SciPy's LSODA beside the engine), diffrax beside corrin on its own equations (`diffrax_rival.py`).

    make bench                  tables
    make bench ARGS=--quick     shorter plans, fewer people, fewer rounds, without the forecasts and diffrax: a minute or two
    make bench ARGS=--json      one JSON document; `summary` holds `ratio_<plan>` and `error_<plan>`
    make bench ARGS="--only against_roadrunner"

Nothing here is asserted: times belong to the machine they were taken on, ratios to one run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
from typing import Any

PARTS = ("against_roadrunner", "costs", "forecast", "diffrax_rival")


def main() -> None:
    ask = argparse.ArgumentParser(description="All benchmarks.")
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--quick", action="store_true")
    ask.add_argument("--only", choices=PARTS, action="append")
    given = ask.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    chosen = given.only or (PARTS[:2] if given.quick else PARTS)
    found: dict[str, Any] = {"machine": machine(), "not_run": not_run(), "summary": {}}
    if "against_roadrunner" in chosen:
        import against_roadrunner

        result = against_roadrunner.measure(given.quick, rounds=2 if given.quick else 3)
        found["summary"] |= result["summary"]
        found["plans"] = result["plans"]
        if not given.json:
            print(against_roadrunner.text(result), end="\n\n", flush=True)
    for name in ("costs", "forecast"):
        if name in chosen:
            found[name] = importlib.import_module(name).measure(given.quick)
            if not given.json:
                print("\n".join(f"{key:40s} {value:12.4g}" for key, value in found[name].items()), end="\n\n", flush=True)
    if "diffrax_rival" in chosen and importlib.util.find_spec("diffrax"):
        import diffrax_rival

        found["diffrax"] = diffrax_rival.measure()
        found["summary"] |= {
            f"{key}_diffrax": found["diffrax"][key] for key in ("ratio", "error", "rival_error") if key in found["diffrax"]
        }
        if not given.json:
            print(diffrax_rival.text(found["diffrax"]), end="\n\n", flush=True)
    if "forecast" in found:
        found["summary"] |= {key: value for key, value in found["forecast"].items() if key.startswith(("ratio_", "error_"))}
    if given.json:
        print(json.dumps(found, indent=1))
    elif found["not_run"]:
        print("Not run: " + "; ".join(found["not_run"]))


def machine() -> dict[str, Any]:
    """What it ran on, and how much else ran there."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version(), "load": load}


def not_run() -> list[str]:
    """Engines that are not here to be compared."""
    return [f"{name} is not installed" for name in ("diffrax",) if importlib.util.find_spec(name) is None]


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
