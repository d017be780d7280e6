# Runs "$@" so that it cannot outlive the process which holds our stdin: when that pipe closes, for
# whatever reason, the child is asked to end and three seconds later made to.
# $1 is a directory to remove once the child is gone (or empty). The first line on stdout is the
# child's pid; the exit code is the child's, 128 + n for signal n.
clean=$1
shift
exec 3<&0
sh -c 'echo "$$"; exec "$@"' - "$@" 3<&- </dev/null &
child=$!
(
  read -r _ <&3
  kill -TERM "$child"
  tries=0
  while [ "$tries" -lt 30 ] && kill -0 "$child"; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$child"
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$watcher" 2>/dev/null
[ -z "$clean" ] || rm -rf "$clean"
exit "$code"
