#!/bin/sh
# Makes the secrets of a cluster that are missing, each a file of its own that nobody else may read.
#   sh deploy/secrets.sh FOLDER        as deploy/secrets; needs openssl and mosquitto_passwd
# For Kubernetes: kubectl -n threshold create secret generic secrets --from-file=FOLDER
set -eu
umask 077
[ $# -eq 1 ] || { sed -n '2,5p' "$0"; exit 2; }
mkdir -p "$1"
for name in mqtt-password postgresql-password influx-password influx-token grafana-password; do
    if [ ! -s "$1/$name" ]; then
        openssl rand -hex 32 | tr -d '\n' > "$1/$name"
        echo "made $1/$name"
    fi
done
if [ ! -s "$1/mosquitto-passwd" ]; then
    printf 'threshold:%s\n' "$(cat "$1/mqtt-password")" > "$1/mosquitto-passwd"
    mosquitto_passwd -U "$1/mosquitto-passwd"
    echo "made $1/mosquitto-passwd with the user threshold; add each bridge: mosquitto_passwd $1/mosquitto-passwd NAME"
fi
[ -e "$1/fleet.toml" ] || { : > "$1/fleet.toml"; echo "made an empty $1/fleet.toml: put the site's fleet there"; }
# The containers' users read their own secrets: as root they are given to them.
if [ "$(id -u)" = 0 ]; then
    chown 1883:1883 "$1/mosquitto-passwd"
    chown 10001:10001 "$1/mqtt-password" "$1/fleet.toml"
    chown 999:999 "$1/postgresql-password"
    chown 1000:1000 "$1/influx-password"
    chown 472:472 "$1/grafana-password"
    # Read by InfluxDB at its first start, by the sink, the desk and Grafana: three users.
    chmod 0444 "$1/influx-token"
fi
