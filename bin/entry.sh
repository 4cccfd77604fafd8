# Sourced, with $project, $modules and $entry (a source file, relative to the project): sets $start, the file to start. It
# is the bundle of the same program when that is newer than every source, for one file is read faster than hundreds.
# Sets $bundle: 'current', 'old' (also when it is still to be made), 'none' for a program that has none, or 'unknown' where
# `find` cannot tell.

bundle=old
case $entry in
  packages/cli/main.ts) start=$modules/.cache/bundle/anysync.js ;;
  packages/server/main.ts) start=$modules/.cache/bundle/server.js ;;
  *) start= bundle=none ;;
esac
if [ -f "$start" ]; then
  # By the time of change and not of writing: a source that was put back to an older one has changed, too.
  if newer=$(find "$project/packages" "$project/package-lock.json" -cnewer "$modules/.cache/bundle/made" -print -quit 2>&1); then
    [ -n "$newer" ] || bundle=current
  else
    bundle=unknown
  fi
fi
[ "$bundle" = current ] || start=$project/$entry
