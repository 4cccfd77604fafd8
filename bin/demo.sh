#!/bin/sh
# Shows AnySync at work: a server and two devices in temporary homes on this computer, in under a minute, with nothing
# left behind. 'bin/demo.sh FOLDER' uses a copy of that folder instead of this project's own packages.
set -eu
program=demo.sh
entry=bin/demo.ts
here=$0
while [ -L "$here" ]; do
  to=$(readlink "$here")
  case $to in /*) here=$to ;; *) here=$(dirname "$here")/$to ;; esac
done
. "$(dirname "$here")/launch.sh"
