#!/usr/bin/env bash
# Writes requirements.lock anew: every package corrin needs to run and to be developed, pinned, with hashes.
# The file names no package index: each machine installs through its own configured one.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${BIN:-.venv/bin}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$bin/pip-compile" --quiet --extra dev --generate-hashes --no-annotate --no-header --allow-unsafe --strip-extras \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file "$work/lock" pyproject.toml "$@"
grep -v '^#' "$work/lock" | sed '/^$/d' > requirements.lock
if grep -n -i -E 'http|file:|--index|--trusted|--find' requirements.lock; then
  echo "requirements.lock must not name a host or a path" >&2
  exit 1
fi
