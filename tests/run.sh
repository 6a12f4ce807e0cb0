#!/usr/bin/env bash
# Runs every test of the solution, after installing what they need. Last line: "N passed, N failed, N skipped".
#   tests/run.sh                 all tests, Release
#   tests/run.sh --filter X      only the tests whose full name contains X (vstest's filter syntax)
set -uo pipefail
cd "$(dirname "$0")/.."

# The tests drive real peers: openssl and curl against the server, a browser, a TCP server, network namespaces.
# Where a tool is missing and cannot be installed here, the tests that need it are skipped and say so.
packages=()
need() { command -v "$1" >/dev/null 2>&1 || packages+=("$2"); }
needlib() { ldconfig -p 2>/dev/null | grep -q "$1" || packages+=("$2"); }
need openssl openssl
need curl curl
need git git
need ssh openssh-client
[ -x /usr/sbin/sshd ] || packages+=(openssh-server)
need ip iproute2
need nft nftables
need h2load nghttp2-client
need pebble pebble
need lego lego
need psql postgresql-client
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)
need ping iputils-ping
need redis-server redis-server
need chromium chromium
need prometheus prometheus
need clang clang
need conntrack conntrack
need haproxy haproxy
need tshark tshark
need fish fish
need zsh zsh
need docker-registry docker-registry
need bwrap bubblewrap
needlib 'libssl\.so\.3' libssl3
if ! ldconfig -p 2>/dev/null | grep -qE 'libngtcp2_crypto_gnutls\.so'; then
    if apt-cache show libngtcp2-16 >/dev/null 2>&1; then packages+=(libngtcp2-16 libngtcp2-crypto-gnutls8)
    else packages+=(libngtcp2-9 libngtcp2-crypto-gnutls2); fi
fi
if [ ${#packages[@]} -gt 0 ]; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo -n"
    if command -v apt-get >/dev/null 2>&1; then
        echo "Installing: ${packages[*]}"
        $sudo apt-get update -qq >/dev/null 2>&1
        for package in "${packages[@]}"; do
            DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 \
                || echo "  $package could not be installed: tests that need it are skipped"
        done
    else
        echo "Not installed, and no apt-get here: ${packages[*]} (tests that need them are skipped)"
    fi
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
dotnet restore MtaTls.AspNetCore.sln --locked-mode || { echo "restore failed"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
dotnet build MtaTls.AspNetCore.sln -c Release --no-restore || { echo "build failed"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }

status=0
# Spaces, line ends and line breaks; the other rules of .editorconfig are errors of the build.
dotnet format whitespace . --folder --verify-no-changes || { echo "Format: run \"dotnet format MtaTls.AspNetCore.sln\""; status=1; }

# One project after another: functional tests measure time-outs, and two cores are soon busy. On a busy machine a compilation
# to native code takes longer than five minutes.
for project in tests/*.Tests/*.csproj tests/MtaTls.FunctionalTests/*.csproj; do
    [ -f "$project" ] || continue
    name=$(basename "$project" .csproj)
    dotnet test "$project" -c Release --no-build --logger "trx;LogFileName=$name.trx" --results-directory "$results" \
        --blame-hang-timeout 20m --blame-hang-dump-type none "$@" || status=1
done

# Where QUIC's tests ran with the library of Debian 12, they run once more with that of Debian 13, extracted beside.
debian13() {
    [ $# = 0 ] || return 0
    ldconfig -p 2>/dev/null | grep -q 'libngtcp2\.so\.9' || return 0
    command -v apt-get >/dev/null 2>&1 || return 0
    local root="$results/debian13" options
    mkdir -p "$root"/{state/lists/partial,cache/archives/partial,debs,files}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" >"$root/sources.list"
    options=(-qq -o "Dir::Etc::sourcelist=$root/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$root/state" -o "Dir::Cache=$root/cache"
        -o Dir::State::status=/var/lib/dpkg/status -o "APT::Sandbox::User=$(id -un)")
    if ! (timeout 120 apt-get "${options[@]}" update && cd "$root/debs" && timeout 60 apt-get "${options[@]}" download libngtcp2-16 libngtcp2-crypto-gnutls8) >/dev/null 2>&1; then
        echo "Debian 13's libngtcp2 cannot be had here: its tests are left out"
        return 0
    fi
    for package in "$root"/debs/*.deb; do dpkg -x "$package" "$root/files"; done
    local libraries
    libraries=$(dirname "$(find "$root/files" -name 'libngtcp2.so.16' | head -1)")
    for name in MtaTls.Quic.Tests MtaTls.QuicTunnel.Tests; do
        LD_LIBRARY_PATH=$libraries dotnet test "tests/$name/$name.csproj" -c Release --no-build --logger "trx;LogFileName=$name.debian13.trx" --results-directory "$results" \
            --blame-hang-timeout 5m --blame-hang-dump-type none || status=1
    done
}
debian13 "$@"

# The benchmark program still runs; how fast does not matter here.
if [ $# = 0 ]; then
    if timeout 600 dotnet run --no-build -c Release --project tests/MtaTls.Benchmarks -- compare --quick --output "$results/benchmarks" >"$results/benchmarks.log" 2>&1; then
        echo "Benchmarks: compare --quick ran"
    else
        echo "Benchmarks: compare --quick failed"; tail -30 "$results/benchmarks.log"; status=1
    fi
fi

# A minute of inputs that nobody expects; a failure prints what replays it.
if [ $# = 0 ]; then
    if timeout 300 dotnet run --no-build -c Release --project tests/MtaTls.Fuzz -- --seconds 60; then
        echo "Fuzz targets: no failure"
    else
        echo "Fuzz targets: failed"; status=1
    fi
fi

count() { cat "$results"/*.trx 2>/dev/null | grep -o "<Counters [^>]*" | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ s += $1 } END { print s + 0 }'; }
total=$(count total); passed=$(count passed); executed=$(count executed)
failed=$((executed - passed)); skipped=$((total - executed))
[ "$total" -gt 0 ] || status=1
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
