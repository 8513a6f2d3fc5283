#!/usr/bin/env bash
# Starts three replicas that share a Redis, and the page that shows what they answer. FRONT and REPLICAS choose other addresses than 127.0.0.1:8080 to
# :8083, CACHETTE_URL another Redis than one that is started here, at REDIS_PORT (6390). It ends them all when it is interrupted.
set -euo pipefail
cd "$(dirname "$0")/../.."

front=${FRONT:-127.0.0.1:8080}
read -r -a replicas <<<"${REPLICAS:-127.0.0.1:8081 127.0.0.1:8082 127.0.0.1:8083}"
scratch=$(mktemp -d)
pids=()
finish() {
	trap - EXIT
	kill "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 0' INT TERM

go build -o "$scratch/fleet" ./example/fleet
if [ -z "${CACHETTE_URL:-}" ]; then
	port=${REDIS_PORT:-6390}
	redis-server --bind 127.0.0.1 --port "$port" --save "" --appendonly no --dir "$scratch" >"$scratch/redis.log" &
	pids+=($!)
	for _ in {1..50}; do # until it answers: replicas would say that it does not
		if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
		kill -0 "$!" 2>/dev/null || { cat "$scratch/redis.log" >&2; exit 1; }
		sleep 0.1
	done
	export CACHETTE_URL=redis://127.0.0.1:$port
fi
export CACHETTE_SERVICE=shop
urls=()
for i in "${!replicas[@]}"; do
	"$scratch/fleet" -replica "replica-$((i + 1))" -address "${replicas[$i]}" -database "http://$front/database" &
	pids+=($!)
	echo "replica $((i + 1)): kill -9 $!"
	urls+=("http://${replicas[$i]}")
done
"$scratch/fleet" -address "$front" -replicas "$(IFS=,; echo "${urls[*]}")" &
pids+=($!)
wait
