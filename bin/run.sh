#!/bin/sh
# Sets up the AnySync server at the first run, and serves.
set -eu
program=run.sh
entry=packages/server/main.ts
here=$0
while [ -L "$here" ]; do
  to=$(readlink "$here")
  case $to in /*) here=$to ;; *) here=$(dirname "$here")/$to ;; esac
done
set -- run "$@"
. "$(dirname "$here")/launch.sh"
