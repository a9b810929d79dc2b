#!/usr/bin/env bash
# Make the environment in $1 from requirements.lock: with uv where it is, else with venv and pip.
# The mark .ready comes last, so an install that fails is never taken for done; it holds the place for
# which the environment was made.
set -euo pipefail
venv=$1
if [ -f "$venv/.ready" ] && [ "$(cat "$venv/.ready")" != "$PWD" ] && [ -f "$venv/pyvenv.cfg" ]; then
  echo "this folder was moved or copied: its environment is made anew"
  rm -rf "$venv"
fi
rm -f "$venv/.ready"
# A user's settings of Python and pip that would lead elsewhere; a mirror that they name is used.
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP PIP_TARGET PIP_PREFIX PIP_ROOT PIP_NO_DEPS PIP_NO_BINARY \
  PIP_ONLY_BINARY PIP_CONSTRAINT PIP_REQUIREMENT PIP_DRY_RUN UV_TARGET UV_PREFIX UV_CONSTRAINT \
  UV_NO_BINARY UV_OVERRIDE UV_SYSTEM_PYTHON
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0
echo "making the environment in $venv (about 3 GB, a few minutes at the most)"

python=
for name in ${PYTHON_COMMAND:-python3 python3.13 python3.12 python3.11}; do
  if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    python=$name
    break
  fi
done

if command -v uv >/dev/null; then
  uv venv --quiet --allow-existing --python "${python:->=3.11,<3.14}" "$venv"
  # Compiled once here, as pip does: where Python may write no bytecode, every start of TensorFlow
  # would take 20 s more.
  uv pip sync --quiet --require-hashes --compile-bytecode --python "$venv/bin/python" requirements.lock
  uv pip install --quiet --no-deps --no-build-isolation --python "$venv/bin/python" --editable .
else
  if [ -z "$python" ]; then
    echo "error: expected Python 3.11, 3.12 or 3.13, found none (or install uv, which brings one)" >&2
    exit 1
  fi
  if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
    pip=("$venv/bin/python" -m pip)
  else
    # Debian keeps pip for new environments in a package of its own; its wheel is enough, without root.
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    if ! (cd "$scratch" && apt-get download python3-pip-whl >/dev/null 2>&1 && dpkg-deb -x ./*.deb .); then
      echo "error: this Python has no ensurepip: install the package python3-venv, or uv" >&2
      exit 1
    fi
    "$python" -m venv --without-pip "$venv"
    pip=(env "PYTHONPATH=$(echo "$scratch"/usr/share/python-wheels/pip-*.whl)" "$venv/bin/python" -m pip)
  fi
  "${pip[@]}" install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
  "${pip[@]}" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi

bash tools/notebook_filter.sh
echo "compiling the kernels for this machine (a minute or two)"
if ! said=$("$venv/bin/python" tools/compile_kernels.py 2>&1); then
  echo "$said" >&2
  exit 1
fi
echo "$PWD" > "$venv/.ready"
