# shellcheck shell=bash
# What all node scripts share: named steps, bounded waits, and an error that says where to look.
# Comes before the others on bash's standard input; NODE_NAME is set.
set -Eeuo pipefail
umask 022

LOG=${LOG:-/var/log/daybreak-bootstrap.log}
RUN_DIR=${RUN_DIR:-/run/daybreak}
STEP="starting"
REASON=""
NEXT=""
FAILED_COMMAND=""

# Sends everything to the node's log; only steps and errors go to whoever started the script.
# One run at a time: an interrupted one may still be at work.
begin() {
  mkdir -p "$RUN_DIR" "$(dirname "$LOG")"
  chmod 0700 "$RUN_DIR"
  exec 3>&2
  touch "$LOG" && chmod 0600 "$LOG"
  exec >>"$LOG" 2>&1 </dev/null
  trap 'FAILED_COMMAND=$BASH_COMMAND' ERR
  trap 'finish $?' EXIT
  exec 9>"$RUN_DIR/lock"
  flock -w 600 9 || die "another run of this script has not ended within 600 s" "ps -ef | grep bash"
}

# step WORDS: what happens now.
step() {
  STEP=$1
  printf '%s: %s (%s s)\n' "$NODE_NAME" "$STEP" "$SECONDS" >&3
  printf '== %s\n' "$STEP"
}

# die REASON [COMMAND TO RUN NEXT ON THE NODE]
die() {
  REASON=$1
  NEXT=${2:-}
  exit 1
}

# wait_until SECONDS WHAT COMMAND...: asks twice a second until the command succeeds.
wait_until() {
  local deadline=$((SECONDS + $1)) limit=$1 what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || die "waited $limit s for $what"
    sleep 0.5
  done
}

# write_file MODE PATH CONTENT: whole or not at all.
write_file() {
  local temporary
  mkdir -p "$(dirname "$2")"
  temporary=$(mktemp "$2.XXXXXX")
  chmod "$1" "$temporary"
  printf '%s\n' "$3" >"$temporary"
  mv -f "$temporary" "$2"
}

# The lines that usually hold the reason, without bootstrap tokens.
useful_lines() {
  grep -v 'cleanup warnings' | grep -Ei 'error|fail|fatal|refused|denied|timed? ?out|unable|cannot|not found|no such|invalid' |
    sed -E 's/[a-z0-9]{6}\.[a-z0-9]{16}/[token]/g' | cut -c1-400 | tail -n "$1" || true
}

unit_log() {
  journalctl -u "$1" -n 300 -o cat --no-pager 2>/dev/null | useful_lines "$2" || true
}

report() {
  printf '\n%s: failed while %s: %s\n' "$NODE_NAME" "$STEP" "$1"
  printf -- '--- bootstrap log (apt, kubeadm) on %s\n' "$NODE_NAME"
  tail -n 300 "$LOG" | useful_lines 14 || true
  printf -- '--- kubelet\n'
  unit_log kubelet 10
  printf -- '--- containerd\n'
  unit_log containerd 6
  printf -- '---\nNext, on the node: %s\n' "${NEXT:-sudo tail -n 100 $LOG}"
  printf 'Then run pulumi up again: it continues where this stopped.\n'
}

finish() {
  local status=$1
  trap - EXIT ERR
  if ((status == 0)); then
    printf '%s: done (%s s)\n' "$NODE_NAME" "$SECONDS" >&3
  else
    report "${REASON:-exit $status of: $FAILED_COMMAND}" >&3 2>&1
  fi
  exit "$status"
}
