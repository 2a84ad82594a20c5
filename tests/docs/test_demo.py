"""What README promises first: one published case in, a report and figures out, from the command line and in Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.findall(r"^EXAMPLE \?= (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[0]


@pytest.mark.slow
def test_one_case_in_one_figure_out(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "corrin", "forecast", EXAMPLE, "--draws", "50", "--years", "1", "--out", "answer"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", env=dict(os.environ), check=False)
    assert done.returncode in (0, 4), done.stderr
    for wanted in ("Serum", "Plan:", "12 months", "What this rests on", "Sources", "not a medical device"):
        assert wanted in done.stdout
    folder = tmp_path / "answer"
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    assert answer["case_id"] == EXAMPLE
    assert (folder / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "report.txt").read_text(encoding="utf-8") == done.stdout
    # What was answered can be made again from the answer's own file.
    command = [sys.executable, "-m", "corrin", "rerun", "answer/answer.json"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", env=dict(os.environ), check=False)
    assert again.returncode == 0, again.stderr
    assert again.stdout == "Reproduced: nothing differs.\n"
