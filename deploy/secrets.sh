#!/bin/sh
# Makes every secret of the compose file once, random, readable by their owner and the containers.
# Existing ones are kept.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets credentials prompts
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { [ -s "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }

for name in postgres_password postgres_writer_password postgres_dashboard_password nats_password \
  grafana_password api_key_salt dashboard_api_key; do
  keep "$name" "$(random)"
done
read_secret() { cat "secrets/$1"; }
keep nats_url "nats://nexus:$(read_secret nats_password)@nats-1:4222,nats://nexus:$(read_secret nats_password)@nats-2:4222,nats://nexus:$(read_secret nats_password)@nats-3:4222"
keep database_url "postgres://nexus_writer:$(read_secret postgres_writer_password)@postgres/nexus"
keep database_url_dashboard "postgres://nexus_dashboard:$(read_secret postgres_dashboard_password)@postgres/nexus"
keep client_key "cnp_live_$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"
{
  printf 'NATS_PASSWORD=%s\n' "$(read_secret nats_password)"
  printf 'NEXUS_CLIENT_KEY=%s\n' "$(read_secret client_key)"
} > .env
# The clients of the profile `cli` reach the gateways under the name nginx. With a key of the API they can ask at once.
if [ -n "${ANTHROPIC_API_KEY:-}" ] && [ ! -e credentials/nginx.credentials.json ]; then
  if [ -w credentials ]; then
    printf '{ "type": "api_key", "accountId": "acc_cli", "api_key": "%s", "client_api_key": "%s" }\n' \
      "$ANTHROPIC_API_KEY" "$(read_secret client_key)" > credentials/nginx.credentials.json
  else
    # It was handed over below, by an earlier run.
    echo "deploy/credentials is the gateways' user's by now: run this with sudo for the key to go there" >&2
  fi
fi
# Containers run under other users, so the files are readable; the directory is not, for anyone but its owner.
chmod 700 secrets
chmod 644 secrets/*
# The gateways read the credentials and prompts, and write refreshed and synchronised ones back, as this user.
chown -R 10001 credentials prompts 2>/dev/null ||
  echo "the gateways can't read deploy/credentials and deploy/prompts yet: sudo chown -R 10001 deploy/credentials deploy/prompts" >&2
echo "secrets are in deploy/secrets; the dashboard's key: $(read_secret dashboard_api_key)"
