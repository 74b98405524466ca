#!/bin/sh
# build-influxd.sh VERSION TARGET: builds influxd 2 from its Go module, for machines that have no binary of it.
# Needs go, cargo and a C compiler, and about 10 minutes on two cores. Everything stays in a temporary folder but TARGET.
set -eu
version=$1
target=$2
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export GOFLAGS=-mod=mod

# The sources, out of the module cache into a folder that may be written.
mkdir "$work/fetch" "$work/bin"
cd "$work/fetch"
go mod init fetch >/dev/null 2>&1
source=$(go mod download -json "github.com/influxdata/influxdb/v2@v$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
cp -R "$source" "$work/influxdb"
chmod -R u+w "$work/influxdb"
cd "$work/influxdb"
# go.mod asks for one exact Go; the one at hand will do.
sed -i '/^toolchain /d' go.mod

# Its own pkg-config knows how to build libflux (Rust) on the way and must be found before the system's.
GOBIN="$work/bin" go install github.com/influxdata/pkg-config
PATH="$work/bin:$PATH"
export PATH

# libflux denies warnings that compilers newer than itself give.
cat > "$work/rustc" <<'WRAPPER'
#!/bin/sh
compiler=$1
shift
exec "$compiler" "$@" --cap-lints warn
WRAPPER
chmod +x "$work/rustc"
export RUSTC_WRAPPER="$work/rustc" RUSTUP_TOOLCHAIN=stable

go build -tags sqlite_foreign_keys,sqlite_json -o "$work/influxd" \
    -ldflags "-X main.version=v$version" ./cmd/influxd
mv "$work/influxd" "$target"
