#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml: every package at one version, with the hashes of its files.
#   sh deploy/lock.sh              keep the versions of the lock where they still fit
#   sh deploy/lock.sh --upgrade    take the newest that fit
# Needs uv on PATH. The three files are three layers of one resolution: the largest is made first and binds the others,
# so that a machine that has installed `run` and later needs `test` changes no version.
set -eu
cd "$(dirname "$0")/.."

compile() {
    layer=$1
    shift
    uv pip compile pyproject.toml "$@" --output-file "requirements/$layer.txt" --quiet \
        --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "sh deploy/lock.sh"
    echo "requirements/$layer.txt: $(grep -c '==' "requirements/$layer.txt") packages"
}

mkdir -p requirements
compile test --extra cluster --extra test "$@"
compile cluster --extra cluster --constraint requirements/test.txt
compile run --constraint requirements/test.txt

# No address of a registry may come in with the lock: whoever installs has his own.
if grep -nE '://|--(index|extra-index|find-links)' requirements/*.txt; then
    echo "deploy/lock.sh: the lines above name an address; take them out before committing" >&2
    exit 1
fi
