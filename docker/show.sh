#!/usr/bin/env bash
# Shows that a gate may die: the sample day runs through two gates, over and over; one is killed in the middle; nothing is
# lost, and nothing arrives more often than it was sent. Prints the counts, ends with 1 if they are wrong.
#
#   docker/show.sh            builds, plays, counts, removes everything again
#   KEEP=1 docker/show.sh     leaves all running: consoles on ports 8088 and 8089
#   BUILT=1 docker/show.sh    with the images as they are
#
# ORGATE_ROUNDS: how often the day is played (200; some 60 messages each, and it must not be over before a gate is killed). BUILDER, ORGATE_BINARY: see docker/README.md.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

if docker compose version >/dev/null 2>&1; then
  compose=(docker compose -p orgate-show)
else
  compose=(docker-compose -p orgate-show)
fi

gone() {
  "${compose[@]}" --profile watch down --volumes --timeout 20 >/dev/null 2>&1 || true
}
container() { # SERVICE
  "${compose[@]}" ps -q -a "$1" 2>/dev/null || "${compose[@]}" ps -q "$1"
}
until_true() { # WHAT COMMAND…: within ten minutes
  local what=$1
  shift
  for _ in $(seq 1200); do
    if "$@"; then return 0; fi
    sleep 0.5
  done
  printf 'show: waited in vain until %s\n' "$what" >&2
  "${compose[@]}" logs --tail 20 >&2
  exit 1
}
arrivals() {
  docker exec "$downstream" sh -c 'cat /var/lib/stand-in/arrived.jsonl 2>/dev/null | wc -l'
}
arrived_at_least() { (($(arrivals) >= $1)); }
healthy() { [[ $(docker inspect -f '{{.State.Health.Status}}' "$1") == healthy ]]; }
ended() { [[ $(docker inspect -f '{{.State.Status}}' "$1") == exited ]]; }
orgate() { # GATE ARGUMENT…: in the container of a gate
  local gate=$1
  shift
  docker exec "$(container "$gate")" /usr/bin/orgate "$@"
}

gone
[[ -n ${KEEP:-} ]] || trap gone EXIT
[[ -n ${BUILT:-} ]] || "${compose[@]}" build --quiet
export ORGATE_ROUNDS=${ORGATE_ROUNDS:-200}
"${compose[@]}" up -d
downstream=$(container downstream)
his=$(container his)
gate_1=$(container gate-1)

wrong=0
rounds=$ORGATE_ROUNDS
# About 42 of the day's messages are let through.
until_true 'an eighth has arrived' arrived_at_least $((rounds * 42 / 8))
docker kill --signal KILL "$gate_1" >/dev/null
killed=$(arrivals)
printf 'killed       gate-1, after %s arrivals\n' "$killed"
until_true 'half has arrived, the rest of it by gate-2 alone' arrived_at_least $((rounds * 42 / 2))
if ended "$his" && (($(arrivals) <= killed)); then
  printf 'nothing came after that: play the day more often (ORGATE_ROUNDS)\n'
  wrong=1
fi
docker start "$gate_1" >/dev/null
until_true 'gate-1 is healthy again' healthy "$gate_1"
printf 'started      gate-1 again, after %s arrivals\n' "$(arrivals)"
until_true 'the HIS has played all' ended "$his"
docker logs "$his" 2>&1 | tail -1 | sed 's/^/             /'

{
  orgate gate-1 ledger export --config /etc/orgate/orgate.toml
  orgate gate-2 ledger export --config /etc/orgate/orgate.toml
} | docker exec -i "$downstream" python3 /opt/stand-ins/count.py || wrong=1
for gate in gate-1 gate-2; do
  # The chain from the files alone; the ledger of the one that was killed goes on where it was cut off.
  printf '%-12s ' "$gate"
  orgate "$gate" ledger verify --config /etc/orgate/orgate.toml || wrong=1
done
"${compose[@]}" run --rm --no-deps stream 2>/dev/null | sed 's/^/NATS         /'
if docker logs "$(container haproxy)" 2>&1 | grep -q '/direct '; then
  printf 'the balancer went round the gates\n'
  wrong=1
fi
exit "$wrong"
