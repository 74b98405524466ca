#!/bin/sh
# A private certificate authority, and a certificate for every part of a cluster.
#   sh deploy/make-certificates.sh FOLDER            make what is missing, and anew what ends within 60 days
#   sh deploy/make-certificates.sh FOLDER --all      make every part's certificate anew (the authority stays)
# Of each part FOLDER/<part>/ then holds ca.pem, certificate.pem and key.pem, and both in keystore.pem as Kafka wants it.
# FOLDER/authority/ca.key signs whatever this cluster believes: keep it off the machines that run it.
# More names of a part, as people reach it:  THRESHOLD_NAMES="desk=desk.example.org gateway=mqtt.example.org"
# Run as root, each part's folder goes to the user its container runs as; keys are readable by nobody else.
set -eu
umask 077
[ $# -ge 1 ] || { sed -n '2,8p' "$0"; exit 2; }
folder=$1
all=${2:-}
PARTS="mosquitto kafka gateway streams sink desk postgresql influxdb grafana prometheus"
NAMESPACE=threshold
AUTHORITY_DAYS=3650
PART_DAYS=398

owner() {
    case $1 in
        gateway | streams | sink | desk) echo 10001 ;;
        mosquitto) echo 1883 ;;
        kafka | influxdb) echo 1000 ;;
        postgresql) echo 999 ;;
        grafana) echo 472 ;;
        prometheus) echo 65534 ;;
    esac
}

names() {
    echo "DNS:$1,DNS:$1.$NAMESPACE,DNS:$1.$NAMESPACE.svc,DNS:$1.$NAMESPACE.svc.cluster.local"
    echo "DNS:*.$1.$NAMESPACE.svc.cluster.local,DNS:localhost,IP:127.0.0.1"
    for pair in ${THRESHOLD_NAMES:-}; do
        if [ "${pair%%=*}" = "$1" ]; then echo "DNS:${pair#*=}"; fi
    done
}

mkdir -p "$folder/authority"
if [ ! -f "$folder/authority/ca.key" ]; then
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/authority/ca.key"
    openssl req -x509 -new -key "$folder/authority/ca.key" -sha256 -days $AUTHORITY_DAYS \
        -subj "/O=Threshold/CN=Threshold's own authority" -out "$folder/authority/ca.pem" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
    echo "made an authority: $folder/authority"
fi

for part in $PARTS; do
    own=$folder/$part
    mkdir -p "$own"
    # A changed authority makes every certificate worthless; one that ends soon is made anew too.
    if [ "$all" != "--all" ] && [ -f "$own/certificate.pem" ] \
        && openssl x509 -in "$own/certificate.pem" -noout -checkend 5184000 >/dev/null \
        && openssl verify -CAfile "$folder/authority/ca.pem" "$own/certificate.pem" >/dev/null 2>&1; then
        continue
    fi
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$own/key.new"
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=serverAuth,clientAuth"
        echo "subjectKeyIdentifier=hash"
        echo "authorityKeyIdentifier=keyid"
        echo "subjectAltName=$(names "$part" | paste -sd, -)"
    } > "$own/extensions"
    openssl req -new -key "$own/key.new" -subj "/O=Threshold/CN=$part" \
        | openssl x509 -req -sha256 -days $PART_DAYS -CA "$folder/authority/ca.pem" -CAkey "$folder/authority/ca.key" \
            -extfile "$own/extensions" -out "$own/certificate.new" 2>/dev/null
    rm "$own/extensions"
    cp "$folder/authority/ca.pem" "$own/ca.pem"
    cat "$own/key.new" "$own/certificate.new" > "$own/keystore.pem"
    mv "$own/key.new" "$own/key.pem"
    mv "$own/certificate.new" "$own/certificate.pem"
    if [ "$(id -u)" = 0 ]; then chown -R "$(owner "$part"):$(owner "$part")" "$own"; fi
    echo "made a certificate for $part, good for $PART_DAYS days"
done
