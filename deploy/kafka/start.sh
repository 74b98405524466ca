#!/bin/sh
# Fills server.properties in for this node, formats its disk at the first start, and becomes the broker.
#   KAFKA_NODE, KAFKA_HOST, KAFKA_VOTERS, KAFKA_COPIES, KAFKA_CLUSTER say who it is; kafka-2 of Kubernetes is node 2.
set -eu
node=${KAFKA_NODE:-${HOSTNAME##*-}}
copies=${KAFKA_COPIES:-1}
in_sync=$((copies > 1 ? copies - 1 : 1))
host=${KAFKA_HOST:-$HOSTNAME${KAFKA_DOMAIN:+.$KAFKA_DOMAIN}}
voters=${KAFKA_VOTERS:-$node@$host:9093}
sed -e "s|@NODE@|$node|; s|@HOST@|$host|; s|@VOTERS@|$voters|; s|@LISTEN@|0.0.0.0|g; s|@CONTROLLER_PORT@|9093|g" \
    -e "s|@PORT@|9092|g; s|@COPIES@|$copies|; s|@IN_SYNC@|$in_sync|; s|@DATA@|/var/lib/kafka/data|; s|@TLS@|/run/tls|" \
    /etc/kafka-threshold/server.properties > /tmp/server.properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "$KAFKA_CLUSTER" --config /tmp/server.properties
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties
