#!/bin/sh
# git's filter for notebooks: outputs stay out of commits, and so does what JupyterLab notes about the
# Python that ran them. Git runs it from the checkout's top, wherever that is moved to. Before the
# environment is made, notebooks pass as they are.
if [ -x .venv/bin/python ]; then
  python=metadata.language_info
  exec .venv/bin/python -m nbstripout --extra-keys "$python.codemirror_mode $python.file_extension \
    $python.mimetype $python.nbconvert_exporter $python.pygments_lexer $python.version" "$@"
fi
[ "$1" = -t ] && shift
exec cat -- "$@"
