#!/bin/sh
# git's filter for notebooks: their outputs stay out of commits. Git runs it from the checkout's top,
# wherever that is moved to. Before the environment is made, notebooks pass as they are.
if [ -x .venv/bin/python ]; then
  exec .venv/bin/python -m nbstripout "$@"
fi
[ "$1" = -t ] && shift
exec cat -- "$@"
