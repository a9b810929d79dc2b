#!/usr/bin/env bash
# Set git up so that outputs of notebooks stay out of this repository. One that this folder only lies
# in is left alone.
set -euo pipefail
top=$(git rev-parse --show-toplevel 2>/dev/null) || exit 0
[ "$top" = "$(pwd -P)" ] || exit 0
git config filter.nbstripout.clean "sh tools/strip_notebook.sh"
git config filter.nbstripout.smudge cat
git config filter.nbstripout.required false
git config diff.ipynb.textconv "sh tools/strip_notebook.sh -t"
