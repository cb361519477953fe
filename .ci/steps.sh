# Steps of a run: each is shown with its seconds, and the first one that fails ends the run and is named.
#
#   step NAME COMMAND…       run it now; COMMAND is a program
#   begin NAME COMMAND…      run it beside what follows; its output is kept for `finish`
#   finish NAME              wait for it and show its output
#
# To be sourced by a script with `set -euo pipefail`. Whatever is still running when that script ends, is ended.

steps_logs=$(mktemp -d)
declare -A steps_begun=()

steps_end() {
    local pid
    for pid in "${steps_begun[@]}"; do
        # with `set -m` each has a process group of its own
        kill -TERM -- "-$pid" 2>/dev/null || true
    done
    rm -rf "$steps_logs"
}
trap steps_end EXIT

steps_judge() { # NAME STATUS SECONDS
    if (($2 != 0)); then
        printf '\nFAILED: %s (exit status %d, after %d s)\n' "$1" "$2" "$3"
        exit 1
    fi
    printf '[%s: %d s]\n' "$1" "$3"
}

step() {
    local name=$1 start=$SECONDS status=0
    shift
    printf '\n$ %s\n' "$*"
    "$@" || status=$?
    steps_judge "$name" "$status" $((SECONDS - start))
}

begin() {
    local name=$1
    shift
    printf '\n$ %s   (beside what follows)\n' "$*"
    set -m
    (
        start=$SECONDS status=0
        "$@" || status=$?
        printf '%d %d\n' "$status" $((SECONDS - start)) >"$steps_logs/$name.status"
    ) >"$steps_logs/$name.log" 2>&1 </dev/null &
    steps_begun[$name]=$!
    set +m
}

finish() {
    local name=$1 status=1 seconds=0
    wait "${steps_begun[$name]}" || true
    unset "steps_begun[$name]"
    printf '\n== %s\n' "$name"
    cat "$steps_logs/$name.log"
    # no status was written where it was killed
    [[ ! -f "$steps_logs/$name.status" ]] || read -r status seconds <"$steps_logs/$name.status"
    steps_judge "$name" "$status" "$seconds"
}
