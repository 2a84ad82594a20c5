#!/usr/bin/env bash
# The wheel alone, installed in an empty environment, answers from an empty folder.
# This catches what an editable install hides: a data file left out of the wheel, an import only the developers' tools satisfy.
set -euo pipefail
cd "$(dirname "$0")/.."
root="$PWD"
bin="$(cd "${BIN:-.venv/bin}" && pwd)"
example="${1:-stabler2013-vignette}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Built from a copy: setuptools leaves build/ behind, and a file deleted from src would live on in the next wheel.
mkdir "$work/source"
cp -r pyproject.toml README.md LICENSE NOTICE src "$work/source/"
rm -rf "$work"/source/src/*.egg-info
"$bin/python" -m build --wheel --no-isolation --outdir "$work/dist" "$work/source" >"$work/build.log" 2>&1 || {
  cat "$work/build.log" >&2
  exit 1
}
wheel="$(echo "$work"/dist/*.whl)"
echo "built $(basename "$wheel")"

# Only what the wheel itself asks for is installed, at the pinned and hashed versions; `pip check` proves that it is all it asks for.
"$bin/python" scripts/runtime_lock.py > "$work/runtime.lock"
"$bin/python" -m venv "$work/env"
"$work/env/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$work/runtime.lock"
"$work/env/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$wheel"
"$work/env/bin/python" -m pip check
mkdir "$work/empty" && cd "$work/empty"
export CORRIN_CACHE_DIR="$work/cache"
"$work/env/bin/corrin" --version
"$work/env/bin/corrin" forecast "$example" --draws 50 --years 1 --out "$work/answer" >"$work/report.txt" || {
  # 4 is an answer too: the data contradict the model, which fifty draws can make likely.
  code=$?
  test "$code" -eq 4 || { echo "corrin forecast left with $code" >&2; exit 1; }
}
test -s "$work/report.txt"
test -s "$work/answer/answer.json"
case "$("$work/env/bin/python" -c 'import corrin; print(corrin.__file__)')" in
  "$root"/*) echo "the smoke test imported the checkout, not the wheel" >&2; exit 1 ;;
esac
echo "the wheel alone answers ($(wc -l < "$work/report.txt") lines of report)"
