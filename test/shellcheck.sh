#!/usr/bin/env bash
# Checks every shell script that git knows; installs shellcheck where the machine lacks it.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null; then
  echo "shellcheck is missing: installing it with apt-get" >&2
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends shellcheck >/dev/null
fi
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run')
shellcheck --shell=bash "${scripts[@]}"
