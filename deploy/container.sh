#!/bin/sh
# In a container:  container.sh gateway|streams|sink|desk [FILE]   the process, under this machine's name
#                  container.sh probe gateway|… [--live] [FILE]    whether it is ready (deploy/probe.py)
# In the settings @HOSTNAME@ becomes this container's own name, so that every gateway has its own, and @COPIES@ how many
# brokers keep each topic (THRESHOLD_COPIES, 1 unless told).
set -eu
filled=${THRESHOLD_TMP:-/tmp}/threshold.toml
settings() { sed "s/@HOSTNAME@/$(hostname)/g; s/@COPIES@/${THRESHOLD_COPIES:-1}/" "$1" > "$filled"; }
if [ "$1" = probe ]; then
    name=$2
    live=
    shift 2
    if [ "${1:-}" = --live ]; then live=--live && shift; fi
    exec python -m deploy.probe "$name" --config "$filled" $live
fi
settings "${2:-/etc/threshold/site.toml}"
exec python -m deploy.process "$1" --config "$filled"
