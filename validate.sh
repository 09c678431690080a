#!/bin/sh
# Checks a running installation in ten steps; docs/validation.md explains each line of the output.
#
#   ./validate.sh                    the stack that `make up` started, or else the one that `docker compose up` started
#   DIR=/some/where ./validate.sh    the stack of another directory, as with `make up DIR=/some/where`
#   ./validate.sh --base-url URL     any other installation; the addresses of its servers are in the environment or .env
#
# Further arguments are passed on to `python -m validation`, such as --seconds 600 for slow models.
set -eu
CDPATH= cd -- "$(dirname -- "$0")"

directory=${DIR:-.devstack}
python=.venv/bin/python
[ -x "$python" ] || python=python3

validate_devstack() {
  address=$("$python" -c 'import json, sys; print(json.loads(sys.argv[1])["web_url"] or "")' "$status")
  exec "$python" -m devstack run --dir "$directory" validation ${address:+--base-url "$address"} "$@"
}

# Runs in a container, because only the containers reach the servers. In that of `web` the page is on the loopback
# address, and TRUST_USER_ID is set; the others are for the case that `web` does not run.
validate_compose() {
  for service in web relay bridge worker beat; do
    if printf '%s\n' "$services" | grep -qx "$service"; then
      [ "$service" = web ] || set -- --base-url http://web:8000 "$@"
      exec docker compose exec -T "$service" python -m validation "$@"
    fi
  done
}

case " $* " in
  *" --base-url"* | *" --help "*) exec "$python" -m validation "$@" ;;
esac
if [ -f "$directory/stack.json" ] && status=$("$python" -m devstack status --dir "$directory" --json 2>/dev/null); then
  validate_devstack "$@"
fi
if command -v docker >/dev/null && services=$(docker compose ps --status running --services 2>/dev/null); then
  validate_compose "$@"
fi
echo "Nothing to validate: no stack runs in $directory, and none with docker compose. Start one with \`make up\` or" >&2
echo "\`docker compose up\`, or give the address of another one with --base-url." >&2
exit 1
